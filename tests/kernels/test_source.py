"""Every op as text: run without the library, it gives the op's values and gradients."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from tests.kernels import lowerings, structures, test_bilinear, test_fibres, test_structured

# One of every kind; the gradients of the others are compared in the slow run.
OFTEN = {
    "padding REFLECT",
    "transposed CIRCULAR",
    "polyphase, far off",
    "pool by period",
    "bias map by period",
    "window, polyphase",
    "p4 trivial",
    "irreps of C6",
    "DeepSets",
    "negacyclic, copies",
    "SO3 sum",
    "mixture",
    "graphs",
}


FIBRES = [case.name for case in test_fibres.CASES]


def layer(text: str) -> Any:
    """The function of a text, executed; what it imports is all that it knows."""
    assert "kernels" not in text.split('"""')[2]
    assert "derive" not in text.split('"""')[2]
    there: dict[str, Any] = {}
    exec(text, there)
    return there["layer"]


def random(tree: Any, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    return jax.tree.map(lambda a: jnp.asarray(rng.normal(size=a.shape)), tree)


def compare(op: Any, text: str, dense: Any, given: tuple[Any, ...], gradients: bool) -> None:
    """Values against the exact matrix on a product of the inputs; where asked, gradients against the op's."""
    w, *inputs, b = given
    given, written = (w, *inputs, *([b] if op.bias_dim else [])), layer(text)
    samples = [np.asarray(x).reshape(len(x), -1) for x in inputs]
    product = (
        samples[0] if len(samples) == 1 else np.einsum("nc,nd->ncd", *samples).reshape(len(samples[0]), -1)
    )
    linear = getattr(op, "linear", op)
    grid = inputs[0].shape[1:-1]
    expected = product @ dense.T + (linear.dense_bias(b, grid) if op.bias_dim else 0)
    y = jax.jit(written)(*given)
    np.testing.assert_allclose(np.asarray(y).reshape(len(y), -1), expected, atol=1e-9)
    if gradients:
        bar = jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)
        both = jax.jit(lambda given: [jax.vjp(f, *given)[1](bar) for f in (op, written)])(given)
        for one, other in zip(*map(jax.tree.leaves, both), strict=True):
            np.testing.assert_allclose(one, other, atol=1e-9)


def run_over(names: list[str], quick: Collection[str]) -> Any:
    """Values of the quick ones, gradients of the chosen among them; all the others in the slow run."""
    return pytest.mark.parametrize(
        ("name", "gradients"),
        [
            pytest.param(name, more, id=f"{name}{' and gradients' * more}", marks=[pytest.mark.slow] * slow)
            for name in names
            for more in (False, True)
            for slow in [name not in (OFTEN if more else quick)]
            if more or name not in OFTEN  # gradients come with the values
        ],
    )


@run_over(lowerings.NAMES, ())  # of other sizes below
def test_lattices(name: str, gradients: bool) -> None:
    case = lowerings.LOWERINGS[lowerings.NAMES.index(name)]
    w, x, b, _ = case.arrays()
    compare(case.op, case.op.source(), case.op.dense(w, case.sizes), (w, x, b), gradients)


@pytest.mark.parametrize("name", lowerings.NAMES)
def test_lattices_of_other_sizes(name: str) -> None:
    """The text holds at every size that the op takes, and for every batch."""
    case = lowerings.LOWERINGS[lowerings.NAMES.index(name)]
    op, written = case.op, layer(case.op.source())
    w, _, b, _ = case.arrays()
    rng = np.random.default_rng(1)
    for more, batch in ((1, ()), (2, (2, 1)), (3, (0,))):
        grid = tuple(
            a.size_in or n + more * (a.b if a.border == "CIRCULAR" else 1)
            for a, n in zip(op.plan.inputs, case.sizes, strict=True)
        )
        x = jnp.asarray(rng.normal(size=(*batch, *grid, op.channels_in)))
        if more > 1:
            assert jax.eval_shape(written, w, x, b).shape == (*batch, *op.output_shape(grid))
            continue
        dense = op.dense(w, grid) @ np.asarray(x).reshape(-1)
        expected = dense + (op.dense_bias(b, grid) if op.bias_dim else 0)
        np.testing.assert_allclose(np.asarray(written(w, x, b)).reshape(-1), expected, atol=1e-9)


