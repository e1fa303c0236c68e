"""The proof that an answer is right and complete, by counting that shares no code with the methods.

(a) every basis element satisfies the equation, residual exactly 0; (b) they are independent; (c) there are
as many as an independent count says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import sympy

from derive.certificate.checks import Checks
from derive.certificate.orbit_maps import independent, residual
from derive.certificate.residual import Written
from derive.certificate.residual_maps import Matrices
from derive.certificate.trials import trials
from derive.counting.count import hom_dimension
from derive.counting.lattice import count_lattice
from derive.drawing.svg import card
from derive.lattice.axes import Axis
from derive.lattice.problem import Problem, with_sizes
from derive.symmetry.sizes import number

ENTRIES = 1 << 20  # entries of all dense arrays together that are looked at
LARGEST = 1 << 18  # entries of a dense array that is written out at all
LISTED = 1 << 22  # classes that are listed where the answer itself does not list them
SAMPLE = 24  # elements looked at where not all are


class Solved(Protocol):
    """A solution, as its certificate sees it."""

    @property
    def problem(self) -> Problem:
        """The statement: from what, to what."""

    @property
    def dim(self) -> Any:
        """How many weights are free."""

    @property
    def basis(self) -> Any:
        """All elements."""

    @property
    def answer(self) -> Any:
        """Orbits and maps, for what is too large to write out."""

    @property
    def assumptions(self) -> Sequence[sympy.Basic]:
        """What the symbols satisfy."""


@dataclass(frozen=True)
class Certificate:
    """What was checked, and by which formula.

    `residual`: the largest entry of rho(g) A - A rho(g), exactly 0 when right, over `scope`;
    `independent`: whether the basis elements are linearly independent; `dim`: how many there are;
    `expected_dim`: how many there must be by `method` (None where no formula applies).
    """

    residual: int
    independent: bool
    dim: Any
    expected_dim: Any
    method: str
    scope: str = "every basis element"

    @property
    def holds(self) -> bool:
        """Right, independent and complete."""
        return self.residual == 0 and self.independent and self.complete is True

    @property
    def complete(self) -> bool | None:
        """Whether nothing is missing; None where no independent count applies."""
        if self.expected_dim is None:
            return None
        gap = sympy.sympify(self.dim) - self.expected_dim
        return self.dim == self.expected_dim or sympy.simplify(gap) == 0

    @property
    def _title(self) -> str:
        verdict = "holds" if self.holds else "FAILS" if self.complete is not None else "is incomplete"
        return f"certificate {verdict}"

    @property
    def _lines(self) -> list[tuple[str, str]]:
        return [
            (f"residual of T(g x) = g T(x) on {self.scope}", f"{self.residual}"),
            ("basis elements independent", "yes" if self.independent else "NO"),
            ("free weights found", f"{self.dim}"),
            ("free weights counted independently", f"{self.expected_dim}"),
        ]

    def __str__(self) -> str:
        lines = [f"  {name}: {value}" for name, value in self._lines]
        return "\n".join([self._title, *lines, f"  by {self.method}"])

    def _repr_html_(self) -> str:
        mark = "✓" if self.holds else "✗"
        return card(f"{mark} {self._title}", [*self._lines, ("by", self.method)])


def certify(solution: Solved) -> Certificate:
    """The certificate of a solution; its basis is looked at where sizes are numbers, or at several."""
    expected, method = _counted(solution.problem)
    known = trials(solution.problem, expected, solution.assumptions)
    checked = [_checked(_at(solution, sizes)) for sizes in known]
    seen = [
        part.many for part, sizes in zip(checked, known, strict=True) if part.many != _put(expected, sizes)
    ]
    return Certificate(
        residual=max(part.residual for part in checked),
        independent=all(part.independent for part in checked),
        dim=seen[0] if seen and expected is not None else solution.dim,
        expected_dim=expected,
        method=method,
        scope=_scope(checked, known),
    )


def _at(solution: Solved, sizes: Mapping[sympy.Symbol, sympy.Integer]) -> Solved:
    return type(solution)(with_sizes(solution.problem, sizes)) if sizes else solution  # type: ignore[call-arg]


@dataclass(frozen=True)
class _Checked:
    """What was seen of a basis of `many` elements."""

    many: Any
    residual: int
    independent: bool
    scope: str


def _put(value: Any, sizes: Mapping[sympy.Symbol, sympy.Integer]) -> Any:
    return sympy.sympify(value).subs(sizes) if value is not None else None


def _scope(checked: Sequence[_Checked], known: Sequence[Mapping[sympy.Symbol, sympy.Integer]]) -> str:
    if not known[0]:
        return checked[0].scope
    tried = "; ".join(", ".join(f"{s} = {n}" for s, n in sizes.items()) for sizes in known)
    every = {part.scope for part in checked}
    return f"{every.pop() if len(every) == 1 else 'basis elements'} with {tried}"


def _counted(problem: Problem) -> tuple[Any, str]:
    """How many free weights there must be, and by which formula."""
    if not problem.axes:
        counted = hom_dimension(problem.x.fibre, problem.y.fibre)
        return counted if counted is not None else (None, "no independent formula for this group")
    if not problem.group.point.generators:
        method = "a census of site pairs: translations act freely, so a class is counted at its first member"
        return count_lattice(problem), method
    order = problem.group.point.order
    method = f"the average over the {order} elements of the point group of characters times fixed classes"
    return count_lattice(problem), method


def _checked(solution: Solved) -> _Checked:
    """The elements themselves: all of them while they are small, else some, and the structure of the rest."""
    if solution.dim is sympy.oo:
        return _Checked(sympy.oo, 0, True, "no basis, which has no end")
    if _is_endless(solution.problem):
        return _Checked(solution.dim, 0, True, f"no basis element, {solution.dim} being too many to list")
    basis, many = solution.basis, len(solution.basis)  # those that are listed, whatever was counted
    if not many:
        return _Checked(0, 0, True, "every basis element")
    size = _dense_size(solution.problem)
    Read = Written if solution.problem.axes else Matrices
    if many * size <= ENTRIES:
        read = Read(solution.problem, basis)
        return _Checked(many, read.residual, read.independent, "every basis element")
    few = min(many, SAMPLE, max(1, ENTRIES // size)) if size <= LARGEST else 0
    chosen = sorted({j * (many - 1) // max(few - 1, 1) for j in range(few)})
    read = Read(solution.problem, [basis[k] for k in chosen])
    worst, apart, scope = _structure(solution)
    looked = f"{len(chosen)} of {many} basis elements and " if chosen else ""
    return _Checked(many, max(worst, read.residual), apart and read.independent, looked + scope)


def _is_endless(problem: Problem) -> bool:
    """Whether classes, which translations alone leave unlisted, are too many to list for a certificate."""
    free = bool(problem.axes) and not problem.group.point.generators
    return free and bool(problem.classes.count() > LISTED)


def _structure(solution: Solved) -> tuple[int, bool, str]:
    if not solution.problem.axes:
        checks = Checks(solution.problem.group.point, solution.answer.maps)
        return checks.residual, checks.independent, checks.scope
    scope = "every fibre map under its stabiliser, sampled operators under every generator"
    return residual(solution.answer), independent(solution.answer), scope


def _dense_size(problem: Problem) -> int:
    """The entries of one dense basis element."""
    channels = int(problem.x.channels * problem.y.channels)
    sides = [side for axis in problem.axes for side in axis.sides]
    if all(side.size is not None for side in sides):
        return channels * prod(int(side.size) for side in sides)
    return channels * prod(_places(axis, problem.reach(k)) for k, axis in enumerate(problem.axes))


def _places(axis: Axis, reach: Any) -> int:
    """The places of a kernel along one axis: phases times displacements, or both sites."""
    if len(axis.sides) < 2 or not axis.translated or reach is None:
        return prod(int(side.step or side.size or 1) for side in axis.sides)
    return axis.phases * (int(2 * reach / number(axis.mesh)) + 1)
