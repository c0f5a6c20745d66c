# SPDX-License-Identifier: MIT
"""The report of run_echo: where it was measured, and one table of ratios.

`results` maps (scenario, server) to a list with an entry per repetition: what
the load generator printed, or None if that failed.
"""

from report import (LIMITED_PERCENT, format_ratios, machine_lines, marks,
                    median, place, ratios)

CONTROL = "epoll"


def format_row(options, scenario, name, runs, control):
    if not any(runs):
        return f"| {scenario} | {name} | failed" + " |" * 11
    by_speed = ratios(runs, control, "requests_per_s", False)
    by_cpu = ratios(runs, control, "cpu_ns_per_request", True)
    return (f"| {scenario} | {name} "
            f"| {median(runs, 'requests_per_s'):,.0f} "
            f"{format_ratios(by_speed)}"
            f"| {median(runs, 'cpu_ns_per_request'):,.0f} "
            f"{format_ratios(by_cpu)}"
            f"| {median(runs, 'server_cpu_percent'):.0f} "
            f"| {median(runs, 'p50_us'):,.1f} "
            f"| {median(runs, 'p99_us'):,.1f} "
            f"| {median(runs, 'p999_us'):,.1f} "
            f"| {marks(options, runs)} |")


def format_table(options, results):
    lines = [
        "| scenario | server | requests/s | ratio | spread | CPU ns/request "
        "| ratio | spread | server CPU % | p50 µs | p99 µs | p99.9 µs | |",
        "|---|---|" + "--:|" * 10 + "---|",
    ]
    for (scenario, name), runs in sorted(
            results.items(), key=lambda item: place(options, item[0])):
        control = results.get((scenario, CONTROL), [])
        lines.append(format_row(options, scenario, name, runs, control))
    return "\n".join(lines)


def format_report(options, results):
    kinds = {run["congestion"] for runs in results.values()
             for run in runs if run}
    lines = [
        "# Echo servers against raw epoll",
        "",
        *machine_lines(),
        f"- {options.repetitions} repetitions of {options.seconds} s, server "
        f"on core {options.server_core}, generator on core "
        f"{options.load_core}, congestion control {', '.join(sorted(kinds))}",
        f"- Ratios are to {CONTROL} in the same repetition: above 1 is better "
        "than epoll, for requests/s and for CPU alike.  Median, and smallest "
        "to largest.",
        f"- `*` the server used less than {LIMITED_PERCENT} % of its core, so "
        "it was not the limit: compare the CPU.  `!` others took more than "
        f"{options.max_stolen:g} % of a core in spite of {options.retries} "
        "retries.  `?` some repetitions failed.",
    ]
    if options.was_stopped:
        lines.append("- Stopped early: repetitions are missing.")
    if options.interrupts_are_apart:
        lines.append(
            "- This kernel may account interrupts apart from processes: then "
            "the CPU columns lack what the network does in soft interrupts.")
    return "\n".join([*lines, "", format_table(options, results), ""])
