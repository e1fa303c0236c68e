"""Lowered answers: what they compute, over the one list of cases."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from derive.lattice.problem import symbols_of, with_sizes
from tests.kernels import pairs
from tests.kernels.lowerings import LOWERINGS, NAMES, Lowering

every_case = pytest.mark.parametrize("case", LOWERINGS, ids=NAMES)
FINITE = [c for c in LOWERINGS if not c.grid]
CONVOLUTIONS = [
    c for c in LOWERINGS if not c.own_border or c.name in ("convolution 2-D", "strided CIRCULAR", "dilated")
]


def named(name: str) -> Lowering:
    return LOWERINGS[NAMES.index(name)]


@every_case
def test_value_is_the_dense_matrix(case: Lowering) -> None:
    """Both samples of a batch."""
    w, x, _, _ = case.arrays()
    op = case.op
    y, matrix = op(w, x), op.dense(w, case.sizes)
    assert y.shape == (2, *op.output_shape(case.sizes))
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y.reshape(2, -1), x.reshape(2, -1) @ matrix.T, rtol=1e-12, atol=1e-12)
    assert np.any(matrix)


@pytest.mark.parametrize(
    "name", ["padding pairs", "polyphase, odd", "window, strided", "global pool", "dense"]
)
def test_the_public_check_agrees(name: str) -> None:
    w, x, _, _ = named(name).arrays()
    assert kn.check_against_dense(named(name).op, w, x).worst < 1e-14


@pytest.mark.parametrize("case", [c for c in LOWERINGS if c.own_border], ids=lambda c: c.name)
def test_dense_matrix_is_the_statement(case: Lowering) -> None:
    """Pairs of sites translated one by one, with the answer's representatives as the only input."""
    w = np.asarray(case.arrays()[0])
    answer = case.solution.plain(case.options.get("sizes"), case.options.get("channels"))
    full = pairs.dense(answer, w, case.sizes, case.circular)
    dense = case.op.dense(w, case.sizes)
    np.testing.assert_array_equal(dense, full.reshape(dense.shape))


@pytest.mark.parametrize("case", FINITE, ids=lambda c: c.name)
def test_dense_matrix_is_a_combination_of_the_basis(case: Lowering) -> None:
    w = np.asarray(case.arrays()[0])
    problem = dv.solve(*case.state()).problem
    sizes = case.options.get("sizes", {})  # chosen when lowering, where the statement leaves symbols
    known = {s: sizes[s.name] for s in symbols_of(problem) if s.name in sizes}
    basis = dv.Solution(with_sizes(problem, known)).basis
    assert len(basis) == case.op.dim == w.size
    expected = sum(value * element.dense() for value, element in zip(w.ravel(), basis, strict=True))
    dense = case.op.dense(w, order="channels_first")
    np.testing.assert_array_equal(dense, expected.reshape(dense.shape))


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=lambda c: c.name)
def test_borders_are_what_numpy_pads(case: Lowering) -> None:
    """Pad or wrap in NumPy, then slide the full kernel: the meaning of every padding name."""
    w, x, _, _ = case.arrays()
    op = case.op
    np.testing.assert_allclose(op(w, x), slide(op, op.kernel(w), np.asarray(x)), rtol=1e-12, atol=1e-12)


def slide(op: kn.LatticeOp, kernel: jax.Array, x: np.ndarray) -> np.ndarray:
    for k, axis in enumerate(op.axes, 1):
        wide = np.zeros([*x.shape[:k], axis.a * (x.shape[k] - 1) + 1, *x.shape[k + 1 :]])
        np.moveaxis(wide, k, 0)[:: axis.a] = np.moveaxis(x, k, 0)
        low = -axis.first
        room, mode = (
            [(0, 0)] * x.ndim,
            {"CIRCULAR": "wrap", "REFLECT": "reflect"}.get(axis.border, "constant"),
        )
        room[k] = (low, axis.dilation * (axis.taps - 1) - low)
        if axis.border == "VALID":
            room[k] = (0, 0)
        elif isinstance(axis.border, tuple):
            room[k] = axis.border
        if min(room[k]) < 0:  # a negative border crops
            wide = np.moveaxis(np.moveaxis(wide, k, 0)[max(0, -room[k][0]) :], 0, k)
            room[k] = (max(0, room[k][0]), room[k][1])
        x = np.pad(wide, room, mode=mode)
    counts = [
        (n - axis.dilation * (axis.taps - 1) - 1) // axis.b + 1
        for n, axis in zip(x.shape[1:-1], op.axes, strict=True)
    ]
    y = np.zeros((len(x), *counts, op.channels_out))
    for tap in np.ndindex(*(axis.taps for axis in op.axes)):
        at = [
            slice(t * axis.dilation, t * axis.dilation + axis.b * (n - 1) + 1, axis.b)
            for t, axis, n in zip(tap, op.axes, counts, strict=True)
        ]
        y += x[(slice(None), *at)] @ np.asarray(kernel)[tap]
    return y


