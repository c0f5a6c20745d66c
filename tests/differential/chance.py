"""Random programs of the differential test: the same seed, the same program.

A seed first draws which kinds of statements there are at all, so that some
programs are without cancellations, and some are about one thing only.
"""
import random

KINDS = {
    "futures": ["set", "setfail", "drop", "await", "await"],
    "callbacks": ["soon", "later", "later", "alarm", "silence"],
    "cancels": ["cancel", "cancel", "asked", "uncancel", "catch"],
    "waits": ["gather", "gather_all", "wait", "wait", "wait_for", "each"],
    "groups": ["group", "group", "start", "start"],
    "limits": ["timeout", "timeout", "deadline", "reschedule"],
    "shields": ["shield"],
    "events": ["setev", "clear", "isset", "waitev", "waitev"],
    "locks": ["hold", "hold", "locked"],
}
ALWAYS = ["mark", "sleep", "sleep", "sleep", "spawn", "join", "try", "fail",
          "return"]
ACTIONS = ["mark", "spawn", "cancel", "asked", "set", "setfail", "drop",
           "silence", "setev", "clear", "isset", "locked"]
BLOCKS = {"timeout", "deadline", "shield", "group", "hold", "try", "catch"}


class Chance:
    """Draws one program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tasks = self.draw(2, 5)
        # Few times, which coincide; or many, which hardly do.
        self.times = self.pick([[0, 1, 2, 5, 5, 10], [0, 3, 7, 11, 17, 29, 41],
                                list(range(1, 60))])
        kinds = [kind for kind in KINDS if self.draw(0, 2) == 0]
        if len(kinds) < 2:
            kinds = self.random.sample(list(KINDS), 2)
        self.verbs = ALWAYS + [verb for kind in kinds for verb in KINDS[kind]]
        self.actions = [verb for verb in ACTIONS if verb in self.verbs]

    def draw(self, low, high):
        return self.random.randint(low, high)

    def pick(self, choices):
        return self.random.choice(choices)

    # Words.

    def time(self):
        return str(self.pick(self.times))

    def limit(self):
        return "-" if self.draw(0, 9) == 0 else self.time()

    def task(self):
        return f"t{self.draw(0, self.tasks - 1)}"

    def other(self):
        return f"t{self.draw(1, self.tasks - 1)}"

    def name(self, letter):
        return f"{letter}{self.draw(0, 1)}"

    def awaited(self):
        return self.other() if self.draw(0, 2) else self.name("f")

    def several(self):
        return [self.awaited() for _ in range(self.draw(1, 3))]

    def words_of(self, verb):
        """What stands behind the verb."""
        letter = {"hold": "l", "locked": "l"}.get(verb)
        if letter is not None:
            return [self.name(letter)]
        if verb in ("mark", "return"):
            return [str(self.draw(1, 9))]
        if verb in ("sleep", "timeout", "deadline", "reschedule"):
            return [self.limit() if verb in ("timeout", "reschedule")
                    else self.time()]
        if verb == "shield":
            return [self.time()]
        if verb in ("spawn", "join", "start"):
            return [self.other()]
        if verb in ("cancel", "asked"):
            return [self.task()]
        if verb == "fail":
            return [f"e{self.draw(1, 3)}"]
        if verb == "set":
            return [self.name("f"), str(self.draw(1, 9))]
        if verb == "setfail":
            return [self.name("f"), f"e{self.draw(1, 3)}"]
        if verb in ("drop", "await"):
            return [self.name("f")]
        if verb in ("setev", "clear", "isset", "waitev"):
            return [self.name("e")]
        if verb in ("gather", "gather_all"):
            return self.several()
        if verb == "wait":
            return [self.pick(["all", "first", "error"]), self.limit(),
                    *self.several()]
        if verb == "wait_for":
            return [self.limit(), self.awaited()]
        if verb == "each":
            return [self.limit(), *self.several()]
        if verb == "silence":
            return [self.name("h")]
        if verb in ("soon", "later", "alarm"):
            front = {"soon": [], "later": [self.time()],
                     "alarm": [self.name("h"), self.time()]}[verb]
            return front + self.action().split()
        return []

    # Statements.

    def action(self):
        verb = self.pick(self.actions)
        return " ".join([verb, *self.words_of(verb)])

    def statements(self, depth, count):
        lines = []
        for _ in range(count):
            verb = self.pick(self.verbs)
            if verb in BLOCKS and depth > 2:
                verb = "sleep"
            if verb in ("fail", "return") and self.draw(0, 1):
                verb = "mark"
            indent = "  " * depth
            lines.append(indent + " ".join([verb, *self.words_of(verb)]))
            if verb in BLOCKS:
                lines += self.statements(depth + 1, self.draw(1, 3))
                lines.append(indent + "end")
        return lines

    def body(self, number):
        lines = []
        if number == 0:
            lines = [f"  spawn t{other}" for other in range(1, self.tasks)
                     if self.draw(0, 2)]
        return lines + self.statements(1, self.draw(1, 6))

    def program(self):
        lines = []
        for number in range(self.tasks):
            lines += [f"task t{number}", *self.body(number), "end"]
        return "\n".join(lines) + "\n"


def program_of(seed):
    return Chance(seed).program()
