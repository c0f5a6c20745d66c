# SPDX-License-Identifier: MIT
"""The tasks of a program in gdb, on a live process and on a core.

    (gdb) source tools/gdb/ouro.py
    (gdb) ouro tasks         what every task does, and what it waits for
    (gdb) ouro bt TASK       the backtrace of one, by its number or its name
    (gdb) ouro select TASK   bt, up, frame and info locals are that task's
    (gdb) ouro core FILE     a core that has the stacks of tasks, too

Nothing is called in the program and nothing is written to it, so that all but
the last work on a core.  The library needs debug information.
"""
import os
import re
import struct

import gdb
import gdb.types
from gdb.unwinder import Unwinder, register_unwinder

# What libraries that are built without debug information leave us to say.
NO_DEBUG_INFO = ("ouro: there is no debug information of the library here: "
                 "build it with -g, and do not strip it")

# The registers that a suspended context is found by: all others are where
# ouro__context_suspended says, to whoever unwinds from it.
REGISTERS = {"i386:x86-64": ("rsp", "rip"), "aarch64": ("sp", "pc")}

MOST_NAMES = 4  # of those a task waits for, in its line
EINPROGRESS = 115


# Values of the program.

def type_of(name):
    try:
        kind = gdb.lookup_type(name)
        known = kind.fields()
    except (gdb.error, TypeError):
        known = None
    if not known:
        raise gdb.GdbError(NO_DEBUG_INFO)
    return kind


def constants(name):
    """The numbers of an enum, by their names."""
    return gdb.types.make_enum_dict(type_of(f"enum {name}"))


def offset_of(kind, member):
    return next(field.bitpos // 8 for field in kind.fields()
                if field.name == member)


def container(address, name, member):
    """The struct `name` whose `member` is at `address`."""
    kind = type_of(f"struct {name}")
    value = gdb.Value(int(address) - offset_of(kind, member))
    return value.cast(kind.pointer()).dereference()


def each(head, name, member):
    """The structs in the list `head`, which is a value in memory."""
    link = head["next"]
    while int(link) != int(head.address):
        yield container(link, name, member)
        link = link["next"]


def pointer_at(address, kind):
    return gdb.Value(address).cast(kind.pointer().pointer()).dereference()


def text_of(value):
    return value.string(errors="replace") if int(value) != 0 else None


def site(value):
    text = text_of(value)
    return text.rsplit("/", 1)[-1] if text else "somewhere"


def function_name(value):
    """That of the function a pointer points to, or None."""
    match = re.search(r"<(\w+)", str(value))
    return match and match[1]


# What a kind of wait says of its thing besides its text; the program would
# call the function that stands here by its name.

def tell_left(thing):
    waiting = thing.cast(type_of("struct ouro__waiting").pointer())
    return f", {int(waiting['left'])} of {int(waiting['count'])} left"


def tell_descriptor(thing):
    call = thing.cast(type_of("struct ouro__sock_call").pointer())
    return f" {int(call['fd'])}"


def tell_job(thing):
    job = thing.cast(type_of("struct ouro__job").pointer())
    name = text_of(job["name"])
    return f", '{name}'" if name else ""


def tell_peer(thing):
    stream = thing.cast(type_of("struct ouro_stream").pointer())
    transport = stream["base"]["transport"]
    if function_name(transport["ops"]) != "tcp_ops":
        return " its peer"
    return f" descriptor {int(container(transport, 'tcp', 'base')['fd'])}"


TELL = {function.__name__: function for function in (
    tell_left, tell_descriptor, tell_job, tell_peer)}


def error_text(number):
    """As ouro_strerror() has it, but for errors of our own."""
    return os.strerror(number) if number < 4096 else f"error {number}"


