"""Names of irreducible representations of point groups in space: A1, B2g, E', T1u (Mulliken 1933).

A or B: one dimension, even or odd under the principal rotation (of the highest order, or the rotoreflection
of twice that where the group has neither an inversion nor a mirror across the axis); E, T, G, H: 2 to 5
dimensions. Numbers: 1 even, 2 odd under a half turn across the axis, or a mirror that holds it; of an E the
frequency; T1 turns as pseudovectors do. g and u: even and odd under the inversion; ' and '': under the mirror
across the axis. In D2 and D2h B1, B2 and B3 are even under the half turn about z, y and x.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sympy import eye
from sympy.polys.matrices import DomainMatrix

from derive.symmetry.algebraic import common_domain
from derive.symmetry.arrays import over_elements
from derive.symmetry.elements import Elements
from derive.symmetry.exact import over_common_field
from derive.symmetry.group import Group
from derive.symmetry.images import as_matrix
from derive.symmetry.representation import Representation
from derive.symmetry.words import evaluate_word

LETTERS = {2: "E", 3: "T", 4: "G", 5: "H"}


def is_point_group(group: Group) -> bool:
    """Whether a finite group is given by 3 x 3 matrices, and not as a product."""
    return group.dim == 3 and not group.algebra and not group.factors and bool(group.generators)


@dataclass(frozen=True)
class Shape:
    """What stands out among the motions of a point group; elements by their numbers."""

    group: Group

    @property
    def elements(self) -> Elements:
        return self.group.elements

    @cached_property
    def matrices(self) -> list[DomainMatrix]:
        """The matrix of every element."""
        one, *images = over_common_field([eye(3), *map(as_matrix, self.group.given or ())])
        named = dict(zip(self.group.generators, images, strict=True))
        return over_elements(self.elements, named, one, lambda g, h: g * h)

    @cached_property
    def traces(self) -> list[Any]:
        return [m[0, 0].element + m[1, 1].element + m[2, 2].element for m in self.matrices]

    @cached_property
    def signs(self) -> list[int]:
        """The determinant of every element."""
        return [1 if m.charpoly()[-1] == -m.domain.one else -1 for m in self.matrices]

    def _of(self, order: int, sign: int) -> list[int]:
        orders = self.elements.orders.tolist()
        return [e for e, (o, s) in enumerate(zip(orders, self.signs, strict=True)) if (o, s) == (order, sign)]

    def _has_trace(self, e: int, value: int) -> bool:
        return bool(self.traces[e] == self.matrices[0].domain.convert(value))

    @property
    def cubic(self) -> bool:
        """Whether there are several axes of order three."""
        return len(self._of(3, 1)) > 2

    @cached_property
    def inversion(self) -> int | None:
        minus = [e for e in self._of(2, -1) if self._has_trace(e, -3)]
        return minus[0] if minus else None

    @cached_property
    def turn(self) -> int:
        """A rotation of the highest order, by the smallest angle."""
        highest = max(int(o) for o, s in zip(self.elements.orders, self.signs, strict=True) if s > 0)
        return self._sharpest(self._of(highest, 1))

    def _sharpest(self, among: list[int]) -> int:
        domain = self.matrices[0].domain
        best = among[0]
        for e in among[1:]:
            gap = domain.to_sympy(self.traces[e] - self.traces[best])
            best = e if gap.is_positive else best
        axis = [e for e in among if self.traces[e] == self.traces[best] and self._keeps(e, 2)]
        return axis[0] if axis else best

    def _keeps(self, e: int, axis: int) -> bool:
        column = self.matrices[e].to_Matrix()[:, axis]
        return bool(column == eye(3)[:, axis])

    @cached_property
    def principal(self) -> int:
        """The rotation, or the rotoreflection of twice its order where that alone tells A from B."""
        if self.inversion is not None or self.level is not None:
            return self.turn
        twice = max(
            (int(o) for o, s in zip(self.elements.orders, self.signs, strict=True) if s < 0), default=0
        )
        wanted = 4 if self.cubic else 2 * int(self.elements.orders[self.turn])
        return self._sharpest(self._of(twice, -1)) if twice == wanted > 2 else self.turn

    @cached_property
    def _mirrors(self) -> list[int]:
        return [e for e in self._of(2, -1) if self._has_trace(e, 1)]

    @cached_property
    def level(self) -> int | None:
        """The mirror across the axis, of groups without inversion."""
        if self.inversion is not None or self.cubic or self.elements.orders[self.turn] % 2 == 0:
            return None
        table = self.elements.table
        found = [e for e in self._mirrors if table[e, self.turn] == table[self.turn, e]]
        return found[0] if found else None

    @cached_property
    def side(self) -> int | None:
        """A half turn across the axis, else a mirror that holds it; one that keeps x where there is one."""
        table, r = self.elements.table, self.turn
        powers, at = {0}, r
        while at:
            powers.add(at)
            at = int(table[at, r])
        back = self.elements.inverse[r]
        for among in (self._of(2, 1), [e for e in self._mirrors if e != self.level]):
            found = [e for e in among if e not in powers and table[table[e, r], e] == back]
            if self.inversion is not None:  # a mirror across the axis is half a turn and the inversion
                found = [e for e in found if int(table[e, self.inversion]) not in powers]
            if found:
                return next((e for e in found if self._keeps(e, 0)), found[0])
        return None

    @cached_property
    def half_turns(self) -> list[int]:
        """In D2 and D2h: about z, y and x."""
        found = self._of(2, 1)
        return [e for axis in (2, 1, 0) for e in found if self._keeps(e, axis)] if len(found) == 3 else []


def mulliken(group: Group, found: Sequence[Representation]) -> list[str]:
    """The names of all irreducible representations of a point group, in their order."""
    shape = Shape(group)
    single = Counter(W.dim for W in found)
    halves = 2 if shape.inversion is not None or shape.level is not None else 1
    return [_name(shape, W, single[W.dim] > halves) for W in found]


def _name(shape: Shape, W: Representation, several: bool) -> str:
    if W.dim == 1:
        base = _line(shape, W)
    else:
        base = LETTERS.get(int(W.dim), f"W{W.dim}") + (_number(shape, W) if several else "")
    if shape.inversion is not None:
        return base + ("g" if character(W, shape, shape.inversion) == W.dim else "u")
    if shape.level is not None:
        return base + ("'" if character(W, shape, shape.level) == W.dim else "''")
    return base


def _line(shape: Shape, W: Representation) -> str:
    """A, A2, B1, ..."""
    even = character(W, shape, shape.principal) == 1
    if shape.cubic:
        fourfold = shape.elements.orders[shape.principal] == 4
        return "A" if not fourfold else "A1" if even else "A2"
    if shape.half_turns and shape.principal == shape.turn and shape.elements.orders[shape.turn] == 2:
        under = [character(W, shape, e) for e in shape.half_turns]
        return "A" if all(c == 1 for c in under) else f"B{next(k for k, c in enumerate(under, 1) if c == 1)}"
    letter = "A" if even else "B"
    if shape.side is None:
        return letter
    return f"{letter}{1 if character(W, shape, shape.side) == 1 else 2}"


def _number(shape: Shape, W: Representation) -> str:
    """The frequency of an E; 1 or 2 of a T."""
    at = shape.principal
    sign, trace = shape.signs[at], shape.traces[at]
    domain = shape.matrices[0].domain
    own = character(W, shape, at)
    if W.dim == 3:
        return "1" if _same(own, domain.to_sympy(trace * sign)) else "2"
    double = trace - sign  # 2 cos of the angle
    before, now, k = domain.convert(2), double, 1
    while not _same(own, domain.to_sympy(now)) and k < shape.elements.order:
        before, now, k = now, double * now - before, k + 1
    return str(k)


def _same(a: Any, b: Any) -> bool:
    """Whether two numbers are equal, however they are written."""
    left, right = common_domain([a, b])[1]
    return bool(left == right)


def character(W: Representation, shape: Shape, element: int) -> Any:
    """The trace at an element, as a number that is written shortly."""
    word = shape.elements.word(element)
    one, *images = over_common_field([eye(int(W.dim)), *(W.matrix(g) for g in W.group.generators)])
    named = dict(zip(W.group.generators, images, strict=True))
    made = evaluate_word(word, named, one, lambda a, b: a * b, lambda m: m.inv())
    total = sum((made[i, i].element for i in range(1, int(W.dim))), made[0, 0].element)
    return one.domain.to_sympy(total)
