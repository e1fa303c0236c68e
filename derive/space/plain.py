"""A solution on R^n as NumPy arrays, which `kernels` reads: the kernels P_b by their monomials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
import sympy

from derive.answer.plain_copies import with_copies
from derive.answer.plain_maps import PlainMaps, plain_maps
from derive.errors import RepresentationError
from derive.pickling import Arrays
from derive.space.answer import PairKernels, SpaceAnswer, SpacePair
from derive.space.problem import SpaceProblem
from derive.space.sampled import sampled_fields
from derive.symmetry.field import Field


@dataclass(frozen=True, eq=False)
class PlainKernels(Arrays):
    """The kernels between two pieces: entry (row, column) of kernel b is sum_t value[t] d^exponents[t].

    `degrees`: of every kernel; `kernel`, `row`, `column`, `value`, `exponents`: term by term.
    """

    degrees: np.ndarray
    dim_in: int
    dim_out: int
    kernel: np.ndarray
    row: np.ndarray
    column: np.ndarray
    value: np.ndarray
    exponents: np.ndarray


@dataclass(frozen=True, eq=False)
class PlainSpacePair(Arrays):
    """One block of the input and one of the output; channels are ordered copy, then piece."""

    copies_in: int
    copies_out: int
    first_in: int
    first_out: int
    polynomials: PlainKernels


@dataclass(frozen=True, eq=False)
class PlainSpace(Arrays):
    """All pairs of blocks, output blocks outermost; `bias`: the vectors of the output that are fixed.

    `radius`: where the kernel ends, None where it does not or has no number; `into`, `out`: the fields.
    """

    axes: int
    channels_in: int
    channels_out: int
    polynomial_pairs: tuple[PlainSpacePair, ...]
    bias: PlainMaps | None
    radius: float | None
    description: str
    into: Field
    out: Field

    def sampled(
        self, alike: Sequence[Any], strides: Sequence[int], offset: Sequence[Fraction]
    ) -> tuple[Field, Field]:
        """Both fields on a grid, see `sampled_fields`."""
        return sampled_fields(self.into, self.out, alike, strides, offset)


def numbered(
    problem: SpaceProblem, sizes: Mapping[str, int] | None, channels: Sequence[int] | None
) -> SpaceProblem:
    """The same problem with numbers for copies."""
    x, y = with_copies(problem.x.fibre, problem.y.fibre, sizes, channels)
    return replace(problem, x=problem.x.replace(fibre=x), y=problem.y.replace(fibre=y))


def plain_space(answer: SpaceAnswer, description: str) -> PlainSpace:
    """An answer without symbols as plain NumPy."""
    reader = _Reader(answer.problem.letters)
    problem = answer.problem
    x, y = (int(field.fibre.dim) for field in (problem.x, problem.y))
    pairs = tuple(reader.pair(pair) for pair in answer.pairs)
    bias = plain_maps(answer.constant, None, description) if problem.bias else None
    number = problem.radius is not None and problem.radius.is_number
    radius = float(problem.radius) if number else None
    return PlainSpace(problem.group.dim, x, y, pairs, bias, radius, description, problem.x, problem.y)


@dataclass(frozen=True)
class _Reader:
    """Reads the kernels between two pieces once, however many blocks have them."""

    letters: tuple[Any, ...]

    @cached_property
    def _read(self) -> dict[PairKernels, PlainKernels]:
        """By kernels; filled as they are read."""
        return {}

    def pair(self, pair: SpacePair) -> PlainSpacePair:
        known = self._read
        if pair.kernels not in known:
            known[pair.kernels] = self._kernels(pair.kernels)
        copies, first = (int(pair.copies_in), int(pair.copies_out)), (int(pair.column), int(pair.row))
        return PlainSpacePair(*copies, *first, known[pair.kernels])

    def _kernels(self, kernels: PairKernels) -> PlainKernels:
        found = [kernels.kernel(k) for k in range(sum(kernels.dims))]
        terms = [
            (b, i, c, real_number(value), exponents)
            for b, kernel in enumerate(found)
            for (i, c), entry in kernel.matrix.todok().items()
            for exponents, value in sympy.Poly(entry, *self.letters).terms()
        ]
        b, i, c, value, exponents = zip(*terms, strict=True) if terms else ((),) * 5
        return PlainKernels(
            np.array([k.degree for k in found], dtype=np.int64),
            kernels.shape[1],
            kernels.shape[0],
            np.array(b, dtype=np.int64),
            np.array(i, dtype=np.int64),
            np.array(c, dtype=np.int64),
            np.array(value, dtype=np.float64),
            np.array(exponents, dtype=np.int64).reshape(-1, len(self.letters)),
        )


def real_number(value: Any) -> float:
    """The nearest floating-point number to an exact one."""
    if value.is_real is False:
        remedy = "use the real irreducible representations, irreps(G)"
        raise RepresentationError("x, y", "must have real kernels to be lowered", value, remedy)
    return float(value.evalf(30)) if not value.is_Rational else int(value.p) / int(value.q)
