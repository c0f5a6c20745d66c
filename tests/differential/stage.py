"""Plays programs of the differential test on asyncio: see program.h.

What a program is played with is a kit: Kit of asyncio_kit.py is asyncio as it
is, and the one of rules.py has the rules in which ouro differs from it.  The
trace is what run_ouro prints for the same program.
"""
import asyncio
import sys
import warnings

from asyncio_kit import Failure, MS, QueueShutDown

NAMES = 10
MOST_ROUNDS = 20


def code_of(error):
    """The word for an exception, in a trace."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, asyncio.BrokenBarrierError):
        return "broken"
    if isinstance(error, (asyncio.QueueFull, asyncio.QueueEmpty)):
        return "again"
    if isinstance(error, QueueShutDown):
        return "shut"
    if isinstance(error, asyncio.InvalidStateError):
        return "already"
    if isinstance(error, Failure):
        return error.code
    raise error


def outcome_of(done):
    """The word for what a future that is done came to."""
    if done.cancelled():
        return "cancelled"
    error = done.exception()
    return code_of(error) if error is not None else str(done.result())


class Actor:
    """A task of a program, or the callbacks of its loop."""

    def __init__(self, stage, number):
        self.stage = stage
        self.kit = stage.kit
        self.number = number
        self.name = f"t{number}" if number is not None else "loop"
        self.task = None
        self.used = False
        self.home = None
        self.group = None
        self.limit = None
        self.held = set()
        self.got = [0] * NAMES

    def say(self, statement, what="ok"):
        stage = self.stage
        text = statement if isinstance(statement, str) else statement.text
        stage.trace.append(
            f"{stage.loop.now // MS} {self.name}: {text} -> {what}")

    async def play(self):
        """The body of a task."""
        self.say("begin")
        try:
            value = await self.play_inside(self.stage.program.tasks[
                self.number])
        except BaseException as error:
            code = code_of(error)
            self.say("end", code)
            if isinstance(error, asyncio.CancelledError):
                raise
            raise Failure(code) from None
        self.say("end", str(value))
        return value

    async def play_inside(self, block):
        """Returns 0, or what the task is to return."""
        for statement in block.body:
            verb = statement.words[0]
            do = getattr(self, "do_" + verb, None)
            if do is not None:
                value = await do(statement)
                if value:
                    return value
            else:
                self.act(statement)
        return 0

    def act(self, statement):
        """Do what a callback may do too."""
        verb = statement.words[0]
        try:
            self.say(statement, getattr(self, "act_" + verb)(statement))
        except (asyncio.InvalidStateError, asyncio.QueueFull,
                asyncio.QueueEmpty, QueueShutDown) as error:
            self.say(statement, code_of(error))

    async def suspend(self, statement, awaiting, *arguments):
        """Do what may wait, note what comes of it, and return that."""
        try:
            return await awaiting(*arguments)
        except BaseException as error:
            self.say(statement, code_of(error))
            raise

    # Words.

    def number_at(self, statement, word):
        return int(statement.words[word])

    def time_at(self, statement, word):
        text = statement.words[word]
        return None if text == "-" else int(text) * MS

    def name_at(self, statement, word):
        return int(statement.words[word][1])

    def actor_at(self, statement, word):
        return self.stage.actors[self.name_at(statement, word)]

    def find(self, name):
        """The future or task of that name, or None."""
        which = int(name[1])
        if name[0] == "f":
            return self.stage.futures[which]
        return self.stage.actors[which].task if which > self.number else None

    def find_all(self, names):
        return [found for found in map(self.find, names) if found is not None]

    def is_free(self, other):
        return not other.used and other.number in self.stage.program.tasks

    # Actions.

    def act_mark(self, statement):
        return "ok"

    def act_spawn(self, statement):
        other = self.actor_at(statement, 1)
        if not self.is_free(other):
            return "used"
        other.used = True
        other.task = self.kit.new_task(other.play())
        return "ok"

    def act_cancel(self, statement):
        task = self.actor_at(statement, 1).task
        if task is None:
            return "nobody"
        if task.done():
            return "done"
        task.cancel()
        return "ok"

    def act_asked(self, statement):
        task = self.actor_at(statement, 1).task
        return str(task.cancelling()) if task is not None else "nobody"

    def act_set(self, statement):
        future = self.stage.futures[self.name_at(statement, 1)]
        future.set_result(self.number_at(statement, 2))
        return "ok"

    def act_setfail(self, statement):
        future = self.stage.futures[self.name_at(statement, 1)]
        future.set_exception(Failure(statement.words[2]))
        return "ok"

    def act_drop(self, statement):
        future = self.stage.futures[self.name_at(statement, 1)]
        return "ok" if future.cancel() else "already"

    def act_soon(self, statement):
        stage = self.stage
        stage.loop.call_soon(stage.callbacks.act, statement.inner)
        return "ok"

    def act_later(self, statement):
        stage = self.stage
        stage.loop.call_later(self.time_at(statement, 1), stage.callbacks.act,
                              statement.inner)
        return "ok"

    def act_alarm(self, statement):
        stage = self.stage
        which = self.name_at(statement, 1)
        self.act_silence(statement)
        stage.alarms[which] = stage.loop.call_later(
            self.time_at(statement, 2), stage.callbacks.act, statement.inner)
        return "ok"

    def act_silence(self, statement):
        alarm = self.stage.alarms[self.name_at(statement, 1)]
        if alarm is not None:
            alarm.cancel()
        return "ok"

    # Of a task itself.

    async def do_return(self, statement):
        return max(self.number_at(statement, 1), 1)

    async def do_fail(self, statement):
        raise Failure(statement.words[1])

    async def do_sleep(self, statement):
        await self.suspend(statement, self.kit.sleep,
                           self.time_at(statement, 1))
        self.say(statement)

    async def do_join(self, statement):
        other = self.actor_at(statement, 1)
        if other.task is None or other.number <= self.number:
            return self.say(statement, "nobody")
        self.say(statement, str(await self.suspend(statement, self.kit.join,
                                                   other.task)))

    async def do_await(self, statement):
        future = self.stage.futures[self.name_at(statement, 1)]
        self.say(statement, str(await self.suspend(statement, self.kit.join,
                                                   future)))

    def act_uncancel(self, statement):
        return str(asyncio.current_task().uncancel())

    def act_reschedule(self, statement):
        if self.limit is None:
            return "nowhere"
        delay = self.time_at(statement, 1)
        try:
            self.limit.reschedule(None if delay is None
                                  else self.stage.loop.now + delay)
        except RuntimeError:
            return "already"
        return "ok"

    def act_start(self, statement):
        other = self.actor_at(statement, 1)
        group = self.group or self.home
        if group is None or other.number <= self.number:
            return "nowhere"
        if not self.is_free(other):
            return "used"
        task = group.start(other)
        if task is None:
            return "refused"
        other.used = True
        other.home = group
        other.task = task
        return "ok"

    # Blocks.

    async def limit_block(self, statement, when):
        outer = self.limit
        self.limit = self.kit.timeout(when)
        try:
            async with self.limit:
                value = await self.play_inside(statement)
        except BaseException as error:
            self.say(statement, code_of(error))
            raise
        finally:
            self.limit = outer
        self.say(statement)
        return value

    async def do_timeout(self, statement):
        delay = self.time_at(statement, 1)
        if delay is not None:
            delay += self.stage.loop.now
        return await self.limit_block(statement, delay)

    async def do_deadline(self, statement):
        return await self.limit_block(statement, self.time_at(statement, 1))

    async def do_shield(self, statement):
        try:
            async with self.kit.shield(self.time_at(statement, 1)):
                value = await self.play_inside(statement)
        except BaseException as error:
            self.say(statement, code_of(error))
            raise
        self.say(statement)
        return value

    async def do_group(self, statement):
        outer = self.group
        group = self.group = self.kit.group()
        result = "ok"
        try:
            async with group:
                value = await self.play_inside(statement)
        except BaseException as error:
            result = code_of(error)
            raise
        finally:
            self.group = outer
            self.say(statement, "%s [%s]" % (result, " ".join(
                f"{name or self.name}:{code_of(error)}"
                for name, error in group.failures)))
        return value

    async def do_try(self, statement):
        try:
            return await self.play_inside(statement)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            self.say(statement, "caught " + code_of(error))

    async def do_catch(self, statement):
        try:
            return await self.play_inside(statement)
        except BaseException as error:
            self.say(statement, "caught " + code_of(error))

    # Waiting for several things.

    async def gather(self, statement, collect):
        awaited = self.find_all(statement.words[1:])
        await self.suspend(statement, self.kit.gather, awaited, collect)
        self.say(statement, "[%s]" % " ".join(map(outcome_of, awaited)))

    async def do_gather(self, statement):
        await self.gather(statement, False)

    async def do_gather_all(self, statement):
        await self.gather(statement, True)

    def once_each(self, names):
        return {name: found for name in names
                if (found := self.find(name)) is not None}

    async def do_wait(self, statement):
        awaited = self.once_each(statement.words[3:])
        if not awaited:
            return self.say(statement, "nobody")
        until = {"all": asyncio.ALL_COMPLETED, "first": asyncio.FIRST_COMPLETED,
                 "error": asyncio.FIRST_EXCEPTION}[statement.words[1]]
        await self.suspend(statement, self.kit.wait, list(awaited.values()),
                           self.time_at(statement, 2), until)
        self.say(statement, "[%s]" % " ".join(
            f"{name}={outcome_of(one)}" for name, one in awaited.items()
            if one.done()))

    async def do_wait_for(self, statement):
        awaited = self.find(statement.words[2])
        if awaited is None:
            return self.say(statement, "nobody")
        self.say(statement, str(await self.suspend(
            statement, self.kit.wait_for, awaited,
            self.time_at(statement, 1))))

    async def do_wait_call(self, statement):
        other = self.actor_at(statement, 2)
        if not self.is_free(other) or other.number <= self.number:
            return self.say(statement, "used")
        other.used = True
        self.say(statement, str(await self.suspend(
            statement, self.kit.wait_call, other.play,
            self.time_at(statement, 1))))

    async def do_each(self, statement):
        awaited = self.once_each(statement.words[2:])
        if not awaited:
            return self.say(statement, "nobody")
        told = []

        def tell(what):
            told.append(what)
            self.say(statement, "next " + what)

        try:
            await self.kit.each(list(awaited.values()),
                                self.time_at(statement, 1), tell)
        except BaseException as error:
            if told[-1:] != ["cancelled"]:
                self.say(statement, code_of(error))
            raise
        self.say(statement)

    # Locks and conditions.

    async def do_hold(self, statement):
        which = self.name_at(statement, 1)
        lock = self.stage.locks[which]
        if which in self.held:
            await self.suspend(statement, self.kit.nothing)
            return self.say(statement, "deadlock")
        await self.suspend(statement, lock.acquire)
        self.say(statement)
        self.held.add(which)
        try:
            return await self.play_inside(statement)
        finally:
            self.held.discard(which)
            lock.release()

    def act_locked(self, statement):
        things = (self.stage.semaphores if statement.words[1][0] == "s"
                  else self.stage.locks)
        locked = things[self.name_at(statement, 1)].locked()
        return "yes" if locked else "no"

    async def do_waitc(self, statement):
        which = self.name_at(statement, 1)
        if which not in self.held:
            return self.say(statement, "not held")
        await self.suspend(statement, self.stage.conditions[which].wait)
        self.say(statement)

    def act_notify(self, statement):
        which = self.name_at(statement, 1)
        if which not in self.held:
            return "not held"
        self.stage.conditions[which].notify(self.number_at(statement, 2))
        return "ok"

    # Events.

    def act_setev(self, statement):
        self.stage.events[self.name_at(statement, 1)].set()
        return "ok"

    def act_clear(self, statement):
        self.stage.events[self.name_at(statement, 1)].clear()
        return "ok"

    def act_isset(self, statement):
        event = self.stage.events[self.name_at(statement, 1)]
        return "yes" if event.is_set() else "no"

    async def do_waitev(self, statement):
        event = self.stage.events[self.name_at(statement, 1)]
        await self.suspend(statement, event.wait)
        self.say(statement)

    # Semaphores.

    async def do_permit(self, statement):
        semaphore = self.stage.semaphores[self.name_at(statement, 1)]
        await self.suspend(statement, semaphore.acquire)
        self.say(statement)
        try:
            return await self.play_inside(statement)
        finally:
            semaphore.release()

    def act_give(self, statement):
        self.stage.semaphores[self.name_at(statement, 1)].release()
        return "ok"

    # Barriers.

    async def do_meet(self, statement):
        barrier = self.stage.barriers[self.name_at(statement, 1)]
        self.say(statement, str(await self.suspend(statement, barrier.wait)))

    async def do_reset(self, statement):
        await self.stage.barriers[self.name_at(statement, 1)].reset()
        self.say(statement)

    async def do_abort(self, statement):
        await self.stage.barriers[self.name_at(statement, 1)].abort()
        self.say(statement)

    def act_waiting(self, statement):
        return str(self.stage.barriers[self.name_at(statement, 1)].n_waiting)

    # Queues.

    def queue_at(self, statement):
        return self.stage.queues[self.name_at(statement, 1)]

    async def do_put(self, statement):
        await self.suspend(statement, self.queue_at(statement).put,
                           self.number_at(statement, 2))
        self.say(statement)

    async def do_get(self, statement):
        item = await self.suspend(statement, self.queue_at(statement).get)
        self.got[self.name_at(statement, 1)] += 1
        self.say(statement, str(item))

    def act_put_now(self, statement):
        self.queue_at(statement).put_nowait(self.number_at(statement, 2))
        return "ok"

    def act_get_now(self, statement):
        item = self.queue_at(statement).get_nowait()
        self.got[self.name_at(statement, 1)] += 1
        return str(item)

    def act_done(self, statement):
        which = self.name_at(statement, 1)
        if self.got[which] == 0:
            return "nothing"
        self.got[which] -= 1
        self.stage.queues[which].task_done()
        return "ok"

    def act_shut(self, statement):
        self.queue_at(statement).shutdown()
        return "ok"

    def act_shut_now(self, statement):
        self.queue_at(statement).shutdown(immediate=True)
        return "ok"

    async def do_joinq(self, statement):
        await self.suspend(statement, self.queue_at(statement).join)
        self.say(statement)

    def act_size(self, statement):
        return str(self.queue_at(statement).qsize())


class Stage:
    """A program, and all things it names."""

    def __init__(self, program, kit):
        self.program = program
        self.kit = kit
        self.trace = []
        self.loop = kit.loop
        self.loop.set_exception_handler(lambda loop, context: None)
        self.actors = [Actor(self, number) for number in range(NAMES)]
        self.callbacks = Actor(self, None)
        self.alarms = [None] * NAMES
        self.futures = [kit.future() for _ in range(NAMES)]
        self.locks = [kit.lock() for _ in range(NAMES)]
        self.conditions = [kit.condition(lock) for lock in self.locks]
        self.events = [kit.event() for _ in range(NAMES)]
        self.semaphores = [kit.semaphore(self.declared("s", i, 1))
                           for i in range(NAMES)]
        self.barriers = [kit.barrier(max(self.declared("b", i, 2), 1))
                         for i in range(NAMES)]
        self.queues = [kit.queue(*program.declared.get(f"q{i}", ("queue", 0)))
                       for i in range(NAMES)]

    def declared(self, letter, number, default):
        return self.program.declared.get(f"{letter}{number}",
                                         (None, default))[1]

    def play_before(self):
        for statement in self.program.before.body:
            self.callbacks.act(statement)
        self.loop.stop()
        self.loop.run_forever()
        self.trace.append("stopped")

    def stuck(self):
        return [actor for actor in self.actors
                if actor.task is not None and not actor.task.done()]

    def play(self):
        if self.program.before is not None:
            self.play_before()
        first = self.actors[0]
        if not first.used:
            first.used = True
            first.task = self.kit.new_task(first.play())
        self.loop.run_forever()
        for _ in range(MOST_ROUNDS):
            if not self.note_stuck():
                break
            for actor in self.stuck():
                actor.task.cancel()
            self.loop.run_forever()
        if self.note_stuck():
            self.trace.append("no end")
        else:
            self.note_results()
        self.loop.close()

    def note_stuck(self):
        names = [actor.name for actor in self.stuck()]
        if names:
            self.trace.append("stuck " + " ".join(names))
        return names

    def note_results(self):
        tasks = [(actor.name, actor.task) for actor in self.actors
                 if actor.task is not None]
        # To look at what a thing came to is to take it.
        untaken = [(name, thing) for name, thing in
                   tasks + [("-", future) for future in self.futures]
                   if thing._log_traceback]
        reports = self.kit.reports + [
            (name, thing.exception()) for name, thing in untaken]
        for name, task in tasks:
            self.trace.append(f"result {name} {outcome_of(task)}")
        self.trace += sorted(f"report {name} {code_of(error)}"
                             for name, error in reports)


def play(program, kit):
    """The trace of a program, as a list of lines."""
    # What has no end is thrown away, and protests.
    sys.unraisablehook = lambda unraisable: None
    stage = Stage(program, kit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        stage.play()
    return list(stage.trace)
