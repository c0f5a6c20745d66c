"""The rules in which ouro differs from asyncio, as a kit to play programs with.

Each says where it is decided, and is noted when a program comes to where it may
matter.  A program that came to none must be played as by asyncio.
"""
import asyncio
import collections
import heapq

from asyncio_kit import Clock, Failure, Kit, Loop, QueueShutDown

# name: (where it is decided, what it says)
RULES = {
    "level": (
        "ADR 1",
        "a cancellation stands until it is taken back, and each call that "
        "may suspend fails"),
    "stands": (
        "ADR 2",
        "a result that woke a task stands, whoever cancels it then; a task "
        "that is cancelled begins, and returns what it returns"),
    "owners": (
        "ADR 1",
        "requests of limits and groups are not counted with those of the "
        "user"),
    "join": (
        "ouro/task.h",
        "who waits for a task or a future, and is cancelled, leaves it "
        "alone"),
    "pass": (
        "ADR 12",
        "a cancellation is passed on by the task that waits, when it runs"),
    "sleep": (
        "ADR 12",
        "a timer wakes a task without a turn between"),
    "ties": (
        "ouro/loop.h",
        "timers of one time run in the order in which they were asked for"),
    "limits": (
        "ADR 12",
        "a task has a timer for the earliest of its limits only"),
    "group": (
        "ADR 12",
        "a group hears of the end of a task at once, and the first failure "
        "in time is its own"),
    "order": (
        "ouro/wait.h",
        "of things that are done, those named first come first"),
    "in time": (
        "ADR 12",
        "what is done when the time is up is there"),
    "early end": (
        "ADR 12",
        "an iteration that ends early leaves no timer behind"),
    "done": (
        "ADR 12",
        "a gather of what is done takes a turn, as before CPython 3.12"),
    "gather": (
        "ADR 11",
        "a gather that is cancelled waits for all, and a failure goes "
        "before the cancellation"),
    "wait_for": (
        "ADR 11",
        "what the thing comes to in spite of a cancellation is the result"),
    "reports": (
        "ADR 11",
        "a failure is told once, and to somebody"),
    "shield": (
        "ouro/task.h",
        "a part of a task can be shielded"),
    "hand-over": (
        "ADR 10",
        "what is given up belongs to the first that waits"),
    "barrier": (
        "ADR 10",
        "a place at a barrier is one in the line when it is full, and who "
        "was let go stays so"),
    "call": (
        "ouro/wait.h",
        "a call that is waited for runs in a task of its own"),
}


class RuleClock(Clock):
    """Notes when timers would run in another order on asyncio's heap."""

    def select(self, timeout):
        super().select(timeout)
        loop = self.loop
        heap = loop.as_asyncio
        while heap and heap[0].handle.cancelled():
            heapq.heappop(heap)
        theirs = []
        while heap and heap[0].when <= loop.now:
            theirs.append(heapq.heappop(heap).handle)
        theirs = [one for one in theirs if not one.cancelled()]
        if theirs != sorted(theirs) or (
                loop.cancelled_timers
                and len(set(map(Timer.when, theirs))) < len(theirs)):
            loop.note("ties")
        if len(theirs) + len(loop._ready) > 1 \
                and any(one in loop.sleepers for one in theirs):
            loop.note("sleep")
        return []


class AsAsyncio:
    """A timer in a heap as asyncio's is: equal times are in no order."""

    def __init__(self, handle):
        self.handle = handle
        self.when = handle.when()

    def __lt__(self, other):
        return self.when < other.when


class Timer(asyncio.TimerHandle):
    """One of several at a time runs in its turn."""

    __slots__ = ("number",)

    def __lt__(self, other):
        return (self._when, self.number) < (other._when, other.number)

    def __eq__(self, other):
        return self is other

    __hash__ = asyncio.TimerHandle.__hash__


