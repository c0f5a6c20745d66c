#!/usr/bin/env python3
"""Compare each C block of the documents with the file it is taken from.

A block opens with ```c FILE, FILE in examples/ or tests/, and must be a run of
lines of that file; it may stand further left than in the file.
"""
import pathlib
import re
import sys
import textwrap

FOLDERS = ("examples", "tests")
FENCE = re.compile(r"^ *```[ ]*(\S*)[ ]*(\S*)")


def documents(root):
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        if (root / name).exists():
            yield root / name
    yield from sorted((root / "docs").rglob("*.md"))


def blocks(path):
    """(line, language, file, text) of each fenced block."""
    opened = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if opened:
            if fence and not fence[1]:
                yield (*opened, "\n".join(text))
                opened = None
            else:
                text.append(line)
        elif fence:
            opened = (number, fence[1], fence[2])
            text = []
    if opened:
        yield (*opened, "\n".join(text))


def trimmed(lines):
    return textwrap.dedent("\n".join(lines)).strip("\n").splitlines()


def has_region(lines, wanted):
    size = len(wanted)
    return any(trimmed(lines[at:at + size]) == wanted
               for at in range(len(lines) - size + 1))


def problem(root, name, text):
    """What is wrong with a C block, or None."""
    if not name:
        return "this C block names no file: ```c examples/NAME.c"
    file = root / name
    if name.split("/")[0] not in FOLDERS or not file.is_file():
        return f"{name} is no file of {' or '.join(FOLDERS)}"
    wanted = trimmed(text.splitlines())
    if not wanted:
        return "this C block is empty"
    if not has_region(file.read_text().splitlines(), wanted):
        return f"this block is no region of {name}"
    return None


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    failed = False
    for path in documents(root):
        for line, language, name, text in blocks(path):
            if language == "c":
                what = problem(root, name, text)
                if what:
                    print(f"{path.relative_to(root)}:{line}: {what}")
                    failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
