# SPDX-License-Identifier: MIT
"""What the runs that start servers share: what a process and the machine did
meanwhile, and measuring again what others disturbed."""

import gzip
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START_SECONDS = 10
STOP_SECONDS = 10


class Failure(Exception):
    """A server or the generator did not do what it should."""


# --- what the machine did meanwhile -----------------------------------------

def interrupts_are_apart():
    """Whether the kernel keeps interrupt time out of what a process used.

    If its configuration cannot be read we take it that it does: that finds
    less stolen, never more.
    """
    release = os.uname().release
    for path in ("/proc/config.gz", f"/boot/config-{release}"):
        try:
            opener = gzip.open if path.endswith(".gz") else open
            with opener(path, "rt") as config:
                return "CONFIG_IRQ_TIME_ACCOUNTING=y\n" in config.readlines()
        except OSError:
            continue
    return True


def busy_seconds(cores, without_interrupts):
    """Seconds these cores were not idle; stolen by the hypervisor counts."""
    wanted = {f"cpu{core}" for core in cores}
    ticks = 0
    with open("/proc/stat") as stat:
        for line in stat:
            name, *fields = line.split()
            if name not in wanted:
                continue
            user, nice, system, _, _, irq, softirq, steal = map(
                int, fields[:8])
            ticks += user + nice + system + steal
            if not without_interrupts:
                ticks += irq + softirq
    return ticks / os.sysconf("SC_CLK_TCK")


def process_seconds(pid):
    """CPU seconds of all threads of a process, and of its children that live.

    A thread or a child that ends takes its time along: servers keep theirs.
    """
    total = 0
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        try:
            total += int((thread / "schedstat").read_text().split()[0]) / 1e9
            children = (thread / "children").read_text().split()
        except OSError:
            continue
        total += sum(process_seconds(child) for child in children)
    return total


class TheftMeter:
    """How much of a core others used: all that was used, less what we did."""

    def __init__(self, options, server_pid):
        self.cores = {options.server_core, options.load_core}
        self.apart = options.interrupts_are_apart
        self.pid = server_pid
        self.begin = self.read()

    def read(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        own = process_seconds(self.pid) + children.ru_utime + children.ru_stime
        busy = busy_seconds(self.cores, self.apart)
        return time.monotonic(), busy - own

    def percent(self):
        (begin, before), (end, after) = self.begin, self.read()
        return max(0.0, 100 * (after - before) / (end - begin))


# --- a server ---------------------------------------------------------------

class Server:
    """A server process on its core, from its first line to SIGTERM."""

    def __init__(self, command, core, directory=None, errors=None):
        # A file, not a pipe: a server may print more, and must not block.
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command, stdout=self.output, stdin=subprocess.DEVNULL,
            cwd=directory, stderr=errors,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}))

    def __enter__(self):
        try:
            self.port = self.wait_for_port()
        except BaseException:
            self.kill()
            raise
        return self

    def wait_for_port(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            # Not seek(): it would move where the server writes, too.
            text = os.pread(self.output.fileno(), 4096, 0).decode()
            for line in text.splitlines(keepends=True):
                if line.startswith("listening on ") and line.endswith("\n"):
                    return line.rsplit(":", 1)[1].strip()
            time.sleep(0.01)
        raise Failure("it did not say where it is listening")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.output.close()

    def __exit__(self, kind, error, trace):
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        if code != 0 and error is None:
            what = "did not end" if code is None else f"ended with {code}"
            raise Failure(f"it {what} after SIGTERM")


# --- repetitions ------------------------------------------------------------

def measure(options, measure_once, scenario, name):
    """Measure until it was calm, or take the calmest.

    Returns None, with a word on stderr, if it always failed.
    """
    best = None
    for _ in range(options.retries + 1):
        try:
            result = measure_once(options, scenario, name)
        except Failure as failure:
            print(f"{scenario} {name}: {failure}", file=sys.stderr)
            continue
        if best is None or result["stolen_percent"] < best["stolen_percent"]:
            best = result
        if best["stolen_percent"] <= options.max_stolen:
            break
    return best


def measure_all(options, measure_once, results):
    """Fill `results`, which maps (scenario, server) to one per repetition."""
    for repetition in range(options.repetitions):
        for scenario in options.scenarios:
            order = list(options.commands)
            random.shuffle(order)
            for name in order:
                result = measure(options, measure_once, scenario, name)
                results.setdefault((scenario, name), []).append(result)
                if result is None:
                    continue
                print(f"{repetition + 1}/{options.repetitions} "
                      f"{scenario:14} {name:14} "
                      f"{result['requests_per_s']:12,.0f}/s, server "
                      f"{result['server_cpu_percent']:3.0f} %, stolen "
                      f"{result['stolen_percent']:.1f} %", file=sys.stderr)


# --- the command line -------------------------------------------------------

def chosen(program, text, known, what):
    names = text.split(",") if text else list(known)
    for name in names:
        if name not in known:
            sys.exit(f"{program}: no {what} {name}; "
                     f"there are {', '.join(known)}")
    return names


def add_common_options(add):
    """What all of these runs ask."""
    add("--scenarios", help="which, with commas between (all)")
    add("--servers", help="which, with commas between (all)")
    add("--repetitions", type=int, help="(5)")
    add("--retries", type=int, help="of a disturbed measurement (5)")
    add("--max-stolen", type=float, default=6, metavar="PERCENT",
        help="of a core that others may use (6)")
    add("--server-core", type=int, default=1)
    add("--load-core", type=int, default=0)


def settle_common(program, options, defaults):
    """Fill in `defaults`: of each option the usual one, and the quick one."""
    for name, (usual, quick) in defaults.items():
        if getattr(options, name) is None:
            setattr(options, name, quick if options.quick else usual)

    cores = {options.server_core, options.load_core}
    if len(cores) < 2 or not cores <= os.sched_getaffinity(0):
        sys.exit(f"{program}: needs two cores, one for the server and one for "
                 "the generator")
    options.bin = str(Path(options.bin).resolve())
    options.was_stopped = False
    options.interrupts_are_apart = interrupts_are_apart()
