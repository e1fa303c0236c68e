"""From words to a solved question, and the lines of Python that ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import Any

import sympy

import derive as dv
from cli.words import sizes as words
from cli.words.representation import plain_channels, representation
from cli.words.said import Said, code_of, value_of
from cli.words.scanner import Scanner, WordError
from cli.words.sizes import Axes, Kernel, Lattice
from cli.words.symmetry import Symmetry, symmetry

STEPS = "write 2, or 2x1"
ONLY_LATTICE = ("lattice", "kernel", "dilation", "stride", "upsample", "border")


@dataclass(frozen=True)
class Asked:
    """What was typed, option by option; None where nothing was."""

    symmetry: str
    into: str | None = None
    out: str | None = None
    lattice: str | None = None
    kernel: str | None = None
    dilation: str | None = None
    stride: str | None = None
    upsample: str | None = None
    border: str | None = None
    bias: bool = True
    sizes: tuple[str, ...] = ()

    def line(self) -> str:
        """The question on one line."""
        parts = [f"{self.symmetry}: {self.into or '1 channel'} -> {self.out or '1 channel'}"]
        for name in ("kernel", "dilation", "stride", "upsample", "lattice"):
            said = getattr(self, name)
            parts += [f"{name} {said}"] if said else []
        return ", ".join(parts + ([] if self.bias else ["no bias"]))


@dataclass(frozen=True)
class Question:
    """A question that could be asked: the two sides, the solution, and the code of all of it."""

    asked: Asked
    x: Any
    y: Any
    solution: dv.Solution
    code: tuple[str, ...]
    sizes: Mapping[str, int]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The names that stand for sizes."""
        return symbols(self.solution)


def ask(asked: Asked) -> Question:
    """Read the words, and solve.

    >>> ask(Asked("p4m", "3 trivial", "16 regular", kernel="5")).solution.dim
    1200
    """
    found = symmetry(asked.symmetry)
    lattice = _lattice(asked, found)
    return _abstract(asked, found) if lattice is None else _spatial(asked, found, lattice)


def _lattice(asked: Asked, found: Symmetry) -> Lattice | None:
    """The lattice that was asked for, None where channels alone are moved."""
    if found.kind == "abstract":
        _refuse_lattice(asked, found)
        return None
    if found.on and asked.lattice is not None:
        raise found.fail("the lattice is said twice", "leave --lattice out, or 'on ...'")
    given = words.lattice(asked.lattice) if asked.lattice is not None else found.on
    local = given or asked.kernel or asked.stride or asked.upsample or found.translated
    if not local:
        return None
    lattice = given or Lattice(Scanner("--lattice", ""), None, Axes((None,)))
    if lattice.hexagonal and not found.hexagonal:
        remedy = "use p3, p31m, p3m1, p6 or p6m"
        raise lattice.scanner.fail(f"{found.name} is stored on the square lattice", remedy, 0)
    if found.translated and lattice.exposed(found.period or (1,) * found.dim):
        remedy = "write 'periodic 8x8', or 'window 8x8' for zeros beyond it"
        raise lattice.scanner.fail("translations leave a grid without a border", remedy, 0)
    return lattice


def _refuse_lattice(asked: Asked, found: Symmetry) -> None:
    for name in ONLY_LATTICE:
        text = getattr(asked, name)
        if text is not None:
            rule = f"needs a lattice, and {found.name} moves none"
            raise WordError(f"--{name}", text, 0, rule, "leave it out")


# ---- representations alone ------------------------------------------------------------------------------


def _abstract(asked: Asked, found: Symmetry) -> Question:
    """No lattice: maps from one representation to another, V where nothing is said."""
    asked = replace(
        asked,
        into="V" if asked.into is None else asked.into,
        out="V" if asked.out is None else asked.out,
    )
    group = found.group.named("G")
    x, y = (
        representation(text or "", group, option)
        for text, option in ((asked.into, "--in"), (asked.out, "--out"))
    )
    lines = (f"G = {found.group.code}", f"x = {x.code}", f"y = {y.code}")
    return _solved(asked, x, y, None, lines)


def _solved(asked: Asked, x: Said, y: Said, support: Said | None, lines: tuple[str, ...]) -> Question:
    """Solve, and write the line that does."""
    solution = dv.solve(x.value, y.value, value_of(support), bias=asked.bias)
    arguments = ["x", "y"]
    arguments += [f"support={support.code}"] if support else []
    arguments += [] if asked.bias else ["bias=False"]
    code = (*lines, f"solution = dv.solve({', '.join(arguments)})")
    return Question(asked, x.value, y.value, solution, code, _numbers(asked, solution))