@run_over(FIBRES, FIBRES)
def test_fibres_(name: str, gradients: bool) -> None:
    op = test_fibres.named(name).op
    w, x, b = test_fibres.named(name).arrays()
    sizes = test_fibres.named(name).sizes
    compare(op, op.source(limit=10**6), op.dense(w, sizes), (w, x, b), gradients)


@run_over(structures.NAMES, test_structured.OFTEN)
def test_maps(name: str, gradients: bool) -> None:
    case = structures.STRUCTURES[structures.NAMES.index(name)]
    op = case.op
    try:
        text = op.source(limit=10**5)
    except kn.ShapeError:
        assert op.channels_in * op.channels_out > 10**4  # only large ones are refused
        return
    w, x = case.arrays()
    b = random(jax.eval_shape(op.init_bias))
    compare(op, text, op.dense(w), (w, x, b), gradients)


@run_over(list(test_bilinear.CASES), test_bilinear.CASES)
def test_bilinear_ops(name: str, gradients: bool) -> None:
    op = test_bilinear.lowered(name)
    w, v, u, b = test_bilinear.arrays(op)
    dense = op.dense(w).reshape(op.channels_out, -1)
    compare(op, op.source(limit=10**5), dense, (w, v, u, b), gradients)


# ---- the text ----------------------------------------------------------------------------------------------


def convolution(**options: Any) -> Any:
    G = dv.translations(2)
    x, y = dv.Field(G, 3), dv.Field(G, 16)
    return kn.lower(dv.solve(x, y, support=dv.box(1)), **options)


def test_a_convolution_is_a_few_lines() -> None:
    text = convolution().source()
    assert len(text.splitlines()) < 30
    assert "return w.reshape(3, 3, 3, 16)" in text
    assert "padding=[(1, 1), (1, 1)]" in text
    assert "np." not in text
    assert '"""w (9, 3, 16), x (batch..., u, v, 3), b (1, 16) -> (batch..., u, v, 16)."""' in text


def test_it_runs_where_the_library_is_not() -> None:
    G = dv.wallpaper("p4m")
    x, y = dv.Field(G, fibre=2 * dv.trivial(G.point)), dv.Field(G, fibre=dv.regular(G.point))
    op = kn.lower(dv.solve(x, y, support=dv.box(1)))
    code = f"import sys; sys.modules['kernels'] = sys.modules['derive'] = None\n{op.source()}\n"
    w = op.init(jax.random.key(0))
    code += f"import jax.numpy as jnp\nprint(layer(jnp.ones({w.shape}), jnp.ones((4, 4, 2))).sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = op(jnp.ones(w.shape, "float32"), jnp.ones((4, 4, 2), "float32")).sum()
    assert abs(float(done.stdout) - float(expected)) < 1e-2


def test_precision_is_kept() -> None:
    text = convolution(precision="highest").source()
    w, x = jnp.ones((9, 3, 16)), jnp.ones((5, 5, 3))
    assert "HIGHEST" in str(jax.make_jaxpr(layer(text))(w, x))
    assert "HIGHEST" not in str(jax.make_jaxpr(layer(convolution().source()))(w, x))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float64"])
def test_the_dtype_is_that_of_what_it_is_given(dtype: str) -> None:
    op = test_bilinear.lowered("dot products")
    assert layer(op.source())(*test_bilinear.arrays(op, dtype=dtype)).dtype == dtype


def test_large_tables_are_refused_before_they_are_made() -> None:
    V = dv.permutation(dv.symmetric(300))
    op = kn.lower(dv.solve(V**2, V))
    message = r"source must hold at most 20,000 numbers in its tables, got .* or more; raise limit, or"
    with pytest.raises(kn.ShapeError, match=message):
        op.source()
    small = kn.lower(dv.solve(V, V, bias=False))
    with pytest.raises(kn.ShapeError, match="at most 100 numbers"):
        small.source(limit=100)