class RuleLoop(Loop):
    def __init__(self):
        super().__init__(RuleClock)
        self.noted = set()
        self.as_asyncio = []
        self.sleepers = set()
        self.timers = 0
        # When these leave the heap depends on turns.
        self.cancelled_timers = False

    def _timer_handle_cancelled(self, handle):
        self.cancelled_timers = True
        super()._timer_handle_cancelled(handle)

    def note(self, rule):
        assert rule in RULES
        self.noted.add(rule)

    def turns(self):
        return self._selector.turns

    def note_if_crowded(self, rule):
        """If a turn more or less may be seen, since others are to run."""
        if self._ready or (self._scheduled
                           and self._scheduled[0]._when <= self.now):
            self.note(rule)

    def call_later(self, delay, callback, *args, context=None):
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(self, when, callback, *args, context=None):
        timer = Timer(when, callback, args, self, context)
        timer.number = self.timers
        self.timers += 1
        heapq.heappush(self._scheduled, timer)
        timer._scheduled = True
        heapq.heappush(self.as_asyncio, AsAsyncio(timer))
        return timer


    def pass_over_timer(self, when):
        """asyncio has one here, and cancels it at once."""
        timer = Timer(when, None, (), self)
        timer._cancelled = True
        heapq.heappush(self.as_asyncio, AsAsyncio(timer))


# What a task waits in.

class Place:
    """Something to wait in, that a task is called back from.

    It has what a task wants of a future, and no more.
    """

    _asyncio_future_blocking = False

    def __init__(self, loop, fixed=False):
        self.loop = loop
        self.fixed = fixed  # a cancellation does not take the task out
        self.wake = None
        self.woken = False
        self.outcome = None
        self.ran = False  # its task did, after it was woken

    def get_loop(self):
        return self.loop

    def __await__(self):
        try:
            if not self.woken:
                self._asyncio_future_blocking = True
                yield self
        finally:
            self.ran = True
        return self.result()

    def result(self):
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome

    def add_done_callback(self, wake, *, context=None):
        self.wake = wake

    def set(self, outcome=None):
        """Let the task run, with what it waited for."""
        self.woken = True
        self.outcome = outcome
        if self.wake is not None:
            self.loop.call_soon(self.wake, self)

    def leave(self):
        """Take it out of where it waits."""

    def cancel(self, msg=None):
        if self.fixed or self.woken:
            return False
        self.leave()
        self.set(asyncio.CancelledError())
        return True


class Sleep(Place):
    """Among the timers: it runs when that does."""

    def __init__(self, loop, delay):
        super().__init__(loop)
        self.delay = delay

    def add_done_callback(self, wake, *, context=None):
        self.wake = wake
        self.timer = self.loop.call_later(self.delay, wake, self)
        self.loop.sleepers.add(self.timer)

    def leave(self):
        self.timer.cancel()

    def cancel(self, msg=None):
        if not self.timer._scheduled:
            return False
        return super().cancel()


class Watch(Place):
    """Among those that wait for a future, which is not theirs to cancel."""

    def __init__(self, loop, future, rule):
        super().__init__(loop)
        self.future = future
        self.rule = rule  # by which it is not cancelled

    def add_done_callback(self, wake, *, context=None):
        self.wake = wake
        self.future.add_done_callback(self.done)

    def done(self, future):
        self.woken = True
        if future.cancelled():
            self.outcome = asyncio.CancelledError()
        else:
            self.outcome = failure_of(future) or future._result
        self.wake(self)

    def leave(self):
        self.future.remove_done_callback(self.done)

    def cancel(self, msg=None):
        if self.future.done():
            return False
        self.loop.note(self.rule)
        return super().cancel()


class Line(Place):
    """In the line for something."""

    def __init__(self, thing, line=None, fixed=False):
        super().__init__(thing.loop, fixed)
        self.thing = thing
        self.line = thing.line if line is None else line
        self.notified = None  # the turn in which it came from a condition
        self.line.append(self)

    def leave(self):
        self.line.remove(self)
        self.thing.gone.append(self)


def are_moving(places):
    """Whether some have not run yet."""
    places[:] = [place for place in places if not place.ran]
    return bool(places)


# Tasks.