# ---- fields on a lattice --------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Side:
    """One of the two fields: its words, and where its sites stand."""

    option: str
    name: str
    text: str | None
    grid: tuple[Any, ...] | None
    borders: tuple[Any, ...]
    spacing: tuple[int, ...]
    offset: tuple[Fraction, ...]

    def field(self, group: Said, point: Said) -> Said:
        channels = 1 if self.text is None else plain_channels(self.text)
        named: dict[str, Any] = {"channels": channels}
        if channels is None:
            named = {"fibre": representation(self.text or "", point, self.option)}
        named["name"] = self.name
        named |= {"grid": self.grid} if self.grid is not None else {}
        named |= {"boundary": _one(self.borders)} if self.grid and any(self.borders) else {}
        named |= {"spacing": _one(self.spacing)} if set(self.spacing) != {1} else {}
        named |= {"offset": self.offset} if any(self.offset) else {}
        code = ", ".join(f"{key}={code_of(value)}" for key, value in named.items())
        values = {key: value_of(value) for key, value in named.items()}
        return Said(dv.Field(group.value, **values), f"dv.Field({group.code}, {code})")


def _one(entries: tuple[Any, ...]) -> Any:
    return entries[0] if len(set(entries)) == 1 else entries


def _spatial(asked: Asked, found: Symmetry, lattice: Lattice) -> Question:
    dim, none = found.dim, (Fraction(0),) * found.dim
    out_step, in_step = _steps(asked.stride, dim, "--stride"), _steps(asked.upsample, dim, "--upsample")
    kernel = _kernel(asked, dim)
    translated = found.translated or lattice.translated
    steps = tuple(lcm(a, b) for a, b in zip(out_step, in_step, strict=True))
    space = found.space(steps, kernel.offset) if translated else found.group
    group, point = space.named("G"), Said(space.value.point, "G.point" if translated else "G")
    into, out = _grids(lattice, dim, in_step, out_step)
    borders = lattice.borders.along(dim, lattice.scanner, "border")
    x = _Side("--in", "x", asked.into, into, borders, in_step, none).field(group, point)
    y = _Side("--out", "y", asked.out, out, borders, out_step, kernel.offset).field(group, point)
    lines = (f"G = {space.code}", f"x = {x.code}", f"y = {y.code}")
    return _solved(asked, x, y, kernel.support, lines)


def _steps(text: str | None, dim: int, option: str) -> tuple[int, ...]:
    if text is None:
        return (1,) * dim
    found, scanner = words.sizes(text, option, STEPS)
    return found.along(dim, scanner, "step")


def _kernel(asked: Asked, dim: int) -> Kernel:
    if asked.kernel is not None:
        return words.kernel(asked.kernel, dim, asked.dilation)
    if asked.dilation is not None:
        raise WordError("--dilation", asked.dilation, 0, "needs a kernel", "give --kernel 3 for example")
    return Kernel(None, (Fraction(0),) * dim)


def _grids(lattice: Lattice, dim: int, into: Any, out: Any) -> tuple[Any, Any]:
    """The sites of both fields along every axis, None where they have no end."""
    if lattice.sizes is None:
        return None, None
    given = lattice.sizes.along(dim, lattice.scanner, "size")
    return given, tuple(_output(lattice, n, a, b) for n, a, b in zip(given, into, out, strict=True))


def _output(lattice: Lattice, n: Any, into: int, out: int) -> Any:
    """How many sites the output has where the input has n."""
    if n is None or into == out:
        return n
    if isinstance(n, str):
        raise lattice.scanner.fail(f"{n} must be a number where steps differ", "write 32x32 for example", 0)
    sites = Fraction(n * into, out)
    if sites.denominator > 1:
        below, above = (k * out // into for k in (int(sites), int(sites) + 1))
        rule = f"{n} sites cannot be divided by the stride {out}"
        raise lattice.scanner.fail(rule, f"use {below or above} or {above}", 0)
    return int(sites)


# ---- numbers for names ----------------------------------------------------------------------------------


def symbols(solution: dv.Solution) -> tuple[str, ...]:
    """The names in a question that stand for sizes.

    >>> symbols(ask(Asked("translations", "C", "D", kernel="radius r")).solution)
    ('C', 'D', 'r')
    """
    problem = solution.problem
    reaches = (problem.reach(axis) for axis in range(len(problem.axes)))
    sizes = [problem.x.channels, problem.y.channels, *(r for r in reaches if r is not None)]
    for side in (problem.x, problem.y):
        sizes += [n for n in side.lattice.grid if n is not None] if side.lattice is not None else []
    return tuple(sorted({s.name for n in sizes for s in sympy.sympify(n).free_symbols}))


def _numbers(asked: Asked, solution: dv.Solution) -> dict[str, int]:
    """--size C=3: numbers for names."""
    known = symbols(solution)
    numbers: dict[str, int] = {}
    remedy = f"write --size {known[0] if known else 'C'}=3"
    for text in asked.sizes:
        s = Scanner("--size", text)
        name = s.expect(r"[^\W\d]\w*", "a name", remedy)[0]
        s.expect("=", "'='", remedy)
        numbers[name] = s.number("a number", remedy)
        s.finish(remedy)
        if name not in known:
            listed = f"the names here are {', '.join(known)}" if known else "no name stands for a size here"
            raise s.fail(f"{name!r} is no name in this question", listed, 0)
    return numbers
