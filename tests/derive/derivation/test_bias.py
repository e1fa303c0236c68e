"""The bias of a layer is written where something of it is free, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import sympy
from sympy import Eq, IndexedBase, Tuple

import derive as dv

P4M, P4, P6M, PG = (dv.wallpaper(name) for name in ("p4m", "p4", "p6m", "pg"))
CUBE = dv.space_group(dv.point_group("O", dim=3))
RING = dv.space_group(dv.point_group("D4"))
TURN = dv.symmetric(4)


def lattice(G: dv.SpaceGroup, fibre: Callable[[dv.Group], dv.Representation], **more: object) -> dv.Solution:
    return dv.solve(dv.Field(G), dv.Field(G, fibre=fibre(G.point), **more), None if more else dv.box(1))


# what, and how many numbers of the bias are free
CASES: dict[str, tuple[Callable[[], dv.Solution], int]] = {
    "p4m, scalars": (lambda: lattice(P4M, dv.trivial), 1),
    "p4m, vectors": (lambda: lattice(P4M, dv.defining), 0),
    "p4m, signs": (lambda: lattice(P4M, dv.sign), 0),
    "p4m, regular": (lambda: lattice(P4M, dv.regular), 1),
    "p4, signs of turns": (lambda: lattice(P4, lambda P: dv.Representation(P, {"r": [[-1]]})), 0),
    "p6m, vectors": (
        lambda: dv.solve(dv.Field(P6M), dv.Field(P6M, fibre=dv.defining(P6M.point)), dv.hexagon(1)),
        0,
    ),
    "pg, signs, which alternate": (lambda: lattice(PG, dv.sign), 1),
    "cube, vectors": (lambda: lattice(CUBE, dv.defining), 0),
    "p4m, three copies of vectors": (lambda: lattice(P4M, lambda P: 3 * dv.defining(P)), 0),
    "p4m, vectors and scalars": (lambda: lattice(P4M, lambda P: dv.defining(P) + 2 * dv.trivial(P)), 2),
    "p4m, vectors and signs": (lambda: lattice(P4M, lambda P: dv.defining(P) + dv.sign(P)), 0),
    "square about a site, vectors": (
        lambda: dv.solve(
            dv.Field(RING.point, grid=(3, 3)),
            dv.Field(RING.point, grid=(1, 1), fibre=dv.defining(RING.point)),
        ),
        0,
    ),
    "square, vectors on a grid": (
        lambda: dv.solve(
            dv.Field(RING.point, grid=(3, 3)),
            dv.Field(RING.point, grid=(3, 3), fibre=dv.defining(RING.point)),
        ),
        2,
    ),
    "p4m on a ring of any size, vectors": (
        lambda: dv.solve(
            dv.Field(P4M, grid=("N", "N"), boundary="periodic"),
            dv.Field(P4M, fibre=dv.defining(P4M.point), grid=("N", "N"), boundary="periodic"),
            dv.box("k"),
        ),
        0,
    ),
    "permutations to their sign": (lambda: dv.solve(dv.permutation(TURN), dv.sign(TURN)), 0),
    "rotations, vectors": (
        lambda: dv.solve(*2 * [dv.defining(dv.special_orthogonal(3)) ** 1]),
        0,
    ),
}
ZERO = [name for name, (_, free) in CASES.items() if not free]
every_case = pytest.mark.parametrize("name", list(CASES))


def made(name: str) -> dv.Solution:
    return CASES[name][0]()


def has_bias(equation: sympy.Basic) -> bool:
    return equation.has(IndexedBase("b")) or equation.has(IndexedBase("v"))


def layers(derivation: dv.Derivation) -> list[tuple[Eq, str]]:
    """What every chapter writes as its layer, and why."""
    return [(step.after[0], step.because) for step in derivation if step.rule == "write the layer"]


@every_case
def test_a_bias_that_is_zero_is_not_written(name: str) -> None:
    solution, free = made(name), CASES[name][1]
    assert solution.bias_dim == free
    assert has_bias(solution.layer) is bool(free)
    assert has_bias(solution.operator), "before anything is asked of it, it is there"


@every_case
def test_the_derivation_says_so_and_is_checked(name: str) -> None:
    """One layer per pair of pieces: only pieces with a free bias show one."""
    solution, free = made(name), CASES[name][1]
    solution.derivation.check()
    shown = layers(solution.derivation)
    assert any(has_bias(layer) for layer, _ in shown) is bool(free)
    for layer, because in shown:
        assert not (has_bias(layer) and "the bias is 0" in because)
    if not free:
        assert any("the bias is 0" in because for _, because in shown)


@pytest.mark.parametrize(
    "name", ["p4m, vectors", "p4m, signs", "p6m, vectors", "p4m on a ring of any size, vectors"]
)
def test_a_layer_with_a_bias_that_is_zero_is_refused(name: str) -> None:
    """As one without its bias is where something of it is free."""
    derivation = made(name).derivation
    operator = derivation[0].after[0]
    (bias,) = [part for part in operator.rhs.args if part.has(IndexedBase("b"))]
    with pytest.raises(dv.DerivationError, match="write the layer"):
        with_layer(
            derivation, lambda eq: Eq(eq.lhs, eq.rhs + bias.base[bias.indices[0]], evaluate=False)
        ).check()


@pytest.mark.parametrize("name", ["p4m, scalars", "p4m, regular", "square, vectors on a grid"])
def test_a_layer_without_its_free_bias_is_refused(name: str) -> None:
    derivation = made(name).derivation

    def without(eq: Eq) -> Eq:
        return Eq(
            eq.lhs, sympy.Add(*(a for a in eq.rhs.args if a.func.__name__ != "Indexed")), evaluate=False
        )

    with pytest.raises(dv.DerivationError, match="write the layer"):
        with_layer(derivation, without).check()


def with_layer(derivation: dv.Derivation, change: Callable[[Eq], Eq]) -> dv.Derivation:
    """The same derivation with another layer, before and after every step that has it."""
    (at,) = [k for k, step in enumerate(derivation) if step.rule == "write the layer"]
    steps = list(derivation)
    after = Tuple(change(steps[at].after[0]), *steps[at].after[1:])
    steps[at] = replace(steps[at], after=after)
    steps[at + 1] = replace(steps[at + 1], before=after)
    return dv.Derivation(steps)