class RuleTask(asyncio.tasks._PyTask):
    """One whose cancellation is a level."""

    def __init__(self, coroutine, loop):
        self.cancels = 0
        self.told = False
        self.scopes = []
        self.fired = -1
        self.limit_when = None
        self.limit_timer = None
        self.home = None
        super().__init__(coroutine, loop=loop)

    def inner_scopes(self):
        """Those that count: up to the innermost shield."""
        for scope in reversed(self.scopes):
            yield scope
            if isinstance(scope, RuleShield):
                return

    def is_shielded(self):
        return any(isinstance(scope, RuleShield) for scope in self.scopes)

    def is_cancelled(self):
        if (self.cancels or self.told) and not self.is_shielded():
            return True
        if any(isinstance(scope, RuleGroup) and scope.pressing
               for scope in self.inner_scopes()):
            return True
        return self.limit_when is not None and self.limit_when <= self.fired

    def checkpoint(self):
        if self.is_cancelled():
            self._loop.note("level")
            raise asyncio.CancelledError

    def interrupt(self):
        """A reason to cancel has come up."""
        if not self.is_cancelled():
            if self.is_shielded():
                self._loop.note("shield")
            return
        if self._fut_waiter is None or not self._fut_waiter.cancel():
            self._loop.note("stands")

    def cancel(self, msg=None):
        if self.done():
            return False
        self.cancels += 1
        self.interrupt()
        return True

    def note_owners(self):
        if self.told or self.fired >= 0 \
                or any(isinstance(scope, RuleGroup) and scope.pressing
                       for scope in self.scopes):
            self._loop.note("owners")

    def cancelling(self):
        self.note_owners()
        return self.cancels

    def uncancel(self):
        self.note_owners()
        self.cancels = max(self.cancels - 1, 0)
        return self.cancels

    # Its one timer.

    def set_limit(self, when):
        if when == self.limit_when:
            return
        self.limit_when = when
        if self.limit_timer is not None:
            self.limit_timer.cancel()
            self.limit_timer = None
        if when is not None and when > self.fired:
            self.limit_timer = self._loop.call_at(when, self.limit_is_up)

    def limit_is_up(self):
        self.fired = self._loop.now
        self.interrupt()

    def count_limits(self):
        """Set the timer for the earliest that counts."""
        earliest = None
        for scope in self.inner_scopes():
            when = getattr(scope, "when", None)
            if when is not None and (earliest is None or when < earliest):
                earliest = when
        self.set_limit(earliest)

    def still_to_come(self, when):
        return when if when is None or when > self.fired else self.fired + 1

    # Its end.

    @property
    def _log_traceback(self):
        """Whether nobody took its failure; a group always does."""
        return self._Future__log_traceback and self.home is None

    @_log_traceback.setter
    def _log_traceback(self, value):
        self._Future__log_traceback = value

    def _Future__schedule_callbacks(self):
        if self.limit_timer is not None:
            self.limit_timer.cancel()
        super()._Future__schedule_callbacks()
        if self.home is not None:
            self.home.child_done(self)


def current():
    return asyncio.current_task()


# Futures, and who took what failed.

class RuleFuture(asyncio.futures._PyFuture):
    """One whose failure is taken by who waits when it comes."""

    def __init__(self, loop):
        super().__init__(loop=loop)
        self.loop = loop

    def set_exception(self, exception):
        waited_for = bool(self._callbacks)
        super().set_exception(exception)
        if waited_for:
            take(self)

    def cancel(self, msg=None):
        if not self.done():
            return super().cancel(msg)
        if self._log_traceback:
            self.loop.note("reports")
        return False

    def add_done_callback(self, callback, *, context=None):
        if self.done():
            take(self)
        super().add_done_callback(callback, context=context)


def take(future):
    """Somebody is told what it came to."""
    future._log_traceback = False


def failure_of(future):
    """Its failure, without taking it."""
    return future._exception if not future.cancelled() else None


# Scopes.

class Scope:
    when = None

    def push(self):
        self.task = current()
        self.loop = self.task._loop
        self.task.scopes.append(self)

    def pop(self):
        assert self.task.scopes.pop() is self


class RuleTimeout(Scope):
    def __init__(self, when):
        self.asked = when

    async def __aenter__(self):
        self.push()
        asked = self.asked
        if any(scope.when is not None for scope in self.task.scopes) \
                or (asked is not None and asked <= self.loop.now):
            self.loop.note("limits")
        self.when = self.task.still_to_come(asked)
        self.task.count_limits()
        return self

    def expired(self):
        return self.when is not None and self.when <= self.task.fired

    def reschedule(self, when):
        if self.expired():
            raise RuntimeError
        self.loop.note("limits")
        self.when = self.task.still_to_come(when)
        self.task.count_limits()

    async def __aexit__(self, kind, error, traceback):
        expired = self.expired()
        self.pop()
        self.task.count_limits()
        if kind is asyncio.CancelledError and expired \
                and not self.task.is_cancelled():
            raise TimeoutError


