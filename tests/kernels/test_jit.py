"""Called bare, every op is already jitted; and what the package brings along."""

from __future__ import annotations

import logging
import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kernels as kn

X = np.linspace(-1, 1, 2 * 7 * 6 * 2, dtype=np.float32).reshape(2, 7, 6, 2)
K = np.linspace(-1, 1, 3 * 3 * 2 * 5, dtype=np.float32).reshape(3, 3, 2, 5)
Y = np.linspace(-1, 1, 2 * 7 * 6 * 5, dtype=np.float32).reshape(2, 7, 6, 5)

OPS = {
    "conv": lambda: kn.conv(X, K, padding=[(1, 1), (1, 1)], dilation=[1, 1]),
    "conv circular": lambda: kn.conv(X, K, padding="circular", strides=(2, 1)),
    "conv_transpose": lambda: kn.conv_transpose(Y, K, strides=2),
    "input_adjoint": lambda: kn.input_adjoint(Y, K, input_shape=list(X.shape)),
    "kernel_adjoint": lambda: kn.kernel_adjoint(X, Y, kernel_shape=list(K.shape)),
    "avg_pool": lambda: kn.avg_pool(X, 2, rank=2),
    "max_pool": lambda: kn.max_pool(X, (3, 2), padding="SAME"),
    "conv_matrix": lambda: kn.conv_matrix(K, (4, 3)),
    "patch_matrix": lambda: kn.patch_matrix(X, 3, rank=2),
}


def compiled(caplog, call) -> list[str]:
    """What JAX traces or compiles during a call."""
    caplog.clear()
    with caplog.at_level(logging.DEBUG), jax.log_compiles():
        jax.block_until_ready(call())
    return [
        r.getMessage() for r in caplog.records if r.getMessage().startswith(("Finished tracing", "Compiling"))
    ]


@pytest.mark.parametrize("name", OPS)
def test_second_call_does_not_retrace(name: str, caplog) -> None:
    jax.clear_caches()
    first = compiled(caplog, OPS[name])
    assert sum(m.startswith("Compiling") for m in first) == 1, first
    assert compiled(caplog, OPS[name]) == []


def test_under_an_outer_jit_one_program(caplog) -> None:
    f = jax.jit(lambda x, k: kn.conv(kn.conv(x, k), kn.convert_layout(k, "HWIO", "HWOI")))
    first = compiled(caplog, lambda: f(X, K))
    assert sum(m.startswith("Compiling") for m in first) == 1
    assert compiled(caplog, lambda: f(X, K)) == []


def test_every_derivative_is_the_primitive(rng) -> None:
    """No derivative of any order contains JAX's own convolution before lowering."""
    x, k = jnp.asarray(X), jnp.asarray(K)

    def loss(x, k):
        return jnp.sum(jnp.sin(kn.conv(x, k, strides=2, padding="CIRCULAR")))

    hvp = lambda x, k: jax.jvp(jax.grad(loss, (0, 1)), (x, k), (x, k))  # noqa: E731
    text = str(jax.make_jaxpr(jax.vmap(hvp, (0, None)))(x[None], k))
    assert text.count(" conv[") + text.count(" conv_kernel[") >= 6
    assert "conv_general_dilated" not in text


def test_disable_jit() -> None:
    expected = kn.conv(X, K)
    with jax.disable_jit():
        np.testing.assert_allclose(kn.conv(X, K), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("strides", "padding", "dilation", "groups"),
    [
        (1, "SAME", 1, 1),
        (2, "SAME", 1, 1),
        (3, "SAME", 2, 2),
        (2, "VALID", 1, 2),
        (1, [(2, 0), (-1, 3)], 2, 1),
    ],
)
def test_agrees_with_lax(strides, padding, dilation, groups, rng) -> None:
    """Where JAX has the same convolution, its conventions are ours."""
    x, k = rng.normal(size=(2, 8, 9, 4)), rng.normal(size=(3, 2, 4 // groups, 6))
    ours = kn.conv(x, k, strides=strides, padding=padding, dilation=dilation, groups=groups)
    theirs = lax.conv_general_dilated(
        x, k, (strides,) * 2, padding, rhs_dilation=(dilation,) * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=groups,
    )  # fmt: skip
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("loop", ["while", "cond", "map"])
def test_other_loop_bodies(loop: str) -> None:
    """Gradients inside other control flow equal those outside (scan is in the list of cases)."""
    x, k = jnp.asarray(X), jnp.asarray(K)
    square = lambda k: jnp.sum(kn.conv(x, k) ** 2)  # noqa: E731
    expected = jax.grad(square)(k)
    bodies = {
        "while": lambda k: lax.while_loop(
            lambda c: c[0] < 1, lambda c: (c[0] + 1, jax.grad(square)(k)), (0, k)
        )[1],
        "cond": lambda k: jax.grad(lambda k: lax.cond(k.sum() < 1e9, square, jnp.sum, k))(k),
        "map": lambda k: lax.map(jax.grad(square), k[None])[0],
    }
    np.testing.assert_allclose(jax.jit(bodies[loop])(k), expected, rtol=1e-4, atol=1e-4)


def test_empty_axes_under_vmap() -> None:
    """A mapped axis of length zero gives an empty answer."""
    y = jax.vmap(partial(kn.conv, padding="VALID"))(jnp.zeros((0, 5, 2)), jnp.zeros((0, 3, 2, 4)))
    assert y.shape == (0, 3, 4)


def test_channels_last_transposed_shapes() -> None:
    """Without output_shape: strides * n for SAME-like borders, the shortest otherwise."""
    k = jnp.zeros((3, 1, 1))
    shape = lambda n, **options: kn.conv_transpose(jnp.zeros((n, 1)), k, **options).shape[0]  # noqa: E731
    assert [shape(4, strides=2, padding=p) for p in ("SAME", "CIRCULAR", "REFLECT")] == [8, 8, 8]
    assert shape(4, strides=2, padding="VALID") == 9
    assert shape(4, strides=2, padding=[(1, 1)]) == 7
    assert shape(4, strides=2, padding="VALID", output_shape=(10,)) == 10
    assert shape(0, strides=2) == 0


def test_import_is_light() -> None:
    """kernels imports neither SymPy nor derive, and importing it starts no computation."""
    code = (
        "import sys, kernels; "
        "print(sorted({'sympy', 'derive'} & set(sys.modules))); "
        "import jax; print(jax._src.xla_bridge._backends == {})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]


def test_public_list_is_what_it_says() -> None:
    assert all(getattr(kn, name).__doc__ for name in kn.__all__)
    assert kn.__all__ == sorted(kn.__all__)
