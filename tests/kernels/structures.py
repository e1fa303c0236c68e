"""The one list of answers without a lattice. Every property of their lowering runs over all of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import numpy as np
from scipy.linalg import expm

import derive as dv
import kernels as kn


@dataclass(frozen=True)
class Structure:
    name: str
    state: Callable[[], tuple[Any, Any]]
    form: str  # a word of describe()
    dim: int

    @property
    def solution(self) -> Any:
        return _solved(self.name)

    @property
    def op(self) -> kn.MapsOp:
        return _lowered(self.name)

    def arrays(self, batch: tuple[int, ...] = (3,), seed: int = 0) -> tuple[Any, jax.Array]:
        """Random weights, also where `init` would scale them, and an input."""
        rng = np.random.default_rng(seed)
        w = jax.tree.map(
            lambda a: jax.numpy.asarray(rng.normal(size=a.shape)), self.op.init(jax.random.key(0))
        )
        return w, jax.numpy.asarray(rng.normal(size=(*batch, self.op.channels_in)))


@cache
def _solved(name: str) -> Any:
    return dv.solve(*STRUCTURES[NAMES.index(name)].state())


@cache
def _lowered(name: str) -> kn.MapsOp:
    return kn.lower(_solved(name))


def moves(V: Any) -> dict[str, np.ndarray]:
    """A matrix of the group for each generator, exponentials for those of an algebra."""
    exact = {g: np.array(V.matrix(g).evalf(30).tolist(), dtype=np.float64) for g in V.group.generators}
    return {g: expm(0.3 * m) if g in V.group.algebra else m for g, m in exact.items()}


def points(group: Any) -> Any:
    return dv.permutation(group)


def power(group: Any, into: int, out: int) -> Callable[[], tuple[Any, Any]]:
    return lambda: (points(group) ** into, points(group) ** out)


def _defining(group: Any, into: int, out: int) -> Callable[[], tuple[Any, Any]]:
    return lambda: (dv.defining(group) ** into, dv.defining(group) ** out)


def _sets() -> list[Structure]:
    bell = {1: 1, 2: 2, 3: 5, 4: 15, 5: 52}
    S5, S3, S2 = dv.symmetric(5), dv.symmetric(3), dv.symmetric(2)
    cases = [
        Structure(f"S5 V^{k} -> V^{m}", power(S5, k, m), "sums of diagonals", bell[k + m])
        for k in range(3)
        for m in range(3)
        if k + m
    ]
    return [
        *cases,
        Structure("S5 V^2 -> V^3", power(S5, 2, 3), "sums of diagonals", 52),
        Structure("S3 V^2 -> V^2", power(S3, 2, 2), "sums of diagonals", 14),
        Structure("S2 V^2 -> V^2", power(S2, 2, 2), "sums of diagonals", 8),
        Structure("DeepSets", lambda: (3 * points(S5), 4 * points(S5)), "3 -> 4 copies", 24),
        Structure("graph layer", lambda: (2 * points(S5) ** 2 + points(S5), 3 * points(S5)), "2 -> 3", 36),
        Structure("A6 V^2 -> V^2", power(dv.alternating(6), 2, 2), "sums of diagonals", 15),
        Structure("two sets", _two_sets, "sums of diagonals", 22),
        Structure("blocks apart", _apart, "sums of diagonals", 6),
    ]


def _two_sets() -> tuple[Any, Any]:
    """S3 on {0,1,2} and S3 on {3,4,5}, neighbours; V -> V^2."""
    G = dv.permutation_group(
        {"a": [1, 2, 0, 3, 4, 5], "b": [1, 0, 2, 3, 4, 5], "c": [0, 1, 2, 4, 5, 3], "d": [0, 1, 2, 4, 3, 5]}
    )
    return points(G), points(G) ** 2


def _apart() -> tuple[Any, Any]:
    """The same group as one that permutes every second point: the ranges are not contiguous."""
    G = dv.permutation_group(
        {"a": [2, 1, 4, 3, 0, 5], "b": [2, 1, 0, 3, 4, 5], "c": [0, 3, 2, 5, 4, 1], "d": [0, 3, 2, 1, 4, 5]}
    )
    return points(G), points(G)


def _cycles() -> list[Structure]:
    Z12, Z6, D7 = dv.cyclic(12), dv.cyclic(6), dv.dihedral(7)
    shuffled = dv.permutation_group({"g": [3, 0, 4, 2, 1]})
    return [
        Structure("Z12", power(Z12, 1, 1), "circular", 12),
        Structure("Z12, copies", lambda: (2 * points(Z12), 3 * points(Z12)), "circular", 72),
        Structure("Z6 V^2 -> V", power(Z6, 2, 1), "circular", 36),
        Structure("Z5 in another order", power(shuffled, 1, 1), "circular", 5),
        Structure("Z300", power(dv.cyclic(300), 1, 1), "Fourier", 300),
        Structure("D7", power(D7, 1, 1), "circular", 4),
        Structure("D7 regular", lambda: (2 * dv.regular(D7), points(D7)), "circular", 14),
        Structure("Z8 to Z4", _to_quotient, "dense", 4),
        Structure("D7 with sign", _to_sign, "circular", 3),
        Structure("negacyclic, copies", _negacyclic_copies, "negacyclic", 36),
        Structure("a cycle with signs that cancel", _cancelling, "circular convolution on 6", 6),
        Structure("both kinds of cycles", _both_kinds, "circular and negacyclic", 16),
        Structure("negacyclic 256", lambda: (_signed_cycle([-1] + [1] * 255),) * 2, "Fourier", 256),
        Structure("negacyclic with a mirror", _mirrored, "negacyclic", 3),
    ]


def _signed_cycle(*signs: list[int]) -> Any:
    """e_t to sign[t] e_(t + 1) along each of some cycles, one after the other."""
    blocks = [np.roll(np.diag(s), 1, axis=0) for s in signs]
    size = sum(map(len, signs))
    matrix, at = np.zeros((size, size), dtype=int), 0
    for block in blocks:
        matrix[at : at + len(block), at : at + len(block)] = block
        at += len(block)
    G = dv.Group("Z", generators=("g",), relations=(f"g^{2 * len(signs[0])}",))
    return dv.Representation(G, {"g": matrix.tolist()})


def _negacyclic_copies() -> tuple[Any, Any]:
    V = _signed_cycle([1, -1, 1, -1, 1, -1])
    return 2 * V, 3 * V


def _cancelling() -> tuple[Any, Any]:
    """Into a plain cycle: only the input has signs."""
    return _signed_cycle([1, -1, 1, 1, -1, 1]), _signed_cycle([1] * 6)


def _both_kinds() -> tuple[Any, Any]:
    """Orbits that a turn returns and orbits that it negates do not mix."""
    V = _signed_cycle([1, 1, 1, 1], [1, -1, 1, 1])
    return V, 2 * V


def _mirrored() -> tuple[Any, Any]:
    """The ring x^6 = -1 and x to 1/x."""
    cycle = np.roll(np.diag([1, 1, 1, 1, 1, -1]), 1, axis=0)
    mirror = np.zeros((6, 6), dtype=int)
    mirror[0, 0], mirror[range(1, 6), range(5, 0, -1)] = 1, -1
    V = dv.defining(dv.matrix_group({"g": cycle.tolist(), "m": mirror.tolist()}))
    return V, V


def _to_sign() -> tuple[Any, Any]:
    """Reflections turn the sign: taps t and -t are opposite, tap 0 vanishes."""
    G = dv.dihedral(7)
    return points(G), points(G) * dv.sign(G)


def _to_quotient() -> tuple[Any, Any]:
    G = dv.cyclic(8)
    return points(G), dv.quotient(G, G.subgroup(["r^4"]))


def _signed() -> list[Structure]:
    B3 = dv.hyperoctahedral(3)
    names = "abcd"
    flips = dv.matrix_group(
        {g: np.diag([-1 if i == j else 1 for j in range(4)]).tolist() for i, g in enumerate(names)}
    )
    return [
        Structure("B3 V^2 -> V^2", _defining(B3, 2, 2), "sums of diagonals", 4),
        Structure("B3 V -> V^3", _defining(B3, 1, 3), "sums of diagonals", 4),
        Structure("B3 V^2 -> V is zero", _defining(B3, 2, 1), "zero", 0),
        Structure("sign flips", _defining(flips, 1, 1), "depthwise", 4),
        Structure(
            "sign flips, copies", lambda: (2 * dv.defining(flips), 3 * dv.defining(flips)), "depthwise", 24
        ),
        Structure("characters", _characters, "depthwise", 4),
        Structure("A4 V^2 -> V", power(dv.alternating(4), 2, 1), "dense", 6),
    ]


def _characters() -> tuple[Any, Any]:
    """Four channels, each with its own sign."""
    G = dv.Group("flips", generators=("a", "b"), relations=("a^2", "b^2", "a*b*a*b"))
    parts = [dv.Representation(G, {"a": [[s]], "b": [[t]]}) for s in (1, -1) for t in (1, -1)]
    V = parts[0] + parts[1] + parts[2] + parts[3]
    return V, V


def _matrices() -> list[Structure]:
    SO3, SL2 = dv.special_orthogonal(3), dv.special_linear(2)
    return [
        Structure("SO3 V^2 -> V^2", _defining(SO3, 2, 2), "dense", 3),
        Structure(
            "SO3 sum", lambda: (2 * dv.defining(SO3), dv.defining(SO3) ** 2 + dv.defining(SO3)), "dense", 4
        ),
        Structure("SO3 V -> 1 is zero", lambda: (dv.defining(SO3), dv.trivial(SO3)), "zero", 0),
        Structure("SL2 V^2 -> V^2", _defining(SL2, 2, 2), "dense", 2),
        Structure("Lorentz", _defining(dv.lorentz(), 2, 2), "dense", 4),
        Structure("C5 irreps", lambda: (_irreps(5), _irreps(5)), "dense", 5),
        Structure("blocks of irreps", _blocks, "zero", 1024),
    ]


def _blocks() -> tuple[Any, Any]:
    """16 copies of each irreducible representation of C4: three blocks that do not mix."""
    first, second, third = dv.irreps(dv.cyclic(4))
    V = 16 * first + 16 * second + 16 * third
    return V, V


def _irreps(n: int) -> Any:
    first, *rest = dv.irreps(dv.cyclic(n))
    for V in rest:
        first = first + V
    return first


def _products() -> list[Structure]:
    S3, Z4 = dv.symmetric(3), dv.cyclic(4)
    return [
        Structure("S3 x S4", lambda: (_outer(S3, dv.symmetric(4)),) * 2, "sums of diagonals", 4),
        Structure("S3 x Z4", lambda: (_outer(S3, Z4),) * 2, "circular", 8),
        Structure(
            "SO3 x S4",
            lambda: (dv.outer(dv.defining(dv.special_orthogonal(3)), points(dv.symmetric(4))),) * 2,
            "",
            2,
        ),
        Structure("SO3 x Z5", _cloud_on_circle, "", 10),
        Structure("SO3 x S43", lambda: (_cloud(43, 1),) * 2, "a product of 2 parts", 2),
        Structure(
            "SO3 x S9 tensors", lambda: (_cloud(9, 1, 2), _cloud(9, 2, 1)), "then sums of diagonals", 5
        ),
        Structure("traces at S13", lambda: (_cloud(13, 2), _lengths(13)), "a product of 2 parts", 5),
        Structure(
            "S12 x Z12", lambda: (2 * _outer(dv.symmetric(12), dv.cyclic(12)),) * 2, "then circular", 96
        ),
        Structure("SO3 x S6 x Z8", _three, "a product of 3 parts", 16),
        Structure("subgroup", _restricted, "circular", 4),
    ]


def _outer(G: Any, H: Any) -> Any:
    return dv.outer(points(G), points(H))


def _cloud_on_circle() -> tuple[Any, Any]:
    V = dv.outer(dv.defining(dv.special_orthogonal(3)), points(dv.cyclic(5)))
    return 2 * V, V


def _cloud(n: int, rank: int, power: int = 1) -> Any:
    """Tensors of SO(3) at n points in any order."""
    return dv.outer(dv.defining(dv.special_orthogonal(3)) ** rank, points(dv.symmetric(n)) ** power)


def _lengths(n: int) -> Any:
    return dv.outer(dv.trivial(dv.special_orthogonal(3)), points(dv.symmetric(n)) ** 2)


def _three() -> tuple[Any, Any]:
    V = dv.outer(_cloud(6, 1), points(dv.cyclic(8)))
    return V, V


def _restricted() -> tuple[Any, Any]:
    G = dv.symmetric(4)
    V = points(G).restrict(G.subgroup(["c"]))
    return V, V


STRUCTURES = [*_sets(), *_cycles(), *_signed(), *_matrices(), *_products()]
NAMES = [s.name for s in STRUCTURES]