class RuleShield(Scope):
    def __init__(self, limit):
        self.limit = limit

    async def __aenter__(self):
        self.push()
        if self.task.is_cancelled() or self.limit is not None:
            self.loop.note("shield")
        when = None if self.limit is None else self.loop.now + self.limit
        self.when = self.task.still_to_come(when)
        self.task.count_limits()
        return self

    async def __aexit__(self, kind, error, traceback):
        expired = self.when is not None and self.when <= self.task.fired
        self.pop()
        self.task.count_limits()
        if kind is asyncio.CancelledError and expired:
            raise TimeoutError


class RuleGroup(Scope):
    """Tasks that end together."""

    def __init__(self):
        self.children = []
        self.cancelled = False
        self.pressing = False
        self.empty = None
        self.failures = []

    def start(self, actor):
        if self.cancelled:
            return None
        task = RuleTask(actor.play(), self.loop)
        task.name = actor.name
        task.home = self
        self.children.append(task)
        return task

    def tell_children(self):
        if self.cancelled:
            return
        self.cancelled = True
        for task in list(self.children):
            task.told = True
            task.interrupt()

    def fail(self, name, error):
        if self.failures:
            self.loop.note("group")
        self.failures.append((name, error))
        self.tell_children()
        self.pressing = True
        at_its_end = self.empty is not None and self.empty.fixed
        if self.task is not current() and not at_its_end:
            self.task.interrupt()

    def child_done(self, task):
        self.loop.note_if_crowded("group")
        self.children.remove(task)
        if failure_of(task) is not None:
            self.fail(task.name, failure_of(task))
        if not self.children and self.empty is not None \
                and not self.empty.woken:
            self.empty.set()

    async def __aenter__(self):
        self.push()
        return self

    async def wait_for_children(self):
        while self.children:
            if self.task.is_cancelled():
                self.tell_children()
            self.empty = Place(self.loop, fixed=self.cancelled)
            try:
                await self.empty
            except asyncio.CancelledError:
                self.loop.note("pass")
            self.empty = None

    async def __aexit__(self, kind, error, traceback):
        cancelled = kind is asyncio.CancelledError
        if cancelled:
            self.tell_children()
        elif kind is not None:
            self.fail(None, error)
        await self.wait_for_children()
        self.pop()
        self.task.count_limits()
        if self.failures:
            raise self.failures[0][1] from None
        if kind is None and self.cancelled and self.task.is_cancelled():
            raise asyncio.CancelledError
        return None


# Waiting for several things.

class Node:
    def __init__(self, waiting, future):
        self.waiting = waiting
        self.future = future
        self.noted = False
        self.watched = True
        future.add_done_callback(self.done)

    def let_go(self):
        self.watched = False
        self.future.remove_done_callback(self.done)

    def is_failed(self):
        return self.future.cancelled() or failure_of(self.future) is not None

    def note(self):
        self.noted = True
        self.waiting.left -= 1
        self.waiting.finished.append(self)

    def done(self, future):
        if not self.watched or self.noted:
            return
        self.note()
        if self.waiting.is_enough(self):
            self.waiting.tell()


class Waiting:
    """What gather, wait and each are made of."""

    def __init__(self, loop, futures, until):
        self.loop = loop
        self.until = until
        self.left = len(futures)
        self.enough = not futures
        self.expired = False
        self.finished = []
        self.news = None
        self.timer = None
        self.nodes = [Node(self, future) for future in futures]

    def is_enough(self, node):
        if self.left == 0:
            return True
        if self.until == "failure":
            return node.is_failed()
        if self.until == asyncio.FIRST_EXCEPTION:
            return node.is_failed() and not node.future.cancelled()
        return self.until in ("each", asyncio.FIRST_COMPLETED)

    def tell(self):
        self.enough = True
        if self.news is not None and not self.news.woken:
            self.news.set()

    def limit(self, timeout):
        if timeout is not None:
            self.timer = self.loop.call_later(timeout, self.time_is_up)

    def let_all_go(self):
        for node in self.nodes:
            if node.watched and not node.future.done():
                node.let_go()
                self.left -= 1

    def time_is_up(self):
        if self.left == 0:
            return
        self.expired = True
        if self.until == "each":
            if any(node.future.done() for node in self.nodes
                   if not node.noted):
                self.loop.note("in time")
            self.let_all_go()
        self.tell()

    async def suspend(self):
        if not self.enough:
            self.news = Place(self.loop)
            await self.news

    def cancel(self):
        self.loop.note("pass")
        self.until = asyncio.ALL_COMPLETED
        for future in dict.fromkeys(node.future for node in self.nodes):
            future.cancel()
        self.enough = self.left == 0

    def take_all(self):
        for node in self.finished:
            take(node.future)

    def end(self):
        if self.timer is not None:
            self.timer.cancel()
        self.let_all_go()
        for node in self.nodes:
            if node.watched and not node.noted:
                node.note()
                node.let_go()


