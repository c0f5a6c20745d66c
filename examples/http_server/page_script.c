/* GET /page.js: lets the page of page.c show its numbers as they grow. */
#include "app.h"

static const char script[] =
    "'use strict';\n"
    "const of = id => document.getElementById(id);\n"
    "const text = number => Math.round(number).toLocaleString('en');\n"
    "const second = () => new Promise(done => setTimeout(done, 1000));\n"
    "let before;\n"
    "\n"
    "async function showNumbers() {\n"
    "  const {workers} = await (await fetch('/stats')).json();\n"
    "  for (const row of document.querySelectorAll('tr[data-of]'))\n"
    "    workers.forEach((worker, i) => row.cells[i + 1].textContent =\n"
    "      text(worker[row.dataset.of]));\n"
    "  return workers.reduce((sum, worker) => sum + worker.requests, 0);\n"
    "}\n"
    "\n"
    "/* One of the requests since the last time is ours. */\n"
    "async function showRate() {\n"
    "  const now = {requests: await showNumbers(), ms: performance.now()};\n"
    "  const others = before ? now.requests - before.requests - 1 : 0;\n"
    "  const rate = before ? others * 1000 / (now.ms - before.ms) : 0;\n"
    "  of('live').textContent = text(Math.max(rate, 0))\n"
    "    + ' requests a second, without those of this page.';\n"
    "  of('lost').textContent = '';\n"
    "  before = now;\n"
    "}\n"
    "\n"
    "async function watch() {\n"
    "  for (;; await second())\n"
    "    await showRate().catch(() => {\n"
    "      of('live').textContent = '';\n"
    "      of('lost').textContent = 'The server does not answer.';\n"
    "      before = undefined;\n"
    "    });\n"
    "}\n"
    "\n"
    "of('echo').addEventListener('submit', async event => {\n"
    "  event.preventDefault();\n"
    "  const sent = {method: 'POST', body: of('words').value};\n"
    "  of('answer').textContent = await fetch('/echo', sent)\n"
    "    .then(answer => answer.text(), error => String(error));\n"
    "});\n"
    "for (const at of document.querySelectorAll('.at'))\n"
    "  at.textContent = location.origin;\n"
    "watch();\n";

int
send_script(struct ouro_http_request *request, void *context)
{
    (void)context;
    ouro_http_respond(request, 200, "text/javascript; charset=utf-8",
                      ouro_slice_of(script, sizeof(script) - 1));
    return 0;
}