class Task:
    """A task as it was when the program was stopped."""

    def __init__(self, value, number):
        self.value = value
        self.number = number
        self.address = int(value.address)
        self.name = text_of(value["name"]) or ""
        self.thread = None  # that it runs on
        self.waits_for = []
        self.waiters = []

    def __str__(self):
        return f"{self.number} '{self.name}'"

    def has_ended(self):
        return int(self.value["result"]) != -EINPROGRESS

    def holds(self, stack_pointer):
        return int(self.value["stack"]) <= stack_pointer < self.address

    def waits(self):
        states = constants("ouro__handle_state")
        return int(self.value["wake"]["state"]) in (
            states["OURO__HANDLE_LISTED"], states["OURO__HANDLE_TIMER"])

    def title(self):
        return f"{self} ({site(self.value['site'])}){self.state()}" \
               f"{self.cancel()}"

    def state(self):
        if self.has_ended():
            result = int(self.value["result"])
            return " has ended: " + (error_text(-result) if result < 0
                                     else "success")
        if self.thread is not None:
            return f" runs, on thread {self.thread.num}"
        return self.wait() if self.waits() else " is ready to run"

    def wait(self):
        words = " waits for " + self.thing()
        if self.waits_for:
            words += ": " + ", ".join(map(str, self.waits_for[:MOST_NAMES]))
        if len(self.waits_for) > MOST_NAMES:
            words += f" and {len(self.waits_for) - MOST_NAMES} more"
        return words

    def thing(self):
        kind = self.value["waits_for"].dereference()
        thing = self.value["waits_on"]
        if self.is_end_of_task(kind, thing):
            return "a task"
        words = text_of(kind["text"])
        tell = TELL.get(function_name(kind["tell"]))
        if tell:
            words += tell(thing)
        if int(kind["site"]) > 0 and int(thing) != 0:
            char = gdb.lookup_type("char")
            where = pointer_at(int(thing) + int(kind["site"]), char)
            words += f" ({site(where)})" if int(where) != 0 else ""
        return words

    @staticmethod
    def is_end_of_task(kind, thing):
        shapes = constants("ouro__wait_shape")
        if int(kind["shape"]) != shapes["OURO__WAIT_FUTURE"]:
            return False
        future = thing.cast(type_of("struct ouro_future").pointer())
        return bool(future["of_task"])

    def cancel(self):
        """As ouro__task_is_cancelled() has it."""
        task = self.value
        asked = int(task["cancels"]) > 0 or bool(task["told"])
        shielded = int(task["shield"]) != 0
        if self.has_ended():
            return ""
        if (asked and not shielded) or int(task["pressing"]) > 0 \
                or int(task["limit_ns"]) <= int(task["fired_ns"]):
            return ", cancelled"
        return ", cancelled behind a shield" if asked else ""

    def scopes(self):
        """A line for each that is open, the innermost first."""
        words = {number: name.rsplit("_", 1)[-1].lower() for name, number
                 in constants("ouro__scope_kind").items()}
        scope = self.value["scope"]
        where = self.value["scope_site"]
        while int(scope) != 0:
            word = words[int(scope["kind"])]
            article = "an" if word[0] in "aeiou" else "a"
            yield f"    in {article} {word} ({site(where)})"
            where = scope["outer_site"]
            scope = scope["outer"]

    def find_blockers(self, tasks):
        """Those among `tasks`, which is by address, that can end its wait."""
        if self.has_ended() or not self.waits():
            return []
        kind = self.value["waits_for"].dereference()
        shapes = {number: name for name, number
                  in constants("ouro__wait_shape").items()}
        find = {"OURO__WAIT_FUTURE": self.find_joined,
                "OURO__WAIT_OWNER": self.find_owner,
                "OURO__WAIT_GROUP": self.find_children,
                "OURO__WAIT_NODES": self.find_nodes}.get(
                    shapes[int(kind["shape"])])
        thing = self.value["waits_on"]
        found = find(kind, thing) if find else []
        return [tasks[address] for address in found if address in tasks]

    @staticmethod
    def task_of_future(future):
        if not future["of_task"]:
            return 0
        return int(container(future.address, "ouro_task", "done").address)

    def find_joined(self, _kind, thing):
        kind = type_of("struct ouro_future").pointer()
        return [self.task_of_future(thing.cast(kind).dereference())]

    @staticmethod
    def find_owner(kind, thing):
        return [int(pointer_at(int(thing) + int(kind["owner"]),
                               type_of("struct ouro_task")))]

    @staticmethod
    def find_children(_kind, thing):
        group = thing.cast(type_of("struct ouro_group").pointer())
        return [int(task.address) for task
                in each(group["tasks"], "ouro_task", "sibling")]

    def find_nodes(self, _kind, thing):
        waiting = thing.cast(type_of("struct ouro__waiting").pointer())
        listed = constants("ouro__handle_state")["OURO__HANDLE_LISTED"]
        for index in range(int(waiting["count"])):
            node = waiting["nodes"][index]
            if int(node["handle"]["state"]) != listed:
                continue
            if int(node["task"]) != 0:
                yield int(node["task"])
            else:
                yield self.task_of_future(node["future"].dereference())


