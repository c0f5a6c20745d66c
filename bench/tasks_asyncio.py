#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bench of tasks on asyncio, or on uvloop: tasks_asyncio.py LOOP ...

LOOP is asyncio or uvloop; what follows is as in tasks.h, whose numbers and
whose jobs these are.
"""

import asyncio
import sys
import threading
import time

STAGES = 1000
QUEUE_SIZE = 8
CHAINS = 100
OTHER_TIMERS = 1000
TURN = 100
HOUR = 3600

ROUNDS = 3


# --- begin and end ----------------------------------------------------------

async def tell_number(number):
    return number


async def wait_and_tell_number(number):
    await asyncio.sleep(0)
    return number


async def spawn_join(count):
    total = 0
    for i in range(count):
        total += await asyncio.create_task(tell_number(i))
    return total


async def gather(count):
    return sum(await asyncio.gather(*map(wait_and_tell_number, range(count))))


# --- the pipeline -----------------------------------------------------------

async def run_stage(source, sink, count):
    for _ in range(count):
        await sink.put(await source.get() + 1)


async def feed(sink, count):
    for i in range(count):
        await sink.put(i)


async def pipeline(count):
    queues = [asyncio.Queue(QUEUE_SIZE) for _ in range(STAGES + 1)]
    async with asyncio.TaskGroup() as group:
        for i in range(STAGES):
            group.create_task(run_stage(queues[i], queues[i + 1], count))
        group.create_task(feed(queues[0], count))
        total = 0
        for _ in range(count):
            total += await queues[STAGES].get()
    return total


# --- what changes hands -----------------------------------------------------

async def run_lock(task_count, count):
    lock = asyncio.Lock()
    counted = 0

    async def member():
        nonlocal counted
        for _ in range(count // task_count):
            async with lock:
                seen = counted
                await asyncio.sleep(0)
                counted = seen + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(task_count):
            group.create_task(member())
    return counted


async def run_semaphores(task_count, count):
    turns = [asyncio.Semaphore(int(i == 0)) for i in range(task_count)]
    counted = 0

    async def member(number):
        nonlocal counted
        for _ in range(count // task_count):
            await turns[number].acquire()
            assert counted % task_count == number
            counted += 1
            turns[(number + 1) % task_count].release()

    async with asyncio.TaskGroup() as group:
        for i in range(task_count):
            group.create_task(member(i))
    return counted


# --- timeouts, and calls by the loop ----------------------------------------

async def timeout(count):
    loop = asyncio.get_running_loop()
    others = [loop.call_later(HOUR + i, print) for i in range(OTHER_TIMERS)]
    good = 0
    for i in range(count):
        async with asyncio.timeout(HOUR) as limit:
            is_set = limit.when() is not None
        good += is_set and not limit.expired()
        if i % TURN == TURN - 1:
            await asyncio.sleep(0)
    for other in others:
        other.cancel()
    return good


async def call_soon(count):
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    made = 0

    def ask_for_the_next():
        nonlocal made
        made += 1
        if made == count:
            ended.set_result(None)
        if made + CHAINS <= count:
            loop.call_soon(ask_for_the_next)

    for _ in range(CHAINS):
        loop.call_soon(ask_for_the_next)
    await ended
    return made


async def run_threads(thread_count, count):
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    made = 0

    def count_call():
        nonlocal made
        made += 1
        if made == count:
            ended.set_result(None)

    def post():
        for _ in range(count // thread_count):
            loop.call_soon_threadsafe(count_call)

    threads = [threading.Thread(target=post) for _ in range(thread_count)]
    for thread in threads:
        thread.start()
    await ended
    for thread in threads:
        thread.join()
    return made


JOBS = {
    "spawn_join": spawn_join,
    "gather": gather,
    "pipeline": pipeline,
    "lock_2": lambda count: run_lock(2, count),
    "lock_10": lambda count: run_lock(10, count),
    "semaphore_2": lambda count: run_semaphores(2, count),
    "semaphore_10": lambda count: run_semaphores(10, count),
    "timeout": timeout,
    "call_soon": call_soon,
    "threadsafe_1": lambda count: run_threads(1, count),
    "threadsafe_2": lambda count: run_threads(2, count),
}


# --- the program ------------------------------------------------------------

async def run_job(job, count, rounds):
    """The first round, which is not timed, warms up."""
    check = await job(count)
    times = []
    for _ in range(rounds):
        begin = time.monotonic_ns()
        result = await job(count)
        times.append(time.monotonic_ns() - begin)
        if result != check:
            sys.exit("it failed: each round comes to the same")
    times.sort()
    print(f"rounds={rounds} least_ns={times[0]} "
          f"median_ns={times[rounds // 2]} check={check}")


def main():
    loop, *words = sys.argv[1:]
    if loop == "uvloop":
        import uvloop
        uvloop.install()
    if words == ["--list"]:
        print("\n".join(JOBS))
        return
    name, count, *rounds = words
    asyncio.run(run_job(JOBS[name], int(count),
                        int(rounds[0]) if rounds else ROUNDS))


if __name__ == "__main__":
    main()
