# SPDX-License-Identifier: MIT
"""What the reports of all benchmarks share: where it was measured, ratios of
what was measured in the same repetition, and where a report goes."""

import os
import statistics
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

LIMITED_PERCENT = 90    # a server that was busier was the limit


def command_output(*command):
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, check=False)
    return done.stdout.strip()


def cpu_model():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return os.uname().machine


def commit():
    try:
        changed = command_output("git", "status", "--porcelain", "-uno")
        name = command_output("git", "rev-parse", "--short", "HEAD")
    except OSError:
        name = ""
    if not name:
        return "unknown"
    return f"{name}, with changes" if changed else name


def machine_lines():
    """The first lines of a report, below its title."""
    return [
        f"- {time.strftime('%Y-%m-%d %H:%M %Z')}, commit {commit()}",
        f"- Linux {os.uname().release}, {cpu_model()}, "
        f"{os.cpu_count()} processors",
    ]


def ratios(runs, control, key, less_is_better):
    """Of each repetition in which both were measured; above 1 is better."""
    pairs = [(run[key], other[key])
             for run, other in zip(runs, control) if run and other]
    return [other / run if less_is_better else run / other
            for run, other in pairs]


def median_and_spread(values):
    return (f"{statistics.median(values):.2f}",
            f"{min(values):.2f}..{max(values):.2f}")


# --- of servers: `runs` has one result per repetition, or None -------------


def median(runs, key):
    return statistics.median(run[key] for run in runs if run)


def format_ratios(values):
    if not values:
        return "| - | - "
    middle, spread = median_and_spread(values)
    return f"| {middle} | {spread} "


def marks(options, runs):
    text = ""
    if median(runs, "server_cpu_percent") < LIMITED_PERCENT:
        text += "*"
    if any(run and run["stolen_percent"] > options.max_stolen for run in runs):
        text += "!"
    if None in runs:
        text += "?"
    return text


def place(options, key):
    scenario, name = key
    return (options.scenarios.index(scenario),
            list(options.commands).index(name))


# --- where it goes ----------------------------------------------------------

def publish(text, path):
    print(text)
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
