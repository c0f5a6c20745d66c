"""Programs of the differential test: see program.h for what they say."""

BLOCKS = {"task", "before", "timeout", "deadline", "shield", "group", "hold",
          "permit", "try", "catch"}
DECLARATIONS = {"semaphore", "barrier", "queue", "lifo", "priority"}

# Where in the words of a statement begins what a callback is to do.
INNER = {"soon": 1, "later": 2, "alarm": 3}


class Statement:
    __slots__ = ("words", "text", "inner", "body")

    def __init__(self, words):
        self.words = words
        self.text = " ".join(words)
        self.body = [] if words[0] in BLOCKS else None
        first = INNER.get(words[0])
        self.inner = Statement(words[first:]) if first is not None else None


class Program:
    """The tree of a program: its declarations, its tasks, what comes before."""

    def __init__(self, text):
        self.top = []
        blocks = []
        for line in text.splitlines():
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] == "end":
                blocks.pop()
                continue
            statement = Statement(words)
            (blocks[-1].body if blocks else self.top).append(statement)
            if statement.body is not None:
                blocks.append(statement)
        self.index()

    def index(self):
        """Find the parts by name; after each change of the tree."""
        self.tasks = {int(one.words[1][1:]): one for one in self.top
                      if one.words[0] == "task"}
        self.before = next((one for one in self.top
                            if one.words[0] == "before"), None)
        self.declared = {one.words[1]: (one.words[0], int(one.words[2]))
                         for one in self.top if one.words[0] in DECLARATIONS}

    def text(self):
        lines = []

        def write(statements, depth):
            for one in statements:
                lines.append("  " * depth + one.text)
                if one.body is not None:
                    write(one.body, depth + 1)
                    lines.append("  " * depth + "end")

        write(self.top, 0)
        return "\n".join(lines) + "\n"
