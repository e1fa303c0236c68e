"""A trace of `lax` alone, and what tools that read traces see in one that is not."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import checkify, jet
from jax.extend.core import jaxprs_in_params
from jax.sharding import AbstractMesh, NamedSharding, PartitionSpec

import derive as dv
import kernels as kn
from kernels.convolution.choice import rules
from tests.kernels import every
from tests.kernels.cases import CASES, NAMES, Case

OURS = {"conv", "conv_kernel", "sparse"}
CIRCULAR = CASES[NAMES.index("2d circular, dilated, groups")]


def primitives(jaxpr: Any) -> set[str]:
    found = {equation.primitive.name for equation in jaxpr.eqns}
    return found.union(*(primitives(inner) for e in jaxpr.eqns for inner in jaxprs_in_params(e.params)))


def traced(f: Callable[..., Any], *operands: Any) -> set[str]:
    return primitives(jax.make_jaxpr(f)(*operands).jaxpr)


def both(f: Callable[..., Any]) -> Callable[..., Any]:
    def value_and_gradients(*operands: Any) -> Any:
        y, pull = jax.vjp(f, *operands)
        return y, pull(jnp.cos(y))

    return value_and_gradients


@pytest.mark.parametrize("family", every.FAMILIES)
def test_every_op(family: str) -> None:
    """Values and gradients of everything there is, as functions of their shapes."""
    seen = set()
    for item in every.FAMILIES[family]():
        operands = item.operands(jnp.float64)
        seen |= traced(both(item.op), *operands) & OURS
        with kn.only_lax():
            assert not traced(both(item.op), *operands) & OURS, item.name
    assert seen or family in ("pools", "maps"), "without it they are there"


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_by_name(case: Case) -> None:
    found = traced(both(partial(case.op, implementation="lax")), *case.arrays()[:2])
    assert not found & OURS
    assert ("conv_general_dilated" in found) == all(map(np.prod, (case.field_shape, case.image_shape)))


def test_values() -> None:
    """Borders that repeat the image, groups and a transposed layer, compiled once."""
    chosen = [CIRCULAR, *(CASES[NAMES.index(name)] for name in ("1d transposed reflect", "3d everything"))]
    arrays = [case.arrays() for case in chosen]

    @jax.jit
    def everything(arrays):
        return [both(case.op)(x, k) for case, (x, k, _) in zip(chosen, arrays, strict=True)]

    plain = everything(arrays)
    with kn.only_lax():
        for got, expected in zip(*map(jax.tree.leaves, (everything(arrays), plain)), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def test_lowered_ops_by_name() -> None:
    """Fibres, whose weights go through sparse matrices, and maps."""
    G = dv.wallpaper("p4m")
    x, y = dv.Field(G, fibre=2 * dv.trivial(G.point)), dv.Field(G, fibre=dv.regular(G.point))
    solution = dv.solve(x, y, support=dv.box(1))
    op, plain = kn.lower(solution, implementation="lax"), kn.lower(solution)
    w, image = op.init(jax.random.key(0)), jnp.ones((1, 5, 5, 2))
    assert not traced(both(op), w, image) & OURS
    assert not traced(op.adjoints, w, image, op(w, image)) & OURS
    assert traced(plain, w, image) & OURS
    np.testing.assert_allclose(op(w, image), plain(w, image), rtol=1e-11, atol=1e-11)
    V = dv.permutation(dv.symmetric(4))
    assert kn.lower(dv.solve(V**2, V), implementation="lax").implementation == "lax"


def test_no_trace_is_taken_for_another() -> None:
    """The same jitted function, switched there and back, inside and outside of it."""
    x, kernel, _ = CIRCULAR.arrays()
    inner = jax.jit(CIRCULAR.op)
    outer = jax.jit(lambda x, kernel: inner(x, kernel) + 1)
    for f in (inner, outer):
        seen = []
        for on in (False, True, False, True):
            with kn.only_lax(on):
                f(x, kernel)
                seen.append(bool(traced(f, x, kernel) & OURS))
        assert seen == [True, False, True, False]
    with kn.only_lax(), kn.only_lax(False):
        assert traced(outer, x, kernel) & OURS
    assert traced(outer, x, kernel) & OURS


def test_what_explain_and_autotune_say_there() -> None:
    shapes = (1, 8, 8, 2), (3, 3, 2, 3)
    assert {r.implementation for r in _reasons(kn.explain(*shapes, implementation="lax"))} == {"lax"}
    with kn.only_lax():
        assert {r.implementation for r in _reasons(kn.explain(*shapes, implementation="fft"))} == {"lax"}
        policy = kn.autotune(*shapes, candidates=("xla", "matmul"), rounds=1)
    assert set(policy.names) <= {"xla", "matmul"}


def _reasons(told: kn.Explanation) -> tuple[Any, ...]:
    return told.forward, told.input_adjoint, told.kernel_adjoint


# ---- tools, with and without -----------------------------------------------------------------------------


@pytest.fixture(params=[False, True], ids=["ours", "lax"])
def on(request) -> Any:
    with kn.only_lax(request.param):
        yield request.param


def test_checkify_finds_what_is_not_a_number(on) -> None:
    """Forward and in a kernel adjoint, where the NaN arises in the convolution: inf times zero."""
    x, kernel = jnp.ones((1, 4, 4, 1)), jnp.zeros((3, 3, 1, 1))
    checked = partial(checkify.checkify, errors=checkify.float_checks)
    loss = lambda kernel, x: jnp.sum(kn.conv(x, kernel))  # noqa: E731
    for f, operands in (
        (loss, (kernel, x * jnp.inf)),
        (jax.grad(loss), (kernel, x.at[0, 0, 0, 0].set(jnp.nan))),
    ):
        error, _ = jax.jit(checked(f))(*operands)
        assert "nan generated by primitive: conv" in error.get()
        assert jax.jit(checked(f))(kernel, x)[0].get() is None


def test_jet_is_the_series_of_the_product(on) -> None:
    """(x + a t)(k + c t) has the coefficients x k, a k + x c and 2 a c in its derivatives at t = 0."""
    x, kernel, _ = CIRCULAR.arrays(0)
    a, c, _ = CIRCULAR.arrays(1)
    zeros = (jnp.zeros_like(x), jnp.zeros_like(kernel))
    value, (first, second) = jet.jet(CIRCULAR.op, (x, kernel), ([a, zeros[0]], [c, zeros[1]]))
    oracle = lambda x, k: CIRCULAR.oracle(np.asarray(x), np.asarray(k))  # noqa: E731
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=1e-11)
    close(value, oracle(x, kernel))
    close(first, oracle(a, kernel) + oracle(x, c))
    close(second, 2 * oracle(a, c))


def test_jet_through_a_lowered_op(on) -> None:
    """Weights go through a sparse matrix, which is linear."""
    G = dv.wallpaper("p4m")
    field = dv.Field(G, fibre=dv.regular(G.point))
    op = kn.lower(dv.solve(field, field, support=dv.box(1)))
    w, x = op.init(jax.random.key(0)), jnp.ones((1, 4, 4, 8))
    value, (first,) = jet.jet(lambda w: op(w, x), (w,), ([w],))
    np.testing.assert_allclose(first, value, rtol=1e-11, atol=1e-11)


def test_checkpoint_policies(on) -> None:
    """`dots_saveable` knows the primitives of `lax` by identity; ours are told to it by name."""
    policies = jax.checkpoint_policies
    mine = lambda primitive, *_, **__: primitive.name in ("conv", "conv_kernel")  # noqa: E731

    def loss(kernel, x):
        return jnp.sum(jnp.sin(kn.conv(jnp.sin(kn.conv(x, kernel)), kernel)))

    def convolutions(policy) -> int:
        """In the program of a gradient, those that are computed again with them."""
        step = jax.jit(jax.value_and_grad(jax.checkpoint(loss, policy=policy), (0, 1)))
        return (
            step.trace(*operands).lower(lowering_platforms=("tpu",)).as_text().count("stablehlo.convolution")
        )

    operands = jnp.ones((3, 3, 2, 2)), jnp.ones((1, 4, 4, 2))
    most, least = convolutions(policies.nothing_saveable), convolutions(policies.everything_saveable)
    assert most > least
    assert convolutions(policies.dots_saveable) == (least if on else most)
    assert convolutions(policies.save_from_both_policies(policies.dots_saveable, mine)) == least


def test_a_mesh_without_devices(on) -> None:
    """JAX refuses primitives that ask for devices when they are lowered, which ours do to be split."""
    sharding = NamedSharding(AbstractMesh((4,), ("r",)), PartitionSpec(None, "r"))
    x = jax.ShapeDtypeStruct((1, 16, 4, 2), jnp.float32, sharding=sharding)
    trace = jax.jit(kn.conv).trace(x, jax.ShapeDtypeStruct((3, 3, 2, 3), jnp.float32))
    if on:
        assert "mhlo.num_partitions = 4" in trace.lower(lowering_platforms=("tpu",)).as_text()
    else:
        with pytest.raises(ValueError, match="AbstractMesh cannot be used"):
            trace.lower(lowering_platforms=("tpu",))


def test_without_jit_the_choice_is_the_same(monkeypatch) -> None:
    names = []
    decide = rules.implementation_of

    def noted(work, implementation):
        one = decide(work, implementation)
        names.append((work, one.name))
        return one

    monkeypatch.setattr(rules, "implementation_of", noted)
    x, kernel = jnp.ones((1, 6, 6, 8)), jnp.ones((3, 3, 1, 8))
    f = partial(kn.conv, groups=8)
    jax.jit(f).lower(x, kernel)
    with jax.disable_jit():
        f(x, kernel)
    compiled, at_once = names
    assert compiled == at_once
    assert compiled[1] == "shifted"
