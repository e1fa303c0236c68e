"""What answers under any symmetry cost: each in a process of its own, its certificate included."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from benchmarks.fresh import fresh, peak_megabytes
from benchmarks.harness import race
from benchmarks.peers import IN_EMLP, SMALL, emlp_times, linear_systems
from benchmarks.problems import FIGURES, Figure, element
from benchmarks.report import Report, Table, Target

LIMIT = 120.0  # seconds for one problem
PARTS = ("solve", "dim", "labels", "certificate")
NEAR = 1.2  # two times are called the same up to this factor
SOURCE = "import json; from benchmarks.symmetries import first; print(json.dumps(first({!r})))"


def first(name: str) -> dict[str, Any]:
    """The seconds of every part of one answer, asked for in turn, and what came out."""
    figure, clock = FIGURES[name], {}
    started = start = perf_counter()
    solution = figure.solve()
    clock["solve"] = perf_counter() - start
    asked = {
        "dim": lambda: int(solution.dim),
        "labels": lambda: (figure.labels or element)(solution),
        "certificate": lambda: solution.certificate,
    }
    found: dict[str, Any] = {}
    for part, ask in asked.items():
        start = perf_counter()
        found[part] = ask()
        clock[part] = perf_counter() - start
    return {
        "seconds": perf_counter() - started,
        "parts": clock,
        "megabytes": peak_megabytes(),
        "dim": found["dim"],
        "holds": bool(found["certificate"].holds),
    }


@dataclass(frozen=True)
class Seen:
    """One row: the outcome of a process, or why there is none."""

    name: str
    outcome: Mapping[str, Any] | None
    reason: str = ""

    @property
    def figure(self) -> Figure:
        return FIGURES[self.name]

    @property
    def right(self) -> bool:
        """The dimension is the known one, and the certificate holds."""
        found = self.outcome
        return found is not None and found["dim"] == self.figure.dim and found["holds"]

    @property
    def reached(self) -> bool:
        if self.outcome is None or not self.right:
            return False
        within = self.figure.seconds is None or self.outcome["seconds"] <= self.figure.seconds
        return within and (
            self.figure.megabytes is None or self.outcome["megabytes"] <= self.figure.megabytes
        )

    @property
    def asked(self) -> str:
        """The bounds, in words."""
        bounds = [(self.figure.seconds, "s"), (self.figure.megabytes, "MB")]
        return ", ".join(f"{bound:g} {unit}" for bound, unit in bounds if bound is not None)

    @property
    def shown(self) -> str:
        if self.outcome is None:
            return self.reason
        size = f", {self.outcome['megabytes']:.0f} MB" if self.figure.megabytes else ""
        return f"{self.outcome['seconds']:.2f} s{size}" + ("" if self.right else ", wrong answer")

    def row(self, emlp: str) -> tuple[str, ...]:
        if self.outcome is None:
            return (self.name, self.reason, *[""] * (len(PARTS) + 3), self.asked, emlp)
        found = self.outcome
        parts = [f"{found['parts'][part]:.2f}" for part in PARTS]
        verdict = "holds" if found["holds"] else "FAILS"
        size = f"{found['megabytes']:.0f}"
        return (
            self.name,
            f"{found['dim']}",
            *parts,
            f"{found['seconds']:.2f}",
            size,
            verdict,
            self.asked,
            emlp,
        )


def see(name: str) -> Seen:
    """Measure one problem in a process of its own."""
    outcome = fresh(SOURCE.format(name), LIMIT)
    return Seen(name, None, outcome.reason) if outcome.text is None else Seen(name, json.loads(outcome.text))


def run(quick: bool = False) -> Report:
    """All tables of the suite."""
    names = [name for name, figure in FIGURES.items() if figure.quick or not quick]
    fresh(
        "import benchmarks.symmetries, derive.answer.off_lattice, derive.answer.on_lattice", LIMIT
    )  # compile
    seen = [see(name) for name in names]
    emlp = emlp_times(*((8.0, 8.0) if quick else (200.0, 75.0)))
    copies, same = _copies(quick)
    targets = [Target(s.name, s.asked, s.shown, s.reached) for s in seen if s.asked]
    small = list(SMALL)[: 1 if quick else None]
    systems = linear_systems(10.0 if quick else 60.0, small)
    return Report((table(seen, emlp), copies, _by_sympy(systems)), (*targets, same))


def table(seen: list[Seen], emlp: Mapping[str, str]) -> Table:
    """One row per problem, EMLP's answer beside it."""
    header = ("problem", "dim", *PARTS, "all", "MB", "certificate says", "asked", "EMLP: time, dim")
    rows = tuple(s.row(emlp.get(s.name, "not tried" if s.name in IN_EMLP else "")) for s in seen)
    note = (
        "Seconds after `import derive`, each problem the first thing that its process does; the memory is the"
        " most that the process held. `labels`: one basis element, for S_n all orbits as diagonals. EMLP: its"
        " basis in floating point, import not counted, and the dimension it found, within a limit of time."
    )
    return Table("Answers under any symmetry", header, rows, note)


def _copies(quick: bool) -> tuple[Table, Target]:
    """Copies of a fibre are not solved again."""
    names = {1: "p4m, regular to regular, 7 x 7", 64: "p4m, 64 regular to 64 regular, 7 x 7"}
    calls = {str(n): partial(_ask, FIGURES[name]) for n, name in names.items()}
    result = race(calls, 1.0 if quick else 5.0)
    ratio = result.ratio("64", "1")
    times = [result.time(str(n)).show(1e-3, 1) for n in names]
    made = Table(
        "Copies are not solved again",
        ("problem", "1 field, ms", "64 fields, ms", "ratio"),
        (("p4m, regular to regular, 7 x 7", *times, ratio.show()),),
        "Solving, dimension, one basis element and certificate, in turn in one process.",
    )
    target = Target(
        "p4m regular to regular: 64 fields against one", "about 1", ratio.show(), ratio.median < NEAR
    )
    return made, target


def _ask(figure: Figure) -> None:
    solution = figure.solve()
    element(solution)
    solution.certificate  # noqa: B018  read for its cost


def _by_sympy(rows: list[tuple[str, str, str]]) -> Table:
    note = "The equations rho(g) A = A rho(g), every entry of A a symbol, handed to `sympy.linsolve`."
    return Table(
        "Beside a plain linear solver", ("problem", "this library", "sympy.linsolve"), tuple(rows), note
    )
