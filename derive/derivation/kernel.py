"""The tied kernel K: every weight of the general operator as a function of the class of its pair."""

from __future__ import annotations

import sympy
from sympy import Eq, Indexed, Mod, Symbol

from derive.derivation.operator import Notation
from derive.lattice.smith import Coordinate, Quotient


def form(n: Notation) -> Eq:
    """A[i,u,v,c,u',v'] = K[i,c,...]: the weight of a pair is a function of its class."""
    return Eq(n.weight(n.out, n.into), kernel_at(n, n.pair), evaluate=False)


def kernel_at(n: Notation, pair: tuple[sympy.Expr, ...]) -> Indexed:
    quotient = n.problem.quotient
    return n.K[(n.i, n.c, *quotient.phase_of(pair), *_displacement(n, pair))]


def _displacement(n: Notation, pair: tuple[sympy.Expr, ...]) -> tuple[sympy.Expr, ...]:
    """The displacement coordinates, reduced modulo periodic grids."""
    values = []
    for coordinate in n.problem.quotient.free:
        value, modulus = coordinate(pair), _modulus(n, coordinate)
        values.append(value if modulus is None else Mod(value, modulus))
    return tuple(values)


def _modulus(n: Notation, coordinate: Coordinate) -> sympy.Expr | None:
    outputs = len(n.out)
    for place, (i, k) in enumerate(zip(input_axes(n), coordinate.row[outputs:], strict=True)):
        if k and n.wraps(i) and any(coordinate.row[:outputs]):
            return abs(coordinate.row[outputs + place]) * n.grid[i]
    return None


def input_axes(n: Notation) -> list[int]:
    return [i for i, axis in enumerate(n.problem.axes) if axis.into is not None]


def coordinate_symbols(n: Notation, quotient: Quotient, pair: tuple[Symbol, ...]) -> tuple[Symbol, ...]:
    """r_u for phases, du for displacements; a coordinate that is one site keeps that site's letter."""
    names = []
    for coordinate in (*quotient.phases, *quotient.free):
        used = [pair[j] for j, k in enumerate(coordinate.row) if k]
        letter = used[0].name.rstrip("'")
        single = len(used) == 1 and not coordinate.modulus
        names.append(
            used[0] if single else Symbol(f"r_{letter}" if coordinate.modulus else f"d{letter}", integer=True)
        )
    return tuple(names)


def tied_bias(n: Notation) -> Indexed:
    """The entry of the representative, axis by axis as b is indexed; axes of sites all alike drop out."""
    quotient = n.problem.bias_quotient
    values = (*quotient.phase_of(n.out), *quotient.displacement_of(n.out))
    return n.b[(n.i, *(values[k] for k in bias_order(quotient)))]


def bias_order(quotient: Quotient) -> list[int]:
    """The coordinates of an output site, phases then displacements, in the order of their axes."""
    rows = [c.row for c in (*quotient.phases, *quotient.free)]
    return sorted(range(len(rows)), key=lambda k: [not entry for entry in rows[k]])