# All of them.

def loops():
    if not gdb.selected_inferior().threads():
        raise gdb.GdbError("ouro: there is no process and no core here")
    type_of("struct ouro_loop")
    symbol = gdb.lookup_global_symbol("ouro__loops") \
        or gdb.lookup_static_symbol("ouro__loops")
    if symbol is None:
        raise gdb.GdbError(NO_DEBUG_INFO)
    return list(each(symbol.value(), "ouro_loop", "link"))


def part_of(loop):
    """What the floor of tasks keeps for `loop`, or None."""
    kept = loop["floors"][constants("ouro__floor")["OURO__FLOOR_TASK"]]
    if int(kept) == 0:
        return None
    return kept.cast(type_of("struct ouro__tasks").pointer()).dereference()


def tasks_by_loop():
    """(loop, its tasks) for each loop; numbers go on from loop to loop."""
    found = []
    number = 0
    for loop in loops():
        part = part_of(loop)
        tasks = []
        for value in each(part["all"], "ouro_task", "link") if part else ():
            number += 1
            tasks.append(Task(value, number))
        link_tasks(tasks)
        found.append((loop, tasks))
    find_running([task for _, tasks in found for task in tasks])
    return found


def link_tasks(tasks):
    by_address = {task.address: task for task in tasks}
    for task in tasks:
        task.waits_for = task.find_blockers(by_address)
        for other in dict.fromkeys(task.waits_for):
            other.waiters.append(task)


def stack_pointers():
    """(thread, the stack pointers of its frames): it may be in a handler of a
    signal, which has a stack of its own."""
    thread, frame = gdb.selected_thread(), selected_frame()
    for other in gdb.selected_inferior().threads():
        other.switch()
        pointers = []
        at = gdb.newest_frame()
        while at is not None and len(pointers) < 64:
            pointers.append(int(at.read_register("sp")))
            at = at.older()
        yield other, pointers
    thread.switch()
    if frame is not None:
        frame.select()


def selected_frame():
    try:
        return gdb.selected_frame()
    except gdb.error:
        return None


def find_running(tasks):
    with suspended.nobody():
        for thread, pointers in stack_pointers():
            for task in tasks:
                if not task.has_ended() and any(map(task.holds, pointers)):
                    task.thread = thread


def find_task(word):
    tasks = [task for _, some in tasks_by_loop() for task in some]
    found = [task for task in tasks if str(task.number) == word]
    if not found:
        found = [task for task in tasks if task.name == word]
    if not found:
        raise gdb.GdbError(f"ouro: no task has the number or the name {word}")
    if len(found) > 1:
        numbers = ", ".join(str(task.number) for task in found)
        raise gdb.GdbError(f"ouro: {len(found)} tasks have the name {word}; "
                           f"their numbers are {numbers}")
    return found[0]


# What is told.

def count_text(count):
    return f"{count} task{'' if count == 1 else 's'}"


def tell_tasks(tasks):
    for task in tasks:
        print(task.title())
        if not task.has_ended() and task.thread is None:
            for line in task.scopes():
                print(line)
        if task.waiters:
            more = len(task.waiters) - 1
            print(f"    awaited by {task.waiters[0]}"
                  + (f" and {more} more" if more else ""))
    if any(task.waiters for task in tasks):
        print("who waits for whom")
        tell_graph(tasks)


def tell_graph(tasks):
    """Depth first, from those whom nobody waits for; the ones that only wait
    for each other come last."""
    done = set()
    for task in tasks:
        if not task.waiters and task.waits_for:
            walk_from(task, done)
    for task in tasks:
        if task not in done and task.waits_for:
            walk_from(task, done)


def walk_from(task, done):
    print(task)
    path = {task: iter(task.waits_for)}
    while path:
        last = next(reversed(path))
        other = next(path[last], None)
        if other is None:
            done.add(last)
            del path[last]
            continue
        note = ", a cycle" if other in path else \
            ", see above" if other in done else ""
        print("  " * min(len(path), 32) + str(other) + note)
        if not note:
            path[other] = iter(other.waits_for)


