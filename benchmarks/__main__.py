"""`python -m benchmarks`: run the suites and print their tables.

python -m benchmarks            everything, at most 20 minutes
python -m benchmarks --quick    fewer cases and rounds, at most 3 minutes
python -m benchmarks --write    also into benchmarks/RESULTS.md, and the plot beside it
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from benchmarks import (
    accuracy,
    calls,
    convolution,
    derivation,
    expansion,
    loops,
    networks,
    points,
    sampled,
    sharding,
    symmetries,
    thresholds,
)
from benchmarks.machine import describe
from benchmarks.report import Report, markdown

RESULTS = Path(__file__).parent / "RESULTS.md"
SUITES: dict[str, Callable[[bool], Report]] = {
    "networks": networks.run,
    "points": points.run,
    "sampled": sampled.run,
    "convolution": convolution.run,
    "loops": loops.run,
    "expansion": expansion.run,
    "calls": calls.run,
    "accuracy": accuracy.run,
    "derivation": derivation.run,
    "sharding": sharding.run,
    "symmetries": symmetries.run,
    "thresholds": thresholds.run,
}

HEADING = """# Results

Written by `python -m benchmarks{options} --write`; `make bench` runs it again. The competitors of a row take
turns in one process; figures are medians over rounds with quartiles in brackets, ratios are taken round by
round. Other work may have shared the machine: compare within a row, not between runs.

{machine}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suites named (all by default), print the tables, write them and the plots where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure this library.")
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(SUITES)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer cases and rounds, at most 3 minutes")
    parser.add_argument("--write", action="store_true", help=f"update {RESULTS.name}")
    given = parser.parse_args(arguments)
    if unknown := set(given.suites) - set(SUITES):
        parser.error(f"suites: unknown {sorted(unknown)}, give some of {list(SUITES)}")
    heading = HEADING.format(options=" --quick" if given.quick else "", machine=describe())
    reports = [_run(name, given.quick) for name in given.suites or SUITES]
    text = markdown(reports, heading)
    print(text)
    if given.write:
        RESULTS.write_text(text)
        for plot in (plot for report in reports for plot in report.plots):
            (RESULTS.parent / plot.file).write_text(plot.svg)
    return 0


def _run(name: str, quick: bool) -> Report:
    print(f"{name} ...", file=sys.stderr, flush=True)
    start = perf_counter()
    report = SUITES[name](quick)
    print(f"{name}: {perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    return report


if __name__ == "__main__":
    sys.exit(main())
