#!/usr/bin/env python3
"""The differential test can fail: self_check.py PROGRAM, which plays on ouro.

Traces are changed, rules are forgotten, a player is put in between that lies or
stops; each must be found, made small, and printed so that it can be replayed.
"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))

import chance  # noqa: E402
import compare  # noqa: E402
import stage  # noqa: E402
from program import Program  # noqa: E402

OURO = None

PROGRAM = """
task t0
  spawn t1
  sleep 3
  join t1
end
task t1
  sleep 5
  return 4
end
"""

CANCELLED = """
task t0
  spawn t1
  sleep 1
  cancel t1
end
task t1
  catch
    sleep 3
  end
  sleep 3
end
"""


def run(player, *arguments):
    return subprocess.run(
        [sys.executable, str(HERE / "run"), "--ouro", str(player), "--jobs",
         "1", *arguments], text=True, capture_output=True)


class TracesThatAreWrong(unittest.TestCase):
    """Of a program that ouro plays well."""

    def setUp(self):
        self.trace, = compare.traces_of_ouro(OURO, [PROGRAM])

    def judge(self, trace):
        return compare.judge(PROGRAM, trace).why_not()

    def test_the_right_one_is_accepted(self):
        self.assertIsNone(self.judge(self.trace))

    def test_each_line_matters(self):
        for at in range(len(self.trace)):
            short = self.trace[:at] + self.trace[at + 1:]
            self.assertIsNotNone(self.judge(short), self.trace[at])

    def test_the_time_matters(self):
        late = [line.replace("5 t0: join", "6 t0: join") for line in self.trace]
        self.assertNotEqual(late, self.trace)
        self.assertIsNotNone(self.judge(late))

    def test_the_result_matters(self):
        other = [line.replace("join t1 -> 4", "join t1 -> 3")
                 for line in self.trace]
        self.assertNotEqual(other, self.trace)
        self.assertIsNotNone(self.judge(other))

    def test_the_order_matters(self):
        self.assertIsNotNone(self.judge(self.trace[1::-1] + self.trace[2:]))

    def test_more_than_there_should_be_is_wrong(self):
        self.assertIsNotNone(self.judge(self.trace + ["report t1 e1"]))


class RulesThatAreForgotten(unittest.TestCase):
    def test_a_difference_needs_a_rule_that_was_noted(self):
        trace, = compare.traces_of_ouro(OURO, [CANCELLED])
        verdict = compare.judge(CANCELLED, trace)
        self.assertIsNone(verdict.why_not())
        self.assertEqual(verdict.rules_at_work(), ["level"])

        verdict.noted = set()
        self.assertIn("no rule says", verdict.why_not())

    def test_to_do_as_asyncio_against_a_rule_is_wrong(self):
        trace, = compare.traces_of_ouro(OURO, [CANCELLED])
        plain = compare.judge(CANCELLED, trace).plain
        self.assertIn("not by the rules",
                      compare.judge(CANCELLED, plain).why_not())

    def test_a_program_promises_by_which_rules_it_differs(self):
        for promise in ("# as asyncio\n", "# differs by: stands\n"):
            trace, = compare.traces_of_ouro(OURO, [promise + CANCELLED])
            self.assertIn("promises",
                          compare.judge(promise + CANCELLED, trace).why_not())


class PlayersThatLie(unittest.TestCase):
    """The whole program, with something else in the place of ouro."""

    def player(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".sh", delete=False)
        self.addCleanup(pathlib.Path(file.name).unlink)
        with file:
            file.write(f"#!/bin/sh\n{text}\n")
        pathlib.Path(file.name).chmod(0o700)
        return file.name

    def test_a_lie_is_found_made_small_and_can_be_replayed(self):
        liar = self.player(f"'{OURO}' | sed 's/^\\([0-9]*\\) \\(t[0-9]: sleep "
                           "[1-9].*\\) -> ok$/\\1 \\2 -> timeout/'")
        ran = run(liar, "--count", "10")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertIn("as it was: tests/differential/run --seed ", ran.stdout)

        small = ran.stdout.split("made small:\n\n")[1].split("\n\n")[0]
        self.assertLess(len(small.splitlines()), 9, small)

    def test_a_player_that_stops_is_found(self):
        quitter = self.player(f"'{OURO}' | head -n 200; echo gone >&2; exit 3")
        ran = run(quitter, "--count", "30")
        self.assertEqual(ran.returncode, 1, ran.stderr)
        self.assertIn("stopped with 3", ran.stdout)

    def test_ouro_itself_is_accepted(self):
        ran = run(OURO, "--count", "10")
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)


class ProgramsOfChance(unittest.TestCase):
    def test_the_same_seed_is_the_same_program(self):
        self.assertEqual(chance.program_of(7), chance.program_of(7))
        self.assertNotEqual(chance.program_of(7), chance.program_of(8))

    def test_every_statement_is_drawn(self):
        words = set(" ".join(map(chance.program_of, range(2000))).split())
        for name in dir(stage.Actor):
            kind, _, verb = name.partition("_")
            if kind in ("act", "do") and verb:
                self.assertIn(verb, words)

    def test_a_rule_that_is_at_work_nowhere_is_told(self):
        ran = run(OURO, "--count", "1", "--each-rule")
        self.assertEqual(ran.returncode, 1)
        self.assertIn("at work nowhere: level, ", ran.stdout)

    def test_a_program_is_written_as_it_was_read(self):
        text = chance.program_of(7)
        self.assertEqual(Program(text).text(), text)


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(77)
    OURO = sys.argv.pop(1)
    unittest.main()
