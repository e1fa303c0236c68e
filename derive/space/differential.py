"""Equivariant differential operators: every polynomial kernel K(d) is one, K(D) with D = (D_1, ..., D_n).

``K(g D) = rho_y(g) K(D) rho_x(g)^-1``. A homogeneous polynomial of order n is the sum of ``|D|^(2j)`` times a
harmonic one of degree n - 2j, so the operators of order n are ``|D|^(2j) P_b(D)`` with kernels P_b of degree
n, n - 2, n - 4, ...
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, overload

import numpy as np
import sympy
from sympy import ImmutableMatrix, MatrixBase, Poly, SparseMatrix, Symbol

from derive.certificate.certificate import Certificate
from derive.counting.count import hom_dimension
from derive.derivation.derivation import Derivation
from derive.derivation.render import latex
from derive.drawing.mathml import display
from derive.drawing.svg import card
from derive.errors import SizeError
from derive.notation import Composed, Named
from derive.pickling import Arrays, Fields
from derive.space.answer import PairKernels, SpaceAnswer
from derive.space.derivation import derive_space
from derive.space.plain import real_number
from derive.space.problem import SpaceProblem
from derive.space.titles import Title, title
from derive.symmetry.polynomials import defects, independent
from derive.symmetry.representation import sym
from derive.symmetry.sizes import whole

SHOWN = 36  # entries of a matrix that is written out


class Partial(Composed):
    """D_i: the derivative along axis i, counted from 1."""

    __slots__ = ()

    def __new__(cls, axis: int) -> Any:
        return super().__new__(cls, sympy.Integer(axis), real=True)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (int(self.parts[0]),), {}

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"D_{parts[0]}"

    def _latex(self, printer: Any) -> str:
        return rf"\partial_{{{self.parts[0]}}}"


def partials(n: int) -> tuple[Partial, ...]:
    """D_1, ..., D_n."""
    return tuple(Partial(i + 1) for i in range(n))


@dataclass(frozen=True)
class DifferentialOperator(Fields):
    """y = K(D) x: a matrix of homogeneous polynomials in D_1, ..., D_n, with exact coefficients.

    `name`: grad, div, curl, grad div, Laplacian, ... where it has one; `form`: the kernel, d d^T, [d]_x.
    """

    dim: int
    order: int
    matrix: ImmutableMatrix
    name: str | None = None
    form: Named | None = None

    @property
    def letters(self) -> tuple[Partial, ...]:
        return partials(self.dim)

    def __call__(self, components: Any, coordinates: Sequence[Any]) -> ImmutableMatrix:
        """The operator on functions, exactly.

        Args:
            components: SymPy expressions, one for each channel of the input.
            coordinates: the symbols x_1, ..., x_n.
        """
        values = list(components) if isinstance(components, Sequence | MatrixBase) else [components]
        for argument, given, many in (
            ("components", values, self.matrix.cols),
            ("coordinates", list(coordinates), self.dim),
        ):
            if len(given) != many:
                raise SizeError(argument, f"must be {many}", len(given), "give one for each")
        rows = [sympy.S.Zero] * self.matrix.rows
        for (i, c), entry in self.matrix.todok().items():
            for exponents, factor in Poly(entry, *self.letters).terms():
                slope = sympy.sympify(values[c])
                for x, k in zip(coordinates, exponents, strict=True):
                    slope = sympy.diff(slope, x, k) if k else slope
                rows[i] += factor * slope
        return ImmutableMatrix([sympy.expand(row) for row in rows])

    def __matmul__(self, other: DifferentialOperator) -> DifferentialOperator:
        """First the other, then this one: curl @ grad has the matrix 0."""
        if (self.dim, self.matrix.cols) != (other.dim, other.matrix.rows):
            what = f"{other.matrix.rows} channels on R^{other.dim}"
            rule = f"must give the {self.matrix.cols} channels on R^{self.dim} that are differentiated next"
            raise SizeError("operator", rule, what, "compose operators that fit")
        product = (self.matrix * other.matrix).applyfunc(sympy.expand)
        return DifferentialOperator(self.dim, self.order + other.order, ImmutableMatrix(product))

    def plain(self, sizes: Any = None, channels: Any = None) -> PlainDifferential:
        """The operator as NumPy arrays, which `kernels.lower` reads; it has no sizes left."""
        return _plain((self,), True, self.matrix.shape, self.dim, self.order)

    @property
    def _short(self) -> str:
        names = dict.fromkeys(str(n) for n in (self.name, self.form) if n is not None)
        return " = ".join(names) or str(self.matrix.tolist())

    def __str__(self) -> str:
        small = self.matrix.rows * self.matrix.cols <= SHOWN
        return f"{self._short} = {self.matrix.tolist()}" if small and self.form is not None else self._short

    def __repr__(self) -> str:
        shown = self._short
        return (
            f"DifferentialOperator({shown if len(shown) < 100 else shown[:97] + '...'}, order={self.order})"
        )

    def latex(self) -> str:
        r"""\operatorname{curl} = [\partial]_\times = a matrix of polynomials in \partial_1, ..."""
        parts = [rf"\operatorname{{{self.name}}}".replace(" ", r"\,")] if self.name else []
        parts += [latex(self.form)] if self.form is not None else []
        parts += [latex(self.matrix)] if self.matrix.rows * self.matrix.cols <= SHOWN else []
        return " = ".join(parts or [latex(self.matrix)])

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


@dataclass(frozen=True)
class Differential(Fields, Sequence[DifferentialOperator]):
    """All equivariant differential operators of one order, as a sequence; they are a basis."""

    problem: SpaceProblem
    order: int
    answer: SpaceAnswer = field(repr=False, compare=False)

    @cached_property
    def operators(self) -> tuple[DifferentialOperator, ...]:
        """Kernels of the lowest degree, with most Laplacians, come first."""
        self.answer.listed_dim  # noqa: B018  refuses symbolic copies
        single = len(self.answer.pairs) == 1 and self.answer.shape == self.answer.pairs[0].kernels.shape
        if single:
            return tuple(_named(self.answer.pairs[0].kernels, self.order))
        found = (self.answer.kernel(k) for k in range(self.answer.listed_dim))
        pairs = [(k, self.order - k.degree) for k in found if _reached(k.degree, self.order)]
        n, letters = self.problem.group.dim, self.problem.letters
        return tuple(
            DifferentialOperator(n, self.order, _in_partials(k.matrix, letters, left // 2))
            for k, left in sorted(pairs, key=lambda pair: pair[1], reverse=True)
        )

    @property
    def count(self) -> Any:
        """How many there are; an expression where copies are symbols."""
        found = enumerate(self.answer.by_degree)
        return sympy.Add(*(many for degree, many in found if _reached(degree, self.order)))

    @cached_property
    def certificate(self) -> Certificate:
        """Each is equivariant as a polynomial, they are independent, and as many as counted independently."""
        letters = partials(self.problem.group.dim)
        matrices = [op.matrix for op in self.operators]
        residual = 0
        for pair in self.answer.pairs:
            actions = self.problem.group.actions(pair.kernels.output, pair.kernels.input)
            blocks = [_block(m, pair, a, b) for m in matrices for a, b in _copies(pair)]
            residual |= int(next(defects(actions, blocks, letters), None) is not None)
        x, y = self.problem.x.fibre, self.problem.y.fibre
        expected, method = hom_dimension(sym(self.problem.group.vectors, self.order) * x, y)
        return Certificate(
            residual,
            independent(matrices, letters),
            len(matrices),
            expected,
            f"maps from polynomials of degree {self.order}: {method}",
            "every operator under every generator, as polynomials",
        )

    @property
    def derivation(self) -> Derivation:
        """How the polynomial kernels were found, up to this degree."""
        return derive_space(self.answer)

    @overload
    def __getitem__(self, index: int) -> DifferentialOperator: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[DifferentialOperator]: ...

    def __getitem__(self, index: int | slice) -> DifferentialOperator | Sequence[DifferentialOperator]:
        if isinstance(index, int) and not -len(self) <= index < len(self):
            raise IndexError(f"operator {index} of {len(self)}")
        return self.operators[index]

    def __len__(self) -> int:
        return len(self.operators)

    def named(self, name: str) -> DifferentialOperator:
        """The operator that is called so: "curl", "grad div"."""
        for op in self.operators:
            if op.name == name:
                return op
        known = ", ".join(op.name for op in self.operators if op.name) or "none that has a name"
        rule = f"must be that of an operator of order {self.order}"
        raise SizeError("name", rule, name, f"there are {known}")

    def plain(self, sizes: Any = None, channels: Any = None) -> PlainDifferential:
        """All operators as NumPy arrays, which `kernels.lower` reads."""
        shape, dim = self.answer.shape, self.problem.group.dim
        return _plain(self.operators, False, shape, dim, self.order)

    @property
    def _title(self) -> str:
        return f"differential operators of order {self.order}, {self.answer.name}: {self.count}"

    def __repr__(self) -> str:
        return f"Differential(order={self.order}, {self.answer.name}: {self.count})"

    def __str__(self) -> str:
        lines = [f"  {k}. {op._short}" for k, op in enumerate(self.operators, 1)]
        return "\n".join([self._title, *lines, *self._legend])

    @property
    def _legend(self) -> list[str]:
        """What d and z in names are."""
        n = self.problem.group.dim
        forms = [str(op.form) for op in self.operators if op.form is not None]
        if any("z" in form for form in forms):
            return ["  with z = D_1 + i D_2, |d|^2 = z conj(z)"]
        d = ", ".join(map(str, partials(n)))
        return [f"  with d = ({d})"] if any("d" in form for form in forms) else []

    def latex(self) -> str:
        """One line for each operator."""
        return r"\begin{gathered}" + r" \\ ".join(op.latex() for op in self.operators) + r"\end{gathered}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        lines = [display(op.latex()) for op in self.operators]
        return card(self._title[:1].upper() + self._title[1:], [], lines)


def differential(problem: SpaceProblem, answer: SpaceAnswer, order: Any) -> Differential:
    """The operators of an order; kernels of higher degrees than were solved for are solved for."""
    number = whole(order, "order", least=0)
    if not problem.complete and problem.top < number:
        problem = replace(problem, max_degree=number)
        answer = SpaceAnswer(problem)
    return Differential(problem, number, answer)


def _reached(degree: int, order: int) -> bool:
    return degree <= order and (order - degree) % 2 == 0


def _named(kernels: PairKernels, order: int) -> Sequence[DifferentialOperator]:
    n, letters = kernels.harmonic.space.dim, kernels.harmonic.letters
    found = []
    for k in range(kernels.starts[-1]):
        kernel = kernels.kernel(k)
        if _reached(kernel.degree, order):
            half = (order - kernel.degree) // 2
            given: Title = title(kernel, kernels.names.kinds, half, letters)
            matrix = _in_partials(given.matrix, letters, given.half)
            found.append(DifferentialOperator(n, order, matrix, given.name, given.form))
    return found


def _in_partials(matrix: MatrixBase, letters: Sequence[Symbol], half: int) -> ImmutableMatrix:
    """``|D|^(2 half) P(D)``."""
    n = len(letters)
    own = partials(n)
    square = sum(x**2 for x in own) ** half
    put = dict(zip(letters, own, strict=True))
    entries = {at: sympy.expand(v.xreplace(put) * square) for at, v in matrix.todok().items()}
    return ImmutableMatrix(SparseMatrix(*matrix.shape, entries))


def _copies(pair: Any) -> list[tuple[int, int]]:
    return [(a, b) for a in range(int(pair.copies_out)) for b in range(int(pair.copies_in))]


def _block(matrix: ImmutableMatrix, pair: Any, copy_out: int, copy_in: int) -> Any:
    """The part of an operator between two copies."""
    rows, columns = pair.kernels.shape
    top, left = int(pair.row) + copy_out * rows, int(pair.column) + copy_in * columns
    return SparseMatrix(matrix[top : top + rows, left : left + columns])


# ---- numbers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PlainDifferential(Arrays):
    """Operators as terms: number `which`, from channel `column` to `row`, ``value D^exponents``.

    `single`: whether it is one operator, and not a sum of several with weights.
    """

    axes: int
    order: int
    channels_in: int
    channels_out: int
    operators: int
    single: bool
    which: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    exponents: np.ndarray
    description: str


def _plain(
    operators: Sequence[DifferentialOperator], single: bool, shape: tuple[Any, Any], dim: int, order: int
) -> PlainDifferential:
    terms = [
        (k, i, c, real_number(value), exponents)
        for k, op in enumerate(operators)
        for (i, c), entry in op.matrix.todok().items()
        for exponents, value in Poly(entry, *op.letters).terms()
    ]
    k, i, c, value, exponents = zip(*terms, strict=True) if terms else ((),) * 5
    what = repr(operators[0]) if single else f"{len(operators)} differential operators of order {order}"
    return PlainDifferential(
        dim,
        order,
        int(shape[1]),
        int(shape[0]),
        len(operators),
        single,
        np.array(k, dtype=np.int64),
        np.array(i, dtype=np.int64),
        np.array(c, dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(exponents, dtype=np.int64).reshape(-1, dim),
        what,
    )
