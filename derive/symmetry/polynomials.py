"""Matrices of polynomials over a number field, exactly: whether they are equivariant, harmonic, independent.

``P(M d) into = out P(d)`` for a generator; for one of a Lie algebra the derivative,
``sum_i (M d)_i dP/dd_i + P into = out P``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sympy
from sympy import QQ, Symbol
from sympy.polys.matrices import DomainMatrix
from sympy.polys.rings import PolyRing

from derive.symmetry.algebraic import common_domain


class Action(NamedTuple):
    """The matrices of one generator, on displacements, input and output."""

    name: str
    move: Any
    into: Any
    out: Any
    infinitesimal: bool


def defects(
    actions: Sequence[Action], kernels: Sequence[Any], letters: Sequence[Any]
) -> Iterator[tuple[str, int, Any]]:
    """Every entry that is not zero of a kernel's equation: the generator, the kernel, the polynomial."""
    tables = [m for a in actions for m in (a.move, a.into, a.out)]
    ring, known, read = _read(tables, kernels, letters)
    for action in actions:
        move, into, out = (read(m) for m in (action.move, action.into, action.out))
        powers = {(0,) * len(letters): ring.ring.one}  # the image of each monomial, by its exponents
        for k, here in enumerate(known):
            there = _moved(here, move, ring, powers, action.infinitesimal)
            gap = _times_right(here if action.infinitesimal else there, into)
            gap = _added(gap, there, 1) if action.infinitesimal else gap
            gap = _added(gap, _times_left(out, here), -1)
            reduced = (ring.reduced(value) for value in gap.values())
            yield from ((action.name, k, value) for value in reduced if value)


def harmonic_degree(kernel: Any, letters: Sequence[Any]) -> int | None:
    """The degree of a matrix of homogeneous harmonic polynomials, None where it is none."""
    ring, (entries,), _ = _read([], [kernel], letters)
    variables = ring.ring.gens[:-1]
    degrees = {sum(e[:-1]) for value in entries.values() for e in value.monoms()}
    slopes = (sum((v.diff(x).diff(x) for x in variables), ring.ring.zero) for v in entries.values())
    return degrees.pop() if len(degrees) == 1 and not any(map(ring.reduced, slopes)) else None


Entries = dict[tuple[int, int], Any]


@dataclass(frozen=True)
class _Ring:
    """Rational polynomials in the letters and in the generator of a number field, modulo its polynomial."""

    ring: PolyRing
    lower: tuple[Any, ...]  # what a^degree is, on the powers of a from the constant up

    def reduced(self, p: Any) -> Any:
        """Without powers of the generator beyond its degree."""
        degree = len(self.lower)
        while True:
            high = {e: c for e, c in p.items() if e[-1] >= degree}
            if not high:
                return p
            rest = {e: c for e, c in p.items() if e[-1] < degree}
            for e, c in high.items():
                for k, factor in enumerate(self.lower):
                    at = (*e[:-1], e[-1] - degree + k)
                    rest[at] = rest.get(at, 0) + c * factor
            p = self.ring.from_dict({e: c for e, c in rest.items() if c})

    def number(self, coefficients: Sequence[Any], exponents: tuple[int, ...]) -> dict[tuple[int, ...], Any]:
        """A number times a monomial in the letters."""
        return {(*exponents, k): c for k, c in enumerate(coefficients) if c}


def _read(tables: Sequence[Any], kernels: Sequence[Any], letters: Sequence[Any]) -> Any:
    """The ring over the field of all numbers, the kernels in it, and how matrices are read."""
    numbers: dict[Any, None] = {}
    for m in tables:
        numbers.update(dict.fromkeys(m.todok().values()))
    entries = [{at: coefficients(value, letters) for at, value in k.todok().items()} for k in kernels]
    for kernel in entries:
        for terms in kernel.values():
            numbers.update(dict.fromkeys(terms.values()))
    domain, values = common_domain(list(numbers))
    known = {x: _powers(v, domain) for x, v in zip(numbers, values, strict=True)}
    ring = _Ring(PolyRing([*letters, Symbol("a")], QQ), _lower(domain))

    def entry(terms: dict[tuple[int, ...], Any]) -> Any:
        parts = (ring.number(known[c], e) for e, c in terms.items())
        return ring.ring.from_dict({at: c for part in parts for at, c in part.items()})

    constant = (0,) * len(letters)
    read = [{at: entry(terms) for at, terms in kernel.items()} for kernel in entries]
    return ring, read, lambda m: {at: entry({constant: value}) for at, value in m.todok().items()}


def _powers(value: Any, domain: Any) -> list[Any]:
    """A number on the powers of the generator, from the constant up."""
    if domain.is_QQ_I:
        return [value.x, value.y]
    return list(reversed(value.to_list())) if domain.is_Algebraic else [QQ.convert(value)]