# Stacks.

class FrameId:
    def __init__(self, sp, pc):
        self.sp = sp
        self.pc = pc


class Suspended(Unwinder):
    """While a task is chosen, its frames are those that called the innermost
    of the selected thread.  Nothing is written, so this works on cores."""

    def __init__(self):
        super().__init__("ouro")
        self.task_sp = None

    def choose(self, task):
        frame = gdb.newest_frame()
        name = frame.architecture().name()
        context = task.value["context"]
        if name not in REGISTERS or "registers" in context.type.keys():
            raise gdb.GdbError(
                "ouro: contexts are not made by our own code here, and there "
                f"are no backtraces of them ({name})")
        self.sp_name, self.pc_name = REGISTERS[name]
        self.here = self.place(frame)
        self.task_sp = int(context["sp"])
        self.task_pc = int(gdb.parse_and_eval(
            "(unsigned long)&ouro__context_suspended"))
        gdb.invalidate_cached_frames()
        first = gdb.newest_frame().older()
        if first is None or first.pc() != self.task_pc:
            self.choose_none()
            raise gdb.GdbError("ouro: gdb does not follow to the task")

    def choose_none(self):
        if self.task_sp is not None:
            self.task_sp = None
            gdb.invalidate_cached_frames()

    def nobody(self):
        return WithNobody(self)

    def place(self, frame):
        return tuple(int(frame.read_register(name))
                     for name in (self.sp_name, self.pc_name))

    def __call__(self, frame):
        if self.task_sp is None or self.place(frame) != self.here:
            return None
        # Frames may not lie below the one that they called.
        sp = frame.read_register(self.sp_name)
        pc = frame.read_register(self.pc_name)
        below = gdb.Value(self.task_sp - 16).cast(sp.type)
        info = frame.create_unwind_info(FrameId(below, pc))
        info.add_saved_register(self.sp_name,
                                gdb.Value(self.task_sp).cast(sp.type))
        info.add_saved_register(self.pc_name,
                                gdb.Value(self.task_pc).cast(pc.type))
        return info


class WithNobody:
    """Threads are looked at as they are."""

    def __init__(self, unwinder):
        self.unwinder = unwinder

    def __enter__(self):
        self.task_sp = self.unwinder.task_sp
        self.unwinder.choose_none()

    def __exit__(self, *_):
        if self.task_sp is not None:
            self.unwinder.task_sp = self.task_sp
            gdb.invalidate_cached_frames()


suspended = Suspended()
register_unwinder(None, suspended, replace=True)
gdb.events.cont.connect(lambda _: suspended.choose_none())


def is_switch(text):
    return re.match(r"(0x[0-9a-f]+ in )?ouro__context_", text) is not None


def tell_stack(task, how):
    """The frames of a suspended task, but for the switch and what is beyond
    its first."""
    with suspended.nobody():
        suspended.choose(task)
        try:
            text = gdb.execute(f"bt {how}", to_string=True)
        finally:
            suspended.choose_none()
    frames = re.split(r"(?m)^#\d+ +", text)[2:]
    kept = [frame for frame in frames if not is_switch(frame)]
    for number, frame in enumerate(kept):
        print(f"#{number:<3}{frame}", end="")


def is_new(task):
    """Whether it has not begun: it stands where contexts start."""
    pc = gdb.parse_and_eval("(unsigned long)&ouro__context_first")
    sp = task.value["context"]["sp"].cast(pc.type.pointer())
    return any(int(sp[index]) == int(pc) for index in (6, 11))


def tell_backtrace(task, how):
    print(task.title())
    if task.has_ended():
        print("It has no stack any more.")
    elif task.thread is not None:
        with suspended.nobody():
            thread = gdb.selected_thread()
            task.thread.switch()
            gdb.execute(f"bt {how}")
            thread.switch()
    elif is_new(task):
        print("It has not begun.")
    else:
        tell_stack(task, how)


# Commands.

