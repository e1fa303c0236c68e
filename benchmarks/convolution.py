"""Every convolution, in every direction, outside loops and in a scan, beside lax and the other frameworks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence

from benchmarks import plot, torch_contender
from benchmarks.cases import CASES, QUICK, Case
from benchmarks.contenders import FIRST, LAST, OURS, Contender
from benchmarks.elsewhere import elsewhere
from benchmarks.frameworks import OTHERS, installed
from benchmarks.goals import targets
from benchmarks.programs import FORWARD, INPUT, INSIDE, KERNEL, LENGTH, OUTSIDE, STEP
from benchmarks.ratios import LAX, Cell, Others, measure
from benchmarks.report import Report, Table
from benchmarks.torch_contender import TORCH

DIRECTIONS = (FORWARD, INPUT, KERNEL, STEP)

RATIOS = (
    "Milliseconds are medians, quartiles of the ratio are in brackets. `better lax / ours`: how many times"
    " faster than the better of lax's two layouts; above 1 is faster. `=`: XLA compiled this library's op and"
    " lax NHWC to the same instructions: their ratio is 1, anything else measured is noise. `step`: value,"
    " both gradients and the update of SGD. Whoever takes longer than a quarter of a second is run once,"
    " and that time is held against every round of the others."
)
LOOPS = (
    f"The same, in the body of a scan of {LENGTH} iterations, milliseconds per iteration. The images are"
    " smaller, as their shapes say: lax's own time would be minutes otherwise."
)

BESIDE = (
    "torch's convolutions on the CPU on as many threads, in its default memory format and in channels last"
    " (the images; one-dimensional ones have none), outside loops; above 1 means that this library is faster,"
    " the lowest first. It takes turns with this library in a race of its own, with 10 ms of rest"
    " before each turn, because its threads keep spinning for a while; SAME padding of odd width is rounded"
    " up for it."
)
LAYERS = (
    "A training step through the layers of Equinox (mapped over the batch, channels first) and of Flax NNX"
    " (channels last), which call lax."
)


def run(quick: bool = False) -> Report:
    """All tables of the suite, and the plot."""
    if quick:
        cells = sweep(QUICK, (FORWARD, STEP), (OUTSIDE,), 0.1) + sweep(QUICK, (STEP,), (INSIDE,), 0.1)
    else:
        cells = sweep(CASES, DIRECTIONS, (OUTSIDE, INSIDE), 0.2)
    return Report(tables(cells), targets(cells), plot.ratios(cells))


def sweep(
    cases: Iterable[Case], directions: Sequence[str], contexts: Sequence[str], budget: float
) -> list[Cell]:
    """Measure the product of all of these; torch outside loops, other frameworks in steps."""
    jobs = (
        (case, direction, context, budget)
        for case in _each(cases)
        for context in contexts
        for direction in directions
    )
    return list(elsewhere(_cell, jobs))


def _cell(case: Case, direction: str, context: str, budget: float) -> Cell:
    return measure(case, direction, context, budget, *_rivals(direction, context))


def _each(cases: Iterable[Case]) -> Iterable[Case]:
    """The cases, each announced."""
    for case in cases:
        print(f"  {case.name}", file=sys.stderr, flush=True)
        yield case


def _rivals(direction: str, context: str) -> tuple[Sequence[Contender], Others | None]:
    frameworks = installed() if (direction, context) == (STEP, OUTSIDE) else ()
    return (LAST, FIRST, *frameworks), torch_contender.calls if context == OUTSIDE else None


def tables(cells: Sequence[Cell]) -> tuple[Table, ...]:
    """One table per context, and those against other frameworks."""
    notes = {OUTSIDE: ("Outside loops", RATIOS), INSIDE: ("In scan", LOOPS)}
    found = {context: [cell for cell in cells if cell.context == context] for context in notes}
    tables = [_against_lax(*notes[context], some) for context, some in found.items() if some]
    return (
        *tables,
        *_against("torch", cells, TORCH, BESIDE),
        *_against("Equinox and Flax", cells, OTHERS, LAYERS),
    )


def _against(title: str, cells: Sequence[Cell], rivals: Sequence[str], note: str) -> tuple[Table, ...]:
    """Ratios to each of these rivals, the lowest first; no table where none of them took part."""
    met = sorted((cell for cell in cells if cell.spread(*rivals)), key=lambda cell: cell.ratio(*rivals))
    rows = tuple((cell.name, *(_ratio(cell, name) for name in (*rivals, *LAX))) for cell in met)
    header = ("case", *(f"{name} / ours" for name in (*rivals, *LAX)))
    return (Table(f"Against {title}", header, rows, note),) if rows else ()


def _ratio(cell: Cell, rival: str) -> str:
    found = cell.spread(rival)
    return found.show() if found else ""


def _against_lax(title: str, note: str, cells: Sequence[Cell]) -> Table:
    names = (OURS.name, LAST.name, FIRST.name)
    header = (
        "case",
        "images",
        *(f"{name}, ms" for name in names),
        "better lax / ours",
        f"{LAST.name} / ours",
    )
    return Table(title, header, tuple(_row(cell, names) for cell in cells), note)


def _row(cell: Cell, names: Sequence[str]) -> tuple[str, ...]:
    unit = 1e-3 * (LENGTH if cell.context == INSIDE else 1)
    times = (f"{cell.race.time(name).median / unit:.3g}" for name in names)
    better = cell.spread(*LAX)
    same = "=" if cell.same else f"{cell.ratio(LAST.name):.2f}"
    return cell.name, cell.case.shape, *times, better.show() if better else "", same