def _lower(domain: Any) -> tuple[Any, ...]:
    if domain.is_QQ_I:
        return QQ(-1), QQ(0)
    if not domain.is_Algebraic:
        return (QQ(0),)
    *lower, top = reversed(domain.mod.to_list())
    return tuple(-c / top for c in lower)


def coefficients(value: Any, letters: Sequence[Any]) -> dict[tuple[int, ...], Any]:
    """The coefficient of each monomial of a polynomial, by its exponents."""
    place = {x: i for i, x in enumerate(letters)}
    found: dict[tuple[int, ...], Any] = {}
    for term in sympy.Add.make_args(value):
        exponents, number = [0] * len(letters), sympy.S.One
        for factor in sympy.Mul.make_args(term):
            base, power = factor.as_base_exp()
            if base in place and power.is_Integer and power > 0:
                exponents[place[base]] += int(power)
            else:
                number *= factor
        if not number.is_number:
            poly = sympy.Poly(value, *letters)
            return dict(poly.terms())
        found[tuple(exponents)] = found.get(tuple(exponents), 0) + number
    return {e: c for e, c in found.items() if c != 0}


def _moved(
    kernel: Entries, move: Entries, ring: _Ring, powers: dict[tuple[int, ...], Any], infinitesimal: bool
) -> Entries:
    """``K(M d)``, or ``sum_i (X d)_i dK/dd_i``."""
    letters, zero = ring.ring.gens[:-1], ring.ring.zero
    images = [zero for _ in letters]
    for (i, j), value in move.items():
        images[i] = images[i] + letters[j] * value
    if not infinitesimal:
        return {at: _substituted(p, images, powers, ring) for at, p in kernel.items()}
    return {
        at: sum((image * p.diff(x) for x, image in zip(letters, images, strict=True) if image), zero)
        for at, p in kernel.items()
    }


def _substituted(p: Any, images: Sequence[Any], powers: dict[tuple[int, ...], Any], ring: _Ring) -> Any:
    """The polynomial with the images put for the letters."""
    by_monomial: dict[tuple[int, ...], dict[tuple[int, ...], Any]] = {}
    for e, c in p.items():
        by_monomial.setdefault(e[:-1], {})[(*(0,) * (len(e) - 1), e[-1])] = c
    parts = ((_image(e, images, powers, ring), ring.ring.from_dict(c)) for e, c in by_monomial.items())
    return sum((image * c for image, c in parts), ring.ring.zero)


def _image(
    exponents: tuple[int, ...], images: Sequence[Any], powers: dict[tuple[int, ...], Any], ring: _Ring
) -> Any:
    """The image of a monomial, by that of one of a lower degree."""
    if exponents not in powers:
        axis = next(i for i, e in enumerate(exponents) if e)
        lower = (*exponents[:axis], exponents[axis] - 1, *exponents[axis + 1 :])
        powers[exponents] = ring.reduced(_image(lower, images, powers, ring) * images[axis])
    return powers[exponents]


def _times_right(kernel: Entries, matrix: Entries) -> Entries:
    rows: dict[int, list[tuple[int, Any]]] = {}
    for (c, k), value in matrix.items():
        rows.setdefault(c, []).append((k, value))
    total: Entries = {}
    for (i, c), p in kernel.items():
        for k, value in rows.get(c, ()):
            total[i, k] = total[i, k] + p * value if (i, k) in total else p * value
    return total


def _times_left(matrix: Entries, kernel: Entries) -> Entries:
    columns: dict[int, list[tuple[int, Any]]] = {}
    for (i, j), value in matrix.items():
        columns.setdefault(j, []).append((i, value))
    total: Entries = {}
    for (j, c), p in kernel.items():
        for i, value in columns.get(j, ()):
            total[i, c] = total[i, c] + p * value if (i, c) in total else p * value
    return total


def _added(a: Entries, b: Entries, sign: int) -> Entries:
    total = dict(a)
    for at, value in b.items():
        total[at] = total[at] + value * sign if at in total else value * sign
    return total


def independent(kernels: Sequence[Any], letters: Sequence[Any]) -> bool:
    """Whether matrices of polynomials are linearly independent."""
    number: dict[Any, int] = {}
    rows: list[dict[int, Any]] = []
    for kernel in kernels:
        row = {}
        for at, value in kernel.todok().items():
            for exponents, c in coefficients(value, letters).items():
                row[number.setdefault((at, exponents), len(number))] = c
        rows.append(row)
    if not rows:
        return True
    domain, values = common_domain([c for row in rows for c in row.values()])
    flat = iter(values)
    entries = {k: {j: next(flat) for j in row} for k, row in enumerate(rows)}
    matrix = DomainMatrix(entries, (len(rows), len(number)), domain)
    return bool(matrix.to_field().rank() == len(rows))
