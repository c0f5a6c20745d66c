#!/usr/bin/env python3
"""Look at the welcome page of examples/http_server in a real browser.

    http_page.py FOLDER [PICTURES]

FOLDER holds the built examples.  What the page looks like is written to
PICTURES, if that is named.  Exit code 77: there is no Chromium here.
"""
import os
import pathlib
import sys
import tempfile

import browser
import run_example
from run_example import Failure, TALK_SECONDS, check

SKIPPED = 77

# A number of the table, of all workers together.
SUM = """[...document.querySelectorAll('[data-of=%s] td')].reduce(
    (sum, cell) => sum + Number(cell.textContent.replaceAll(',', '')), 0)"""

# Texts that stand out too little from what is behind them: WCAG 2, 1.4.3.
TOO_PALE = """(() => {
    const levels = colour => colour.match(/[\\d.]+/g).map(Number);
    const light = colour => levels(colour).slice(0, 3)
        .map(is => is / 255)
        .map(is => is <= 0.04045 ? is / 12.92 : ((is + 0.055) / 1.055) ** 2.4)
        .reduce((sum, is, i) => sum + is * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = of => levels(getComputedStyle(of).backgroundColor)[3] === 0
        ? behind(of.parentElement)
        : getComputedStyle(of).backgroundColor;
    const contrast = of => {
        const both = [light(getComputedStyle(of).color), light(behind(of))];
        return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    };
    return [...document.body.querySelectorAll('*')]
        .filter(of => of.checkVisibility() && contrast(of) < 4.5)
        .map(of => of.outerHTML);
})()"""

PLACES = """performance.getEntriesByType('resource').map(
    is => new URL(is.name).origin)"""


def is_plain_without_script(page, url):
    page.allow_scripts(False)
    page.open(url)
    check(page.ask("document.documentElement.lang") == "en", "no language")
    check("ouro" in page.ask("document.title"), "no title")
    check(page.ask("document.querySelectorAll('h1').length") == 1, "no h1")
    check(page.ask(SUM % "connections") > 0, "no numbers without a script")
    page.ask("document.getElementById('words').value = 'good morning'")
    page.ask("document.getElementById('echo').submit()")
    page.wait_until("location.pathname == '/echo'")
    page.wait_until("document.body.textContent.includes('good morning')")
    page.allow_scripts(True)


def is_alive(page, url):
    page.open(url)
    before = page.ask(SUM % "requests")
    page.wait_until(f"{SUM % 'requests'} >= {before + 3}")
    check(page.ask(SUM % "bytes_sent") > 0, "no bytes are counted")
    page.wait_until("live.textContent.includes(' requests a second')")
    check(page.ask("lost.textContent") == "", "it says that something is lost")
    check(page.ask("document.querySelector('pre').textContent")
          .count(url.rstrip("/")) == 5, "the commands name another address")
    page.ask("words.value = 'some ünusual words'")
    page.ask("document.querySelector('button').click()")
    page.wait_until("answer.textContent == 'some ünusual words'")


def is_ours_only(page, url):
    places = page.ask(PLACES)
    check(places and {*places} == {url.rstrip("/")}, f"it asks {places}")
    check(page.complaints == [], f"it complains: {page.complaints}")
    page.ask("fetch('http://127.0.0.2:1/').catch(() => 0)")
    check("Content Security Policy" in str(page.complaints),
          "it may ask somebody else")


def fits(page, url, pictures):
    for name, width, height in (("wide", 1280, 900), ("phone", 360, 740)):
        for colours in ("light", "dark"):
            page.look(width, height, colours)
            page.open(url)
            page.wait_until("live.textContent.includes(' requests a second')")
            if pictures:
                file = pathlib.Path(pictures) / f"{name}-{colours}.png"
                file.write_bytes(page.picture())
            pale = page.ask(TOO_PALE)
            check(pale == [], f"{name}, {colours}: too pale: {pale}")
            check(page.ask("document.documentElement.scrollWidth") <= width,
                  f"{name}: the page is wider than the window")


def tells_of_the_end(page, program):
    run_example.stop(program, run_example.signal.SIGTERM)
    page.wait_until("lost.textContent.includes('does not answer')")


def look_at(runner, folder, pictures):
    program, address = runner.serve()
    url = f"http://{address[0]}:{address[1]}/"
    page = browser.Browser(folder, TALK_SECONDS)
    try:
        is_plain_without_script(page, url)
        is_alive(page, url)
        is_ours_only(page, url)
        fits(page, url, pictures)
        tells_of_the_end(page, program)
    finally:
        page.end()


def main():
    folder, *pictures = sys.argv[1:]
    if not browser.find_browser():
        print("skipped: there is no chromium")
        return SKIPPED
    runner = run_example.Runner(folder, "http_server")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        os.environ["TMPDIR"] = scratch
        try:
            look_at(runner, scratch, pictures[0] if pictures else None)
        except (Failure, OSError, browser.BrowserError) as failure:
            runner.end()
            print(f"http_page: {failure}",
                  *[program.said() for program in runner.programs], sep="\n")
            return 1
        finally:
            runner.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
