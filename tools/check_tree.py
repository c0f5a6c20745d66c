#!/usr/bin/env python3
"""Small checks of the tree as a whole: check_tree.py CHECK [ROOT].

format   clang-format has nothing to change
headers  each public header compiles alone, as C11 and as C++17
lists    each source, header, test and example is named in its CMakeLists.txt
paths    nothing names a place of one machine
sizes    functions, files and examples keep to their limits

Exit code 77 means that a tool is missing here, and nothing was checked.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 77

FUNCTION_LINES = 70
FILE_LINES = 600
EXAMPLE_LINES = 80
APP_LINES = 150  # of a file of the sample server, which is several

# Releases of clang-format differ in what they do with the same file.
CLANG_FORMAT = "14"


def tracked(root, suffixes=None):
    """The files of the tree: those that git knows or would, else all."""
    command = ["git", "-C", str(root), "ls-files", "-z",
               "--cached", "--others", "--exclude-standard"]
    try:
        names = subprocess.run(command, capture_output=True, check=True).stdout
        paths = [root / os.fsdecode(name) for name in names.split(b"\0")
                 if name]
    except (OSError, subprocess.CalledProcessError):
        paths = [path for path in root.rglob("*")
                 if not {".git", "build"} & set(path.relative_to(root).parts)]
    return sorted(path for path in paths if path.is_file()
                  and (suffixes is None or path.suffix in suffixes))


def check_format(root, _fail):
    for tool in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        if shutil.which(tool):
            version = subprocess.run([tool, "--version"], text=True,
                                     capture_output=True, check=True).stdout
            if f"version {CLANG_FORMAT}." in version:
                break
    else:
        print(f"skipped: there is no clang-format {CLANG_FORMAT}")
        return SKIPPED
    files = [str(path) for path in tracked(root, {".c", ".h"})]
    if not files:
        return 0
    return subprocess.run([tool, "--dry-run", "-Werror", *files]).returncode


def check_headers(root, fail):
    compilers = [(os.environ.get("CC", "cc"), "c", "c11"),
                 (os.environ.get("CXX", "c++"), "c++", "c++17")]
    headers = sorted((root / "include" / "ouro").glob("*.h"))
    for compiler, language, standard in compilers:
        if not shutil.which(compiler):
            print(f"skipped: there is no {compiler}")
            return SKIPPED
        for header in headers:
            built = subprocess.run(
                [compiler, "-x", language, f"-std={standard}", "-fsyntax-only",
                 "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                 "-I", str(root / "include"), "-"],
                input=f"#include <ouro/{header.name}>\n", text=True,
                capture_output=True)
            if built.returncode:
                fail(header, f"does not compile alone as {standard}:\n"
                             + built.stderr)
    return 0


def check_lists(root, fail):
    def listed(pattern, build_file, how):
        text = (root / build_file).read_text()
        for path in sorted(root.glob(pattern)):
            if not re.search(how(path), text, re.M):
                fail(path, f"is not named in {build_file}")

    def whole(path):
        return rf"^\s*{re.escape(str(path.relative_to(root)))}\s*$"

    for pattern in ("src/*.[cS]", "src/*/*.[cS]", "transports/*.c",
                    "protocols/*.c", "include/ouro/*.h"):
        listed(pattern, "CMakeLists.txt", whole)
    listed("tests/*/test_*.c", "tests/CMakeLists.txt",
           lambda path: rf"^\s*ouro_test\({path.stem[5:]} {path.parent.name}\b")
    listed("tests/support/*.c", "tests/CMakeLists.txt",
           lambda path: rf"^\s*support/{path.name}\s*$")
    listed("examples/*.c", "examples/CMakeLists.txt",
           lambda path: rf"^\s*ouro_example\({path.stem}\b")
    listed("examples/http_server/*.c", "examples/CMakeLists.txt",
           lambda path: rf"^\s*FILES\b.*\b{path.name}\b")
    listed("examples/tutorial/*.c", "examples/CMakeLists.txt",
           lambda path: rf"^\s*ouro_tutorial\({path.stem}\b")
    return 0


def check_paths(root, fail):
    place = re.compile(r"(?<![\w.])/(?:home|root|work)/")
    host = re.compile(r"\b(?:registry\.npmjs|registry\.yarnpkg|deb\.debian|"
                      r"ftp\.debian|archive\.ubuntu|pypi|files\.pythonhosted|"
                      r"proxy\.golang)\.(?:org|com)\b")
    for path in tracked(root):
        for number, line in enumerate(
                path.read_text(errors="replace").splitlines(), 1):
            if place.search(line):
                fail(path, f"line {number} names a place of one machine")
            if host.search(line):
                fail(path, f"line {number} names the host of a registry")
    return 0


def functions(lines):
    """(name, number of its line, count) of each; the style says how to see it.

    The name of a definition starts a line, its braces stand alone in theirs.
    """
    name = None
    for number, line in enumerate(lines, 1):
        start = re.match(r"(\w+)\(", line)
        if start and not line.rstrip().endswith(";"):
            name, first = start[1], number
        elif line.startswith("}") and name:
            yield name, first, number - first + 1
            name = None


def check_sizes(root, fail):
    for path in tracked(root, {".c", ".h"}):
        lines = path.read_text(errors="replace").splitlines()
        for name, number, count in functions(lines):
            if count > FUNCTION_LINES:
                fail(path, f"line {number}: {name} has {count} lines, "
                           f"more than {FUNCTION_LINES}")
        # A file that has one job and is longer says so near its top.
        reason = f"more than {FILE_LINES} lines"
        if len(lines) > FILE_LINES and reason not in "\n".join(lines[:60]):
            fail(path, f"has {len(lines)} lines: split it, or say in its essay "
                       f"why it has \"{reason}\"")
        if path.parent == root / "examples" and len(lines) > EXAMPLE_LINES:
            fail(path, f"has {len(lines)} lines; an example is one idea in "
                       f"{EXAMPLE_LINES}")
        if (path.parent == root / "examples" / "http_server"
                and len(lines) > APP_LINES):
            fail(path, f"has {len(lines)} lines, more than {APP_LINES}")
    return 0


CHECKS = {name[len("check_"):]: function for name, function in
          list(globals().items()) if name.startswith("check_")}


def main():
    if len(sys.argv) < 2 or sys.argv[1] not in CHECKS:
        print(__doc__)
        return 2
    root = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else ".").resolve()
    failures = []

    def fail(path, what):
        failures.append(f"{path.relative_to(root)}: {what}")

    code = CHECKS[sys.argv[1]](root, fail)
    for line in failures:
        print(line)
    return 1 if failures else code


if __name__ == "__main__":
    sys.exit(main())
