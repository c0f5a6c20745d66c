#!/usr/bin/env python3
"""Refuse an include that goes up a floor.

The table below is the floors of the library (ARCHITECTURE.md), lowest first,
with the stems of the files that stand on each: src/<stem>.*, and the public
header include/ouro/<stem>.h.  A file that is in no floor is an error.
"""
import pathlib
import re
import sys

FLOORS = {
    "base": "base list bytes error alloc check address poison threads",
    "engine": "engine engine_uring missed_end engine_sim op kernel_sockets "
              "send_file refused "
              "uring_features sim_net sim_place sim_stream sim_buffers "
              "sim_names sim_ops sim_sockets",
    "loop": "loop loops loop_life heap print_exception mailbox descriptors",
    "future": "future",
    "task": "stack context context_x86_64 context_aarch64 context_ucontext "
            "dump dump_signal await_graph backtrace symbols text stall "
            "watchdog wait_kind "
            "task scope overdue timeout signals signal_wait sock sock_file "
            "group group_start shield sleep waiting "
            "gather wait wait_for as_completed sim sync waiters lock "
            "event condition semaphore barrier queue queue_order "
            "thread_pool job executor remote",
    "wire": "protocol transport transport_io transport_impl pool outbox outlet "
            "inlet tcp watch",
    "stream": "stream stream_inside stream_read stream_write inbox",
    "net": "net lookup resolve server serve listen listener connect dial race",
    "protocols": "http1_parser http1_writer http_server http_client",
    "run": "run runner run_signals run_end overflow ouro",
}

FLOOR_OF = {stem: floor for floor, stems in FLOORS.items()
            for stem in stems.split()}
HEIGHT = {floor: height for height, floor in enumerate(FLOORS)}

# For the implementers of transports, and for tests; not for applications.
SPECIAL = {"transport_impl", "sim"}

# (file, what it may include although that stands higher): why
EXCEPTIONS = {
    # The options of a loop are what an engine is made from, and its times and
    # its info are declared beside them.
    ("engine.h", "ouro/loop.h"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
SUFFIXES = {".c", ".h", ".S"}


def files(root, folder):
    return sorted(path for path in (root / folder).rglob("*")
                  if path.suffix in SUFFIXES)


def includes(path):
    """(kind, stem) of each include: public, private, or other."""
    for quote, name in INCLUDE.findall(path.read_text(errors="replace")):
        if name.startswith("ouro/"):
            yield name, "public", pathlib.Path(name).stem
        elif quote == '"':
            yield name, "private", pathlib.Path(name).stem
        else:
            yield name, "other", name


def check_library(root, fail):
    """src/ and include/: down, or along the floor."""
    for path in files(root, "include/ouro") + files(root, "src"):
        stem = path.stem
        if stem not in FLOOR_OF:
            fail(path, "stands on no floor: name it in tools/check_floors.py")
            continue
        floor = FLOOR_OF[stem]
        public = "include" in path.relative_to(root).parts
        for name, kind, target in includes(path):
            if kind == "other":
                if name == "liburing.h" and path.name != "engine_uring.c":
                    fail(path, "only src/engine_uring.c includes liburing")
            elif target not in FLOOR_OF:
                fail(path, f"includes {name}, which stands on no floor")
            elif public and kind != "public":
                fail(path, f"is public and includes {name}, which is not")
            elif (path.name, name) in EXCEPTIONS:
                continue
            elif HEIGHT[FLOOR_OF[target]] > HEIGHT[floor]:
                fail(path, f"is {floor} and includes {name}, "
                           f"which is {FLOOR_OF[target]}")


def check_transports(root, fail):
    """Public headers, what implementers get, the operation, the wire."""
    for path in files(root, "transports"):
        for name, kind, target in includes(path):
            if kind == "public" and target == "sim":
                fail(path, f"includes {name}, which is for tests")
            if kind == "private" and not (
                    target == "op" or FLOOR_OF.get(target) == "wire"):
                fail(path, f"includes {name}: a transport gets public headers, "
                           "op.h and the wire floor")


def check_applications(root, fail):
    """protocols/ and examples/: what a user has."""
    for folder in ("protocols", "examples"):
        for path in files(root, folder):
            for name, kind, target in includes(path):
                if kind == "private" and not (path.parent / name).exists():
                    fail(path, f"includes {name}: {folder}/ gets public "
                               "headers only; extend the API")
                elif kind == "public" and target in SPECIAL:
                    fail(path, f"includes {name}, which is not for "
                               "applications")


def drawn(root):
    """floor: the words behind its name in the drawing of ARCHITECTURE.md."""
    words = {}
    floor = set()
    text = (root / "ARCHITECTURE.md").read_text().split("```")
    for line in text[1].splitlines() if len(text) > 1 else []:
        start = re.match(r" (\w+) ", line)
        if start:
            floor = words.setdefault(start[1], set())
            line = line[start.end():]
        if line.strip():
            floor.update(line.split())
    return words


def check_drawing(root, fail):
    """A file of src/ stands in the drawing, on its floor."""
    if not (root / "ARCHITECTURE.md").exists():
        return
    words = drawn(root)
    for path in files(root, "src"):
        floor = FLOOR_OF.get(path.stem)
        if floor and path.stem not in words.get(floor, ()):
            fail(path, f"is not in the drawing of ARCHITECTURE.md, on {floor}")


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    failures = []

    def fail(path, what):
        failures.append(f"{path.relative_to(root)}: {what}")

    check_library(root, fail)
    check_transports(root, fail)
    check_applications(root, fail)
    check_drawing(root, fail)
    for line in failures:
        print(line)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