# Things that tasks wait for each other with.

class Thing:
    """What is given up by one is given to the next in the line at once.

    asyncio wakes the next, and lets it take what is there when it runs.  So
    what happens while somebody is on the way may come out in another way.
    """

    def __init__(self, kit):
        self.loop = kit.loop
        self.line = collections.deque()
        self.woken = []  # that were given something, and have not run yet
        self.gone = []   # that were cancelled, likewise

    def note_if_moving(self):
        if are_moving(self.woken) or are_moving(self.gone):
            self.loop.note("hand-over")

    def wake(self, line=None, outcome=None):
        """Let the first in the line go.  None: there is none."""
        line = self.line if line is None else line
        if not line:
            return None
        place = line.popleft()
        self.woken.append(place)
        place.set(outcome)
        return place


class RuleLock(Thing):
    def __init__(self, kit):
        super().__init__(kit)
        self.owned = False

    def locked(self):
        if are_moving(self.woken):
            self.loop.note("hand-over")
        return self.owned

    async def acquire(self):
        current().checkpoint()
        self.note_if_notified()
        await self.take()

    def note_if_notified(self):
        """asyncio's are not in this line before they have run."""
        if any(place.notified is not None
               and self.loop.turns() <= place.notified + 1
               for place in self.line) \
                or (are_moving(self.woken)
                    and self.woken[-1].notified is not None):
            self.loop.note("hand-over")

    async def take(self, fixed=False):
        if self.owned:
            await Line(self, fixed=fixed)
        self.owned = True

    def release(self):
        if self.line and are_moving(self.gone):
            self.loop.note("hand-over")
        first = self.line[0] if self.line else None
        if first is not None and first.notified is not None \
                and self.loop.turns() <= first.notified + 1:
            # asyncio's was woken when it was notified.
            self.loop.note_if_crowded("hand-over")
        self.owned = self.wake() is not None


class RuleCondition(Thing):
    def __init__(self, kit, lock):
        super().__init__(kit)
        self.lock = lock

    async def wait(self):
        current().checkpoint()
        self.lock.release()
        try:
            await Line(self)
        except asyncio.CancelledError:
            if self.line:
                # Since 3.13 asyncio wakes the next, in case it was notified.
                self.loop.note("hand-over")
            self.lock.note_if_notified()
            await self.lock.take(fixed=True)
            raise

    def notify(self, count):
        while count > 0 and self.line:
            place = self.line.popleft()
            place.fixed = True
            place.notified = self.loop.turns()
            self.lock.line.append(place)
            count -= 1


class RuleEvent(Thing):
    value = False

    def is_set(self):
        return self.value

    def set(self):
        self.value = True
        while self.wake():
            pass

    def clear(self):
        self.value = False

    async def wait(self):
        current().checkpoint()
        if not self.value:
            await Line(self)


class RuleSemaphore(Thing):
    def __init__(self, kit, count):
        super().__init__(kit)
        self.permits = count

    def locked(self):
        if are_moving(self.woken) and self.permits > 0:
            self.loop.note("hand-over")
        return self.permits == 0

    async def acquire(self):
        current().checkpoint()
        if self.locked():
            await Line(self)
        else:
            self.permits -= 1

    def release(self):
        if self.wake() is None:
            self.permits += 1


