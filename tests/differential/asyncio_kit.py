"""What programs of the differential test are made of: asyncio as it is.

The loop is asyncio's own, with a clock that jumps to the next timer instead of
waiting for it.  Where releases of CPython differ, the newer way is taken.
"""
import asyncio

MS = 1_000_000
MOST_TURNS = 20_000


class Failure(Exception):
    """What a task fails with: e1 to e9, timeout, broken."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Clock:
    """A selector with nothing to select: it lets time pass."""

    def __init__(self, loop):
        self.loop = loop
        self.turns = 0

    def select(self, timeout):
        self.turns += 1
        if self.turns > MOST_TURNS:
            raise AssertionError("the program does not end")
        if timeout is None:
            self.loop.stop()
        elif timeout > 0:
            self.loop.now = self.loop._scheduled[0]._when
        return []

    def close(self):
        pass


class Loop(asyncio.base_events.BaseEventLoop):
    """asyncio's loop on a virtual clock of whole nanoseconds.

    A run ends when nothing can happen any more.
    """

    def __init__(self, clock=Clock):
        super().__init__()
        self.now = 0
        self._selector = clock(self)
        self._clock_resolution = 0.5

    def time(self):
        return self.now

    def _process_events(self, event_list):
        pass

    def _write_to_self(self):
        pass


class Kit:
    """What programs are made of."""

    def __init__(self):
        self.loop = self.new_loop()
        self.reports = []  # of failures, besides those that nobody took

    def new_loop(self):
        return Loop()

    def new_task(self, coroutine):
        return self.loop.create_task(coroutine)

    def future(self):
        return self.loop.create_future()

    async def nothing(self):
        """A call that may wait, and need not."""

    async def sleep(self, delay):
        await asyncio.sleep(delay)

    async def join(self, awaited):
        return await awaited

    async def gather(self, awaited, collect):
        return await asyncio.gather(*awaited, return_exceptions=collect)

    async def wait(self, awaited, timeout, until):
        await asyncio.wait(awaited, timeout=timeout, return_when=until)

    async def wait_for(self, awaited, timeout):
        """As it is since 3.12; before, it lost cancellations."""
        if timeout is not None and timeout <= 0:
            return await asyncio.wait_for(awaited, timeout)
        async with asyncio.timeout(timeout):
            return await awaited

    async def wait_call(self, function, timeout):
        return await self.wait_for(function(), timeout)

    async def each(self, awaited, timeout, tell):
        for following in asyncio.as_completed(awaited, timeout=timeout):
            try:
                result = await following
            except Failure as error:
                tell(error.code)
            except asyncio.CancelledError as error:
                if not was_raised_in_get(error):
                    tell("cancelled")
                raise
            else:
                tell(str(result))

    def timeout(self, when):
        return asyncio.timeout_at(when)

    def group(self):
        return Group()

    def shield(self, limit):
        return Shield()

    def lock(self):
        return asyncio.Lock()

    def condition(self, lock):
        return asyncio.Condition(lock)

    def event(self):
        return asyncio.Event()

    def semaphore(self, count):
        return asyncio.Semaphore(count)

    def barrier(self, parties):
        return asyncio.Barrier(parties)

    def queue(self, kind, size):
        return QUEUES[kind](size)


def was_raised_in_get(error):
    """Whether who waits for the next was cancelled, and not what came next."""
    here = error.__traceback__
    inside = here.tb_next.tb_next
    return inside is not None \
        and inside.tb_frame.f_code is asyncio.Queue.get.__code__


class Shield:
    """asyncio has nothing like it for a part of a task."""

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, traceback):
        return None


class InOrder(dict):
    """A set that keeps its order, so that what is cancelled first is known."""

    def add(self, item):
        self[item] = True

    def discard(self, item):
        self.pop(item, None)


class Group:
    """asyncio.TaskGroup, and who failed in it."""

    def __init__(self):
        self.group = asyncio.TaskGroup()
        self.group._tasks = InOrder()
        self.tasks = []
        self.failures = []

    def start(self, actor):
        coroutine = actor.play()
        try:
            task = self.group.create_task(coroutine)
        except RuntimeError:
            coroutine.close()
            return None
        self.tasks.append((actor.name, task))
        return task

    async def __aenter__(self):
        await self.group.__aenter__()
        return self

    async def __aexit__(self, kind, error, traceback):
        try:
            return await self.group.__aexit__(kind, error, traceback)
        except BaseExceptionGroup as errors:
            self.failures = [(self.name_of(one), one)
                             for one in errors.exceptions]
            raise self.failures[0][1] from None

    def name_of(self, error):
        for name, task in self.tasks:
            if task.done() and not task.cancelled() \
                    and task.exception() is error:
                return name
        return None


# Queues can be shut down since 3.13.

class Shut:
    """What a queue is that has that not: nobody waits for one that is shut."""

    is_shut = False

    def empty(self):
        return super().empty() and not self.is_shut

    def full(self):
        return super().full() and not self.is_shut

    def put_nowait(self, item):
        if self.is_shut:
            raise QueueShutDown
        super().put_nowait(item)

    def get_nowait(self):
        if self.is_shut and not self._queue:
            raise QueueShutDown
        return super().get_nowait()

    def shutdown(self, immediate=False):
        self.is_shut = True
        if immediate:
            while self._queue:
                self._get()
                if self._unfinished_tasks:
                    self.task_done()
        for line in (self._getters, self._putters):
            while line:
                self._wakeup_next(line)


QUEUES = {"queue": asyncio.Queue, "lifo": asyncio.LifoQueue,
          "priority": asyncio.PriorityQueue}

if hasattr(asyncio, "QueueShutDown"):
    QueueShutDown = asyncio.QueueShutDown
else:
    class QueueShutDown(Exception):
        """Nothing more is put, or left to get."""

    QUEUES = {kind: type(queue.__name__, (Shut, queue), {})
              for kind, queue in QUEUES.items()}
