"""What examples/http_server answers: each route, as several clients ask.

For run_example.py, which has the programs and the signals.
"""
import email.utils
import http.client
import json
import os
import pathlib
import re
import socket
import time

BIG = bytes(range(256)) * (5 * 4096)  # 5 MiB


class Web:
    """Requests to one server, each on a connection of its own."""

    def __init__(self, address, seconds):
        self.address = address
        self.seconds = seconds

    def connect(self):
        return http.client.HTTPConnection(*self.address, timeout=self.seconds)

    def ask(self, method, path, body=None, headers=None):
        """Status, fields, and body."""
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def raw(self, text):
        """All that comes for these bytes until the server ends it."""
        with socket.create_connection(self.address, self.seconds) as client:
            client.sendall(text)
            parts = []
            while part := client.recv(65536):
                parts.append(part)
            return b"".join(parts)


def talk_text(web, check):
    status, fields, body = web.ask("GET", "/hello")
    check(status == 200 and body == b"Hello, world!\n", "no hello")
    check(fields["Content-Type"].startswith("text/plain"), "hello has a type")
    check(email.utils.parsedate(fields["Date"]), "hello has no date")
    status, fields, body = web.ask("HEAD", "/hello")
    check(status == 200 and body == b"", "HEAD has a body")
    check(fields["Content-Length"] == "14", "HEAD tells another length")
    check(web.ask("GET", "/nowhere")[0] == 404, "an unknown path is not 404")
    status, fields, _ = web.ask("DELETE", "/hello")
    check(status == 405 and "GET" in fields["Allow"], "DELETE is not 405")
    for body in (b"", b"some words", bytes(range(256)) * 1000):
        status, fields, echo = web.ask("POST", "/echo", body,
                                       {"Content-Type": "x/y; z=1"})
        check(status == 200 and echo == body, "another body comes back")
        check(fields["Content-Type"] == "x/y; z=1", "another type comes back")
    chunks = web.ask("POST", "/echo", iter([b"some ", b"words"]))
    check(chunks[2] == b"some words", "chunks come back otherwise")


def talk_pipeline(web, check):
    one = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    said = web.raw(one * 99 + last)
    check(said.count(b"HTTP/1.1 200 OK\r\n") == 100, "not 100 answers")
    check(said.count(b"\r\n\r\nHello, world!\n") == 100, "not 100 bodies")
    said = web.raw(b"GET / nonsense\r\n\r\n")
    check(said.startswith(b"HTTP/1.1 400 "), "nonsense is not refused")


def talk_static(web, check, root):
    (root / "big.bin").write_bytes(BIG)
    (root / "page.html").write_text("<p>hello")
    (root / "link").symlink_to("/etc/passwd")
    status, fields, body = web.ask("GET", "/static/big.bin")
    check(status == 200 and body == BIG, "the file is another")
    status, fields, body = web.ask("GET", "/static/big.bin", None,
                                   {"Range": "bytes=1000-1999"})
    check(status == 206 and body == BIG[1000:2000], "the range is another")
    check(fields["Content-Range"] == f"bytes 1000-1999/{len(BIG)}",
          "the range is called otherwise")
    _, fields, _ = web.ask("GET", "/static/page.html")
    check(fields["Content-Type"].startswith("text/html"), "no HTML")
    again = {"If-Modified-Since": fields["Last-Modified"]}
    check(web.ask("GET", "/static/page.html", None, again)[0] == 304,
          "it is sent again to who has it")
    for path in ("link", "../x", "%2e%2e/x", "/etc/passwd", "absent"):
        status = web.ask("GET", "/static/" + path)[0]
        check(status in (400, 404), f"{path} is {status}")


def uploads_of(folder):
    (only,) = folder.glob("ouro-http-*")
    return only


def eventually(check, seconds, is_so, what):
    end = time.monotonic() + seconds
    while not is_so():
        check(time.monotonic() < end, what)
        time.sleep(0.01)


def talk_upload(web, check, folder):
    uploads = uploads_of(folder)
    check(web.ask("PUT", "/upload/big.bin", BIG)[0] == 201, "no 201")
    check((uploads / "big.bin").read_bytes() == BIG, "the file is another")
    check(web.ask("PUT", "/upload/big.bin", b"new")[0] == 201, "no second 201")
    check((uploads / "big.bin").read_bytes() == b"new", "it is not replaced")
    for name in (".hidden", "a%2Fb", "%2e%2e", "a%00b", "x" * 101):
        check(web.ask("PUT", "/upload/" + name, b"x")[0] == 400,
              f"the name {name} is taken")
    said = web.raw(b"PUT /upload/bad HTTP/1.1\r\nHost: x\r\n"
                   b"Transfer-Encoding: chunked\r\n\r\nno size\r\n")
    check(said.startswith(b"HTTP/1.1 400 "), f"bad chunks get {said}")
    with socket.create_connection(web.address, web.seconds) as client:
        client.sendall(b"PUT /upload/part HTTP/1.1\r\nHost: x\r\n"
                       b"Content-Length: 100000\r\n\r\n" + b"x" * 5000)
        eventually(check, web.seconds, lambda: any(uploads.glob(".part-*")),
                   "no file while the body comes")
    eventually(check, web.seconds,
               lambda: os.listdir(uploads) == ["big.bin"],
               "a part is left of a client that left")


def talk_stats(web, check):
    before = json.loads(web.ask("GET", "/stats")[2])["workers"]
    check(len(before) == 2, "not two workers")
    check(sum(is_["requests"] for is_ in before) > 0, "nothing is counted")
    status, fields, page = web.ask("GET", "/")
    check(status == 200 and fields["Content-Type"].startswith("text/html"),
          "the page is no page")
    check(len(re.findall(rb"<tr data-of=\w+><th scope=row>[\w ]+"
                         rb"<td>\d+<td>\d+\n", page)) == 8,
          "the page has not each number of both workers")
    status, fields, _ = web.ask("GET", "/page.js")
    check(status == 200 and "javascript" in fields["Content-Type"],
          "the script of the page is no script")

    def both_have_served():
        web.ask("GET", "/hello")
        workers = json.loads(web.ask("GET", "/stats")[2])["workers"]
        return all(is_["requests"] > 0 for is_ in workers)
    eventually(check, web.seconds, both_have_served, "one worker serves nobody")


def talk_events(web, check):
    """A connection that stays: its events, one after the other."""
    connection = web.connect()
    for _ in range(2):
        connection.request("HEAD", "/events")
        check(connection.getresponse().read() == b"", "events without a body")
    connection.request("GET", "/events")
    answer = connection.getresponse()
    check(answer.headers["Content-Type"] == "text/event-stream", "no events")
    for number in range(2):
        lines = [answer.readline() for _ in range(3)]
        check(lines == [b"id: %d\n" % number, b"data: second %d\n" % number,
                        b"\n"], f"an event is {lines}")
    return connection, answer


def talk(serve, stop, check, seconds, folder):
    """All of it; `serve(*arguments)` starts the server."""
    folder = pathlib.Path(folder)
    root = folder / "root"
    root.mkdir()
    os.environ["TMPDIR"] = str(folder)
    program, address = serve("--root", str(root))
    web = Web(address, seconds)
    talk_text(web, check)
    talk_pipeline(web, check)
    talk_static(web, check, root)
    talk_upload(web, check, folder)
    talk_stats(web, check)
    _, events = talk_events(web, check)
    idle = socket.create_connection(address, seconds)
    stop(program)
    check(idle.recv(1) == b"", "an idle connection is not closed")
    events.read()  # raises IncompleteRead if it was cut off
