"""Kernels that have names: I, [d]_x, d d^T and their like between scalars, vectors and traceless tensors.

A name is given where the named kernels of a degree are equivariant and are as many as were found. Between
vectors and tensors K(d) is written by what it does to a vector v or a traceless tensor M; in the plane,
between frequencies, by what it does to a complex number w, with z = d_1 + i d_2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
from sympy import ImmutableMatrix, Matrix, Rational, SparseMatrix, eye

from derive.notation import Named
from derive.pickling import Fields
from derive.symmetry.euclidean import Euclidean
from derive.symmetry.factors import Atom, Piece
from derive.symmetry.harmonics import expression, harmonic_images, harmonics
from derive.symmetry.images import as_matrix
from derive.symmetry.polynomials import defects

Candidate = tuple[int, str, str, Matrix]  # degree, text, LaTeX, matrix


@dataclass(frozen=True)
class Names(Fields):
    """What the kernels between two pieces are called."""

    space: Euclidean
    output: Piece
    input: Piece
    letters: tuple[Any, ...]

    @cached_property
    def kinds(self) -> tuple[str | None, str | None]:
        """Of the input and of the output."""
        return kind(self.space, self.input), kind(self.space, self.output)

    @cached_property
    def _candidates(self) -> tuple[Candidate, ...]:
        into, out = self.kinds
        return tuple(_candidates(into, out, Matrix(self.letters))) if into and out else ()

    def of_degree(self, degree: int) -> list[tuple[ImmutableMatrix, Named]]:
        """The equivariant kernels of a degree that have a name."""
        found = [c for c in self._candidates if c[0] == degree]
        if not found:
            return []
        matrices = [SparseMatrix(c[3]) for c in found]
        actions = self.space.actions(self.output, self.input)
        wrong = {k for _, k, _ in defects(actions, matrices, self.letters)}
        pairs = enumerate(zip(found, matrices, strict=True))
        return [(ImmutableMatrix(m), Named(c[1], c[2])) for k, (c, m) in pairs if k not in wrong]

    @property
    def argument(self) -> str | None:
        """What names act on: v, M or w; None where they are matrices by themselves."""
        into, out = self.kinds
        if into is None or out is None:
            return None
        if "f" in (into[0], out[0]):
            return "w"
        return {"v": "v" if out == "t" else None, "t": "M"}.get(into)


def kind(space: Euclidean, piece: Piece) -> str | None:
    """s, v or t: scalars, vectors, traceless tensors, true or pseudo; f3: frequency 3 in the plane."""
    if not isinstance(piece, Atom):
        return None
    names = space.point.generators
    algebra = [g in space.point.algebra for g in names]
    own = [as_matrix(piece.image(g)) for g in names]
    action = [space.action[g] for g in names]
    for letter, images in (
        ("s", [Matrix([[0 if a else 1]]) for a in algebra]),
        ("v", action),
        *((("t", harmonic_images(action, algebra, 2)),) if space.dim > 2 and names else ()),
    ):
        if all(_same(m, image, d, a) for m, image, d, a in zip(own, images, action, algebra, strict=True)):
            return letter
    if space.dim == 2 and space.transitive and piece.dim == 2:
        frequency = own[0][1, 0]
        turning = own[0] == Matrix([[0, -frequency], [frequency, 0]])
        return f"f{frequency}" if turning and frequency.is_Integer and frequency > 0 else None
    return None


def _same(own: Any, image: Any, move: Any, infinitesimal: bool) -> bool:
    """Whether a matrix is an image, or that times the determinant."""
    return own == image or (not infinitesimal and own == image * move.det())


def _candidates(into: str, out: str, d: Matrix) -> Iterator[Candidate]:
    n = d.rows
    if into[0] == "f" or out[0] == "f":
        yield from _planar(into, out, d)
        return
    J = Matrix([[0, -1], [1, 0]]) if n == 2 else None
    table = {"ss": _scalars, "sv": _gradients, "vs": _divergences, "vv": _vectors}
    tensors = {"st": _to_tensor, "ts": _from_tensor, "vt": _lifts, "tv": _contractions, "tt": _between}
    if into + out in table:
        yield from table[into + out](d, J)
    elif into + out in tensors:
        yield from tensors[into + out](d, _Traceless(n))


def _scalars(d: Matrix, J: Any) -> Iterator[Candidate]:
    yield 0, "1", "1", eye(1)


def _gradients(d: Matrix, J: Any) -> Iterator[Candidate]:
    yield 1, "d", "d", d
    if J is not None:
        yield 1, "J d", "J d", J * d


def _divergences(d: Matrix, J: Any) -> Iterator[Candidate]:
    yield 1, "d^T", "d^T", d.T
    if J is not None:
        yield 1, "(J d)^T", "(J d)^T", (J * d).T


def _vectors(d: Matrix, J: Any) -> Iterator[Candidate]:
    n = d.rows
    yield 0, "I", "I", eye(n)
    if J is not None:
        yield 0, "J", "J", J
    if n == 3:
        yield 1, "[d]_x", r"[d]_\times", cross(d)
    yield 2, "S(d d^T)", "S(d d^T)", symmetric_part(d * d.T)
    if J is not None:
        yield 2, "S(d (J d)^T)", "S(d (J d)^T)", symmetric_part(d * (J * d).T)


def cross(d: Matrix) -> Matrix:
    """[d]_x v = d x v."""
    return Matrix([[0, -d[2], d[1]], [d[2], 0, -d[0]], [-d[1], d[0], 0]])


def symmetric_part(m: Matrix) -> Matrix:
    """S: the symmetric traceless part."""
    half = (m + m.T) / 2
    return (half - eye(m.rows) * half.trace() / m.rows).applyfunc(sympy.expand)


class _Traceless:
    """Symmetric traceless matrices by the components that harmonic polynomials of degree 2 have."""

    def __init__(self, n: int) -> None:
        letters = sympy.symbols(f"t0:{n}")
        self.forms = [sympy.hessian(expression(p, letters), letters) / 2 for p in harmonics(n, 2)]

    def matrix(self, a: int) -> Matrix:
        """The matrix of a unit vector: S(d d^T) has the components Y_a(d)."""
        return self.forms[a] / (self.forms[a] ** 2).trace()

    def components(self, m: Matrix) -> list[Any]:
        return [(q * m).trace() for q in self.forms]

    def columns(self, function: Callable[[Matrix], Any], inputs: Sequence[Matrix], out: bool) -> Matrix:
        """The matrix of a linear function of matrices or vectors."""
        images = [function(m) for m in inputs]
        rows = [self.components(m) if out else list(m) for m in images]
        return Matrix(rows).T

    @property
    def units(self) -> list[Matrix]:
        return [self.matrix(a) for a in range(len(self.forms))]


def _to_tensor(d: Matrix, t: _Traceless) -> Iterator[Candidate]:
    yield 2, "S(d d^T)", "S(d d^T)", Matrix(t.components(symmetric_part(d * d.T)))


def _from_tensor(d: Matrix, t: _Traceless) -> Iterator[Candidate]:
    yield 2, "d^T M d", "d^T M d", Matrix([[(d.T * m * d)[0] for m in t.units]])


def _axes(n: int) -> list[Matrix]:
    return [eye(n)[:, k] for k in range(n)]


def _lifts(d: Matrix, t: _Traceless) -> Iterator[Candidate]:
    n, S = d.rows, symmetric_part
    yield 1, "S(d v^T)", "S(d v^T)", t.columns(lambda v: S(d * v.T), _axes(n), True)
    if n == 3:
        yield (
            2,
            "S(d (d x v)^T)",
            r"S(d (d \times v)^T)",
            t.columns(lambda v: S(d * (cross(d) * v).T), _axes(n), True),
        )
    last = t.columns(lambda v: d.dot(v) * S(d * d.T), _axes(n), True)
    yield _projected(3, "(d.v) S(d d^T)", r"(d \cdot v) S(d d^T)", last, d)


def _contractions(d: Matrix, t: _Traceless) -> Iterator[Candidate]:
    yield 1, "M d", "M d", t.columns(lambda m: m * d, t.units, False)
    if d.rows == 3:
        yield 2, "d x M d", r"d \times M d", t.columns(lambda m: cross(d) * m * d, t.units, False)
    last = t.columns(lambda m: (d.T * m * d)[0] * d, t.units, False)
    yield _projected(3, "(d^T M d) d", "(d^T M d) d", last, d)


def _between(d: Matrix, t: _Traceless) -> Iterator[Candidate]:
    S, columns = symmetric_part, lambda function: t.columns(function, t.units, True)
    yield 0, "M", "M", columns(lambda m: m)
    if d.rows == 3:
        yield 1, "S([d]_x M)", r"S([d]_\times M)", columns(lambda m: S(cross(d) * m))
    yield _projected(2, "S(d (M d)^T)", "S(d (M d)^T)", columns(lambda m: S(d * (m * d).T)), d)
    if d.rows == 3:
        third = columns(lambda m: S(d * (cross(d) * m * d).T))
        yield _projected(3, "S(d (d x M d)^T)", r"S(d (d \times M d)^T)", third, d)
    last = columns(lambda m: (d.T * m * d)[0] * S(d * d.T))
    yield _projected(4, "(d^T M d) S(d d^T)", "(d^T M d) S(d d^T)", last, d)


def _projected(degree: int, text: str, tex: str, matrix: Matrix, d: Matrix) -> Candidate:
    """The harmonic part, and H before the name where that is another matrix."""
    matrix = matrix.applyfunc(sympy.expand)
    harmonic = matrix.applyfunc(lambda p: harmonic_part(p, degree, list(d)))
    if harmonic == matrix:
        return degree, text, tex, matrix
    return degree, f"H({text})", f"H({tex})", harmonic


def harmonic_part(p: Any, degree: int, letters: Sequence[Any]) -> Any:
    """``sum_k c_k |d|^(2k) Laplacian^k p``: what is left of a homogeneous polynomial modulo ``|d|^2``."""
    n, square = len(letters), sum(x**2 for x in letters)
    total, factor, k = p, sympy.S.One, 0
    while p != 0:
        p = sympy.expand(sum(sympy.diff(p, x, 2) for x in letters))
        if p == 0:
            break
        factor *= -Rational(1, 2 * (k + 1) * (n + 2 * degree - 4 - 2 * k))
        k += 1
        total = total + factor * square**k * p
    return sympy.expand(total)


def _planar(into: str, out: str, d: Matrix) -> Iterator[Candidate]:
    """Between frequencies m and n: ``z^(n-m) w``, ``z^(n+m) conj(w)``, and i times these."""
    m, n = (int(k[1:]) if k[0] == "f" else int(k == "v") for k in (into, out))
    if m and n:
        for power, conjugated in ((n - m, False), (n + m, True)):
            for unit in (sympy.S.One, sympy.I):
                yield _rotation(power, unit, conjugated, d)
    elif m or n:
        for unit in (sympy.S.One, sympy.I):
            degree, text, tex, full = _rotation(max(m, n), unit, False, d)
            if n:
                text, tex = text.removesuffix(" w"), tex.removesuffix(" w")
                yield degree, f"{text} w", f"{tex} w", full[:, :1]
            else:
                part = "Re" if unit == 1 else "Im"
                base = f"conj(z)^{m} w" if m > 1 else "conj(z) w"
                bar = rf"\bar z^{{{m}}} w" if m > 1 else r"\bar z w"
                yield degree, f"{part}({base})", rf"\operatorname{{{part}}}({bar})", full[:, :1].T


def _rotation(power: int, unit: Any, conjugated: bool, d: Matrix) -> Candidate:
    """The real 2 x 2 matrix of ``w -> unit z^power w``, or of the conjugate of w."""
    degree = abs(power)
    value = sympy.expand((d[0] + (1 if power >= 0 else -1) * sympy.I * d[1]) ** degree * unit)
    real, imaginary = value.as_real_imag()
    matrix = Matrix([[real, -imaginary], [imaginary, real]]).applyfunc(sympy.expand)
    if conjugated:
        matrix = matrix * sympy.diag(1, -1)
    base, bar = ("z", "z") if power >= 0 else ("conj(z)", r"\bar z")
    factor = "" if degree == 0 else base if degree == 1 else f"{base}^{degree}"
    tex = "" if degree == 0 else bar if degree == 1 else f"{bar}^{{{degree}}}"
    w, conj = ("conj(w)", r"\bar w") if conjugated else ("w", "w")
    letter = "i" if unit == sympy.I else ""
    text = " ".join(part for part in (letter, factor, w) if part)
    return degree, text, " ".join(part for part in (letter, tex, conj) if part), matrix
