"""What the symbolic side costs: each layer's derivation, its independence of the size, the import."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import sympy

import derive as dv
from benchmarks.harness import Race, Spread, process, race
from benchmarks.report import Report, Table, Target

PARTS = ("operator", "equation", "form", "layer", "dim", "bias_dim", "derivation", "certificate")
ASKED = ("operator", "form", "layer", "dim", "derivation")  # of these each is asked for within LIMIT
LIMIT = 0.1
IMPORT_LIMIT = 0.2
HALF = (sympy.Rational(1, 2),) * 2


def _solve(group: Any, into: Any = None, out: Any = None, support: Any = None) -> dv.Solution:
    x = dv.Field(group, channels="C", name="x", **(into or {}))
    y = dv.Field(group, channels="D", name="y", **(out or {}))
    return dv.solve(x, y, support=support)


def _grid(boundary: str | None, height: Any = "H", width: Any = "W", support: Any = None) -> dv.Solution:
    where = {"grid": (height, width), "boundary": boundary}
    return _solve(dv.translations(2), where, where, support)


def _one_axis() -> dv.Solution:
    where = {"grid": (None, "W")}
    return _solve(dv.translations(2, period=(1, 0)), where, where)


def _pooling() -> dv.Solution:
    group = dv.translations(2)
    return dv.solve(dv.Field(group, channels="C", name="x"), dv.trivial(group.point))


LAYERS: dict[str, Callable[[], dv.Solution]] = {
    "convolution, 1-D": lambda: _solve(dv.translations(1), support=dv.box(1)),
    "convolution, 2-D": lambda: _solve(dv.translations(2), support=dv.box(1)),
    "convolution, 3-D": lambda: _solve(dv.translations(3), support=dv.box(1)),
    "convolution, radius k": lambda: _solve(dv.translations(2), support=dv.box("k")),
    "strided, 2": lambda: _solve(dv.translations(2, period=2), out={"spacing": 2}, support=dv.box(1)),
    "transposed, 2": lambda: _solve(dv.translations(2, period=2), {"spacing": 2}, support=dv.box(1)),
    "rational, 2 against 3": lambda: _solve(
        dv.translations(2, period=6), {"spacing": 3}, {"spacing": 2}, dv.box(2)
    ),
    "polyphase, period 2": lambda: _solve(dv.translations(2, period=2), support=dv.box(1)),
    "along one axis only": _one_axis,
    "global pooling": _pooling,
    "periodic H x W": lambda: _grid("periodic"),
    "window H x W, zero boundary": lambda: _grid("zero"),
    "radius 0": lambda: _solve(dv.translations(2), support=dv.box(0)),
    "dilated, 2": lambda: _solve(dv.translations(2), support=dv.window(3, dilation=2)),
    "even window, offset 1/2": lambda: _solve(dv.translations(2), out={"offset": HALF}, support=dv.window(4)),
}


def first(name: str) -> dict[str, float]:
    """The seconds of `solve` and of each part of its answer, in the order they are asked for."""
    clock = {"solve": perf_counter()}
    solution = LAYERS[name]()
    clock["solve"] = perf_counter() - clock["solve"]
    for part in PARTS:
        start = perf_counter()
        getattr(solution, part)
        clock[part] = perf_counter() - start
    return clock


def everything(solution: dv.Solution, parts: tuple[str, ...] = PARTS) -> None:
    """Ask a solution for all of these parts."""
    for part in parts:
        getattr(solution, part)


def _solve_and_ask(make: Callable[[], dv.Solution]) -> None:
    everything(make())


def run(quick: bool = False) -> Report:
    """All tables of the suite."""
    parts = (_layers(quick), _sizes(quick), _imports(quick))
    return Report(tuple(table for table, _ in parts), tuple(target for _, target in parts))


def _layers(quick: bool) -> tuple[Table, Target]:
    """Every layer in a fresh process, where no cache of SymPy's is warm yet, and again in this one."""
    source = "import json; from benchmarks.derivation import first; print(json.dumps(first({!r})))"
    rows, slowest = [], 0.0
    for name, make in LAYERS.items():
        runs = [json.loads(process(source.format(name))()) for _ in range(1 if quick else 5)]
        cold = {part: Spread.of([run[part] for run in runs]) for part in ("solve", *PARTS)}
        total = Spread.of([sum(run.values()) for run in runs])
        again = race({name: partial(_solve_and_ask, make)}, 0.1 if quick else 0.5).time(name)
        slowest = max(slowest, *(cold[part].median for part in ASKED))
        cells = [f"{cold[part].median * 1e3:.1f}" for part in ("solve", *ASKED, "certificate")]
        rows.append((name, f"`{dv.text(make().dim)}`", *cells, total.show(1e-3, 0), again.show(1e-3, 1)))
    header = ("layer", "dim", "solve", *ASKED, "certificate", "all, first time", "all, again")
    note = (
        "Milliseconds. From `solve` to `first time`, each layer is the first thing that a process of its own"
        " does after the import, the parts in this order (the first one asked for pays for what the others"
        " share); `all` includes the equation and the bias. Medians, with quartiles where they are given."
    )
    target = Target(
        "symbolic solve: each of operator, form, layer, dim, derivation, after import",
        f"under {LIMIT * 1e3:.0f} ms",
        f"slowest {slowest * 1e3:.0f} ms",
        slowest < LIMIT,
    )
    return Table("Deriving each layer", header, tuple(rows), note), target