class RuleBarrier(Thing):
    def __init__(self, kit, parties):
        super().__init__(kit)
        self.parties = parties
        self.leaving = 0
        self.is_broken = False

    def note_if_disturbed(self):
        if self.leaving or are_moving(self.gone):
            self.loop.note("barrier")

    def let_go(self, count):
        for number in range(count):
            self.wake(outcome=number)
        self.leaving += count

    def turn_away(self):
        while self.wake(outcome=asyncio.BrokenBarrierError()):
            self.leaving += 1

    async def wait(self):
        current().checkpoint()
        self.note_if_disturbed()
        if self.is_broken:
            raise asyncio.BrokenBarrierError
        if not self.leaving and len(self.line) + 1 >= self.parties:
            self.let_go(self.parties - 1)
            return self.parties - 1
        try:
            number = await Line(self)
        except asyncio.BrokenBarrierError:
            self.leave()
            raise
        except asyncio.CancelledError:
            self.loop.note("barrier")
            raise
        self.leave()
        return number

    def leave(self):
        self.leaving -= 1
        if not self.leaving and len(self.line) >= self.parties:
            self.let_go(self.parties)

    async def reset(self):
        self.note_if_disturbed()
        self.is_broken = False
        if not self.leaving:
            self.turn_away()

    async def abort(self):
        self.note_if_disturbed()
        self.is_broken = True
        self.turn_away()

    @property
    def n_waiting(self):
        self.note_if_disturbed()
        return 0 if self.leaving else len(self.line)


class RuleQueue(Thing):
    def __init__(self, kit, kind, size):
        super().__init__(kit)
        self.kind = kind
        self.most = size
        self.items = []
        self.unfinished = 0
        self.is_shut = False
        self.getters = collections.deque()
        self.putters = collections.deque()
        self.joiners = collections.deque()

    def push(self, item):
        self.items.append(item)
        self.unfinished += 1

    def pop(self):
        at = {"queue": 0, "lifo": -1}.get(self.kind)
        if at is None:
            at = self.items.index(min(self.items))
        return self.items.pop(at)

    def put_nowait(self, item):
        self.note_if_moving()
        if self.is_shut:
            raise QueueShutDown
        if self.most and len(self.items) >= self.most:
            raise asyncio.QueueFull
        if self.wake(self.getters, item) is None:
            self.push(item)
        else:
            self.unfinished += 1

    async def put(self, item):
        current().checkpoint()
        try:
            self.put_nowait(item)
        except asyncio.QueueFull:
            place = Line(self, self.putters)
            place.item = item
            await place

    def get_nowait(self):
        self.note_if_moving()
        if not self.items:
            raise QueueShutDown if self.is_shut else asyncio.QueueEmpty
        item = self.pop()
        putter = self.wake(self.putters)
        if putter is not None:
            self.push(putter.item)
        return item

    async def get(self):
        current().checkpoint()
        try:
            return self.get_nowait()
        except asyncio.QueueEmpty:
            return await Line(self, self.getters)

    def finish(self, count):
        self.unfinished -= min(count, self.unfinished)
        if not self.unfinished:
            while self.wake(self.joiners):
                pass

    def task_done(self):
        self.note_if_moving()
        self.finish(1)

    async def join(self):
        current().checkpoint()
        self.note_if_moving()
        if self.unfinished:
            await Line(self, self.joiners)

    def qsize(self):
        self.note_if_moving()
        return len(self.items)

    def shutdown(self, immediate=False):
        self.note_if_moving()
        self.is_shut = True
        if immediate:
            dropped = len(self.items)
            self.items.clear()
            self.finish(dropped)
        for line in (self.getters, self.putters):
            while self.wake(line, QueueShutDown()):
                pass


