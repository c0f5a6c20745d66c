#!/usr/bin/env python3
"""Clients that others wrote talk to examples/http_server, and bad ones.

    http_clients.py FOLDER CASE

FOLDER holds the built examples.  CASE is curl, wrk, ab, h2load or nginx, the
last as a proxy in front; or abuse or few_descriptors, which need nothing.
Exit code 77: there is no such program here.
"""
import json
import os
import pathlib
import resource
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import run_example
from http_server_talk import BIG, Web, eventually
from run_example import SCALE, Failure, TALK_SECONDS, check

SKIPPED = 77
RUN_SECONDS = 60 * SCALE


def run(*command):
    """What a program says.  It succeeds."""
    done = subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=RUN_SECONDS)
    check(done.returncode == 0,
          f"{command[0]}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def url(address, path):
    return f"http://{address[0]}:{address[1]}{path}"


def curl(address, folder):
    def ask(*arguments):
        return run("curl", "-sS", "--fail", *arguments)
    check(ask(url(address, "/hello")) == "Hello, world!\n", "no hello")
    check(ask("-d", "some words", url(address, "/echo")) == "some words",
          "no echo")
    words = ask("-H", "Transfer-Encoding: chunked", "-d", "some words",
                url(address, "/echo"))
    check(words == "some words", "no echo of chunks")
    big = folder / "root" / "big.bin"
    code = ask("-w", "%{http_code}", "-H", "Expect: 100-continue", "-T", big,
               url(address, "/upload/"))
    check(code.endswith("201"), f"an upload is {code}")
    uploads = next(folder.glob("ouro-http-*"))
    check((uploads / "big.bin").read_bytes() == BIG, "the upload is another")
    ask("-o", folder / "copy", url(address, "/static/big.bin"))
    check((folder / "copy").read_bytes() == BIG, "the file is another")
    (folder / "copy").write_bytes(BIG[:1000])
    ask("-C", "-", "-o", folder / "copy", url(address, "/static/big.bin"))
    check((folder / "copy").read_bytes() == BIG, "it does not go on well")
    counts = ask("-o", "/dev/null", "-o", "/dev/null", "-w", "%{num_connects}",
                 *[url(address, "/hello")] * 2)
    check(counts == "10", "two requests are not one connection")


def wrk(address, _folder):
    said = run("wrk", "-t2", "-c50", "-d1", url(address, "/hello"))
    check(int(re.search(r"(\d+) requests in", said)[1]) > 0, said)
    check("Socket errors" not in said and "Non-2xx" not in said, said)


def ab(address, _folder):
    # HTTP/1.0, with and without keep-alive.
    for more in ([], ["-k"]):
        said = run("ab", "-q", *more, "-n", 2000, "-c", 20,
                   url(address, "/hello"))
        check(re.search(r"Complete requests: +2000\n", said), said)
        check(re.search(r"Failed requests: +0\n", said), said)
        check("Non-2xx" not in said, said)
        kept = re.search(r"Keep-Alive requests: +(\d+)", said)
        check(not more or kept and int(kept[1]) == 2000, said)


def h2load(address, _folder):
    said = run("h2load", "--h1", "-n", 2000, "-c", 10, "-m", 8,
               url(address, "/hello"))
    check("2000 succeeded, 0 failed, 0 errored" in said, said)


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 100; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    upstream ouro {{ server {host}:{port}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{front};
        location / {{
            proxy_pass http://ouro;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
"""


def can_connect(address):
    try:
        socket.create_connection(address, 1).close()
        return True
    except OSError:
        return False


def nginx(address, folder):
    front = ("127.0.0.1", run_example.free_port())
    file = folder / "nginx.conf"
    file.write_text(NGINX.format(folder=folder, host=address[0],
                                 port=address[1], front=front[1]))
    proxy = subprocess.Popen(["nginx", "-e", str(folder / "error.log"), "-c",
                              str(file)])
    try:
        eventually(check, TALK_SECONDS, lambda: can_connect(front),
                   "nginx does not start")
        web = Web(front, TALK_SECONDS)
        for _ in range(20):
            check(web.ask("GET", "/hello")[2] == b"Hello, world!\n", "no hello")
        check(web.ask("GET", "/static/big.bin")[2] == BIG, "another file")
        check(web.ask("POST", "/echo", BIG)[2] == BIG, "another echo")
        check(web.ask("PUT", "/upload/x", BIG)[0] == 201, "no upload")
    finally:
        proxy.terminate()
        proxy.wait(TALK_SECONDS)


def stats(web):
    return json.loads(web.ask("GET", "/stats")[2])["workers"]


def one_byte_at_a_time(web):
    with socket.create_connection(web.address, web.seconds) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (b"POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n"
                     b"5\r\nhello\r\n0\r\n\r\n"):
            client.sendall(bytes([byte]))
            time.sleep(0.001)
        said = client.makefile("rb").read()
    check(said.endswith(b"\r\n\r\nhello"), f"bytes one by one got {said}")


def leave(web, text, read=0):
    """A client that goes with a reset, having read so much."""
    client = socket.create_connection(web.address, web.seconds)
    client.sendall(text)
    while read > 0:
        read -= len(client.recv(read))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()


def abuse(address, folder):
    """Clients that leave in the middle, or stop reading, cost nothing."""
    web = Web(address, TALK_SECONDS)
    one_byte_at_a_time(web)
    host = b" HTTP/1.1\r\nHost: x\r\n"
    for _ in range(20):
        leave(web, b"GET /hel")
        leave(web, b"GET /static/big.bin" + host + b"\r\n", 1000)
        leave(web, b"GET /static/big.bin" + host + b"\r\n")
        leave(web, b"GET /events" + host + b"\r\n", 100)
        leave(web, b"POST /echo" + host + b"Content-Length: 9\r\n\r\nabc")
        leave(web, b"PUT /upload/a" + host + b"Content-Length: 99999\r\n\r\n"
              + b"x" * 9999)
    lazy = socket.create_connection(address, TALK_SECONDS)
    lazy.sendall((b"GET /static/big.bin" + host + b"\r\n") * 50)
    check(web.ask("GET", "/static/big.bin")[2] == BIG, "another file")
    eventually(check, TALK_SECONDS, lambda: sum(
        worker["connections"] for worker in stats(web)) <= 2,
        "connections are left of clients that left")
    eventually(check, TALK_SECONDS, lambda: not list(
        next(folder.glob("ouro-http-*")).iterdir()),
        "parts are left of clients that left")
    return lazy


def few_descriptors(address, _folder):
    """More clients than descriptors: they wait, and are served later."""
    many = [socket.create_connection(address, TALK_SECONDS)
            for _ in range(60)]
    web = Web(address, TALK_SECONDS)
    for client in many[:40]:
        client.close()
    check(web.ask("GET", "/hello")[2] == b"Hello, world!\n", "no hello")
    check(web.ask("GET", "/static/big.bin")[0] == 200, "no file")
    for client in many[40:]:
        client.sendall(b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
        check(client.recv(15) == b"HTTP/1.1 200 OK", "one of many is unheard")


CASES = {case.__name__: case for case in
         (curl, wrk, ab, h2load, nginx, abuse, few_descriptors)}
NEED_NOTHING = ("abuse", "few_descriptors")


def serve_and(case, runner, folder):
    (folder / "root").mkdir()
    (folder / "root" / "big.bin").write_bytes(BIG)
    os.environ["TMPDIR"] = str(folder)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if case is few_descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, before[1]))
    program, address = runner.serve("--root", str(folder / "root"))
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
    open_still = case(address, folder)
    check(program.process.poll() is None, "it has ended")
    run_example.stop(program, run_example.signal.SIGTERM)
    del open_still


def main():
    folder, name = sys.argv[1:]
    if name not in NEED_NOTHING and not shutil.which(name):
        print(f"skipped: there is no {name}")
        return SKIPPED
    runner = run_example.Runner(folder, "http_server")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            serve_and(CASES[name], runner, pathlib.Path(scratch))
        except (Failure, OSError, subprocess.SubprocessError) as failure:
            runner.end()
            print(f"{name}: {failure}",
                  *[program.said() for program in runner.programs], sep="\n")
            return 1
        finally:
            runner.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
