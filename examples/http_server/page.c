/* GET /: what there is to try, and what the loops have counted so far.
 *
 * The numbers are in the page as it comes, and a few lines of script keep them
 * fresh where scripts run.
 */
#include "app.h"

static const char head[] =
    "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    "<meta name=viewport content='width=device-width'>\n"
    "<title>ouro</title>\n<style>\n"
    "body{font:17px/1.5 system-ui,sans-serif;max-width:46rem;"
    "margin:3rem auto;padding:0 1rem;color:#223;background:#fbfaf7}\n"
    "h1{font-size:2.4rem;margin:0;color:#0b6e6e}h2{margin-top:2rem}\n"
    "code,pre{font:15px/1.6 ui-monospace,monospace;background:#eef1ee;"
    "border-radius:6px}\n"
    "code{padding:.1em .3em}pre{padding:.8rem 1rem;overflow-x:auto}\n"
    "table{border-collapse:collapse;width:100%;"
    "font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.3rem .6rem;text-align:right;"
    "border-bottom:1px solid #d8dcd6}\n"
    "th{font-weight:600;font-size:.8rem}a{color:#0b6e6e}\n"
    "@media(prefers-color-scheme:dark){body{background:#161a1a;"
    "color:#dde}code,pre{background:#232929}th,td{border-color:#344}"
    "a,h1{color:#5cc8c0}}\n"
    "</style>\n"
    "<h1>ouro</h1>\n"
    "<p>It works: this page comes from a C program, asyncio on io_uring, "
    "with one event loop on each thread.\n"
    "<h2>The loops, right now</h2>\n"
    "<table><thead><tr><th>worker<th>requests<th>refused<th>connections"
    "<th>active<th>bytes in<th>bytes out<th>turns<th>tasks"
    "<tbody id=rows>\n";

static const char tail[] =
    "</table>\n"
    "<h2>Try</h2>\n"
    "<ul>\n"
    "<li><a href=/hello>/hello</a>: a line of text\n"
    "<li><a href=/events>/events</a>: server-sent events, one a second\n"
    "<li><a href=/stats>/stats</a>: these numbers, as JSON\n"
    "<li><a href=/static/README.md>/static/README.md</a>: a file below "
    "<code>--root</code>, in ranges if you ask for one\n"
    "</ul>\n"
    "<pre>curl <span class=at>http://127.0.0.1:7000</span>/hello\n"
    "curl -d 'some words' <span class=at>http://127.0.0.1:7000</span>/echo\n"
    "curl -T README.md <span class=at>http://127.0.0.1:7000</span>/upload/"
    "\n</pre>\n"
    "<p>The source is <code>examples/http_server/</code>.\n"
    "<script>\n"
    "for (const at of document.querySelectorAll('.at'))\n"
    "  at.textContent = location.origin;\n"
    "setInterval(async () => {\n"
    "  const stats = await (await fetch('/stats')).json();\n"
    "  document.getElementById('rows').innerHTML = stats.workers.map(\n"
    "    is => '<tr><td>' + Object.values(is).join('<td>')).join('');\n"
    "}, 1000);\n"
    "</script>\n"
    "</html>\n";

int
show_page(struct ouro_http_request *request, void *context)
{
    struct worker *worker = context;
    size_t size = sizeof(head) + STATS_SIZE + sizeof(tail);
    char *page = malloc(size);

    if (page == NULL)
        return -ENOMEM;
    stats_publish(worker);
    size_t length = sizeof(head) - 1;
    memcpy(page, head, length);
    length += stats_rows(worker->app, page + length, STATS_SIZE);
    memcpy(page + length, tail, sizeof(tail) - 1);
    length += sizeof(tail) - 1;
    ouro_http_respond(request, 200, "text/html; charset=utf-8",
                      ouro_slice_of(page, length));
    free(page);
    return 0;
}
