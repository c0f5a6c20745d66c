# SPDX-License-Identifier: MIT
"""The report of run_http: where it was measured, and one table of ratios.

`results` maps (scenario, server) to a list with an entry per repetition: what
was measured, or None if that failed.
"""

import json

from report import (LIMITED_PERCENT, format_ratios, machine_lines, marks,
                    median, place, ratios)

OURS = "ouro_callbacks"


def format_latency(runs, key):
    """wrk tells 0 where it has lost count: that is none."""
    known = [run for run in runs if run and run[key] > 0]
    return f"{median(known, key):,.0f}" if known else "-"


def format_row(options, scenario, name, runs, ours):
    if not any(runs):
        return f"| {scenario} | {name} | failed" + " |" * 9
    by_speed = ratios(ours, runs, "requests_per_s", False)
    by_cpu = ratios(ours, runs, "cpu_ns_per_request", True)
    return (f"| {scenario} | {name} "
            f"| {median(runs, 'requests_per_s'):,.0f} "
            f"{format_ratios(by_speed)}"
            f"| {median(runs, 'cpu_ns_per_request'):,.0f} "
            f"{format_ratios(by_cpu)}"
            f"| {median(runs, 'server_cpu_percent'):.0f} "
            f"| {format_latency(runs, 'p50_us')} "
            f"| {format_latency(runs, 'p99_us')} "
            f"| {marks(options, runs)} |")


def in_order(options, results):
    return sorted(results.items(), key=lambda item: place(options, item[0]))


def format_table(options, results):
    lines = [
        "| scenario | server | requests/s | ratio | spread | CPU ns/request "
        "| ratio | spread | server CPU % | p50 µs | p99 µs | |",
        "|---|---|" + "--:|" * 9 + "---|",
    ]
    for (scenario, name), runs in in_order(options, results):
        ours = results.get((scenario, OURS), [])
        lines.append(format_row(options, scenario, name, runs, ours))
    return "\n".join(lines)


def report_lines(options):
    lines = [
        *machine_lines(),
        *(f"- {name}: {version}" for name, version in options.versions.items()),
        f"- {options.repetitions} repetitions of {options.seconds} s, server "
        f"on core {options.server_core}, wrk on core {options.load_core}, "
        f"congestion control {options.congestion}",
        f"- Ratios: {OURS} to this server in the same repetition, so above 1 "
        "ouro is better, for requests/s and for CPU alike.  Median, and "
        "smallest to largest.",
        f"- `*` the server used less than {LIMITED_PERCENT} % of its core, so "
        "it was not the limit: compare the CPU.  `!` others took more than "
        f"{options.max_stolen:g} % of a core in spite of {options.retries} "
        "retries.  `?` some repetitions failed.",
    ]
    if options.missing:
        lines.append(f"- Not here to compare with: "
                     f"{', '.join(options.missing)}.")
    if options.was_stopped:
        lines.append("- Stopped early: repetitions are missing.")
    if options.interrupts_are_apart:
        lines.append(
            "- This kernel may account interrupts apart from processes: then "
            "the CPU columns lack what the network does in soft interrupts.")
    return lines


def format_report(options, results):
    return "\n".join(["# HTTP servers", "", *report_lines(options), "",
                      format_table(options, results), ""])


def format_json(options, results):
    """All that was measured, for a program to read."""
    return json.dumps({
        "about": [line.removeprefix("- ") for line in report_lines(options)],
        "results": [
            {"scenario": scenario, "server": name, "repetitions": runs}
            for (scenario, name), runs in in_order(options, results)],
    }, indent=1) + "\n"
