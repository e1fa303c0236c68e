"""Lowered answers with fibres: against the dense matrix, the basis, the group and JAX itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import derive as dv
import kernels as kn
from kernels.lattice.fibred import FibredOp
from kernels.static import Static

HEXAGONAL = ("p31m", "p6m", "p6", "p3")
TORUS = {"grid": (4, 4), "boundary": "periodic"}


@dataclass(frozen=True)
class Case:
    name: str
    state: Callable[[], tuple[Any, Any, Any]]
    grid: tuple[int, ...] | None = None  # the input's spatial shape; None where the answer fixes it

    @property
    def solution(self) -> Any:
        return dv.solve(*self.state())

    @property
    def op(self) -> FibredOp:
        return _lowered(self.name)

    @property
    def sizes(self) -> tuple[int, ...]:
        return self.grid or tuple(a.size_in for a in self.op.lattice.axes if a.has_input)

    def arrays(self, dtype: Any = np.float64, seed: int = 0) -> tuple[Any, jax.Array, Any]:
        """Weights, two inputs and biases, all of them random."""
        op, rng = self.op, np.random.default_rng(seed)
        draw = lambda a: jnp.asarray(rng.normal(size=a.shape), dtype)  # noqa: E731
        x = jnp.asarray(rng.normal(size=(2, *self.sizes, op.lattice.channels_in)), dtype)
        return jax.tree.map(draw, op.init(jax.random.key(0))), x, jax.tree.map(draw, op.init_bias())


@cache
def _lowered(name: str) -> FibredOp:
    return kn.lower(named(name).solution)


def named(name: str) -> Case:
    return next(case for case in CASES if case.name == name)


def _wallpaper(name: str, fibre: Any) -> Case:
    def state() -> tuple[Any, Any, Any]:
        G = dv.wallpaper(name)
        x = dv.Field(G, fibre=2 * fibre(G.point), **TORUS)
        y = dv.Field(G, fibre=2 * dv.trivial(G.point) + dv.regular(G.point), **TORUS)
        return x, y, dv.hexagon(1) if name in HEXAGONAL else dv.box(1)

    return Case(f"{name} {fibre.__name__}", state)


def _p4m(into: Any, out: Any, support: Any = None, **lattice: Any) -> Callable[[], tuple[Any, Any, Any]]:
    def state() -> tuple[Any, Any, Any]:
        G = dv.wallpaper("p4m")
        return (
            dv.Field(G, fibre=into(G.point), **lattice),
            dv.Field(G, fibre=out(G.point), **lattice),
            support,
        )

    return state


def _pool() -> tuple[Any, Any, Any]:
    G = dv.wallpaper("p4m")
    return (
        dv.Field(G, fibre=3 * dv.regular(G.point), **TORUS),
        2 * dv.trivial(G.point) + dv.defining(G.point),
        None,
    )


def _still() -> tuple[Any, Any, Any]:
    P = dv.point_group("D4")
    return dv.Field(P, fibre=dv.defining(P), grid=(4, 4)), dv.Field(P, channels=2, grid=(4, 4)), None


def _stride() -> tuple[Any, Any, Any]:
    G = dv.space_group(dv.point_group("D4"), period=2)
    y = dv.Field(G, fibre=dv.regular(G.point), grid=(2, 2), spacing=2, boundary="periodic")
    return dv.Field(G, channels=2, **TORUS), y, dv.box(1)


def _cube() -> tuple[Any, Any, Any]:
    P = dv.point_group("Oh", 3)
    G, V = dv.space_group(P), dv.defining(P)
    return dv.Field(G, fibre=V), dv.Field(G, fibre=dv.trivial(P) + V), dv.box(1)


def _irreps(name: str, support: Any, **lattice: Any) -> Callable[[], tuple[Any, Any, Any]]:
    def state() -> tuple[Any, Any, Any]:
        G = dv.space_group(dv.point_group(name))
        found = dv.irreps(G.point)
        x = dv.Field(G, fibre=found[1] + found[-1], **lattice)
        return x, x, support

    return state


def _window() -> tuple[Any, Any, Any]:
    G = dv.space_group(dv.point_group("C4"))
    x = dv.Field(G, fibre=dv.defining(G.point), grid=(3, 3), boundary="zero")
    return x, x, dv.box(1)


def _flips(into: int, out: int, support: Any, **lattice: Any) -> Callable[[], tuple[Any, Any, Any]]:
    """The sign of every one of three channels by itself; space stays where it is."""

    def state() -> tuple[Any, Any, Any]:
        flips = dv.matrix_group({g: np.diag(1 - 2 * np.eye(3, dtype=int)[i]) for i, g in enumerate("abc")})
        G, V = dv.space_group(flips, period=(1, 1), action={}), dv.defining(flips)
        return dv.Field(G, fibre=into * V, **lattice), dv.Field(G, fibre=out * V, **lattice), support

    return state


def _sign(into: Any, out: Any, support: Any, **options: Any) -> Callable[[], tuple[Any, Any, Any]]:
    """One sign for some of the channels; `into` and `out` are sums of the trivial and the odd character."""

    def state() -> tuple[Any, Any, Any]:
        P = dv.cyclic(2)
        even, odd = dv.trivial(P), dv.Representation(P, {"r": [[-1]]})
        G = dv.space_group(P, period=options.get("period", (1, 1)), action={})
        y = out(even, odd)
        return (
            dv.Field(G, fibre=into(even, odd), **TORUS),
            y if "pool" in options else dv.Field(G, fibre=y, **TORUS),
            support,
        )

    return state


def _inside() -> tuple[Any, Any, Any]:
    """An even channel and two odd ones in one piece, another even one beside it: unlike groups of two."""
    P = dv.cyclic(2)
    piece = dv.Representation(P, {"r": [[1, 0, 0], [0, -1, 0], [0, 0, -1]]})
    x = dv.Field(dv.space_group(P, period=(1, 1), action={}), fibre=piece + dv.trivial(P), **TORUS)
    return x, x, dv.box(1)


def _turns(copies: int) -> Callable[[], tuple[Any, Any, Any]]:
    """All real irreducible representations of C6, several times: equal pieces in many blocks."""

    def state() -> tuple[Any, Any, Any]:
        G = dv.space_group(dv.point_group("C6"))
        first, *rest = dv.irreps(G.point)
        x = dv.Field(G, fibre=copies * sum(rest, first))
        return x, dv.Field(G, fibre=rest[-1] + first), dv.hexagon(1)

    return state


GROUPED = {  # groups, channels of each
    "flips": (3, 1, 1),
    "flips, copies": (3, 2, 4),
    "signs apart": (2, 3, 1),
    "signs mixed": (2, 2, 2),
    "signs, 1 x 1": (2, 3, 1),
    "signs by period": (2, 4, 4),
    "signs, pool": (2, 2, 1),
    "signs inside a piece": (2, 2, 2),
}
ONE = dv.trivial
CASES = [
    *(_wallpaper("p4m", fibre) for fibre in (ONE, dv.sign, dv.regular, dv.defining)),
    *(_wallpaper(name, f) for name, f in (("pg", dv.sign), ("pmg", dv.regular), ("cmm", dv.defining))),
    *(_wallpaper(name, f) for name, f in (("p4g", ONE), ("p31m", dv.defining))),
    _wallpaper("p6m", dv.defining),
    Case("group convolution", _p4m(lambda P: 3 * ONE(P), lambda P: 4 * dv.regular(P), dv.box(2)), (5, 4)),
    Case("pool", _pool),
    Case("no translations", _still),
    Case("stride", _stride),
    Case("cube", _cube, (3, 2, 3)),
    Case("irreps of C4", _irreps("C4", dv.box(1), **TORUS)),
    Case("irreps of C6", _irreps("C6", dv.hexagon(1)), (3, 4)),
    Case("irreps of C6, copies", _turns(2), (3, 4)),
    Case("window", _window),
    Case("flips", _flips(1, 1, dv.box(1), **TORUS)),
    Case("flips, copies", _flips(2, 4, dv.box(1)), (5, 3)),
    Case("signs apart", _sign(lambda a, b: 3 * a + 3 * b, lambda a, b: a + b, dv.box(1))),
    Case("signs mixed", _sign(lambda a, b: 2 * (a + b), lambda a, b: 2 * (b + a), dv.box(1))),
    Case("signs, 1 x 1", _sign(lambda a, b: 3 * a + 3 * b, lambda a, b: a + b, dv.box(0))),
    Case(
        "signs by period", _sign(lambda a, b: 2 * (a + b), lambda a, b: 2 * (b + a), dv.box(1), period=(2, 1))
    ),
    Case("signs, pool", _sign(lambda a, b: 2 * (a + b), lambda a, b: b + a, None, pool=True)),
    Case("signs inside a piece", _inside),
    Case("signs, unequal", _sign(lambda a, b: 2 * a + b, lambda a, b: 2 * b + a, dv.box(1))),
    Case("zero", _p4m(dv.sign, lambda P: 2 * ONE(P), dv.box(1)), (5, 5)),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
FINITE = [case for case in CASES if case.grid is None]
every_finite = pytest.mark.parametrize("case", FINITE, ids=lambda case: case.name)
ADJOINTS = [
    "p4m defining",
    "pmg regular",
    "pool",
    "no translations",
    "stride",
    "flips, copies",
    "signs by period",
    "signs, pool",
    "signs inside a piece",
]
few = pytest.mark.parametrize("name", ["p4m defining", "pool", "irreps of C6", "flips, copies"])


def leaves(w: Any) -> np.ndarray:
    return np.concatenate([np.zeros(0), *(np.asarray(part).reshape(-1) for part in jax.tree.leaves(w))])


def same(a: Any, b: Any, tolerance: float = 1e-11) -> None:
    for got, expected in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


# ---- what it computes -----------------------------------------------------------------------------------


@every_case
def test_value_is_the_dense_matrix(case: Case) -> None:
    w, x, _ = case.arrays()
    y, matrix = case.op(w, x), case.op.dense(w, case.sizes)
    assert y.shape == (2, *case.op.output_shape(case.sizes))
    np.testing.assert_allclose(y.reshape(2, -1), x.reshape(2, -1) @ matrix.T, rtol=1e-11, atol=1e-11)
    assert np.any(matrix) == (case.name != "zero")


@every_finite
def test_dense_is_the_combination_of_the_basis(case: Case) -> None:
    """Weight k times basis element k, in the order of the state."""
    w, _, _ = case.arrays()
    basis = case.solution.basis
    flat = leaves(w)
    assert len(flat) == len(basis) == case.op.dim == case.solution.dim
    total = sum(float(c) * e.dense().astype(float) for c, e in zip(flat, basis, strict=True))
    dense = case.op.dense(w, order="channels_first")
    np.testing.assert_allclose(dense, np.asarray(total).reshape(dense.shape), atol=1e-12)


@pytest.mark.parametrize("name", ADJOINTS)
def test_adjoints(name: str) -> None:
    """Derived == jax.vjp == jax.grad == the dense transpose."""
    w, x, _ = named(name).arrays()
    report = kn.check_adjoints(named(name).op, w, x)
    assert len(report.comparisons) == 10 + 2 * bool(named(name).op.bias_dim)
    assert report.worst < 1e-12


@pytest.mark.parametrize(
    "name", ["p4g trivial", "p31m defining", "cube", "irreps of C6", "window", "irreps of C6, copies"]
)
def test_derived_adjoints_are_those_of_jax(name: str) -> None:
    op = named(name).op
    w, x, _ = named(name).arrays()
    ybar = jnp.asarray(np.random.default_rng(2).normal(size=op(w, x).shape))
    same(op.adjoints(w, x, ybar), jax.jit(lambda w, x: jax.vjp(op, w, x)[1](ybar))(w, x))


# ---- equivariance under every generator -----------------------------------------------------------------


def act(space: Any, lattice: Any, V: Any, name: str, field: np.ndarray) -> np.ndarray:
    """(g x)(p) = rho(g) x(g^-1 p), site by site."""
    rho = np.array(V.matrix(name).evalf(30).tolist(), dtype=float) if name in space.point.generators else None
    rho = np.eye(V.dim) if rho is None else rho
    if lattice is None:
        return field @ rho.T
    motion, step = space.motions[name], [float(s) for s in lattice.spacing]
    offset = np.array([float(o) for o in lattice.offset])
    shape, moved = [int(n) for n in lattice.grid], np.zeros_like(field)
    for p in np.ndindex(*shape):
        v = np.array(motion.matrix) @ (np.array(p) * step + offset) + np.array(
            [float(t) for t in motion.shift]
        )
        q = np.rint((v - offset) / step).astype(int) % shape
        moved[(slice(None), *q)] = field[(slice(None), *p)] @ rho.T
    return moved


TORI = [case for case in FINITE if case.name != "window"]


@pytest.mark.parametrize("case", TORI, ids=lambda case: case.name)
def test_equivariance_with_bias(case: Case) -> None:
    x_field, y_field, _ = case.state()
    space = x_field.group
    to, V = (y_field.lattice, y_field.fibre) if isinstance(y_field, dv.Field) else (None, y_field)
    w, x, b = case.arrays()
    y = np.asarray(case.op(w, x, b))
    for name in space.generators:
        moved = jnp.asarray(act(space, x_field.lattice, x_field.fibre, name, np.asarray(x)))
        expected = act(space, to, V, name, y)
        np.testing.assert_allclose(case.op(w, moved, b), expected, atol=1e-10)


def test_equivariance_check_sees_a_wrong_fibre() -> None:
    """Vectors that are moved but not turned do not commute."""
    case = named("p4m defining")
    x_field, y_field, _ = case.state()
    w, x, b = case.arrays()
    still = 4 * dv.trivial(x_field.group.point)
    moved = act(x_field.group, x_field.lattice, still, "r", np.asarray(x))
    expected = act(x_field.group, y_field.lattice, y_field.fibre, "r", np.asarray(case.op(w, x, b)))
    assert not np.allclose(case.op(w, jnp.asarray(moved), b), expected, atol=1e-3)


# ---- groups of channels ---------------------------------------------------------------------------------


def _groups_in(jaxpr: Any) -> list[int]:
    found = [e.params["groups"] for e in jaxpr.eqns if e.primitive.name == "conv"]
    inner = [p.jaxpr for e in jaxpr.eqns for p in e.params.values() if hasattr(p, "jaxpr")]
    return found + [g for j in inner for g in _groups_in(j)]


@pytest.mark.parametrize("name", GROUPED)
def test_channels_that_never_mix_are_groups(name: str) -> None:
    """The convolution has groups, its kernel their blocks alone; the full kernel stays the full kernel."""
    case = named(name)
    op, (groups, wide, deep) = case.op, GROUPED[name]
    w, x, _ = case.arrays()
    kind = "depthwise" if wide == 1 else "grouped"
    assert op.describe().endswith(f"{kind}: {groups} groups of {wide} -> {deep} channels")
    jaxpr = jax.make_jaxpr(op)(w, x).jaxpr
    assert _groups_in(jaxpr) == ([] if name == "signs, pool" else [groups])
    assert op.kernel(w).shape[-2:] == (groups * wide, groups * deep)
    assert np.count_nonzero(op.kernel(w)) == op.dim


@pytest.mark.parametrize("name", ["p4m defining", "signs, unequal", "zero", "irreps of C6"])
def test_other_kernels_have_no_groups(name: str) -> None:
    w, x, _ = named(name).arrays()
    assert named(name).op.grouping is None
    assert set(_groups_in(jax.make_jaxpr(named(name).op)(w, x).jaxpr)) <= {1}


def test_pieces_apart_at_radius_0_are_products_of_blocks() -> None:
    """Scalars and pseudoscalars of p4m do not mix at a point: a 1 x 1 layer of two groups."""
    P = dv.wallpaper("p4m").point
    x = dv.Field(dv.wallpaper("p4m"), fibre=4 * dv.trivial(P) + 4 * dv.sign(P))
    op = kn.lower(dv.solve(x, x, dv.box(0)))
    w, image = op.init(jax.random.key(0)), jax.random.normal(jax.random.key(1), (2, 3, 3, 8))
    assert op.describe().endswith("grouped: 2 groups of 4 -> 4 channels")
    expected = np.concatenate([image[..., :4] @ w[0][0], image[..., 4:] @ w[3][0]], axis=-1)
    np.testing.assert_allclose(op(w, image), expected, atol=1e-12)


# ---- JAX ------------------------------------------------------------------------------------------------


@few
def test_gradients_are_those_of_the_dense_matrix(name: str) -> None:
    case = named(name)
    w, x, b = case.arrays()
    op = case.op
    gw, gx, gb = jax.jit(jax.grad(lambda w, x, b: (op(w, x, b) ** 2).sum() / 2, (0, 1, 2)))(w, x, b)
    y = np.asarray(op(w, x, b))
    same(gx.reshape(2, -1), y.reshape(2, -1) @ op.dense(w, case.sizes))
    same(jax.tree.map(jnp.vdot, gw, w), jax.tree.map(jnp.vdot, op.adjoints(w, x, y)[0], w))
    step = jax.tree.map(lambda v: v * 1e-6, gb)
    rise = ((op(w, x, jax.tree.map(jnp.add, b, step)) ** 2).sum() - (y**2).sum()) / 2
    assert rise == pytest.approx(1e-6 * float((leaves(gb) ** 2).sum()), rel=1e-3, abs=1e-9)


@few
def test_vmap_scan_and_jit(name: str) -> None:
    case = named(name)
    w, x, b = case.arrays()
    op = case.op
    y = op(w, x, b)
    same(jax.vmap(op, (None, 0, None))(w, x, b), y)
    ws = jax.tree.map(lambda v: jnp.stack([v, 2 * v]), w)
    same(jax.vmap(op, (0, None))(ws, x)[1], 2 * op(w, x))
    same(jax.lax.scan(lambda c, v: (c, op(w, v, b)), 0, x)[1], y)
    same(jax.jit(op.__call__)(w, x, b), y)


@few
def test_export(name: str) -> None:
    case = named(name)
    w, x, b = case.arrays(np.float32)
    made = export.export(jax.jit(lambda w, x, b: case.op(w, x, b)), platforms=("cpu", "cuda", "tpu"))(w, x, b)
    assert made.platforms == ("cpu", "cuda", "tpu")
    same(made.call(w, x, b), case.op(w, x, b), 1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_dtype_is_kept(dtype: Any) -> None:
    case = named("p4m defining")
    op = kn.lower(case.solution, dtype=dtype)
    w, x = op.init(jax.random.key(0)), jnp.ones((1, 4, 4, 4), dtype)
    assert {part.dtype for part in jax.tree.leaves(w)} == {jnp.dtype(dtype)}
    assert op(w, x, op.init_bias()).dtype == dtype


# ---- weights --------------------------------------------------------------------------------------------


def test_one_block_is_one_array_and_a_tuple_too() -> None:
    case = named("group convolution")
    w, x, b = case.arrays()
    assert w.shape == (25, 3, 4)  # free weights, copies in, copies out
    assert b.shape == (1, 1, 4)
    same(case.op((w,), x), case.op(w, x))
    same(case.op(w.reshape(-1), x), case.op(w, x))
    assert case.op.kernel(w).shape == (5, 5, 3, 32)


def test_several_blocks_are_a_tuple() -> None:
    case = named("p4m regular")
    w, x, b = case.arrays()
    assert [part.shape[1:] for part in w] == [(2, 2), (2, 1)]
    assert [part.shape for part in b] == [(1, 1, 2), (1, 1, 1)]
    same(case.op(list(w), x, list(b)), case.op(w, x, b))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda w, x, b: (w[0], x, b), "w must have the shape"),
        (lambda w, x, b: ((w[0], w[1][:-1]), x, b), "w must have the shape"),
        (lambda w, x, b: ((*w, w[0]), x, b), "w must have the shape"),
        (lambda w, x, b: (w, x[..., :-1], b), "x"),
        (lambda w, x, b: (w, x[:, :3], b), "x"),
        (lambda w, x, b: (w, x, (b[0], b[1][..., :0])), "must have the shape"),
    ],
)
def test_wrong_shapes(change: Any, part: str) -> None:
    case = named("p4m regular")
    with pytest.raises(kn.KernelError, match=part):
        case.op(*change(*case.arrays()))


def test_no_equivariant_map_is_an_op_that_returns_zeros() -> None:
    case = named("zero")
    w, x, b = case.arrays()
    assert case.op.dim == 0
    assert leaves(w).size == 0
    same(case.op(w, x), jnp.zeros((2, 5, 5, 2)))
    same(case.op(w, x, b), jnp.broadcast_to(b.reshape(-1), (2, 5, 5, 2)))
    assert not case.op.dense(w, (5, 5)).any()
    same(jax.grad(lambda x: case.op(w, x).sum())(x), jnp.zeros_like(x))


# ---- identity -------------------------------------------------------------------------------------------


def test_equal_and_hashed_by_content() -> None:
    one, two = (kn.lower(named("p4m defining").solution) for _ in range(2))
    assert one is not two
    assert one == two
    assert hash(one) == hash(two)
    assert one != named("p4m sign").op
    assert one == replace(one, name="another name")
    flipped = one.blocks[0]._replace(value=Static(-one.blocks[0].value.array))
    assert one != replace(one, blocks=(flipped, *one.blocks[1:]))


def test_a_second_call_does_not_trace() -> None:
    case = named("stride")
    w, x, b = case.arrays()
    again = kn.lower(case.solution)
    traced = []

    @jax.jit
    def run(w: Any, x: Any, b: Any) -> Any:
        traced.append(1)
        return case.op(w, x, b)

    run(w, x, b), run(*case.arrays(seed=1))
    assert len(traced) == 1
    case.op(w, x, b)
    with jax.log_compiles(False), jax.check_tracer_leaks(False):
        from kernels import equivariant

        before = equivariant._apply._cache_size()
        case.op(*case.arrays(seed=2))
        again(w, x, b)  # an equal op, lowered anew, is the same program
        assert equivariant._apply._cache_size() == before


# ---- init -----------------------------------------------------------------------------------------------

VARIANCE = ["p4m trivial", "p4m regular", "p4m defining", "p31m defining", "pmg regular", "pool", "stride",
            "irreps of C4", "no translations"]  # fmt: skip


@pytest.mark.parametrize("name", VARIANCE)
def test_init_keeps_the_variance(name: str) -> None:
    """Independent inputs of variance 1 give outputs of variance 1 in the mean, within a quarter."""
    case = named(name)
    op = case.op
    draws = [op.dense(op.init(jax.random.key(k)), case.sizes) for k in range(12)]
    energy = np.mean([(d**2).sum() for d in draws]) / math.prod(op.output_shape(case.sizes))
    assert 0.75 < energy < 1.25


def test_init_is_reproducible() -> None:
    op = named("p4m regular").op
    same(op.init(jax.random.key(0)), op.init(jax.random.key(0)), 0)
    assert (leaves(op.init(jax.random.key(0))) != leaves(op.init(jax.random.key(1)))).all()
    assert not leaves(op.init_bias()).any()
