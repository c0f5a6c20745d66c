#!/usr/bin/env python3
"""Run a step of the tutorial, and talk with it as its page says.

    run_tutorial.py FOLDER STEP

FOLDER holds the built steps of examples/tutorial/.
"""
import signal
import socket
import sys
import threading
import time

from run_example import (SCALE, START_SECONDS, STOP_SECONDS, TALK_SECONDS,
                         Client, Failure, Runner, check, next_line_with)

# Longer than any test takes: a limit that must not be met.
NEVER = "600"

# More than the sockets between two programs hold, in lines below 64 KiB.
LONG_LINE = b"x" * 60000 + b"\n"
MANY_LINES = 400


class Steps(Runner):
    def serve(self, *limits):
        """Start a step that serves: the program and its address."""
        program = self.start("0", *limits)
        match = program.wait_line(r"^listening on (\S+):(\d+)$", START_SECONDS)
        return program, (match[1], int(match[2]))


def expect_lines(runner, lines):
    code, out = runner.run()
    check(code == 0, f"exit code {code}")
    check(out.splitlines() == lines, f"it says {out!r}")


def step1(runner):
    expect_lines(runner, ["hello", "good bye"])


def step2(runner):
    expect_lines(runner, ["hello from Ann", "hello from Bob",
                          "good bye from Ann", "good bye from Bob"])


def end(program, code):
    """A signal ends it, with `code` and without a complaint."""
    program.process.send_signal(signal.SIGTERM)
    seen = program.wait(STOP_SECONDS)
    check(seen == code, f"exit code {seen} after SIGTERM")
    check(not program.err, f"it complains: {program.err}")


def step3(runner):
    program, address = runner.serve()
    first, second = Client(address), Client(address)
    second.send(b"I am the second\n")
    check(second.read_line() == "I am the second\n", "no echo")
    first.send(b"one\ntwo\n")
    check(first.read_line() == "one\n", "no echo of the first line")
    check(first.read_line() == "two\n", "no echo of the second line")
    end(program, 1)

    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    program = runner.start(str(port))
    check(program.wait(START_SECONDS) == 1, "no failure where it is taken")
    check(f"127.0.0.1:{port}" in "".join(program.err),
          "stderr does not name the address")


def lines_up_to(client, words):
    """The lines up to the one that is `words`, however many others talk."""
    last = time.monotonic() + TALK_SECONDS
    lines = []
    while words + "\n" not in lines:
        check(time.monotonic() < last, f"no {words!r} in {TALK_SECONDS} s")
        lines.append(client.read_line())
        check(lines[-1], f"the connection ended before {words!r}")
    return lines


def meet(first, second):
    """Let two clients find each other: who is not there yet hears nothing."""
    heard = threading.Event()

    def call():
        while not heard.wait(0.02):
            second.send(b"hello?\n")
    caller = threading.Thread(target=call)
    caller.start()
    try:
        next_line_with(first, "hello?")
    finally:
        heard.set()
        caller.join()
    first.send(b"here I am\n")
    next_line_with(second, "here I am")


def chat(address):
    """Three clients, of whom one leaves; the other two."""
    clients = [Client(address) for _ in range(3)]
    meet(clients[0], clients[1])
    meet(clients[0], clients[2])
    clients[0].send(b"to all\n")
    next_line_with(clients[1], "to all")
    next_line_with(clients[2], "to all")

    clients[2].send(b"last words\n")
    clients[2].socket.shutdown(socket.SHUT_WR)
    clients[2].read_all()
    next_line_with(clients[1], "last words")
    next_line_with(clients[0], "last words")
    clients[1].send(b"do you hear me?\n")
    next_line_with(clients[0], "do you hear me?")
    clients[0].send(b"I hear you\n")
    heard = lines_up_to(clients[1], "I hear you")
    check("do you hear me?\n" not in heard, "somebody hears himself")
    return clients[:2]


class Deaf(Client):
    """A client that says something now and then, and never reads."""

    def __init__(self, address, words):
        super().__init__(address)
        self.words = words
        self.gone = threading.Event()
        threading.Thread(target=self.chatter, daemon=True).start()

    def chatter(self):
        try:
            while True:
                self.send(self.words)
                time.sleep(0.02)
        except OSError:
            self.gone.set()


def flood(speaker):
    for _ in range(MANY_LINES):
        speaker.send(LONG_LINE)


def hear_behind_a_flood(address, deaf_words=b"I am deaf\n"):
    """Much is said to one who does not read; the others go on as before."""
    deaf = Deaf(address, deaf_words)
    speaker, listener = Client(address), Client(address)
    meet(listener, speaker)
    next_line_with(listener, deaf_words.decode().strip())

    sender = threading.Thread(target=flood, args=(speaker,),
                              daemon=True)
    sender.start()
    for _ in range(MANY_LINES):
        lines_up_to(listener, LONG_LINE.decode().rstrip())
    sender.join()
    return deaf, speaker, listener


def step4(runner):
    program, address = runner.serve()
    chat(address)
    deaf, *_ = hear_behind_a_flood(address)
    deaf.close()
    end(program, 1)


def step5(runner):
    program, address = runner.serve(NEVER, NEVER)
    chat(address)
    end(program, 1)

    # Who says nothing is told, and has to go; who talks stays.
    program, address = runner.serve(str(0.5 * SCALE), NEVER)
    talker, silent = Deaf(address, b"I talk\n"), Client(address)
    lines_up_to(silent, "you say nothing: good bye")
    check(silent.read_all() == b"", "it goes on after the good bye")
    check(not talker.gone.is_set(), "who talks has to go, too")
    end(program, 1)

    # Who reads nothing has to go, and nobody waits for that.
    program, address = runner.serve(NEVER, str(0.5 * SCALE))
    deaf, speaker, listener = hear_behind_a_flood(address)
    check(deaf.gone.wait(TALK_SECONDS), "who does not read may stay")
    speaker.send(b"still here\n")
    next_line_with(listener, "still here")
    end(program, 1)


def step6(runner):
    program, address = runner.serve(NEVER, NEVER)
    first, second = chat(address)
    first.send(b"before the end\n")
    next_line_with(second, "before the end")
    end(program, 0)
    for client in (first, second):
        next_line_with(client, "the chat is over: good bye")
        check(client.read_all() == b"", "it goes on after the good bye")

    # Who does not read cannot hold up the end, nor the others' good bye.
    program, address = runner.serve(NEVER, NEVER)
    _, speaker, listener = hear_behind_a_flood(address)
    end(program, 0)
    next_line_with(speaker, "the chat is over: good bye")
    next_line_with(listener, "the chat is over: good bye")


STEPS = {"step1": step1, "step2": step2, "step3": step3, "step4": step4,
         "step5": step5, "step6": step6}


def main():
    folder, name = sys.argv[1:]
    runner = Steps(folder, name)
    try:
        STEPS[name](runner)
    except (Failure, OSError) as failure:
        print(f"{name}: {failure}")
        runner.end()
        for program in runner.programs:
            print(program.said())
        return 1
    finally:
        runner.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
