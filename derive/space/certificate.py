"""The proof that kernels on R^n are right and all: identities of polynomials, and counts by stabilisers."""

from __future__ import annotations

from typing import Any

import sympy

from derive.certificate.certificate import Certificate
from derive.counting.count import Count, hom_dimension
from derive.space.answer import PairKernels, SpaceAnswer
from derive.space.problem import SpaceProblem
from derive.space.stabiliser import stabiliser
from derive.symmetry.polynomials import defects, independent
from derive.symmetry.representation import Representation, from_blocks, sym

ENTRIES = 20_000  # entries of matrices of polynomials up to which all kernels of a pair are looked at
SAMPLE = 12


def certify_space(answer: SpaceAnswer) -> Certificate:
    """Every kernel satisfies its equation exactly, they are independent, and as many as counted elsewise.

    Where spheres are orbits the count is of maps that the stabiliser of a direction fixes. Else, and up to a
    degree, it is of maps from polynomials of degree L and L - 1: the harmonic ones of degree l being those
    of degree l less those of degree l - 2, they hold the harmonic ones of degree 0..L once each.
    """
    pairs = dict.fromkeys(pair.kernels for pair in answer.pairs)
    checked = [_checked(answer.problem, kernels) for kernels in pairs]
    expected, method = counted(answer.problem)
    scope = "every kernel under every generator, as polynomials"
    if not all(whole for _, _, whole in checked):
        scope = "some kernels of each degree under every generator, as polynomials"
    return Certificate(
        residual=max((worst for worst, _, _ in checked), default=0),
        independent=all(apart for _, apart, _ in checked),
        dim=answer.dim,
        expected_dim=expected,
        method=method,
        scope=scope,
    )


def _checked(problem: SpaceProblem, kernels: PairKernels) -> tuple[int, bool, bool]:
    """Whether a defect was seen, whether the kernels are independent, whether all were looked at."""
    rows, columns = kernels.shape
    chosen = _chosen(kernels, rows * columns)
    matrices = [kernels.kernel(k).matrix for k in chosen]
    actions = problem.group.actions(kernels.output, kernels.input)
    gap = next(defects(actions, matrices, problem.letters), None)
    apart = independent(matrices, problem.letters)
    return int(gap is not None), apart, len(chosen) == kernels.starts[-1]


def _chosen(kernels: PairKernels, size: int) -> list[int]:
    """All kernels, or a few of each degree, spread over it."""
    total = kernels.starts[-1]
    if total * size <= ENTRIES:
        return list(range(total))
    few = max(1, min(SAMPLE, ENTRIES // (size * len(kernels.dims))))
    return [
        start + j * count // few
        for start, count in zip(kernels.starts, kernels.dims, strict=False)
        for j in range(min(few, count))
    ]


def counted(problem: SpaceProblem) -> Count:
    """How many kernels there must be, and how that was counted."""
    if problem.complete and problem.group.transitive:
        S, name = stabiliser(problem.group)
        expected, method = _hom(problem.x.fibre, problem.y.fibre, S)
        return expected, f"maps that {name}, the stabiliser of a direction, fixes: {method}"
    top, vectors = problem.top, problem.group.vectors
    polynomials = sym(vectors, top) + (sym(vectors, top - 1) if top else from_blocks(vectors.group, ()))
    expected, method = hom_dimension(polynomials * problem.x.fibre, problem.y.fibre)
    return expected, f"maps from polynomials of degree {top} and {top - 1}: {method}"


def _hom(V: Representation, W: Representation, S: Any) -> Count:
    if S is None:
        return sympy.sympify(V.dim) * W.dim, "all maps, as nothing but the identity fixes it"
    return hom_dimension(V.restrict(S), W.restrict(S))
