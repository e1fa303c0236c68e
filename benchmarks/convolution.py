"""Every convolution, in every direction, outside loops and in a scan, beside lax and the other frameworks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.cases import CASES, QUICK, Case
from benchmarks.contenders import FIRST, LAST, OURS
from benchmarks.figures import targets
from benchmarks.programs import FORWARD, INPUT, INSIDE, KERNEL, LENGTH, OUTSIDE, STEP
from benchmarks.ratios import LAX, Cell, measure
from benchmarks.report import Report, Table

DIRECTIONS = (FORWARD, INPUT, KERNEL, STEP)

RATIOS = (
    "Milliseconds are medians, quartiles of the ratio are in brackets. `better lax / ours`: how many times"
    " faster than the better of lax's two layouts; above 1 is faster. `=`: XLA compiled this library's op and"
    " lax NHWC to the same instructions: their ratio is 1, anything else measured is noise. `step`: value, both"
    " gradients and the update of SGD. Whoever takes longer than a quarter of a second is run once."
)
LOOPS = (
    f"The same, in the body of a scan of {LENGTH} iterations, milliseconds per iteration. The images are"
    " smaller, as their shapes say: lax's own time would be minutes otherwise."
)


def run(quick: bool = False) -> Report:
    """All tables of the suite."""
    if quick:
        cells = sweep(QUICK, (FORWARD, STEP), (OUTSIDE,), 0.1) + sweep(QUICK, (STEP,), (INSIDE,), 0.1)
    else:
        cells = sweep(CASES, DIRECTIONS, (OUTSIDE, INSIDE), 0.3)
    return Report(tables(cells), targets(cells))


def sweep(
    cases: Iterable[Case], directions: Sequence[str], contexts: Sequence[str], budget: float
) -> list[Cell]:
    """Measure the product of all of these."""
    return [measure(case, d, context, budget) for case in cases for context in contexts for d in directions]


def tables(cells: Sequence[Cell]) -> tuple[Table, ...]:
    """One table per context."""
    notes = {OUTSIDE: ("Outside loops", RATIOS), INSIDE: ("In scan", LOOPS)}
    found = {context: [cell for cell in cells if cell.context == context] for context in notes}
    return tuple(_against_lax(*notes[context], some) for context, some in found.items() if some)


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
