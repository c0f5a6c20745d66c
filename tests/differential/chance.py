"""Random programs of the differential test: the same seed, the same program.

A seed first draws which kinds of statements there are at all, so that some
programs are without cancellations, and some are about one thing only.
"""
import random

# What is drawn, the often the likelier.
KINDS = {
    "futures": ["set", "setfail", "drop", "await", "await"],
    "callbacks": ["soon", "later", "later", "alarm", "silence"],
    "cancels": ["cancel", "cancel", "asked", "uncancel", "catch"],
    "waits": ["gather", "gather", "gather_all", "wait", "wait", "wait",
              "each", "each"],
    "ends": ["wait_for", "wait_for", "wait_call"],
    "groups": ["group", "group"],
    "limits": ["timeout", "timeout", "deadline"],
    "shields": ["shield"],
    "events": ["setev", "clear", "isset", "waitev", "waitev"],
    "locks": ["hold", "hold", "locked"],
    "conditions": ["hold", "waitc", "waitc", "notify", "notify"],
    "semaphores": ["permit", "permit", "permit", "give", "permits"],
    "barriers": ["meet", "meet", "meet", "reset", "abort", "waiting"],
    "queues": ["put", "put", "put", "get", "get", "get", "put_now", "get_now",
               "size", "done", "done", "joinq", "joinq", "shut", "shut_now"],
}
ALWAYS = ["mark", "sleep", "sleep", "sleep", "spawn", "join", "try", "fail",
          "return"]
ACTIONS = {"mark", "spawn", "cancel", "asked", "set", "setfail", "drop",
           "silence", "setev", "clear", "isset", "locked", "give", "permits",
           "put_now", "get_now", "size", "done", "shut", "shut_now"}
BLOCKS = {"timeout", "deadline", "shield", "group", "hold", "permit", "try",
          "catch"}
END_A_TASK = {"fail", "return"}
MOST_DEPTH = 3
MOST_STATEMENTS = 80

# The letter of what a statement is about, where that is all it says.
ABOUT = {"await": "f", "drop": "f", "setev": "e", "clear": "e", "isset": "e",
         "waitev": "e", "hold": "l", "locked": "l", "waitc": "c",
         "permit": "s", "give": "s", "permits": "s", "meet": "b", "reset": "b",
         "abort": "b", "waiting": "b", "get": "q", "get_now": "q", "size": "q",
         "done": "q", "joinq": "q", "shut": "q", "shut_now": "q",
         "silence": "h"}


