/* GET /: what the loops have counted so far, and what there is to try.
 *
 * All of it is there without a script; page_script.c keeps the numbers fresh.
 * It asks nobody else for anything, and forbids itself to.
 */
#include "app.h"

static const char policy[] =
    "default-src 'none'; script-src 'self'; connect-src 'self'; "
    "style-src 'unsafe-inline'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'";

static const char head[] =
    "<!doctype html>\n<html lang=en>\n<meta charset=utf-8>\n"
    "<meta name=viewport content='width=device-width,initial-scale=1'>\n"
    "<meta name=color-scheme content='light dark'>\n"
    "<title>ouro: it works</title>\n<link rel=icon href=data:,>\n<style>\n"
    ":root{--ink:#1d2b2b;--soft:#546363;--paper:#fbfaf7;--box:#eef1ee;"
    "--line:#d8dcd6;--mark:#0b6e6e;--bad:#a3320b}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#dde6e4;--soft:#9bacaa;"
    "--paper:#151919;--box:#212828;--line:#364140;--mark:#5cc8c0;"
    "--bad:#ff9d73}}\n"
    "body{font:17px/1.55 system-ui,sans-serif;max-width:44rem;"
    "margin:2.5rem auto;padding:0 1rem;color:var(--ink);"
    "background:var(--paper)}\n"
    "h1{font-size:2.4rem;line-height:1;margin:0;color:var(--mark)}"
    "h2{font-size:1.25rem;margin:2.2rem 0 .6rem}"
    "h1+p{font-size:1.2rem;margin:.3rem 0 1.4rem;color:var(--soft)}\n"
    "a{color:var(--mark)}code,pre,output{font:15px/1.7 ui-monospace,monospace;"
    "background:var(--box);border-radius:6px}\n"
    "code{padding:.1em .3em;white-space:nowrap}pre{padding:.8rem "
    "1rem;overflow-x:auto}"
    "li{margin:.25rem 0}.wide{overflow-x:auto}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "th,td{padding:.3rem 0 .3rem 1.6rem;text-align:right;"
    "border-bottom:1px solid var(--line)}"
    "th{font-weight:400;white-space:nowrap}thead th{color:var(--soft)}"
    "th[scope=row]{text-align:left;padding-left:0}\n"
    "#lost{color:var(--bad)}#live:empty,#lost:empty{display:none}\n"
    "form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center}"
    "input,button{font:inherit;color:inherit;background:var(--box);"
    "border:1px solid var(--soft);border-radius:6px;padding:.3rem .6rem}"
    "input{flex:1 1 9rem;min-width:0}"
    "output{flex-basis:100%;padding:.4rem 1rem}output:empty{display:none}\n"
    "</style>\n"
    "<h1>ouro</h1>\n<p>asyncio for C, on io_uring\n"
    "<p>It works: this page comes from a C program, with an event loop on "
    "each of its threads.\n"
    "<h2>The loops, right now</h2>\n"
    "<p id=live>Load this page again to see the numbers move.\n"
    "<p id=lost role=alert></p>\n"
    "<div class=wide tabindex=0 role=region aria-label='The loops'>"
    "<table><thead>\n";

static const char tail[] =
    "</table></div>\n"
    "<h2>Try it here</h2>\n"
    "<form id=echo action=/echo method=post enctype=text/plain>"
    "<label for=words>Say</label>"
    "<input id=words name=words value='some words' autocomplete=off>"
    "<button>Send to /echo</button>"
    "<output id=answer for=words></output></form>\n"
    "<ul>\n"
    "<li><a href=/hello>/hello</a>, a line of text\n"
    "<li><a href=/events>/events</a>, one event a second, as long as you look\n"
    "<li><a href=/stats>/stats</a>, the numbers above as JSON\n"
    "<li><code>/static/…</code>, the files below <code>--root</code>, "
    "whole or in ranges\n"
    "</ul>\n"
    "<h2>Or from a terminal</h2>\n"
    "<pre tabindex=0>curl <span class=at>http://127.0.0.1:7000</span>/hello\n"
    "curl -d 'some words' <span class=at>http://127.0.0.1:7000</span>/echo\n"
    "curl -T FILE <span class=at>http://127.0.0.1:7000</span>/upload/\n"
    "curl -N <span class=at>http://127.0.0.1:7000</span>/events\n"
    "wrk -c 64 -d 10 <span class=at>http://127.0.0.1:7000</span>/hello</pre>\n"
    "<p>The last one is load: watch the numbers meanwhile.  Ctrl-C in the "
    "terminal of the server ends it, after what is in flight.\n"
    "<h2>Make it yours</h2>\n"
    "<p>Its source is in <code>examples/http_server/</code>.  The shortest "
    "web server is <code>examples/http_hello.c</code>, and "
    "<code>docs/guide/tutorial.md</code> goes from nothing to a chat server "
    "in six steps.\n"
    "<script src=/page.js></script>\n"
    "</html>\n";

int
show_page(struct ouro_http_request *request, void *context)
{
    struct worker *worker = context;
    struct answer answer;
    int rc = ouro_http_add_header(request, "Content-Security-Policy",
                                  ouro_slice_of(policy, sizeof(policy) - 1));

    if (rc == 0)
        rc = answer_begin(&answer);
    if (rc < 0)
        return rc;
    stats_publish(worker);
    fputs(head, answer.out);
    stats_write_table(worker->app, answer.out);
    fputs(tail, answer.out);
    return answer_send(&answer, request, "text/html; charset=utf-8");
}
