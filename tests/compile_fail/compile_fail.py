#!/usr/bin/env python3
"""Check that a file does not compile, for the reason it gives.

    compile_fail.py FILE INCLUDE_DIR COMPILER...

The file says in a comment which message it expects.  With RIGHT defined it is
the same without its mistake, and must compile: so nothing else is wrong.
"""
import os
import re
import subprocess
import sys

FLAGS = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-c",
         "-o", os.devnull]


def main():
    file, include, *compiler = sys.argv[1:]
    with open(file) as text:
        expected = re.search(r"expect: (.+)", text.read())[1]
    command = [*compiler, *FLAGS, "-I", include, file]
    english = {**os.environ, "LC_ALL": "C"}

    right = subprocess.run([*command, "-DRIGHT"], text=True, env=english,
                           capture_output=True)
    if right.returncode:
        print("its right half does not compile:", right.stderr, sep="\n")
        return 1
    wrong = subprocess.run(command, text=True, env=english,
                           capture_output=True)
    if wrong.returncode == 0:
        print("it compiles")
        return 1
    if not re.search(expected, wrong.stderr):
        print(f"it fails, but not with: {expected}", wrong.stderr, sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
