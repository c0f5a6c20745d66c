"""Plays a program three times, and says whether ouro may differ as it does.

On ouro; on asyncio with the rules in which ouro differs from it; and on asyncio
as it is.  The first two must come to the same.  If no rule was noted that may
matter, all three must.
"""
import subprocess

import program
import rules
import stage
from asyncio_kit import Kit

BETWEEN = "----\n"
SECONDS = 300


def promise_of(text):
    """What a written program says of itself: the rules by which it differs, of
    which there are none if it is played as on asyncio.  None: it says nothing.
    """
    for line in text.splitlines():
        if line.strip() == "# as asyncio":
            return []
        if line.startswith("# differs by: "):
            return line.removeprefix("# differs by: ").split(", ")
    return None


class Verdict:
    """What came of a program."""

    def __init__(self, text, ouro, ruled, plain, noted):
        self.text = text
        self.ouro = ouro
        self.ruled = ruled
        self.plain = plain
        self.noted = noted

    def is_as_asyncio(self):
        return self.ouro == self.plain

    def rules_at_work(self):
        """Sorted.  None, if it is played as on asyncio."""
        return [] if self.is_as_asyncio() else sorted(self.noted)

    def why_not(self):
        """What is wrong, or None."""
        if self.ouro != self.ruled:
            if self.ouro == self.plain:
                return "ouro does as asyncio does, and not by the rules"
            return "ouro does not do what the rules say"
        if not self.noted and self.plain != self.ruled:
            return "ouro differs from asyncio, and no rule says that it may"
        promise = promise_of(self.text)
        if promise is not None and promise != self.rules_at_work():
            return "the program promises something else"
        return None


def play_on(kit, text):
    try:
        return stage.play(program.Program(text), kit)
    except AssertionError as error:
        return [f"stopped: {error}"]


def judge(text, ouro):
    """The verdict on a program of which ouro's trace is known."""
    with_rules = rules.Rules()
    ruled = play_on(with_rules, text)
    plain = play_on(Kit(), text)
    return Verdict(text, ouro, ruled, plain, with_rules.noted())


def traces_of_ouro(command, texts):
    """One for each text.  A program that stops ouro is a trace that says so."""
    traces = []
    while len(traces) < len(texts):
        run = subprocess.run([command], text=True, capture_output=True,
                             input=BETWEEN.join(texts[len(traces):]) + BETWEEN,
                             timeout=SECONDS)
        *whole, rest = run.stdout.split(BETWEEN)
        traces += [one.splitlines() for one in whole]
        if run.returncode != 0 and len(traces) < len(texts):
            traces.append(rest.splitlines() + [
                f"stopped with {run.returncode}:"] + run.stderr.splitlines())
        elif run.returncode != 0:
            traces[-1] += [f"stopped with {run.returncode} in the end:"
                           ] + run.stderr.splitlines()
    return traces


def judge_all(command, texts):
    return [judge(text, ouro)
            for text, ouro in zip(texts, traces_of_ouro(command, texts))]
