#!/usr/bin/env python3
"""Compare each C block of the documents with the file it is taken from.

A block opens with ```c FILE, FILE in examples/ or tests/, and must be a run of
lines of that file; it may stand further left than in the file.

One that opens with ```diff OLD NEW shows what is new in NEW: without its lines
that begin with a plus it must be such a run of OLD, without those that begin
with a minus one of NEW.
"""
import pathlib
import re
import sys
import textwrap

FOLDERS = ("examples", "tests")
FENCE = re.compile(r"^ *```[ ]*(\S*)[ ]*(.*)")


def documents(root):
    for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"):
        if (root / name).exists():
            yield root / name
    yield from sorted((root / "docs").rglob("*.md"))


def blocks(path):
    """(line, language, files, text) of each fenced block."""
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
            opened = (number, fence[1], fence[2].split())
            text = []
    if opened:
        yield (*opened, "\n".join(text))


def trimmed(lines):
    return textwrap.dedent("\n".join(lines)).strip("\n").splitlines()


def has_region(lines, wanted):
    size = len(wanted)
    return any(trimmed(lines[at:at + size]) == wanted
               for at in range(len(lines) - size + 1))


def problem_of_region(root, name, wanted):
    """What is wrong with lines that are said to be of a file, or None."""
    file = root / name
    if name.split("/")[0] not in FOLDERS or not file.is_file():
        return f"{name} is no file of {' or '.join(FOLDERS)}"
    if not has_region(file.read_text().splitlines(), trimmed(wanted)):
        return f"this block is no region of {name}"
    return None


def problem_of_c(root, names, lines):
    if len(names) != 1:
        return "this C block names no file: ```c examples/NAME.c"
    if not trimmed(lines):
        return "this C block is empty"
    return problem_of_region(root, names[0], lines)


def problem_of_diff(root, names, lines):
    if len(names) != 2:
        return "this difference is not one of two files: ```diff OLD NEW"
    if not any(line[:1] in ("+", "-") for line in lines):
        return "this difference changes nothing"
    if any(line[:1] not in ("+", "-", " ", "") for line in lines):
        return "a line of this difference begins with no plus, minus or blank"
    for name, other in zip(names, "+-"):
        side = [line[1:] for line in lines if line[:1] != other]
        what = problem_of_region(root, name, side) if trimmed(side) else None
        if what:
            return what
    return None


PROBLEM_OF = {"c": problem_of_c, "diff": problem_of_diff}


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    failed = False
    for path in documents(root):
        for line, language, names, text in blocks(path):
            look = PROBLEM_OF.get(language)
            what = look and look(root, names, text.splitlines())
            if what:
                print(f"{path.relative_to(root)}:{line}: {what}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