class Command(gdb.Command):
    def __init__(self):
        super().__init__(self.NAME, gdb.COMMAND_STACK)

    def invoke(self, text, _from_tty):
        try:
            self.run(gdb.string_to_argv(text))
        except gdb.GdbError:
            raise
        except gdb.error as error:
            raise gdb.GdbError(f"ouro: {error}") from None


class Ouro(gdb.Command):
    """The tasks of a program that uses ouro."""

    def __init__(self):
        super().__init__("ouro", gdb.COMMAND_STACK, prefix=True)


class Tasks(Command):
    """What every task does, and what it waits for: ouro tasks"""

    NAME = "ouro tasks"

    def run(self, _words):
        found = tasks_by_loop()
        if len(found) != 1:
            print(f"{len(found)} loops")
        for loop, tasks in found:
            of = f" of the loop at {int(loop.address):#x}" \
                if len(found) > 1 else ""
            print(count_text(len(tasks)) + of)
            tell_tasks(tasks)


class Backtrace(Command):
    """The backtrace of a task: ouro bt TASK [WORD...]

TASK is its number, as of `ouro tasks`, or its name, or `all`.  Further words
are for bt: `ouro bt 2 full` shows locals."""

    NAME = "ouro bt"

    def run(self, words):
        if not words:
            raise gdb.GdbError("ouro: of which task?  ouro bt TASK")
        how = " ".join(words[1:])
        if words[0] != "all":
            tell_backtrace(find_task(words[0]), how)
            return
        for _, tasks in tasks_by_loop():
            for task in tasks:
                tell_backtrace(task, how)
                print()


class Select(Command):
    """Look at a task: ouro select [TASK]

From now on the frames of a suspended task are those that called the innermost
one of the selected thread, for bt, up, frame, info locals.  It ends when the
program goes on, or with `ouro select` alone."""

    NAME = "ouro select"

    def run(self, words):
        suspended.choose_none()
        if not words:
            return
        task = find_task(words[0])
        print(task.title())
        if task.thread is not None:
            task.thread.switch()
        elif task.has_ended() or is_new(task):
            raise gdb.GdbError("ouro: it has no frames")
        else:
            suspended.choose(task)
            frame = gdb.newest_frame().older()
            while (frame.name() or "").startswith("ouro__context_"):
                frame = frame.older()
            frame.select()
        gdb.execute("frame")


class Core(Command):
    """Write a core of the live process: ouro core FILE

It is that of generate-core-file, with the stacks of tasks: where the kernel
has guards that are no mappings of their own (Linux 6.13), gdb takes the first
guard for the end of all of them."""

    NAME = "ouro core"

    def run(self, words):
        if len(words) != 1:
            raise gdb.GdbError("ouro: into which file?  ouro core FILE")
        stacks = [stack for loop in loops() for stack in stacks_of(loop)]
        gdb.execute(f"generate-core-file {words[0]}")
        try:
            with open(words[0], "r+b") as core:
                write_stacks(core, stacks)
        except OSError as error:
            raise gdb.GdbError(f"ouro: {error}")


def stacks_of(loop):
    """(address, size) of each that was ever used."""
    part = part_of(loop)
    slab = part["stacks"]["slabs"] if part else 0
    while int(slab) != 0:
        stride = int(part["stacks"]["stride"])
        size = int(part["stacks"]["stack_size"])
        for index in range(int(slab["cut_count"])):
            yield int(slab["base"]) + (index + 1) * stride - size, size
        slab = slab["next"]


def write_stacks(core, stacks):
    memory = gdb.selected_inferior()
    segments = segments_of(core)
    for address, size in stacks:
        for begin, end, offset in segments:
            if begin <= address and address + size <= end:
                core.seek(offset + address - begin)
                core.write(memory.read_memory(address, size))
                break
        else:
            raise gdb.GdbError(
                f"ouro: the core has no room for the stack at {address:#x}")


def segments_of(core):
    """(address, its end, offset) of the memory in a 64-bit core."""
    header = struct.Struct("16xHHIQQQIHHHHHH").unpack(core.read(64))
    offset, size, count = header[4], header[8], header[9]
    core.seek(offset)
    parts = [struct.unpack("IIQQQQQQ", core.read(size)) for _ in range(count)]
    return [(part[3], part[3] + part[5], part[2]) for part in parts
            if part[0] == 1]


Ouro()
for command in (Tasks, Backtrace, Select, Core):
    command()