def _sizes(quick: bool) -> tuple[Table, Target]:
    """The same grid at H = W = 8 and H = W = 10^6, without and with the certificate."""
    rows, worst = [], dict.fromkeys(("solve", "certify"), 0.0)
    for boundary, support in itertools.product(("periodic", "zero"), (None, dv.box(1))):
        for until, parts in (("solve", PARTS[:-1]), ("certify", PARTS)):
            calls = {str(n): partial(_ask, boundary, n, support, parts) for n in (8, 10**6)}
            result = race(calls, 0.2 if quick else 3.0)
            ratio = result.ratio("1000000", "8")
            worst[until] = max(worst[until], ratio.median)
            times = [result.time(n).show(1e-3, 1) for n in calls]
            where = f"{boundary}, {'everywhere' if support is None else 'box(1)'}"
            rows.append((f"{where}: {until}", *times, ratio.show()))
    table = Table(
        "The cost does not depend on the size",
        ("grid, support", "H=W=8, ms", "H=W=10^6, ms", "ratio"),
        tuple(rows),
        "`solve`: every part of the answer but the certificate; `certify`: that as well. A large grid's"
        " census of pairs is interpolated from a few grids of about 20 sites a side, whatever its size.",
    )
    target = Target(
        "cost of `solve` at H=W=10^6 against H=W=8",
        "about 1",
        f"at most {worst['solve']:.2f} ({worst['certify']:.2f} with the certificate)",
        worst["solve"] < 1.2,
    )
    return table, target


def _ask(boundary: str, size: int, support: dv.Support | None, parts: tuple[str, ...]) -> None:
    everything(_grid(boundary, size, size, support), parts)


def _imports(quick: bool) -> tuple[Table, Target]:
    """Whole processes, so that nothing is loaded beforehand."""
    calls = {f"import {name}": process(f"import {name}") for name in ("sympy", "derive", "jax", "kernels")}
    result: Race = race(calls, 0.0, least=3 if quick else 11)
    extra = result.gap("import derive", "import sympy")
    rows = tuple((name, result.time(name).show()) for name in calls)
    table = Table(
        "Import",
        ("whole process", "seconds"),
        (*rows, ("`import derive` beyond `import sympy`", extra.show())),
    )
    target = Target(
        "`import derive` beyond `import sympy`",
        f"at most {IMPORT_LIMIT} s",
        f"{extra.median:.2f} s",
        extra.median <= IMPORT_LIMIT,
    )
    return table, target
