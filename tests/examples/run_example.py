#!/usr/bin/env python3
"""Run an example as its first screen says, and compare what it says.

    run_example.py FOLDER NAME [output|sigint|sigterm|busy|usage]

FOLDER holds the built examples.  `output` is what the example is about; the
others are what every server owes: it ends with 0 on a signal while connections
are open, names the address that it cannot listen on, and says what arguments it
takes.
"""
import http.client
import os
import pathlib
import pty
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import http_server_talk

SCALE = int(os.environ.get("OURO_TEST_TIMEOUT_SCALE", "1"))
START_SECONDS = 5 * SCALE
STOP_SECONDS = 5 * SCALE
TALK_SECONDS = 10 * SCALE

# More than the buffers of a connection hold, so that back-pressure is felt.
MANY_BYTES = bytes(range(256)) * 8192


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


class Program:
    """An example that runs, and the lines that it printed so far."""

    def __init__(self, path, *arguments, stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(
            [path, *arguments], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.errors = queue.Queue()
        self.out = []
        self.err = []
        self.readers = [
            threading.Thread(target=self.read_out, daemon=True),
            threading.Thread(target=self.read_err, daemon=True),
        ]
        for reader in self.readers:
            reader.start()

    def read_out(self):
        for line in self.process.stdout:
            self.out.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def read_err(self):
        for line in self.process.stderr:
            self.err.append(line)
            self.errors.put(line)
        self.errors.put(None)

    def wait_line(self, pattern, seconds, lines=None):
        """The match of the next line that has `pattern`, of stdout, or of
        `lines`, which is `errors`."""
        while True:
            try:
                line = (lines or self.lines).get(timeout=seconds)
            except queue.Empty:
                raise Failure(f"no line like {pattern!r} in {seconds} s")
            check(line is not None, f"it ended without a line like {pattern!r}")
            match = re.search(pattern, line)
            if match:
                return match

    def wait(self, seconds):
        """Its exit code."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"it does not end within {seconds} s")
        for reader in self.readers:
            reader.join()
        return code

    def said(self):
        return (f"--- stdout\n{''.join(self.out)}"
                f"--- stderr\n{''.join(self.err)}")


class Client:
    """A connection to an example."""

    def __init__(self, address):
        self.socket = socket.create_connection(address, TALK_SECONDS)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def send_in_background(self, data):
        """Send, then half-close; the answer is to be read meanwhile."""
        def run():
            try:
                self.socket.sendall(data)
                self.socket.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        threading.Thread(target=run, daemon=True).start()

    def read_line(self):
        return self.file.readline().decode()

    def read_all(self):
        return self.file.read()

    def close(self):
        self.file.close()
        self.socket.close()


class Peer:
    """A server on a free port that runs `talk(connection)` for each client."""

    def __init__(self, talk):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "%s:%d" % self.listener.getsockname()[:2]
        self.port = str(self.listener.getsockname()[1])
        threading.Thread(target=self.serve, args=(talk,), daemon=True).start()

    def serve(self, talk):
        while True:
            connection, _ = self.listener.accept()
            threading.Thread(target=talk, args=(connection,),
                             daemon=True).start()


def echo_back(connection):
    while True:
        try:
            data = connection.recv(65536)
            if not data:
                break
            connection.sendall(data)
        except OSError:
            break
    connection.close()


def give(size):
    """A talk that sends so many bytes, and reads what the client may say."""
    def talk(connection):
        connection.sendall(b"x" * size)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
        connection.close()
    return talk


class Runner:
    def __init__(self, folder, name):
        self.path = str(pathlib.Path(folder) / name)
        self.name = name
        self.programs = []

    def start(self, *arguments, **options):
        program = Program(self.path, *arguments, **options)
        self.programs.append(program)
        return program

    def server_arguments(self):
        if self.name == "tcp_proxy":
            return ["--target", Peer(echo_back).address]
        if self.name == "http_server":
            return ["--workers", "2"]
        return []

    def serve(self, *arguments):
        """Start a server on a free port: the program and its address."""
        program = self.start("--host", "127.0.0.1", "--port", "0",
                             *self.server_arguments(), *arguments)
        match = program.wait_line(r"^listening on (\S+):(\d+)$", START_SECONDS)
        check(match[1] == "127.0.0.1", f"it listens on {match[1]}")
        return program, (match[1], int(match[2]))

    def run(self, *arguments):
        """Run it to its end: its exit code and its output."""
        program = self.start(*arguments)
        code = program.wait(TALK_SECONDS)
        return code, "".join(program.out)

    def end(self):
        for program in self.programs:
            if program.process.poll() is None:
                program.process.kill()
                program.process.wait()


def hello(runner):
    code, out = runner.run()
    check(code == 0, f"exit code {code}")
    check(out.split() == ["hello", "world"], "not hello, then world")


def engine_info(runner):
    code, out = runner.run()
    check(code == 0, f"exit code {code}")
    check(re.search(r"\buring\b", out), "the engine is not named")


def echo_all(address):
    client = Client(address)
    client.send(b"hello\n")
    check(client.read_line() == "hello\n", "no echo of a line")
    client.send_in_background(MANY_BYTES)
    check(client.read_all() == MANY_BYTES, "not all bytes came back")
    client.close()


def echo_server(runner):
    program, address = runner.serve()
    clients = [Client(address) for _ in range(10)]
    for number, client in enumerate(clients):
        client.send(b"%d\n" % number)
    for number, client in enumerate(clients):
        check(client.read_line() == f"{number}\n", "an echo of another")
    echo_all(address)
    stop(program, signal.SIGTERM)


def echo_client(runner):
    peer = Peer(echo_back)
    code, out = runner.run("--host", "127.0.0.1", "--port", peer.port,
                           "hello there", "world")
    check(code == 0, f"exit code {code}")
    check(out == "hello there\nworld\n", "not the echo of its two lines")

    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    program = runner.start("--host", "127.0.0.1", "--port", str(port), "hello")
    check(program.wait(TALK_SECONDS) != 0, "exit code 0 where nobody listens")
    check(f"127.0.0.1:{port}" in "".join(program.err),
          "stderr does not name the address that refused")
    for wrong in (["-h"], ["--nosuch", "1"], ["--port"]):
        program = runner.start(*wrong)
        check(program.wait(TALK_SECONDS) == 2, f"it takes {wrong}")
        check("usage: " in "".join(program.err), "it does not say its usage")


def next_line_with(client, words):
    """The next line that has `words`: others may come and go meanwhile."""
    while True:
        line = client.read_line()
        check(line, f"the connection ended before {words!r}")
        if words in line:
            return line.rstrip("\r\n")


def line_chat(runner):
    program, address = runner.serve()
    first = Client(address)
    first.send(b"first line of a\n")
    second = Client(address)
    second.send(b"first line of b\n")
    second.send(b"is anybody there?\n")
    line = next_line_with(first, "is anybody there?")
    check(line != "is anybody there?", "the line has no name before it")
    first.send(b"I am\n")
    line = next_line_with(second, "I am")
    check(line.endswith("I am"), f"the line came as {line!r}")

    # What a client says goes to the others only.
    second.send(b"good\n")
    line = first.read_line()
    check("good" in line, f"the client heard {line!r}")
    first.close()
    second.send(b"gone?\n")
    stop(program, signal.SIGTERM)


def http_hello(runner):
    program, address = runner.serve()
    web = http.client.HTTPConnection(*address, timeout=10)
    for name in ("Ada", "Grace"):  # on one connection
        web.request("GET", "/hello/" + name)
        answer = web.getresponse()
        check(answer.status == 200, f"status {answer.status}")
        check(answer.read() == f"Hello, {name}!\n".encode(), "another text")
    web.request("GET", "/nowhere")
    check(web.getresponse().status == 404, "an unknown path is not 404")
    stop(program, signal.SIGTERM)


def http_server(runner):
    with tempfile.TemporaryDirectory() as folder:
        http_server_talk.talk(
            runner.serve, lambda program: stop(program, signal.SIGTERM),
            check, TALK_SECONDS, folder)


def http_get(runner):
    moved = (b"HTTP/1.1 302 Moved\r\nLocation: /b\r\n"
             b"Content-Length: 0\r\n\r\n")
    found = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

    def talk(connection):
        with connection, connection.makefile("rb") as lines:
            while request := lines.readline():
                while lines.readline() not in (b"\r\n", b""):
                    pass
                answer = moved if b" /a " in request else found
                if request.startswith(b"HEAD"):
                    answer = answer.replace(b"hello", b"")
                connection.sendall(answer)

    url = f"http://{Peer(talk).address}/a"
    code, out = runner.run("-L", url)
    check((code, out) == (0, "hello"), f"-L: {code}, {out!r}")
    code, out = runner.run("-I", url)
    check(code == 0 and out.startswith("302\nLocation: /b\n"),
          f"-I: {code}, {out!r}")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "body")
        code, out = runner.run("-L", "-o", path, url)
        check((code, out) == (0, ""), f"-o: {code}, {out!r}")
        check(pathlib.Path(path).read_text() == "hello", "another file")
        code, screen = on_terminal(runner.path, "-L", url)
        check(code == 0 and re.match(r"\r5 of 5 bytes, \d+ KiB/s +\r\n", screen),
              f"no progress: {screen!r}")
    check(runner.run("-L", "-o", "/dev/full", url)[0] == 1,
          "a file that takes nothing is no failure")
    check(runner.run("https://a/")[0] == 1, "https is taken")


def crawl(runner):
    server = Runner(pathlib.Path(runner.path).parent, "http_server")
    program, address = server.serve()
    try:
        crawl_pages(runner, f"http://{address[0]}:{address[1]}")
        stop(program, signal.SIGTERM)
    finally:
        server.end()


def crawl_pages(runner, site):
    refused = f"http://127.0.0.1:{free_port()}/"
    code, out = runner.run("-n", "3", *[site + "/hello"] * 20,
                           site + "/nowhere", refused)
    check(code == 1, f"exit code {code} where two failed")
    check(f"{site}/nowhere: status 404\n" in out, "no 404 is told")
    check(f"{refused}: Connection refused\n" in out, "no refusal is told")
    check(re.search(r"^20 of 22 fetched, \d{3} bytes in \d+\.\d+ s$", out,
                    re.M), f"another summary: {out}")

    with tempfile.TemporaryFile("w+") as urls:
        urls.write((site + "/hello\n") * 5)
        urls.seek(0)
        program = runner.start(stdin=urls)
        check(program.wait(TALK_SECONDS) == 0, "it fails on standard input")
    check("".join(program.out).startswith("5 of 5 fetched, 70 bytes in "),
          "another summary of standard input")
    check(program.err == [], "a progress line where there is no terminal")

    code, screen = on_terminal(runner.path, *[site + "/hello"] * 3)
    check(code == 0 and "1 of 3, 14 bytes\r" in screen
          and "3 of 3, 42 bytes\r" in screen, f"no progress: {screen!r}")


def on_terminal(*command):
    """Run it with a terminal for stderr: its exit code, and the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    screen = b""
    try:
        while part := os.read(ours, 65536):
            screen += part
    except OSError:  # what the end of a terminal is
        pass
    os.close(ours)
    return process.wait(TALK_SECONDS), screen.decode()


def fetch_two(runner):
    code, out = runner.run(Peer(give(1234)).address,
                           Peer(give(200001)).address)
    check(code == 0, f"exit code {code}")
    check("1234" in out, "the bytes of the first are not told")
    check("200001" in out, "the bytes of the second are not told")

    refused = f"127.0.0.1:{free_port()}"
    program = runner.start(Peer(give(10)).address, refused)
    check(program.wait(TALK_SECONDS) == 1, "it succeeds where one refuses")
    check(f"cannot connect to {refused}: " in "".join(program.err),
          "who refused is not named")


def tcp_proxy(runner):
    program, address = runner.serve()
    echo_all(address)
    stop(program, signal.SIGTERM)

    nobody = f"127.0.0.1:{free_port()}"
    program, address = runner.serve("--target", nobody)
    check(Client(address).read_all() == b"", "a client of nobody may stay")
    program.wait_line(rf"^tcp_proxy: cannot connect to {nobody}: ",
                      TALK_SECONDS, program.errors)
    stop(program, signal.SIGTERM)


def producer_consumer(runner):
    code, out = runner.run()
    check(code == 0, f"exit code {code}")
    packed = [int(count) for count in
              re.findall(r"^worker \d packed (\d+) boxes$", out, re.M)]
    check(len(packed) == 2, "not two workers")
    check(sum(packed) == 10, f"{sum(packed)} boxes were packed, not 10")
    check(min(packed) > 0, "one worker had nothing to do")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def first_of_many(runner):
    ended = threading.Event()

    def say_nothing(connection):
        if connection.recv(1) == b"":
            ended.set()
        connection.close()

    def greet(connection):
        connection.sendall(b"hello\n")
        connection.recv(1)
        connection.close()

    refused = f"127.0.0.1:{free_port()}"
    winner = Peer(greet).address
    program = runner.start(Peer(say_nothing).address, winner, refused)
    check(program.wait(TALK_SECONDS) == 0, "it failed")
    check(program.out == [f"{winner} was first: hello\n"],
          "the one that answers is not told to be the first")
    check(ended.wait(TALK_SECONDS), "a loser's connection is not closed")

    program = runner.start(refused, refused, refused)
    check(program.wait(TALK_SECONDS) == 1, "it succeeds where nobody answers")
    check("".join(program.err).count(f"{refused}: ") == 3,
          "who refused is not named")


def to_thread(runner):
    program = runner.start(stdin=subprocess.PIPE)
    program.wait_line(r"^tick$", START_SECONDS)
    program.wait_line(r"^tick$", START_SECONDS)
    program.process.stdin.write("Ada\n")
    program.process.stdin.flush()
    program.wait_line(r"^hello, Ada$", TALK_SECONDS)
    code = program.wait(STOP_SECONDS)
    check(code == 0, f"exit code {code}")

    program = runner.start()
    check(program.wait(TALK_SECONDS) == 1, "it greets where nobody types")
    check("hello" not in "".join(program.out), "it greets nobody")
    check("nobody" in "".join(program.err), "it does not say why it ends")

    # The first cancels a task that cannot leave, and the second kills.
    program = runner.start(stdin=subprocess.PIPE)
    program.wait_line(r"^tick$", START_SECONDS)
    check(signal_twice(program, signal.SIGINT) == -signal.SIGINT,
          "the second signal does not kill")


def signal_twice(program, number):
    """The exit code.  Two that come at once are one, so there may be more."""
    for _ in range(STOP_SECONDS * 10):
        program.process.send_signal(number)
        try:
            return program.process.wait(0.1)
        except subprocess.TimeoutExpired:
            pass
    raise Failure("it does not end after many signals")


def wait_until_refused(address):
    """What was accepted in the meantime is closed again."""
    for _ in range(STOP_SECONDS * 100):
        try:
            Client(address).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.01)
    raise Failure("it goes on accepting")


def graceful(runner):
    program, address = runner.serve()
    idle = Client(address)
    idle.send(b"1\n2\n\n")
    check(idle.read_line() == "3\n", "one and two are not three")
    busy = Client(address)
    busy.send(b"4\n\n5\n")
    check(busy.read_line() == "4\n", "four is not four")

    # What is in flight is finished, and who is idle is sent away.
    program.process.send_signal(signal.SIGTERM)
    wait_until_refused(address)
    check(idle.read_line() == "", "an idle client is not sent away")
    busy.send(b"6\n\n")
    check(busy.read_line() == "11\n", "a sum that had begun is not finished")
    check(busy.read_line() == "", "it goes on after the sum")
    code = program.wait(STOP_SECONDS)
    check(code == 0, f"exit code {code} after SIGTERM")

    # And who does not finish has two seconds.
    program, address = runner.serve()
    stuck = Client(address)
    stuck.send(b"7\n\n8\n")
    check(stuck.read_line() == "7\n", "seven is not seven")
    began = time.monotonic()
    stop(program, signal.SIGTERM)
    check(time.monotonic() - began >= 1.9, "it does not wait for the sum")


def udp_echo(runner):
    program, address = runner.serve()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(TALK_SECONDS)
        for datagram in (b"hello", b"", MANY_BYTES[:40000]):
            client.sendto(datagram, address)
            check(client.recvfrom(65536) == (datagram, address),
                  "what was sent does not come back")
    program.process.send_signal(signal.SIGUSR1)
    program.wait_line(r"^echoed 3 datagrams$", TALK_SECONDS)
    stop(program, signal.SIGTERM)
    stop(runner.serve()[0], signal.SIGINT)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        program = runner.start("--port", str(port))
        check(program.wait(START_SECONDS) == 1, "it succeeds on a taken port")
        check(f"127.0.0.1:{port}" in "".join(program.err),
              "stderr does not name the address")
    usage(runner)


def dump(runner):
    program = runner.start()
    program.wait_line(r"^2 'rent' \(dump\.c:\d+\) waits for a lock "
                      r"\(dump\.c:\d+\): 3 'wage'$", START_SECONDS)
    program.wait_line(r"^    at pay\+0x[0-9a-f]+ \(dump\)$", START_SECONDS)
    program.wait_line(r"^      2 'rent', a cycle$", START_SECONDS)
    program.process.send_signal(signal.SIGQUIT)
    program.wait_line(r"^      2 'rent', a cycle$", START_SECONDS,
                      program.errors)
    stop(program, signal.SIGINT)


OUTPUT = {
    "hello": hello,
    "engine_info": engine_info,
    "echo_protocol": echo_server,
    "echo_stream": echo_server,
    "echo_client": echo_client,
    "line_chat": line_chat,
    "http_hello": http_hello,
    "http_server": http_server,
    "http_get": http_get,
    "crawl": crawl,
    "fetch_two": fetch_two,
    "tcp_proxy": tcp_proxy,
    "producer_consumer": producer_consumer,
    "to_thread": to_thread,
    "graceful": graceful,
    "udp_echo": udp_echo,
    "dump": dump,
    "first_of_many": first_of_many,
}


def stop(program, number):
    program.process.send_signal(number)
    code = program.wait(STOP_SECONDS)
    check(code == 0, f"exit code {code} after {signal.Signals(number).name}")


# What a client says, and the first line it gets; others echo.
TALK = {
    "line_chat": (b"hello\n", None),
    "graceful": (b"1\n\n", "1\n"),
    "http_hello": (b"GET /hello/x HTTP/1.1\r\nHost: x\r\n\r\n",
                   "HTTP/1.1 200 OK\r\n"),
    "http_server": (b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n"),
}


def stop_with_clients(runner, number):
    """A signal while one client has talked and another never did."""
    program, address = runner.serve()
    silent = Client(address)
    talker = Client(address)
    word, answer = TALK.get(runner.name, (b"hello\n", "hello\n"))
    talker.send(word)
    if answer is not None:
        check(talker.read_line() == answer, "no answer")
    stop(program, number)
    silent.close()
    talker.close()


def sigint(runner):
    stop_with_clients(runner, signal.SIGINT)


def sigterm(runner):
    stop_with_clients(runner, signal.SIGTERM)


def busy(runner):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    program = runner.start("--host", "127.0.0.1", "--port", str(port),
                           *runner.server_arguments())
    code = program.wait(START_SECONDS)
    check(code != 0, "exit code 0 while the port is taken")
    check(f"127.0.0.1:{port}" in "".join(program.err),
          "stderr does not name the address")
    check("listening" not in "".join(program.out), "it says that it listens")


def usage(runner):
    code, out = runner.run("-h")
    check(code == 0, f"exit code {code} for -h")
    check(re.match(rf"usage: {runner.name} \[--host \S+\] \[--port \d+\]", out),
          f"-h says {out!r}")
    for wrong in (["--nosuch", "1"], ["--port"], ["7000"]):
        program = runner.start(*wrong)
        check(program.wait(START_SECONDS) == 2, f"it takes {wrong}")
        said = "".join(program.err)
        check(f"'{wrong[0]}'" in said and "usage: " in said,
              f"for {wrong} it says {said!r}")
    # No name server is asked for what can be no name.
    for where in (["--port", "99999"], ["--host", "no such host"]):
        program = runner.start(*runner.server_arguments(), *where)
        check(program.wait(TALK_SECONDS) == 1, f"it listens on {where}")
        check(where[1] in "".join(program.err), f"it does not name {where}")


CASES = {"sigint": sigint, "sigterm": sigterm, "busy": busy, "usage": usage}


def main():
    folder, name, *case = sys.argv[1:]
    runner = Runner(folder, name)
    try:
        if case and case[0] != "output":
            CASES[case[0]](runner)
        else:
            OUTPUT[name](runner)
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
