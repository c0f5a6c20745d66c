#!/usr/bin/env python3
"""The checks of the tree refuse what they are there to refuse."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "tools"


class Tree(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, tool, *arguments):
        return subprocess.run(
            [sys.executable, str(TOOLS / tool), *arguments, str(self.root)],
            text=True, capture_output=True)

    def assert_refused(self, words, tool, *arguments):
        done = self.run_tool(tool, *arguments)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(words, done.stdout)

    def assert_accepted(self, tool, *arguments):
        done = self.run_tool(tool, *arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Floors(Tree):
    def test_an_include_may_go_down_or_along(self):
        self.write("src/loop.c", '#include "loop.h"\n#include "heap.h"\n'
                                 '#include "engine.h"\n#include <stdio.h>\n')
        self.write("transports/tcp.c", "#include <ouro/transport_impl.h>\n"
                                       '#include "op.h"\n#include "outbox.h"\n')
        self.assert_accepted("check_floors.py")

    def test_an_include_may_not_go_up(self):
        self.write("src/loop.c", '#include "task.h"\n')
        self.assert_refused("is loop and includes task.h, which is task",
                            "check_floors.py")

    def test_a_public_header_may_not_go_up(self):
        self.write("include/ouro/future.h", "#include <ouro/stream.h>\n")
        self.assert_refused("is future and includes ouro/stream.h",
                            "check_floors.py")

    def test_a_public_header_may_not_include_a_private_one(self):
        self.write("include/ouro/net.h", '#include "list.h"\n')
        self.assert_refused("is public and includes list.h", "check_floors.py")

    def test_a_file_on_no_floor_is_named(self):
        self.write("src/attic.c", "")
        self.assert_refused("src/attic.c: stands on no floor",
                            "check_floors.py")

    def test_only_the_uring_engine_includes_liburing(self):
        self.write("src/engine_uring.c", "#include <liburing.h>\n")
        self.assert_accepted("check_floors.py")
        self.write("src/loop.c", "#include <liburing.h>\n")
        self.assert_refused("only src/engine_uring.c", "check_floors.py")

    def test_a_transport_may_not_include_the_loop_or_a_sibling(self):
        self.write("transports/tcp.c", '#include "loop.h"\n')
        self.assert_refused("includes loop.h", "check_floors.py")
        self.write("transports/tcp.c", '#include "unix.h"\n')
        self.assert_refused("includes unix.h", "check_floors.py")

    def test_an_application_has_public_headers_only(self):
        for folder in ("protocols", "examples"):
            self.write(f"{folder}/echo.c", '#include "task.h"\n')
            self.assert_refused("public headers only", "check_floors.py")
            self.write(f"{folder}/echo.c", "#include <ouro/sim.h>\n")
            self.assert_refused("not for applications", "check_floors.py")
            self.write(f"{folder}/echo.c", "#include <ouro/ouro.h>\n")
            self.assert_accepted("check_floors.py")

    def test_a_file_that_is_not_in_the_drawing_is_named(self):
        self.write("src/loop.c", "")
        self.write("ARCHITECTURE.md", "# A\n\n```\n loop  turns\n"
                                      "         loop\n base  list\n```\n")
        self.assert_accepted("check_floors.py")
        self.write("src/heap.c", "")
        self.write("src/list.h", "")
        self.assert_refused("src/heap.c: is not in the drawing of "
                            "ARCHITECTURE.md, on loop", "check_floors.py")

    def test_a_file_that_is_drawn_on_another_floor_is_named(self):
        self.write("src/loop.c", "")
        self.write("ARCHITECTURE.md", "```\n loop  turns\n base  loop\n```\n")
        self.assert_refused("on loop", "check_floors.py")


class Docs(Tree):
    EXAMPLE = "int x;\n\nint\nmain(void)\n{\n    if (x)\n        return 1;\n}\n"

    def document(self, fence, block):
        self.write("examples/a.c", self.EXAMPLE)
        self.write("docs/guide/a.md", f"# A\n\n```{fence}\n{block}```\n")

    def test_a_region_is_accepted_also_further_left(self):
        self.document("c examples/a.c", "if (x)\n    return 1;\n")
        self.assert_accepted("check_docs.py")

    def test_a_changed_line_is_refused(self):
        self.document("c examples/a.c", "if (x)\n    return 2;\n")
        self.assert_refused("no region of examples/a.c", "check_docs.py")

    def test_a_block_without_a_file_is_refused(self):
        self.document("c", "int x;\n")
        self.assert_refused("names no file", "check_docs.py")

    def test_a_file_that_is_not_there_is_refused(self):
        self.document("c examples/b.c", "int x;\n")
        self.assert_refused("examples/b.c is no file", "check_docs.py")

    def test_a_shell_block_is_not_compared(self):
        self.document("sh", "make me a sandwich\n")
        self.assert_accepted("check_docs.py")

    def difference(self, block, files="examples/a.c examples/b.c"):
        self.write("examples/b.c",
                   self.EXAMPLE.replace("return 1", "return 2"))
        self.document(f"diff {files}", block)

    def test_a_difference_is_accepted_also_further_left(self):
        self.difference(" if (x)\n-    return 1;\n+    return 2;\n")
        self.assert_accepted("check_docs.py")

    def test_a_difference_may_only_add(self):
        self.difference("+        return 2;\n")
        self.assert_accepted("check_docs.py")

    def test_a_difference_without_the_old_line_is_refused(self):
        self.difference("     if (x)\n+        return 2;\n }\n")
        self.assert_refused("no region of examples/a.c", "check_docs.py")

    def test_a_difference_that_adds_another_line_is_refused(self):
        self.difference(" if (x)\n-    return 1;\n+    return 3;\n")
        self.assert_refused("no region of examples/b.c", "check_docs.py")

    def test_a_difference_that_changes_nothing_is_refused(self):
        self.difference(" int x;\n")
        self.assert_refused("changes nothing", "check_docs.py")

    def test_a_difference_of_one_file_is_refused(self):
        self.difference("+int x;\n", "examples/a.c")
        self.assert_refused("not one of two files", "check_docs.py")

    def test_a_line_of_a_difference_without_a_sign_is_refused(self):
        self.difference("+int x;\nint y;\n")
        self.assert_refused("no plus, minus or blank", "check_docs.py")


class Sizes(Tree):
    def function(self, lines):
        return "int\nf(void)\n{\n" + "    g();\n" * lines + "}\n"

    def test_a_long_function_is_refused(self):
        self.write("src/a.c", self.function(67))
        self.assert_accepted("check_tree.py", "sizes")
        self.write("src/a.c", self.function(68))
        self.assert_refused("line 2: f has 71 lines", "check_tree.py", "sizes")

    def test_a_long_file_says_why(self):
        self.write("src/a.c", "/* a */\n" * 601)
        self.assert_refused("has 601 lines", "check_tree.py", "sizes")
        self.write("src/a.c", "/* It has more than 600 lines because. */\n"
                              + "/* a */\n" * 601)
        self.assert_accepted("check_tree.py", "sizes")

    def test_an_example_has_eighty_lines(self):
        self.write("examples/a.c", "/* a */\n" * 81)
        self.assert_refused("one idea in 80", "check_tree.py", "sizes")


class Paths(Tree):
    def test_a_place_of_one_machine_is_refused(self):
        for place in ("home", "root", "work"):
            self.write("README.md", f"cd /{place}/me\n")
            self.assert_refused("a place of one machine", "check_tree.py",
                                "paths")

    def test_a_folder_of_the_tree_is_no_such_place(self):
        self.write("README.md", "see docs/work/ and ./home/x\n")
        self.assert_accepted("check_tree.py", "paths")


class Lists(Tree):
    def test_a_file_that_nobody_builds_is_named(self):
        for name in ("CMakeLists.txt", "tests/CMakeLists.txt",
                     "examples/CMakeLists.txt"):
            self.write(name, "")
        self.assert_accepted("check_tree.py", "lists")
        self.write("src/a.c", "")
        self.write("protocols/p.c", "")
        self.write("tests/unit/test_b.c", "")
        self.write("examples/c.c", "")
        self.write("examples/tutorial/d.c", "")
        done = self.run_tool("check_tree.py", "lists").stdout
        self.assertIn("src/a.c: is not named", done)
        self.assertIn("protocols/p.c: is not named", done)
        self.assertIn("tests/unit/test_b.c: is not named", done)
        self.assertIn("examples/c.c: is not named", done)
        self.assertIn("examples/tutorial/d.c: is not named", done)

        self.write("CMakeLists.txt", "  src/a.c\n  protocols/p.c\n")
        self.write("tests/CMakeLists.txt", "ouro_test(b unit)\n")
        self.write("examples/CMakeLists.txt",
                   "ouro_example(c)\nouro_tutorial(d)\n")
        self.assert_accepted("check_tree.py", "lists")


class Run(unittest.TestCase):
    """tools/run, up to where it would build something."""

    def run_it(self, *arguments, **options):
        return subprocess.run([str(TOOLS / "run"), *arguments], text=True,
                              capture_output=True, **options)

    def test_it_lists_each_example_with_what_it_is(self):
        done = self.run_it("-h")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line.split(None, 1) for line in done.stdout.splitlines()[2:]]
        self.assertGreater(len(lines), 20)
        for name, words in lines:
            self.assertTrue(words.endswith("."), f"{name}: {words}")

    def test_it_refuses_an_example_that_is_not_there(self):
        done = self.run_it("nosuch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no example 'nosuch'", done.stderr)
        self.assertIn("echo_protocol", done.stderr)

    def test_who_may_not_install_is_told_what_is_missing(self):
        with tempfile.TemporaryDirectory() as folder:
            for tool in ("bash", "dirname", "env", "cat"):
                os.symlink(shutil.which(tool), f"{folder}/{tool}")
            for tool, script in (("id", "echo 1000"), ("dpkg-query", "exit 1")):
                path = pathlib.Path(folder, tool)
                path.write_text(f"#!/bin/sh\n{script}\n")
                path.chmod(0o755)
            done = self.run_it("hello", env={"PATH": folder})
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"Let root say: apt-get install gcc .*"
                                      r"liburing-dev")


if __name__ == "__main__":
    unittest.main()