@every_case
def test_bias(case: Lowering) -> None:
    """One number per output channel and class of output sites, wherever the sites stand."""
    w, x, b, _ = case.arrays()
    op, solution = case.op, case.solution
    answer = solution.plain(case.options.get("sizes"), case.options.get("channels"))
    assert op.bias_shape == (len(answer.bias_site), op.channels_out)
    assert not op.init_bias().any()
    assert op.init_bias().shape == op.bias_shape
    added = np.asarray(op(w, x, b) - op(w, x))
    if not case.own_border:
        assert len(b) == 1 or added.any()  # a phase begins wherever the padding puts it
        return
    expected = pairs.bias(answer, np.asarray(b), added.shape[1:-1])
    np.testing.assert_allclose(added, np.broadcast_to(expected, added.shape), atol=1e-12)


@every_case
def test_symmetries_are_exact(case: Lowering) -> None:
    """Whatever wraps commutes with a translation by one period, and with nothing less where there is none."""
    w, x, _, _ = case.arrays()
    rings = [f"t_{a.name}" for a in case.op.axes if a.border == "CIRCULAR" or a.kind in ("sum", "tile")]
    wraps = [name for name in rings if name in case.solution.problem.group.translations]
    assert list(case.op.symmetries) == wraps
    inputs = [a for a in case.op.axes if a.has_input]
    sizes = zip(inputs, x.shape[x.ndim - 1 - len(inputs) : -1], strict=True)
    uneven = [f"t_{a.name}" for a, n in sizes if a.kind == "sum" and n % a.b]
    wraps = [name for name in wraps if name not in uneven]
    for name, (on_x, on_y) in ((name, case.op.symmetries[name]) for name in wraps):
        np.testing.assert_allclose(case.op(w, on_x(x)), on_y(case.op(w, x)), atol=1e-13, err_msg=name)
    if wraps:
        report = kn.check_equivariance(case.op, w, x)
        assert report.worst < 1e-14
        assert [c.name for c in report.comparisons] == wraps
    else:
        with pytest.raises(kn.KernelError, match="must be carried onto itself by a generator"):
            kn.check_equivariance(case.op, w, x)


@pytest.mark.parametrize("name", ["circular, strided", "circular, polyphase", "polyphase CIRCULAR"])
def test_half_a_period_is_no_symmetry(name: str) -> None:
    case = named(name)
    w, x, _, _ = case.arrays()
    half = case.op.axes[-1].b // 2
    x_half = lambda x: jnp.roll(x, half, axis=-2)  # noqa: E731
    for shift in range(case.op.output_shape(case.sizes)[0]):
        with pytest.raises(kn.CheckError, match="must agree"):
            kn.check_equivariance(case.op, w, x, [(x_half, lambda y, s=shift: jnp.roll(y, s, axis=-2))])


@every_case
def test_kernel_holds_every_weight_once(case: Lowering) -> None:
    """The full kernel is HWIO, channels last, and each free weight stands in it exactly once."""
    op = case.op
    w = jnp.arange(1.0, op.dim + 1).reshape(op.weight_shape)
    full = np.asarray(op.kernel(w))
    assert full.ndim == len(op.plan.spatial) + 2
    np.testing.assert_array_equal(np.sort(full[full != 0]), w.ravel())


def test_kernel_of_a_convolution_is_hwio() -> None:
    case = named("convolution 2-D")
    w, x, _, _ = case.arrays()
    np.testing.assert_array_equal(case.op.kernel(w), w.reshape(3, 3, 2, 3))
    np.testing.assert_allclose(case.op(w, x), kn.conv(x, case.op.kernel(w)), rtol=1e-12)


