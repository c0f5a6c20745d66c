"""Makes a program that fails as small as it can be, and it still fails."""
from program import Program, Statement


def lists_of(statements):
    """Every list of statements in the tree."""
    yield statements
    for one in statements:
        if one.body is not None:
            yield from lists_of(one.body)


def smaller(text):
    """Programs that are a step smaller, the largest steps first."""
    for at, part in enumerate(lists_of(Program(text).top)):
        size = len(part)
        while size > 0:
            for first in range(0, len(part), size):
                whole = Program(text)
                del list(lists_of(whole.top))[at][first:first + size]
                yield whole
            size //= 2
    yield from opened(text)
    yield from simpler(text)


def opened(text):
    """A block becomes what stands in it."""
    for at, part in enumerate(lists_of(Program(text).top)):
        for index, one in enumerate(part):
            if one.body is not None and one.words[0] not in ("task", "before"):
                whole = Program(text)
                changed = list(lists_of(whole.top))[at]
                changed[index:index + 1] = changed[index].body
                yield whole


def simpler(text):
    """A statement has a word less, or a number that is less."""
    for at, part in enumerate(lists_of(Program(text).top)):
        for index, one in enumerate(part):
            for word in range(len(one.words) - 1, 0, -1):
                for words in words_without(one.words, word):
                    whole = Program(text)
                    changed = list(lists_of(whole.top))[at]
                    body = changed[index].body
                    changed[index] = Statement(words)
                    changed[index].body = body
                    yield whole


def words_without(words, at):
    if words[at].isdigit() and int(words[at]) > 1:
        yield [*words[:at], str(int(words[at]) // 2), *words[at + 1:]]
    if words[0] in ("gather", "gather_all") and len(words) > 2 \
            or words[0] in ("wait", "each") and at > 3:
        yield [*words[:at], *words[at + 1:]]


def shrink(text, fails, most=2000):
    """`fails(text)` says whether it is still the failure that is looked for."""
    tries = 0
    found = True
    while found:
        found = False
        for one in smaller(text):
            candidate = one.text()
            tries += 1
            if tries > most:
                return text
            if candidate != text and "task t0" in candidate \
                    and fails(candidate):
                text = candidate
                found = True
                break
    return text
