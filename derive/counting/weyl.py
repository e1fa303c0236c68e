"""Counts for the classical Lie groups: the constant term of Weyl's integration formula, in exact integers.

For a connected group with maximal torus T, ``dim V^G = CT[chi_V prod_(positive roots) (1 - z^root)]``. Real
forms have the invariants of their complexification, so SO+(1,3) counts as SO(4). The other component of
O(2m+1) is -SO(2m+1); that of O(2m) has the eigenvalues ``1, -1, z_i, 1/z_i`` (i < m), distributed as in
Sp(2m-2) (Weyl 1939).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import isqrt
from typing import Any

from sympy import Poly, Symbol

from derive.counting.ring import atoms_of, character
from derive.symmetry.exact import over_common_field
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.group import Family, Group
from derive.symmetry.images import as_matrix

METHOD = "Weyl constant term"
Exponent = tuple[int, ...]


@dataclass(frozen=True)
class Laurent:
    """A Laurent polynomial with integer coefficients."""

    terms: dict[Exponent, int]

    def __add__(self, other: Laurent) -> Laurent:
        total = dict(self.terms)
        for key, value in other.terms.items():
            total[key] = total.get(key, 0) + value
        return Laurent({k: v for k, v in total.items() if v})

    def __mul__(self, other: Any) -> Laurent:
        if not isinstance(other, Laurent):
            return Laurent({k: v * other for k, v in self.terms.items() if v * other})
        total: dict[Exponent, int] = {}
        for a, x in self.terms.items():
            for b, y in other.terms.items():
                key = tuple(map(int.__add__, a, b))
                total[key] = total.get(key, 0) + x * y
        return Laurent({k: v for k, v in total.items() if v})


@dataclass(frozen=True)
class Component:
    """A component of the group: its torus, the roots of its measure, the eigenvalues of a matrix.

    An eigenvalue is (sign, exponent of z).
    """

    rank: int
    roots: tuple[Exponent, ...]
    eigenvalues: tuple[tuple[int, Exponent], ...]
    determinant: tuple[int, Exponent]


def unit(rank: int, i: int, value: int = 1) -> Exponent:
    """The exponent of ``z_i^value``."""
    return tuple(value if j == i else 0 for j in range(rank))


def _add(a: Exponent, b: Exponent, sign: int = 1) -> Exponent:
    return tuple(x + sign * y for x, y in zip(a, b, strict=True))


def _pairs(rank: int) -> list[Exponent]:
    """The roots ``e_i - e_j`` and ``e_i + e_j``."""
    units = [unit(rank, i) for i in range(rank)]
    return [_add(a, b, s) for a, b in combinations(units, 2) for s in (-1, 1)]


def components(family: Family) -> tuple[Component, ...] | None:
    """The components of a classical group, each of equal weight."""
    kind, n = family
    if kind in ("SO", "O"):
        return _orthogonal(n, kind == "O")
    if kind == "Sp":
        signs = [(1, unit(n, i, s)) for i in range(n) for s in (1, -1)]
        roots = (*_pairs(n), *(unit(n, i, 2) for i in range(n)))
        return (Component(n, roots, tuple(signs), (1, (0,) * n)),)
    if kind == "GL":
        roots = tuple(_add(unit(n, i), unit(n, j), -1) for i, j in combinations(range(n), 2))
        return (Component(n, roots, tuple((1, unit(n, i)) for i in range(n)), (1, (1,) * n)),)
    if kind == "SL":
        weights = [unit(n - 1, i) for i in range(n - 1)] + [(-1,) * (n - 1)]
        roots = tuple(_add(a, b, -1) for a, b in combinations(weights, 2))
        return (Component(n - 1, roots, tuple((1, w) for w in weights), (1, (0,) * (n - 1))),)
    return None


def _orthogonal(n: int, full: bool) -> tuple[Component, ...]:
    rank, odd = divmod(n, 2)
    zero = (0,) * rank
    turning = tuple((1, unit(rank, i, s)) for i in range(rank) for s in (1, -1))
    roots = (*_pairs(rank), *((unit(rank, i) for i in range(rank)) if odd else ()))
    first = Component(rank, tuple(roots), turning + (((1, zero),) if odd else ()), (1, zero))
    if not full:
        return (first,)
    if odd:
        flipped = tuple((-s, e) for s, e in first.eigenvalues)
        return first, Component(rank, first.roots, flipped, (-1, zero))
    low = rank - 1
    mirrored = tuple((1, unit(low, i, s)) for i in range(low) for s in (1, -1))
    long = tuple(unit(low, i, 2) for i in range(low))
    ends = ((1, (0,) * low), (-1, (0,) * low))
    return first, Component(low, (*_pairs(low), *long), mirrored + ends, (-1, (0,) * low))


def weyl_counter(
    group: Group, pieces: list[Piece], unknowns: int = 0
) -> tuple[Callable[[Piece, Piece], int], str] | None:
    """The counter for classical Lie groups, on pieces made of the defining one, its dual and det."""
    if group.family is None or group.given is None:
        return None
    parts = components(group.family)
    if parts is None:
        return None
    known: dict[Atom, list[Any]] = {
        a: [_recognised(a, c, group) for c in range(len(parts))] for p in pieces for a in atoms_of(p)
    }
    if any(k is None for found in known.values() for k in found):
        return None
    measures = [_measure(c) for c in parts]

    def value(piece: Piece, at: int, c: int) -> Laurent:
        one = Laurent({(0,) * parts[c].rank: 1})
        atom: Any = lambda a, k: known[a][c](k)  # noqa: E731
        return character(piece, at, atom, one, _divide)

    def count(p: Piece, q: Piece) -> int:
        total = 0
        for c, measure in enumerate(measures):
            # chi(g^-1) is chi with every exponent negated, on each component.
            integrand = value(p, -1, c) * value(q, 1, c)
            total += sum(v * measure.get(tuple(-x for x in k), 0) for k, v in integrand.terms.items())
        return total // len(parts)

    return count, METHOD


def _measure(component: Component) -> dict[Exponent, int]:
    product = Laurent({(0,) * component.rank: 1})
    for root in component.roots:
        product = product * Laurent({(0,) * component.rank: 1, root: -1})
    return product.terms


def _divide(value: Laurent, k: int) -> Laurent:
    return Laurent({e: v // k for e, v in value.terms.items()})


def _powers(eigenvalues: Any) -> Callable[[int], Laurent]:
    def at(k: int) -> Laurent:
        total: dict[Exponent, int] = {}
        for sign, exponent in eigenvalues:
            key = tuple(x * k for x in exponent)
            total[key] = total.get(key, 0) + sign ** abs(k)
        return Laurent({e: v for e, v in total.items() if v})

    return at


def _recognised(atom: Atom, c: int, group: Group) -> Callable[[int], Laurent] | None:
    """The character of an atom on component c at powers of g, when its weights are known."""
    parts = components(group.family) if group.family else None
    given = Atom(group, group.given or (), "V", group.dim or 0)
    if parts is None:
        return None
    if atom.is_trivial:
        return _powers([(1, (0,) * parts[c].rank)])
    if _same(atom, given):
        return _powers(parts[c].eigenvalues)
    if _same(atom, given.dual):
        return _powers([(s, tuple(-x for x in e)) for s, e in parts[c].eigenvalues])
    if atom.dim == 1:
        return _power_of_determinant(atom, parts[c], group)
    if group.family in (("SO", 2), ("O", 2)):
        return _circle(atom, c)
    return None


def _same(a: Atom, b: Atom) -> bool:
    return a.dim == b.dim and all(
        as_matrix(x) == as_matrix(y) for x, y in zip(a.images, b.images, strict=True)
    )


def _power_of_determinant(atom: Atom, component: Component, group: Group) -> Callable[[int], Laurent] | None:
    """det^k, by its values on the generators, k = 1, -1 and the like."""
    sign, exponent = component.determinant
    for k in (1, -1, 2, -2, 3, -3):
        if all(as_matrix(atom.image(g))[0, 0] == _determinant(group, g, k) for g in group.generators):
            return _powers([(sign ** abs(k), tuple(k * x for x in exponent))])
    return None


def _determinant(group: Group, generator: str, k: int) -> Any:
    m = group.matrix(generator)
    return k * m.trace() if generator in group.algebra else m.det() ** k


def _circle(atom: Atom, c: int) -> Callable[[int], Laurent] | None:
    """Any representation of SO(2) or O(2): the weights are the eigenvalues of the one algebra generator."""
    if c == 1:
        mirror = over_common_field([as_matrix(atom.images[1])])[0]
        traces = [atom.dim, _integer_trace(mirror)]
        square = (mirror * mirror).to_Matrix().is_Identity
        return (lambda k: Laurent({(): traces[k % 2]} if traces[k % 2] else {})) if square else None
    weights = _frequencies(as_matrix(atom.images[0]))
    return None if weights is None else _powers([(1, (k,)) for k in weights])


def _integer_trace(m: Any) -> int:
    return int(m.domain.to_sympy(sum((m.to_list()[i][i] for i in range(m.shape[0])), m.domain.zero)))


def _frequencies(generator: Any) -> list[int] | None:
    """The k for which i k is an eigenvalue, with multiplicity, of a diagonalisable matrix, or None."""
    x = Symbol("x")
    field = over_common_field([generator])[0]
    polynomial = Poly([field.domain.to_sympy(c) for c in field.charpoly()], x)
    weights: list[int] = []
    annihilator = field.eye(field.shape[0], field.domain)
    for factor, multiplicity in polynomial.factor_list()[1]:
        coefficients = factor.all_coeffs()
        root = _square_root(coefficients)
        if root is None:
            return None
        weights += ([0] if root == 0 else [root, -root]) * multiplicity
        square = (
            field if root == 0 else field * field + annihilator.eye(field.shape[0], field.domain) * root**2
        )
        annihilator = annihilator * square
    return weights if annihilator.is_zero_matrix else None


def _square_root(coefficients: list[Any]) -> int | None:
    """The k of the factor ``x`` (k = 0) or ``x^2 + k^2``."""
    if coefficients == [1, 0]:
        return 0
    if len(coefficients) != 3 or coefficients[:2] != [1, 0] or not coefficients[2].is_Integer:
        return None
    root = isqrt(max(int(coefficients[2]), 0))
    return root if root and root**2 == coefficients[2] else None