class Rules(Kit):
    """The kit."""

    def new_loop(self):
        return RuleLoop()

    def noted(self):
        return self.loop.noted

    def future(self):
        return RuleFuture(self.loop)

    def new_task(self, coroutine):
        return RuleTask(coroutine, self.loop)

    async def nothing(self):
        current().checkpoint()

    async def sleep(self, delay):
        current().checkpoint()
        if delay > 0:
            await Sleep(self.loop, delay)
        else:
            await asyncio.sleep(0)

    async def join(self, awaited):
        current().checkpoint()
        if awaited.done():
            return awaited.result()
        try:
            return await Watch(self.loop, awaited, "join")
        except Failure:
            take(awaited)
            raise

    async def gather(self, awaited, collect):
        if any(future.done() for future in awaited):
            self.loop.note("done")
        waiting = Waiting(self.loop, awaited,
                          asyncio.ALL_COMPLETED if collect else "failure")
        cancelled = current().is_cancelled()
        if cancelled:
            self.loop.note("level")
            waiting.cancel()
        while True:
            try:
                await waiting.suspend()
                break
            except asyncio.CancelledError:
                self.loop.note("gather")
                cancelled = True
                waiting.cancel()
        waiting.end()
        if collect:
            waiting.take_all()
        else:
            self.raise_failure(waiting, cancelled)
        if cancelled:
            raise asyncio.CancelledError

    def raise_failure(self, waiting, cancelled):
        failed = [node.future for node in waiting.finished if node.is_failed()]
        if cancelled:
            failed.sort(key=lambda future: future.cancelled())
        if not failed:
            return
        if any(not node.noted or failure_of(node.future) is not None
               for node in waiting.nodes if node.future is not failed[0]):
            self.loop.note("reports")
        self.drop(waiting, failed[0])
        failed[0].result()

    def drop(self, waiting, taken=None):
        """Nobody is told of other failures; tasks see to theirs."""
        for future in dict.fromkeys(node.future for node in waiting.finished):
            if isinstance(future, RuleFuture) and future is not taken \
                    and failure_of(future) is not None:
                self.reports.append(("-", failure_of(future)))

    async def wait(self, awaited, timeout, until):
        waiting = Waiting(self.loop, awaited, until)
        try:
            current().checkpoint()
            waiting.limit(timeout)
            await waiting.suspend()
        except asyncio.CancelledError:
            self.loop.note("reports")
            raise
        finally:
            waiting.end()
            waiting.take_all()

    async def wait_to_the_end(self, awaited):
        while not awaited.done():
            try:
                await Watch(self.loop, awaited, "pass")
            except (Failure, asyncio.CancelledError):
                if not awaited.done():
                    awaited.cancel()
        return awaited.result()

    async def wait_for(self, awaited, timeout):
        task = current()
        cancelled = task.is_cancelled()
        if awaited.done():
            task.checkpoint()
            if timeout:
                self.loop.pass_over_timer(self.loop.now + timeout)
            return awaited.result()
        if cancelled or (timeout is not None and timeout <= 0):
            self.loop.note("wait_for")
            awaited.cancel()
            try:
                return await self.wait_to_the_end(awaited)
            except asyncio.CancelledError:
                if not task.is_cancelled():
                    raise TimeoutError from None
                raise
        async with self.timeout(None if timeout is None
                                else self.loop.now + timeout):
            return await self.wait_to_the_end(awaited)

    async def wait_call(self, function, timeout):
        current().checkpoint()
        self.loop.note("call")
        if timeout is not None and timeout <= 0:
            raise TimeoutError
        task = self.new_task(function())
        async with self.timeout(None if timeout is None
                                else self.loop.now + timeout):
            return await self.wait_to_the_end(task)

    async def each(self, awaited, timeout, tell):
        if sum(one.done() for one in awaited) > 1:
            self.loop.note("order")
        waiting = Waiting(self.loop, awaited, "each")
        waiting.limit(timeout)
        try:
            while await self.following(waiting):
                one = waiting.finished.pop(0).future
                take(one)
                if one.cancelled():
                    tell("cancelled")
                    raise asyncio.CancelledError
                tell(failure_of(one).code if failure_of(one) is not None
                     else str(one.result()))
        finally:
            if timeout is not None and not waiting.expired and waiting.left:
                self.loop.note("early end")
            waiting.end()
            if waiting.finished:
                self.loop.note("reports")
            self.drop(waiting)

    async def following(self, waiting):
        current().checkpoint()
        while not waiting.finished:
            if waiting.expired:
                raise TimeoutError
            if waiting.left == 0:
                return False
            waiting.enough = False
            await waiting.suspend()
        return True

    def timeout(self, when):
        return RuleTimeout(when)

    def group(self):
        return RuleGroup()

    def shield(self, limit):
        return RuleShield(limit)

    def lock(self):
        return RuleLock(self)

    def condition(self, lock):
        return RuleCondition(self, lock)

    def event(self):
        return RuleEvent(self)

    def semaphore(self, count):
        return RuleSemaphore(self, count)

    def barrier(self, parties):
        return RuleBarrier(self, parties)

    def queue(self, kind, size):
        return RuleQueue(self, kind, size)
