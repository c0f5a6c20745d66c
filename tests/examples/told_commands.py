#!/usr/bin/env python3
"""Say what README.md and the welcome page tell people to say to http_server.

    told_commands.py FOLDER

FOLDER holds the built examples.  Exit code 77: there is no curl here.
"""
import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import run_example
from http_server_talk import Web
from run_example import Failure, TALK_SECONDS, check

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACE = "http://127.0.0.1:7000"

# What each answers, by the end of its path.  Events have no end: curl stops.
ANSWERS = {"/hello": (0, "Hello, world!\n"), "/echo": (0, "some words"),
           "/upload/": (0, "201 Created\n"),
           "/events": (28, "id: 0\ndata: second 0\n\n")}


def of_readme():
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^    (curl .*{PLACE}.*)$", text, re.M)


def of_page(web):
    page = web.ask("GET", "/")[2].decode()
    block = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.S)[1]
    return html.unescape(re.sub("<[^>]*>", "", block)).splitlines()


def say(command, url):
    """The exit code, and what it prints, of a command that names PLACE."""
    command = command.replace(PLACE, url).replace("FILE", "README.md")
    command = re.sub("^curl ", "curl -sS --fail --max-time 1.5 ", command)
    command = re.sub("^(wrk .*)-d 10 ", r"\1-d 1 ", command)
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, text=True,
                          capture_output=True, timeout=TALK_SECONDS)
    return done.returncode, done.stdout


def say_all(commands, url):
    for command in commands:
        tool, path = command.split()[0], command.split(PLACE)[1]
        check(path in ANSWERS, f"nobody answers {path}")
        if tool == "wrk":
            if shutil.which("wrk"):
                code, said = say(command, url)
                check(code == 0 and "Requests/sec" in said, said)
            continue
        code, said = say(command, url)
        check(code == ANSWERS[path][0] and said.startswith(ANSWERS[path][1]),
              f"{command}: exit code {code}, {said!r}")


def main():
    if not shutil.which("curl"):
        print("skipped: there is no curl")
        return SKIPPED
    runner = run_example.Runner(sys.argv[1], "http_server")
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["TMPDIR"] = scratch
        try:
            program, address = runner.serve("--root", str(ROOT))
            readme, page = of_readme(), of_page(Web(address, TALK_SECONDS))
            check((len(readme), len(page)) == (3, 5), f"{readme}, {page}")
            say_all(readme + page, f"http://{address[0]}:{address[1]}")
            run_example.stop(program, run_example.signal.SIGTERM)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            runner.end()
            print(f"told_commands: {failure}",
                  *[program.said() for program in runner.programs], sep="\n")
            return 1
        finally:
            runner.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
