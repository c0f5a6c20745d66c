#!/usr/bin/env python3
"""The HTTP client asks a server that others wrote: nginx.

    run_origin.py PROGRAM CASE

PROGRAM is http_call.  Exit code 77: there is no nginx here.
"""
import gzip
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

SCALE = int(os.environ.get("OURO_TEST_TIMEOUT_SCALE", "1"))
SECONDS = 20 * SCALE
SKIPPED = 77
BIG = bytes(range(256)) * 4 * 20000  # 20 MB

CONFIGURATION = """
daemon off; master_process off; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 100; }}
http {{
    log_format connections '$connection $status';
    access_log {folder}/access.log connections;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/root;
        client_max_body_size 0;
        location /ssi/ {{ ssi on; ssi_types *; }}
        location /packed/ {{ gzip_static always; }}
        location /close/ {{ keepalive_timeout 0; }}
        location /few/ {{ keepalive_requests 3; }}
        location = /moved {{ return 301 /text; }}
        location = /there {{ return 308 /put/moved; }}
        location /put/ {{ dav_methods PUT; create_full_put_path on; }}
        location /small/ {{ dav_methods PUT; client_max_body_size 1k; }}
    }}
}}
"""


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


class Origin:
    """A server, and what the client says of it."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.root = folder / "root"
        self.fill()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        file = folder / "nginx.conf"
        file.write_text(CONFIGURATION.format(folder=folder, port=self.port))
        self.server = subprocess.Popen(
            ["nginx", "-e", str(folder / "error.log"), "-c", str(file)])

    def fill(self):
        for name in ("ssi", "packed", "close", "few", "put", "small"):
            (self.root / name).mkdir(parents=True)
        for name in ("text", "ssi/text", "close/text", "few/text"):
            (self.root / name).write_text("some words\n")
        (self.root / "empty").write_bytes(b"")
        (self.root / "big").write_bytes(BIG)
        (self.root / "packed" / "text.gz").write_bytes(
            gzip.compress(b"some words\n"))

    def wait(self):
        for _ in range(100 * SECONDS):
            try:
                return socket.create_connection(("127.0.0.1", self.port),
                                                1).close()
            except OSError:
                time.sleep(0.01)
        raise Failure("nginx does not start")

    def ask(self, *calls):
        """What the program prints of each (METHOD, PATH, BODY), in words, and
        what came."""
        words = []
        for number, (method, path, body) in enumerate(calls):
            words += [method, f"http://127.0.0.1:{self.port}{path}", body,
                      str(self.folder / f"out{number}")]
        done = subprocess.run([self.program, *words], capture_output=True,
                              text=True, timeout=SECONDS)
        check(done.returncode == 0, f"{calls}: {done.stdout}{done.stderr}")
        return [(*line.split(), (self.folder / f"out{number}").read_bytes())
                for number, line in enumerate(done.stdout.splitlines())]

    def connections(self):
        """Those of all requests so far, in order."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split()[0] for line in lines]


def get(path):
    return "GET", path, "-"


def statuses(answers):
    return [answer[0] for answer in answers]


def keep_alive(origin):
    answers = origin.ask(get("/text"), ("HEAD", "/big", "-"), get("/nowhere"),
                         get("/empty"), get("/ssi/text"), get("/text"))
    check(statuses(answers) == ["200", "200", "404", "200", "200", "200"],
          f"{statuses(answers)}")
    check([answer[4] for answer in answers[3:]]
          == [b"", b"some words\n", b"some words\n"], "other bodies")
    check(answers[1][4] == b"" and b"404" in answers[2][4], "other bodies")
    check(len(set(origin.connections())) == 1, "not one connection")
    check(answers[-1][2] == "1", "it is not kept")


def closes(origin):
    answers = origin.ask(*[get("/few/text")] * 7, *[get("/close/text")] * 3)
    check(set(statuses(answers)) == {"200"}, f"{statuses(answers)}")
    of = origin.connections()
    check(len(set(of)) == 5, f"connections: {of}")


def bodies(origin):
    answers = origin.ask(get("/big"), get("/packed/text"), get("/moved"),
                         get("/ssi/text"))
    check(answers[0][4] == BIG, "another file")
    packed = (origin.root / "packed" / "text.gz").read_bytes()
    check(answers[1][4] == packed, "what is packed comes otherwise")
    check(answers[2][4] == b"some words\n"
          and answers[2][3].endswith("/text"), "another redirection")


def uploads(origin):
    file = origin.folder / "file"
    file.write_bytes(BIG)
    answers = origin.ask(("PUT", "/put/sized", str(file)),
                         ("PUT", "/put/chunked", f"+{file}"),
                         ("PUT", "/there", str(file)), get("/put/sized"),
                         ("POST", "/text", str(file)), get("/text"))
    check(statuses(answers) == ["201", "201", "308", "200", "405", "200"],
          f"{statuses(answers)}")
    for name in ("sized", "chunked"):
        check((origin.root / "put" / name).read_bytes() == BIG,
              f"another file: {name}")
    check(answers[3][4] == BIG, "another file comes back")


def refusal(origin):
    file = origin.folder / "file"
    file.write_bytes(BIG)
    for body in (str(file), f"+{file}"):
        answers = origin.ask(("PUT", "/small/x", body), get("/text"))
        check(statuses(answers) == ["413", "200"], f"{statuses(answers)}")
    check(not (origin.root / "small" / "x").exists(), "it was taken")


CASES = {case.__name__: case
         for case in (keep_alive, closes, bodies, uploads, refusal)}


def main():
    program, name = sys.argv[1:]
    if not shutil.which("nginx"):
        print("skipped: there is no nginx")
        return SKIPPED
    with tempfile.TemporaryDirectory() as scratch:
        origin = Origin(program, pathlib.Path(scratch))
        try:
            origin.wait()
            CASES[name](origin)
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            print(f"{name}: {failure}")
            print((origin.folder / "error.log").read_text())
            return 1
        finally:
            origin.server.terminate()
            origin.server.wait(SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
