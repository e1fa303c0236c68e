"""Algebraic numbers in SymPy: read as sums of roots of unity where they are, in one field, and written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from math import comb, lcm
from typing import Any

from sympy import (
    QQ,
    Add,
    Dummy,
    Expr,
    I,
    Integer,
    Mul,
    Poly,
    Pow,
    Rational,
    cos,
    exp,
    expand,
    factorint,
    jacobi_symbol,
    pi,
    radsimp,
    sin,
)
from sympy.polys.constructor import construct_domain

from derive.symmetry.cyclotomic import (
    LARGEST_ORDER,
    Cyclotomic,
    cyclotomic,
    cyclotomic_polynomial,
    double_cosines,
    real_polynomial,
)


def read_cyclotomic(value: Expr) -> Cyclotomic | None:
    """A SymPy number as a sum of roots of unity, or None when it is not seen to be one.

    Read are rationals, i, sines, cosines and exponentials of rational multiples of pi, roots of -1, square
    roots of rationals, half-angle roots such as ``sqrt(sqrt(2) + 2)``, and sums, products and powers of them.

    >>> read_cyclotomic(2 * cos(pi / 5)) == None
    False
    """
    if isinstance(value, Rational):
        return cyclotomic(1, [(0, Fraction(int(value.p), int(value.q)))])
    if value == I:
        return _root(Fraction(1, 4))
    if isinstance(value, Add | Mul):
        parts = [read_cyclotomic(a) for a in value.args]
        known = [p for p in parts if p is not None]
        if len(known) < len(parts) or lcm(*(p.order for p in known)) > LARGEST_ORDER:
            return None
        return reduce(lambda a, b: a + b if isinstance(value, Add) else a * b, known)
    if isinstance(value, cos | sin | exp):
        return _read_periodic(value)
    return _read_power(value) if isinstance(value, Pow) else None


def _root(turn: Fraction) -> Cyclotomic:
    """``exp(2 pi i turn)``."""
    return cyclotomic(turn.denominator, [(turn.numerator, Fraction(1))])


def _read_periodic(value: Any) -> Cyclotomic | None:
    turn = value.args[0] / (2 * pi * I if isinstance(value, exp) else 2 * pi)
    if not turn.is_Rational or turn.q * 4 > LARGEST_ORDER:
        return None
    at = Fraction(int(turn.p), int(turn.q))
    if isinstance(value, exp):
        return _root(at)
    forth = _root(at if isinstance(value, cos) else at - Fraction(1, 4))
    return (forth + forth.conjugate) * cyclotomic(1, [(0, Fraction(1, 2))])


def _read_power(value: Any) -> Cyclotomic | None:
    base, exponent = value.args
    if base == -1 and exponent.is_Rational:
        turn = Fraction(int(exponent.p), 2 * int(exponent.q))
        return _root(turn) if turn.denominator <= LARGEST_ORDER else None
    if exponent.is_Integer and exponent > 0:
        inner = read_cyclotomic(base)
        return None if inner is None else reduce(lambda a, b: a * b, [inner] * int(exponent))
    if not exponent.is_Rational or exponent.q != 2 or exponent.p < 0:
        return _read_inverse_root(base, exponent)
    root = _square_root(base)
    return None if root is None else reduce(lambda a, b: a * b, [root] * int(exponent.p))


def _read_inverse_root(base: Any, exponent: Any) -> Cyclotomic | None:
    """``1 / sqrt(n)^k`` of a rational is ``sqrt(n)`` times a rational."""
    if not base.is_Rational or exponent.q != 2:
        return None
    outside = Fraction(int(base.p), int(base.q)) ** int(exponent - Rational(1, 2))
    root = _rational_root(int(base.p), int(base.q))
    return None if root is None else root * cyclotomic(1, [(0, outside)])


def _square_root(base: Any) -> Cyclotomic | None:
    """The principal square root, of a rational number or by halving an angle."""
    if base.is_Rational:
        return _rational_root(int(base.p), int(base.q))
    inner = read_cyclotomic(base)
    return None if inner is None else _half_angle(inner)


def _rational_root(p: int, q: int) -> Cyclotomic | None:
    """``sqrt(p / q)`` by Gauss's sums: ``sqrt(n) = sum_a (a | n) zeta_n^a`` for a prime n = 1 mod 4, etc."""
    number = abs(p) * q
    outside, found = Fraction(1, q), [_root(Fraction(1, 4))] if p < 0 else []
    for prime, power in factorint(number).items():
        outside *= int(prime) ** (power // 2)
        if power % 2:
            found.append(_prime_root(int(prime)))
    order = lcm(1, *(f.order for f in found))
    if order > LARGEST_ORDER:
        return None
    return reduce(lambda a, b: a * b, found, cyclotomic(1, [(0, outside)]))


def _prime_root(p: int) -> Cyclotomic:
    if p == 2:
        return cyclotomic(8, [(1, Fraction(1)), (7, Fraction(1))])
    gauss = cyclotomic(p, [(a, Fraction(int(jacobi_symbol(a, p)))) for a in range(1, p)])
    return gauss if p % 4 == 1 else gauss * _root(Fraction(3, 4))  # the sum is i sqrt(p) for p = 3 mod 4


def _half_angle(inner: Cyclotomic) -> Cyclotomic | None:
    """``c (2 + 2 cos 2t)`` with a rational square c has the root ``sqrt(c) 2 cos t``."""
    order = lcm(inner.order, 2)
    value = inner.over(order).coefficients
    for k in range(order):
        turn = Fraction(k, order)
        forth = _root(turn)
        square = cyclotomic(1, [(0, Fraction(2))]) + forth + forth.conjugate
        scale = _ratio(value, square.over(lcm(square.order, order)).coefficients)
        if scale is not None and scale > 0 and k < order / 2:
            half = _root(turn / 2)
            outside = _rational_root(scale.numerator, scale.denominator)
            return None if outside is None else outside * (half + half.conjugate)
    return None


def _ratio(a: Sequence[Fraction], b: Sequence[Fraction]) -> Fraction | None:
    at = next((i for i, x in enumerate(b) if x), None)
    if at is None:
        return None
    ratio = a[at] / b[at]
    return ratio if all(x == ratio * y for x, y in zip(a, b, strict=True)) else None


def needs_roots_of_unity(value: Any) -> bool:
    """Whether a number holds sines, cosines, exponentials, roots of -1 or nested square roots."""
    return bool(value.has(cos, sin, exp)) or any(
        not p.base.is_Rational or (p.base == -1 and not p.exp.is_Integer and p.exp != Rational(1, 2))
        for p in value.atoms(Pow)
    )


def read_together(entries: Iterable[Any]) -> tuple[int, dict[Any, Cyclotomic]] | None:
    """Each different number over one order; None where all are rational or plain roots, or one is unread."""
    distinct = dict.fromkeys(entries)
    if not any(needs_roots_of_unity(e) for e in distinct):
        return None
    read = {e: read_cyclotomic(e) for e in distinct}
    known = {e: r for e, r in read.items() if r is not None}
    order = lcm(*(r.order for r in known.values()))
    if len(known) < len(read) or order > LARGEST_ORDER:
        return None
    return order, {e: r.over(order) for e, r in known.items()}


def common_domain(entries: Iterable[Any]) -> tuple[Any, list[Any]]:
    """The field that numbers generate, as a SymPy domain, and the numbers in it.

    With sines and the like among them it is that of ``zeta_N``, or of ``2 cos(2 pi / N)`` where all are real.
    """
    entries = list(entries) or [Integer(0)]
    read = read_together(entries)
    if read is None:
        domain, values = construct_domain(entries, extension=True, field=True)
        return domain, list(values)
    powers = on_powers(read[0], list(read[1].values()))
    domain = QQ
    if len(powers.monic) > 2:
        monic = Poly(list(reversed(powers.monic)), Dummy("x"), domain=QQ)
        domain = QQ.algebraic_field((monic, powers.generator))
    named = {
        e: domain([QQ(c.numerator, c.denominator) for c in reversed(cs)])
        if len(cs) > 1
        else QQ(cs[0].numerator, cs[0].denominator)
        for e, cs in zip(read[1], powers.vectors, strict=True)
    }
    return domain, [named[e] for e in entries]


@dataclass(frozen=True)
class Powers:
    """Numbers as polynomials, from the constant up, in a generator with this monic integer polynomial."""

    monic: tuple[int, ...]
    generator: Any
    vectors: tuple[tuple[Fraction, ...], ...]
    field: tuple[int, bool] | None = None  # the order, and whether it is the field of the cosines


def on_powers(order: int, numbers: list[Cyclotomic], real_degree: int = LARGEST_ORDER) -> Powers:
    """Numbers on the powers of ``2 cos(2 pi / order)`` where all are real, of ``exp(2 pi i / order)`` else.

    Args:
        real_degree: the largest degree for which cosines are used; their products have large integers.
    """
    exact = [r.coefficients for r in numbers]
    if not any(any(c[1:]) for c in exact):
        return Powers((0, 1), 0, tuple(c[:1] for c in exact))
    if all(r.is_real for r in numbers) and len(exact[0]) <= 2 * real_degree:
        generator = 2 * cos(2 * pi / order)
        return Powers(real_polynomial(order), generator, tuple(_in_cosines(numbers, order)), (order, True))
    return Powers(cyclotomic_polynomial(order), exp(2 * pi * I / order), tuple(exact), (order, False))


def _in_cosines(numbers: list[Cyclotomic], order: int) -> list[tuple[Fraction, ...]]:
    """Real numbers as polynomials in ``2 cos(2 pi / order)``: each is its mean with its conjugate."""
    double, found = double_cosines(order), []
    for r in numbers:
        total = [Fraction(0)] * len(double[0])
        for k, c in r.terms:
            total = [a + c / 2 * b for a, b in zip(total, double[min(k, order - k)], strict=True)]
        found.append(tuple(total))
    return found


def write_real(order: int, coefficients: Sequence[Any]) -> Any:
    """A polynomial in ``2 cos(2 pi / order)``, from the constant up, as a sum of cosines."""
    total: dict[int, Any] = {}
    for j, c in enumerate(coefficients):
        for i in range(j + 1 if c else 0):
            k = abs(j - 2 * i)
            total[k] = total.get(k, 0) + comb(j, i) * c
    return Add(*(c * cos(2 * pi * Integer(k) / order) for k, c in total.items()))


def write_cyclotomic(number: Cyclotomic) -> Any:
    """A sum of roots of unity in SymPy: of cosines where it is real, of exponentials otherwise."""
    order = number.order
    real = number.is_real
    turns = [(Rational(2 * k, order), Rational(c.numerator, c.denominator)) for k, c in number.terms]
    return Add(*(c * (cos(pi * t) if real else exp(I * pi * t)) for t, c in turns))


def short_number(value: Any) -> Any:
    """An algebraic number written shortly: as a sum of cosines or roots, without roots in denominators.

    >>> short_number(cos(2 * pi / 7) ** 2 + sin(2 * pi / 7) ** 2)
    1
    """
    if value.is_Rational:
        return value
    read = read_together([value])
    if read is None:
        return radsimp(expand(value))
    order, numbers = read
    return write_cyclotomic(cyclotomic(order, enumerate(numbers[value].coefficients)))