def test_kernel_of_a_dilated_support_stays_small() -> None:
    assert named("dilated").op.kernel(named("dilated").arrays()[0]).shape == (3, 3, 2, 3)


def test_row_01_dense_in_both_channel_orders() -> None:
    """A[i,u,v,c,u',v'] flattened as (u,v,c) or as (c,u,v): the same numbers, both named."""
    case = named("circular, local")
    w, x, _, _ = case.arrays()
    op, (h, v) = case.op, case.sizes
    last, first = op.dense(w), op.dense(w, order="channels_first")
    y = op(w, x[0])
    np.testing.assert_allclose(last @ x[0].reshape(-1), y.reshape(-1), rtol=1e-12)
    inputs, outputs = x[0].transpose(2, 0, 1).reshape(-1), y.transpose(2, 0, 1).reshape(-1)
    np.testing.assert_allclose(first @ inputs, outputs, rtol=1e-12)
    six = first.reshape(3, h, v, 2, h, v)
    np.testing.assert_array_equal(six.transpose(1, 2, 0, 4, 5, 3).reshape(last.shape), last)


FAN_IN = [
    "convolution 2-D",
    "strided 2-D",
    "transposed CIRCULAR",
    "rational 3 to 2, even",
    "polyphase, finer output",
    "polyphase, coarser output",
    "ball",
    "window, whole",
    "window, polyphase",
    "dense along v",
    "dense",
    "global pool",
    "pool along u",
    "pool on a torus",
    "bias map",
]


@pytest.mark.parametrize("name", FAN_IN)
def test_init_keeps_the_variance(name: str) -> None:
    """Independent inputs of variance 1 give outputs of variance 1, in the mean over sites off the border."""
    case = named(name)
    op = kn.lower(case.solution, padding="CIRCULAR") if case.grid else case.op
    axes = [a for a in op.axes if a.has_input]
    grid = tuple(n if a.size_in else 6 * n for n, a in zip(case.sizes, axes, strict=True))
    keys = jax.random.split(jax.random.key(1), 1000 // op.dim + 2)
    variance = np.var(jax.vmap(lambda key: op.init(key, grid=grid))(keys))
    reads = np.count_nonzero(op.dense(np.ones(op.weight_shape), grid)) / math.prod(op.output_shape(grid))
    assert 0.8 < variance * reads < 1.2


def test_init_by_drawing() -> None:
    """The same in numbers: random weights on a random image."""
    G = dv.translations(2, 2)
    x, y = dv.Field(G, channels=16), dv.Field(G, channels=32, spacing=2)
    op = kn.lower(dv.solve(x, y, dv.box(2)), padding="CIRCULAR")
    out = op(op.init(jax.random.key(4)), jax.random.normal(jax.random.key(3), (4, 16, 16, 16)))
    assert 0.9 < float(jnp.var(out)) < 1.1


def test_init_is_reproducible_and_takes_its_dtype() -> None:
    op = kn.lower(named("convolution 2-D").solution, dtype=jnp.bfloat16)
    w = op.init(jax.random.key(0))
    assert w.dtype == op.init_bias().dtype == jnp.bfloat16
    assert (w == op.init(jax.random.key(0))).all()
    assert not (w == op.init(jax.random.key(1))).all()
    assert w.shape == op.weight_shape
    assert w.size == op.dim


DESCRIPTIONS = {
    "convolution 1-D": ["u: convolution, 3 taps from -1, stride 1, upsampling 1, dilation 1, border ZERO"],
    "dilated": ["u: convolution, 3 taps from -2, stride 1, upsampling 1, dilation 2, border ZERO"],
    "rational 3 to 2, odd": ["u: convolution, 7 taps from -3, stride 2, upsampling 3"],
    "padding pairs": ["stride 1, upsampling 1, dilation 1, border (2, 0)", "border (-1, 3)"],
    "circular, polyphase": ["periods with 2 input and 2 output sites as channels, 3 taps, border CIRCULAR"],
    "dense along v": ["v: dense"],
    "global pool": ["u: summed over", "v: summed over"],
    "bias map": ["u: repeated", "v: repeated"],
}


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_describe(name: str) -> None:
    text = named(name).op.describe()
    for line in DESCRIPTIONS[name]:
        assert line in text


def test_describe_begins_with_the_statement() -> None:
    assert named("convolution 1-D").op.describe().startswith("Solution(Field: 2 channels on Z")
