// SPDX-License-Identifier: MIT
// The bench of tasks on Boost.Fiber: those of its jobs that need no loop.
//
// Its fibers are tasks on stacks of their own, too.  A fiber that is created
// runs when its creator waits, as our tasks do; stacks come from a pool; there
// is one thread, so nothing is shared with others.  A semaphore, which it
// lacks, is a count, a mutex and a condition variable.
#include "tasks.h"

#include <boost/fiber/all.hpp>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

namespace fibers = boost::fibers;

namespace {

// Stacks are 64 KiB, as ours, and are used again.
using stack_pool = fibers::pooled_fixedsize_stack;

stack_pool &
stacks()
{
    static stack_pool pool(64 * 1024);

    return pool;
}

template <typename Fn>
fibers::fiber
spawn(Fn fn)
{
    return fibers::fiber(fibers::launch::post, std::allocator_arg, stacks(),
                         std::move(fn));
}

// Begin and end.

uint64_t
spawn_join(size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t result = 0;

        spawn([&result, i] { result = i; }).join();
        sum += result;
    }
    return sum;
}

uint64_t
gather(size_t count)
{
    std::vector<uint64_t> results(count);
    std::vector<fibers::fiber> all;
    uint64_t sum = 0;

    all.reserve(count);
    for (size_t i = 0; i < count; i++)
        all.push_back(spawn([&results, i] {
            boost::this_fiber::yield();
            results[i] = i;
        }));
    for (fibers::fiber &each : all)
        each.join();
    for (uint64_t result : results)
        sum += result;
    return sum;
}

// The pipeline: each stage adds one to what it hands on.

using queue = fibers::buffered_channel<uint64_t>;

void
run_stage(queue &from, queue &to, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t item = 0;

        tasks_check(from.pop(item) == fibers::channel_op_status::success,
                    "an item");
        tasks_check(to.push(item + 1) == fibers::channel_op_status::success,
                    "room");
    }
}

uint64_t
pipeline(size_t count)
{
    std::vector<std::unique_ptr<queue>> queues;
    std::vector<fibers::fiber> all;
    uint64_t sum = 0;

    for (size_t i = 0; i <= TASKS_STAGES; i++)
        queues.push_back(std::make_unique<queue>(TASKS_QUEUE_SIZE));
    for (size_t i = 0; i < TASKS_STAGES; i++)
        all.push_back(spawn([&queues, i, count] {
            run_stage(*queues[i], *queues[i + 1], count);
        }));
    all.push_back(spawn([&queues, count] {
        for (size_t i = 0; i < count; i++)
            tasks_check(queues[0]->push(i)
                            == fibers::channel_op_status::success,
                        "room");
    }));

    for (size_t i = 0; i < count; i++) {
        uint64_t item = 0;

        tasks_check(queues[TASKS_STAGES]->pop(item)
                        == fibers::channel_op_status::success,
                    "an item");
        sum += item;
    }
    for (fibers::fiber &each : all)
        each.join();
    return sum;
}

// What changes hands.

template <typename Fn>
void
run_members(size_t fiber_count, Fn fn)
{
    std::vector<fibers::fiber> all;

    for (size_t i = 0; i < fiber_count; i++)
        all.push_back(spawn([fn, i] { fn(i); }));
    for (fibers::fiber &each : all)
        each.join();
}

// The count comes out right only if nobody else had the lock meanwhile.
uint64_t
run_lock(size_t fiber_count, size_t count)
{
    fibers::mutex lock;
    uint64_t counted = 0;

    run_members(fiber_count, [&](size_t) {
        for (size_t i = 0; i < count / fiber_count; i++) {
            lock.lock();
            uint64_t seen = counted;
            boost::this_fiber::yield();
            counted = seen + 1;
            lock.unlock();
        }
    });
    return counted;
}

struct semaphore {
    fibers::mutex lock;
    fibers::condition_variable changed;
    size_t permits = 0;

    void acquire()
    {
        std::unique_lock<fibers::mutex> locked(lock);

        changed.wait(locked, [this] { return permits > 0; });
        permits--;
    }

    void release()
    {
        {
            std::unique_lock<fibers::mutex> locked(lock);
            permits++;
        }
        changed.notify_one();
    }
};

// Round in a ring: each waits for its turn, and gives the next one its.
uint64_t
run_semaphores(size_t fiber_count, size_t count)
{
    std::vector<semaphore> turns(fiber_count);
    uint64_t counted = 0;

    turns[0].permits = 1;
    run_members(fiber_count, [&](size_t number) {
        for (size_t i = 0; i < count / fiber_count; i++) {
            turns[number].acquire();
            tasks_check(counted++ % fiber_count == number, "it is its turn");
            turns[(number + 1) % fiber_count].release();
        }
    });
    return counted;
}

uint64_t
lock_2(size_t count)
{
    return run_lock(2, count);
}

uint64_t
lock_10(size_t count)
{
    return run_lock(10, count);
}

uint64_t
semaphore_2(size_t count)
{
    return run_semaphores(2, count);
}

uint64_t
semaphore_10(size_t count)
{
    return run_semaphores(10, count);
}

const struct tasks_job jobs[] = {
    {"spawn_join", spawn_join},     {"gather", gather},
    {"pipeline", pipeline},         {"lock_2", lock_2},
    {"lock_10", lock_10},           {"semaphore_2", semaphore_2},
    {"semaphore_10", semaphore_10}, {nullptr, nullptr},
};

} // namespace

int
main(int argc, char **argv)
{
    return tasks_main(argc, argv, jobs);
}
