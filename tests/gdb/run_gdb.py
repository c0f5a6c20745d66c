#!/usr/bin/env python3
"""Look at a program with gdb and tools/gdb/ouro.py.

    run_gdb.py PROGRAM EXAMPLE [live|task|core|select|no_debug_info|nothing]

PROGRAM is that of program.c, EXAMPLE is examples/dump.  Exit code 77 means
that there is no gdb with Python here, or that it may not trace.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77
SECONDS = 60 * int(os.environ.get("OURO_TEST_TIMEOUT_SCALE", "1"))
SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/gdb/ouro.py"
LOCKED = r"2 'rent' \(dump\.c:\d+\) waits for a lock \(dump\.c:\d+\): 3 'wage'"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


def check(condition, what, text):
    if not condition:
        raise Failure(f"{what}, but:\n{text}")


def gdb(arguments, *commands):
    """What gdb and the program print."""
    command = ["gdb", "--batch", "-nx", "-iex", "set debuginfod enabled off"]
    for text in ("set width 0", "set confirm off", f"source {SCRIPT}",
                 *commands):
        command += ["-ex", text]
    # The program may hold on to what gdb has left it.
    done = subprocess.run([*command, *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=SECONDS)
    if re.search(r"ptrace: Operation not permitted|Could not trace",
                 done.stdout):
        raise Skip("gdb may not trace here")
    return done.stdout


def between(text, first, last):
    check(first in text and last in text, f"{first} and {last} are missing",
          text)
    return text.split(first, 1)[1].split(last, 1)[0]


def comparable(text):
    """Without what only one of the two can know: how much time is left, who
    the peer of a connection is, and on which thread a task runs."""
    for known, word in ((r", (\d+\.\d+ s left|for ever|no time left)", ""),
                        (r"(from|to) (127\.0\.0\.1:\d+|descriptor \d+)",
                         r"\1 X"),
                        (r" runs, on thread \d+", " runs")):
        text = re.sub(known, word, text)
    return [line for line in text.splitlines()
            if re.match(r" *\d+ |    (in|awaited) |who waits|\d+ tasks", line)]


def compare(program, *arguments):
    """What the program says of itself is what gdb says of it."""
    text = gdb(["--args", program, *arguments], "break look_now", "run",
               "echo GDB\\n", "ouro tasks", "echo BT\\n", "ouro bt all",
               "echo END\\n")
    own = comparable(text.split("GDB\n")[0])
    told = comparable(between(text, "GDB\n", "BT\n"))
    check(len(own) > 60, "the program has many tasks", text)
    check(own == told, "the same is told",
          "\n".join(f"{a}\n{b}" for a, b in zip(own, told) if a != b) or text)
    return between(text, "BT\n", "END\n")


def live(program, _example):
    stacks = compare(program)
    for function in ("wait_lock", "wait_group", "wait_each",
                     "write_and_drain"):
        check(re.search(rf"^#\d+ .*\b{function} \(", stacks, re.M),
              f"{function} is in a backtrace", stacks)
    check("It has not begun." in stacks, "one has not begun", stacks)
    check("It has no stack any more." in stacks, "one has ended", stacks)
    check("ouro__context_" not in stacks, "switches are left out", stacks)


def task(program, _example):
    stacks = compare(program, "task")
    check(re.search(r"'main' .* runs, on thread \d+\n#0 ", stacks),
          "the one that runs has the frames of its thread", stacks)


def stopped_example(example, *commands):
    return gdb(["--args", example], "break tell_why", "run", *commands)


def check_task(text):
    check(re.search(rf"^{LOCKED}$", text, re.M), "the lock is told", text)
    check(re.search(r"^#\d+ .*\bpay \(", text, re.M),
          "pay is in the backtrace", text)


def core(_program, example):
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/core"
        text = stopped_example(example, f"ouro core {file}")
        check(os.path.exists(file), "there is a core", text)
        text = gdb([example, file], "ouro tasks")
        check(re.search(r"^      2 'rent', a cycle$", text, re.M),
              "the cycle is told", text)
        check_task(text + gdb([example, file], "ouro bt rent"))
        check_task(gdb([example, file], "ouro bt 2"))
        text = gdb([example, file], "ouro bt nobody")
        check("ouro: no task has the number or the name nobody" in text,
              "a name that nobody has is refused", text)


def select(_program, example):
    text = stopped_example(example, "ouro select rent", "echo UP\\n",
                           "bt", "echo DOWN\\n", "ouro select", "bt")
    check(re.search(r"^#\d+ .*\bpay \(", between(text, "UP\n", "DOWN\n"),
                    re.M), "bt shows the task", text)
    after = text.split("DOWN\n")[1]
    check("tell_why" in after and "pay (" not in after,
          "afterwards it shows the thread", text)


def no_debug_info(_program, example):
    if not shutil.which("strip"):
        raise Skip("there is no strip")
    with tempfile.TemporaryDirectory() as folder:
        bare = f"{folder}/dump"
        subprocess.run(["strip", "--strip-debug", "-o", bare, example],
                       check=True)
        text = stopped_example(bare, "ouro tasks")
    check("ouro: there is no debug information of the library here" in text,
          "it says why it cannot", text)
    check("Traceback" not in text, "it says no more than that", text)


def nothing(_program, _example):
    text = gdb([], "ouro tasks")
    check("ouro: there is no process and no core here" in text,
          "it says why it cannot", text)


CASES = {function.__name__: function for function in (
    live, task, core, select, no_debug_info, nothing)}


def main():
    program, example, case = sys.argv[1:]
    try:
        if not shutil.which("gdb") or "3." not in gdb(
                [], "python import sys; print(sys.version)"):
            raise Skip("there is no gdb with Python")
        CASES[case](program, example)
    except Skip as skip:
        print(f"skipped: {skip}")
        return SKIPPED
    except Failure as failure:
        print(f"{case}: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
