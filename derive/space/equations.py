"""What is written on R^n: the operator as an integral, what the group asks of it, the layer.

Vectors p, q, s, d and elements h of the point group do not commute: ``h*p`` is the image of p.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Eq, Expr, ImmutableMatrix, Integral, Symbol, Tuple

from derive.notation import Along, At, Generator, Image, Length, Moved, Tangent, Translation
from derive.pickling import Fields


def _vector(name: str) -> Symbol:
    return Symbol(name, commutative=False)


p, q, s, d, h = map(_vector, "pqsdh")
A, K, M = map(Symbol, "AKM")
b = _vector("b")
LENGTH = Length("d")


@dataclass(frozen=True)
class Letters(Fields):
    """The names of the two fields."""

    input: str
    output: str

    @property
    def x(self) -> Symbol:
        return Symbol(self.input)

    @property
    def rho_x(self) -> Symbol:
        return Symbol(f"rho_{self.input}")

    @property
    def rho_y(self) -> Symbol:
        return Symbol(f"rho_{self.output}")


def letters(x: Any, y: Any) -> Letters:
    """The letters of an input and an output field."""
    first, second = x.name or "x", y.name or "y"
    return Letters(first, second if second != first else f"{second}_out")


def integral(term: Expr, over: Symbol, bias: Expr | None) -> Expr:
    """The integral of a term over R^n, and the bias."""
    total = Integral(term, over)
    return total if bias is None else sympy.Add(total, bias, evaluate=False)


def operator(n: Letters, biased: bool) -> Eq:
    """T(x)(p) = Integral(A(p, q) x(q), q) + b(p)."""
    total = integral(At(A, p, q) * At(n.x, q), q, At(b, p) if biased else None)
    return Eq(At(Image(n.x), p), total, evaluate=False)


def moved_by_translation(field: str) -> Eq:
    """(T_s x)(p) = x(p - s)."""
    return Eq(At(Moved(Translation(), Symbol(field)), p), At(Symbol(field), p - s), evaluate=False)


def moved_by_point(field: str) -> Eq:
    """(h x)(p) = rho_x(h) x(h^-1 p)."""
    value = At(Symbol(f"rho_{field}"), h) * At(Symbol(field), h**-1 * p)
    return Eq(At(Moved(h, Symbol(field)), p), value, evaluate=False)


def translation_constraint() -> Eq:
    """A(p + s, q + s) = A(p, q)."""
    return Eq(At(A, p + s, q + s), At(A, p, q), evaluate=False)


def kernel_of() -> Eq:
    """A(p, q) = K(q - p)."""
    return Eq(At(A, p, q), At(K, q - p), evaluate=False)


def point_constraint(n: Letters) -> Eq:
    """K(h d) rho_x(h) = rho_y(h) K(d)."""
    return Eq(At(K, h * d) * At(n.rho_x, h), At(n.rho_y, h) * At(K, d), evaluate=False)


def bias_constraint(n: Letters) -> Eq:
    """rho_y(h) b = b."""
    return Eq(At(n.rho_y, h) * b, b, evaluate=False)


def acting(n: Letters, generator: str, infinitesimal: bool) -> tuple[At, At, At]:
    """M(g), rho_x(g) and rho_y(g); dM(X), drho_x(X) and drho_y(X) for X in a Lie algebra."""
    heads: list[Any] = [M, n.rho_x, n.rho_y]
    if infinitesimal:
        heads = [Tangent(str(head)) for head in heads]
    move, into, out = (At(head, Generator(generator)) for head in heads)
    return move, into, out


def generator_constraint(n: Letters, generator: str, infinitesimal: bool) -> Eq:
    """K(M(g) d) rho_x(g) = rho_y(g) K(d), or D[dM(X) d] K(d) + K(d) drho_x(X) = drho_y(X) K(d)."""
    move, into, out = acting(n, generator, infinitesimal)
    if not infinitesimal:
        return Eq(At(K, move * d) * into, out * At(K, d), evaluate=False)
    slope = Along(move * d, At(K, d))
    return Eq(sympy.Add(slope, At(K, d) * into, evaluate=False), out * At(K, d), evaluate=False)


def bias_by_generator(n: Letters, generator: str, infinitesimal: bool) -> Eq:
    """rho_y(g) b = b; drho_y(X) b = 0."""
    _, _, out = acting(n, generator, infinitesimal)
    return Eq(out * b, sympy.S.Zero if infinitesimal else b, evaluate=False)


def matrices(
    n: Letters, generator: str, infinitesimal: bool, move: Any, out: Any, into: Any
) -> tuple[Eq, ...]:
    """The three matrices written out."""
    pairs = zip(acting(n, generator, infinitesimal), (move, into, out), strict=True)
    return tuple(Eq(left, ImmutableMatrix(m), evaluate=False) for left, m in pairs)


def layer(n: Letters, biased: bool) -> Eq:
    """T(x)(p) = Integral(K(d) x(p + d), d) + b."""
    total = integral(At(K, d) * At(n.x, p + d), d, b if biased else None)
    return Eq(At(Image(n.x), p), total, evaluate=False)


def equivariance(n: Letters) -> Tuple:
    """T(T_s x)(p) = (T_s T(x))(p) and T(h x)(p) = rho_y(h) T(x)(h^-1 p)."""
    x, image = n.x, Image(n.x)
    shifted = Image(Moved(Translation(), x))
    turned = Image(Moved(h, x))
    return Tuple(
        Eq(At(shifted, p), At(image, p - s), evaluate=False),
        Eq(At(turned, p), At(n.rho_y, h) * At(image, h**-1 * p), evaluate=False),
    )