class Chance:
    """Draws one program."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tasks = self.draw(2, 6)
        # Few times, which coincide; or many, which hardly do.
        self.times = self.pick([[0, 1, 2, 5, 5, 10], [0, 3, 7, 11, 17, 29, 41],
                                list(range(1, 60))])
        # One thing in depth, or several, and how they meet.
        self.kinds = [kind for kind in KINDS if self.draw(0, 3) == 0]
        if len(self.kinds) < 2 or self.draw(0, 2) == 0:
            self.kinds = self.random.sample(list(KINDS), self.draw(1, 2))
        self.verbs = ALWAYS + [verb for kind in self.kinds
                               for verb in KINDS[kind]]
        self.actions = [verb for verb in self.verbs if verb in ACTIONS]
        self.number = 0      # of the task that is written
        self.in_group = 0    # how many are open there
        self.in_limit = 0
        self.held = []
        self.left = MOST_STATEMENTS

    def draw(self, low, high):
        return self.random.randint(low, high)

    def pick(self, choices):
        return self.random.choice(choices)

    # Words.

    def time(self):
        return str(self.pick(self.times))

    def limit(self):
        return "-" if self.draw(0, 9) == 0 else self.time()

    def any_task(self):
        return f"t{self.draw(0, self.tasks - 1)}"

    def later_task(self):
        """One that this may wait for, if there is one."""
        last = self.tasks - 1
        return f"t{self.draw(min(self.number + 1, last), last)}"

    def name(self, letter):
        """Mostly the same, for it is to be used by many."""
        return f"{letter}{self.draw(0, 3) // 3}"

    def awaited(self):
        if "futures" in self.kinds and self.draw(0, 2) == 0:
            return self.name("f")
        return self.later_task()

    def several(self):
        return [self.awaited() for _ in range(self.draw(1, 5))]

    def error(self):
        return f"e{self.draw(1, 3)}"

    def digit(self):
        return str(self.draw(1, 9))

    def words_of(self, verb):
        """What stands behind the verb."""
        if verb in ("waitc", "notify") and self.held:
            thing = "c" + self.held[-1][1]
            return [thing] if verb == "waitc" else [thing, self.pick("1123")]
        if verb in ABOUT:
            return [self.name(ABOUT[verb])]
        draws = {
            "mark": lambda: [self.digit()],
            "return": lambda: [self.digit()],
            "fail": lambda: [self.error()],
            "sleep": lambda: [self.time()],
            "timeout": lambda: [self.limit()],
            "deadline": lambda: [self.time()],
            "reschedule": lambda: [self.limit()],
            "shield": lambda: [self.time()],
            "spawn": lambda: [self.later_task()],
            "start": lambda: [self.later_task()],
            "join": lambda: [self.later_task()],
            "cancel": lambda: [self.any_task()],
            "asked": lambda: [self.any_task()],
            "set": lambda: [self.name("f"), self.digit()],
            "setfail": lambda: [self.name("f"), self.error()],
            "put": lambda: [self.name("q"), self.digit()],
            "put_now": lambda: [self.name("q"), self.digit()],
            "notify": lambda: [self.name("c"), "1"],
            "gather": self.several,
            "gather_all": self.several,
            "wait": lambda: [self.pick(["all", "first", "error"]),
                             self.limit(), *self.several()],
            "each": lambda: [self.limit(), *self.several()],
            "wait_for": lambda: [self.limit(), self.awaited()],
            "wait_call": lambda: [self.limit(), self.later_task()],
            "soon": lambda: self.action(),
            "later": lambda: [self.time(), *self.action()],
            "alarm": lambda: [self.name("h"), self.time(), *self.action()],
        }
        return draws[verb]() if verb in draws else []

    # Statements.

    def action(self):
        return self.words("soon" if self.draw(0, 9) == 0
                          else self.pick(self.actions))

    def words(self, verb):
        words = self.words_of(verb)
        return ["locked" if verb == "permits" else verb, *words]

    def verb(self, depth):
        if self.in_group and self.draw(0, 2) == 0:
            return "start"
        if self.in_limit and self.draw(0, 5) == 0:
            return "reschedule"
        verb = self.pick(self.verbs)
        if verb in BLOCKS and depth > MOST_DEPTH:
            return "sleep"
        if verb in END_A_TASK and self.draw(0, 1):
            return "mark"
        if verb in ("waitc", "notify") and not self.held:
            return "hold"
        return verb

    def block(self, verb, words, depth):
        self.in_group += verb == "group"
        self.in_limit += verb in ("timeout", "deadline")
        if verb == "hold":
            self.held.append(words[1])
        lines = self.statements(depth + 1, self.draw(1, 4))
        if verb == "hold":
            self.held.pop()
        self.in_limit -= verb in ("timeout", "deadline")
        self.in_group -= verb == "group"
        return lines

    def statements(self, depth, count):
        lines = []
        for _ in range(count):
            self.left -= 1
            if self.left < 0:
                break
            verb = self.verb(depth)
            words = self.words(verb)
            indent = "  " * depth
            lines.append(indent + " ".join(words))
            if verb in BLOCKS:
                lines += self.block(verb, words, depth)
                lines.append(indent + "end")
        return lines

    def body(self, number):
        self.number = number
        lines = []
        if number == 0:
            few = "groups" in self.kinds or "ends" in self.kinds
            lines = [f"  spawn t{other}" for other in range(1, self.tasks)
                     if self.draw(0, 2) > few]
        elif "groups" in self.kinds and self.draw(0, 3) == 0:
            lines = [f"  start {self.later_task()}"]
        if "queues" in self.kinds and self.draw(0, 1):
            lines += self.traffic()
        return lines + self.statements(1, self.draw(1, 6))

    def traffic(self):
        """More of one kind than a queue holds, or is in it."""
        count = self.draw(2, 3)
        if self.draw(0, 1):
            return [f"  put q0 {self.digit()}" for _ in range(count)]
        return ["  get q0", "  done q0"] * count

    def declarations(self):
        lines = []
        if "semaphores" in self.kinds:
            lines += [f"semaphore s0 {self.draw(0, 3)}"]
        if "barriers" in self.kinds:
            lines += [f"barrier b0 {self.draw(1, 4)}"]
        if "queues" in self.kinds:
            lines += [f"{self.pick(['queue', 'lifo', 'priority'])} {name} "
                      f"{self.pick([0, 1, 1, 2])}" for name in ("q0", "q1")]
        return lines

    def before(self):
        if self.draw(0, 9):
            return []
        return ["before", *["  " + " ".join(self.action())
                            for _ in range(self.draw(1, 3))], "end"]

    def program(self):
        lines = self.declarations() + self.before()
        for number in range(self.tasks):
            lines += [f"task t{number}", *self.body(number), "end"]
        return "\n".join(lines) + "\n"


def program_of(seed):
    return Chance(seed).program()
