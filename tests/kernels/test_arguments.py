"""What arguments may be, in every function that takes them: integers, borders, groups, precisions."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import kernels as kn
from kernels.checking import reference
from kernels.convolution import shapes
from kernels.convolution.options import parse
from kernels.errors import GroupsError, PaddingError, PrecisionError, ShapeError, WindowError
from tests.kernels.functions import FUNCTIONS, K, X, Y, agree, call, says, takes, theirs, three

NO_INTEGERS = (0, -1, 1.0, True, "2", None, 1j, float("nan"), np.float32(2), np.True_, jnp.ones(()))
PADDING = "a name, an integer, or 1 of names, integers and (low, high) pairs"


# ---- integers ---------------------------------------------------------------------------------------------

COUNTS = {
    "strides": WindowError,
    "dilation": WindowError,
    "input_dilation": WindowError,
    "groups": GroupsError,
    "batch_group_count": GroupsError,
    "rank": WindowError,
    "window": WindowError,
    "kernel_size": WindowError,
    "out_channels": ShapeError,
    "rounds": kn.ImplementationError,
}
OPTIONAL = {"strides": ("avg_pool", "max_pool"), "rank": takes("rank"), "out_channels": takes("out_channels")}
SHAPES = ("input_shape", "kernel_shape", "output_shape", "spatial_shape", "x_shape")


@pytest.mark.parametrize("argument", COUNTS)
def test_what_is_no_positive_integer(argument: str) -> None:
    """Booleans, floats and text are no integers, one by one or in a sequence, anywhere."""
    assert takes(argument)
    for name in takes(argument):
        for wrong in NO_INTEGERS:
            if wrong is None and name in OPTIONAL.get(argument, ()):
                continue
            message = f"{argument} must be a positive integer, got {wrong!r}; give 1 or more"
            says(COUNTS[argument], message, name, **{argument: wrong})
            if COUNTS[argument] is WindowError and argument != "rank":
                says(WindowError, message, name, **{argument: (wrong,)})


@pytest.mark.parametrize("argument", ["strides", "dilation", "input_dilation"])
def test_another_number_of_axes(argument: str) -> None:
    for name in takes(argument):
        message = (
            f"{argument} must have one entry per spatial axis (1), got (1, 2); give an integer or 1 of them"
        )
        says(WindowError, message, name, **{argument: (1, 2)})


@pytest.mark.parametrize("argument", SHAPES)
def test_what_is_no_shape(argument: str) -> None:
    assert takes(argument)
    for name in takes(argument):
        for wrong in ((2, 5.0, 4), (2, True, 4), (2, -1, 4), "254", 2.5, None):
            if wrong is None and argument == "output_shape":
                continue
            with pytest.raises(ShapeError) as error:
                call(name, **{argument: wrong})
            assert str(error.value).startswith(
                f"{argument} must be non-negative integers, got {wrong!r}; give"
            )


@pytest.mark.parametrize("whole", [np.int8, np.uint16, np.int64, jnp.int32, lambda n: np.array(n)])
def test_numpy_integers(whole: Any) -> None:
    """Whatever has an index is an integer, in every place where integers stand."""
    two, one = whole(2), whole(1)
    changes: dict[str, Any] = {
        "strides": two,
        "dilation": (two,),
        "input_dilation": two,
        "groups": two,
        "batch_group_count": two,
        "padding": ((two, one),),
        "window": two,
        "kernel_size": (two,),
        "rank": one,
        "out_channels": two,
    }
    shaped = ("conv_transpose", "input_adjoint", "kernel_adjoint")  # there one option changes all shapes
    for argument, value in changes.items():
        plain = jax.tree.map(int, value) if isinstance(value, tuple) else int(value)
        for name in takes(argument):
            if name not in shaped and name not in ("explain", "autotune"):
                fits = {"kernel": K[:, :2]} if argument == "groups" and name in takes("kernel") else {}
                got, expected = (call(name, **fits, **{argument: v}) for v in (value, plain))
                np.testing.assert_array_equal(got, expected)
    for name, argument in (("input_adjoint", "input_shape"), ("kernel_adjoint", "kernel_shape")):
        shape = FUNCTIONS[name][2][argument]
        np.testing.assert_array_equal(call(name, **{argument: tuple(map(whole, shape))}), call(name))
    np.testing.assert_array_equal(call("conv_transpose", output_shape=[whole(5)]), call("conv_transpose"))
    np.testing.assert_array_equal(call("conv_matrix", spatial_shape=whole(5)), call("conv_matrix"))
    fits = {"kernel_shape": (3, 2, 4)}
    x_shape = tuple(map(whole, X.shape))
    assert call("explain", x_shape=x_shape, groups=two, **fits) == call("explain", groups=2, **fits)


# ---- borders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [(1, 2), [(1, 1), (1, 1)], [(1, 2, 3)], 0.5, True, None, [(True, 1)], [1.0], ()]
)
def test_what_is_no_padding(wrong: Any) -> None:
    for name in takes("padding"):
        message = f"padding must be {PADDING}, got {wrong!r}; write [(low, high), ...]"
        says(PaddingError, message, name, padding=wrong)


@pytest.mark.parametrize("wrong", ["FULL", ("MIRROR",), ""])
def test_unknown_names_of_borders(wrong: Any) -> None:
    text = wrong if isinstance(wrong, str) else wrong[0]
    names = ("SAME", "SAME_LOWER", "VALID", "CAUSAL", "CIRCULAR", "REFLECT", "REPLICATE")
    for name in takes("padding"):
        message = f"padding must be a known name, got {text!r}; give one of {names} or pairs"
        says(PaddingError, message, name, padding=wrong)


SPELLINGS = [
    ("same", ("SAME", "SAME")),
    (1, ((1, 1), (1, 1))),
    ((1, 2), ((1, 1), (2, 2))),
    (("Circular", 1), ("CIRCULAR", (1, 1))),
    ([[1, 2], "VALID"], ((1, 2), (0, 0))),
    (np.array([[1, 2], [0, 1]]), ((1, 2), (0, 1))),
]


@pytest.mark.parametrize(("given", "meant"), SPELLINGS)
def test_spellings_of_borders(given: Any, meant: Any, rng) -> None:
    """One for all axes or one each; an integer of a sequence is both sides of its axis, as Equinox has it."""
    x, kernel = rng.normal(size=(2, 5, 4, 2)), rng.normal(size=(3, 2, 2, 3))
    for op in (
        partial(kn.conv, x, kernel),
        partial(kn.max_pool, x, (3, 2)),
        partial(kn.patch_matrix, x, (3, 2)),
    ):
        np.testing.assert_array_equal(op(padding=given), op(padding=meant))


NUMPY = {"CIRCULAR": "wrap", "REFLECT": "reflect", "REPLICATE": "edge"}


@pytest.mark.parametrize("first", [*NUMPY, "CAUSAL", "SAME_LOWER"])
@pytest.mark.parametrize("second", NUMPY)
def test_borders_are_numpy_s(first: str, second: str, rng) -> None:
    """Each axis padded by NumPy first, with the widths that Flax gives it, and convolved without a border."""
    x, kernel = rng.normal(size=(1, 6, 5, 2)), rng.normal(size=(4, 3, 2, 3))
    low = {"CAUSAL": (3, 0), "SAME_LOWER": (2, 1)}.get(first, (1, 2))
    padded = np.pad(x, [(0, 0), low, (0, 0), (0, 0)], NUMPY.get(first, "constant"))
    padded = np.pad(padded, [(0, 0), (0, 0), (1, 1), (0, 0)], NUMPY[second])
    y = kn.conv(x, kernel, padding=(first, second))
    np.testing.assert_allclose(y, kn.conv(padded, kernel, padding="VALID"), rtol=1e-12, atol=1e-12)
    assert y.shape == (1, 6, 5, 3)


def test_causal_sees_no_future(rng) -> None:
    x, kernel = jnp.asarray(rng.normal(size=(9, 2))), jnp.asarray(rng.normal(size=(3, 2, 1)))
    seen = jax.jacobian(lambda x: kn.conv(x, kernel, padding="CAUSAL", dilation=2)[:, 0])(x)
    assert np.all(np.triu(np.abs(seen).sum(-1), 1) == 0)
    assert np.all(np.diag(np.abs(seen).sum(-1)) > 0)


BORDERS = ("SAME", "SAME_LOWER", "VALID", "CAUSAL", "CIRCULAR", "REFLECT", "REPLICATE", 1, [(2, -1)])


@pytest.mark.parametrize("padding", BORDERS, ids=str)
def test_shapes_of_transposes(padding: Any) -> None:
    """`conv_transpose` chooses a shape that `conv` takes to its input wherever there is one."""
    for n, k, strides, dilation, base in product(range(6), range(1, 5), *(range(1, 4),) * 3):
        options = parse(1, padding=padding, strides=strides, dilation=dilation, input_dilation=base)
        own = shapes.input_shape((n,), (k,), options)
        sizes = [shapes.output_shape((m,), (k,), options) for m in range(40)]
        assert own[0] >= 0
        assert (n,) not in sizes or shapes.output_shape(own, (k,), options) == (n,)
        if own[0] < 2:
            continue  # too short to be mirrored
        oracle = reference.links(
            own, (k,), padding=padding, strides=strides, dilation=dilation, input_dilation=base
        )
        assert oracle[0] == shapes.output_shape(own, (k,), options)


def test_every_shape_of_a_transpose(rng) -> None:
    """Any `output_shape` that fits, with borders and gaps: the exact transpose of `conv` there."""
    kernel = rng.normal(size=(3, 2, 3))
    how: dict[str, Any] = {"strides": 5, "input_dilation": 2, "padding": "REPLICATE"}
    fitting = [m for m in range(1, 20) if reference.links((m,), (3,), **how)[0] == (4,)]
    assert len(fitting) > 1
    for m in fitting:
        y = rng.normal(size=(4, 3))
        xbar = kn.conv_transpose(y, kernel, output_shape=(m,), **how)
        expected = reference.conv_matrix(kernel, (m,), **how).T @ y.ravel()
        np.testing.assert_allclose(xbar.ravel(), expected, rtol=1e-12, atol=1e-12)


# ---- as lax has it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("strides", [(1, 1), (2, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_input_dilation(strides: Any, groups: int, rng) -> None:
    x, kernel = rng.normal(size=(2, 5, 4, 4)), rng.normal(size=(3, 2, 4 // groups, 6))
    pads = [(2, 1), (-1, 2)]
    ours = partial(
        kn.conv, strides=strides, padding=pads, input_dilation=(2, 3), dilation=(1, 2), groups=groups
    )
    dilated = {"lhs_dilation": (2, 3), "rhs_dilation": (1, 2)}
    agree(
        ours, partial(theirs, strides=strides, padding=pads, feature_group_count=groups, **dilated), x, kernel
    )


def test_same_lower(rng) -> None:
    x, kernel = rng.normal(size=(2, 7, 5, 2)), rng.normal(size=(4, 2, 2, 3))
    given = {"strides": (2, 1), "padding": "SAME_LOWER"}
    agree(partial(kn.conv, **given), partial(theirs, **given), x, kernel)


def test_batch_group_count(rng) -> None:
    """Value and gradients, mapped too; the adjoints and the transpose by name; several batch axes."""
    x, kernel = jnp.asarray(rng.normal(size=(4, 5, 6, 3))), jnp.asarray(rng.normal(size=(3, 2, 3, 6)))
    ours, expected = partial(kn.conv, batch_group_count=2), partial(theirs, batch_group_count=2)
    agree(ours, expected, x, kernel)
    agree(jax.vmap(ours), jax.vmap(expected), jnp.stack([x, x + 1]), jnp.stack([kernel, 2 * kernel]))
    y, xbar, kbar = three(expected, x, kernel)
    named = [
        (kn.input_adjoint(jnp.cos(y), kernel, input_shape=x.shape, batch_group_count=2), xbar),
        (kn.conv_transpose(jnp.cos(y), kernel, batch_group_count=2), xbar),
        (kn.kernel_adjoint(x, jnp.cos(y), kernel_shape=kernel.shape, batch_group_count=2), kbar),
        (ours(x.reshape(2, 2, 5, 6, 3), kernel)[0], y),
    ]
    for got, wanted in named:
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12, strict=True)


def test_what_batch_groups_need() -> None:
    for name in takes("batch_group_count"):
        message = "batch_group_count must be 1 beside 2 groups, got 2; use one of them"
        says(GroupsError, message, name, batch_group_count=2, groups=2)
    message = "batch_group_count must divide the 2 samples of x, got 4; give a divisor"
    says(GroupsError, message, "conv", batch_group_count=4)
    says(GroupsError, message, "kernel_adjoint", batch_group_count=4)
    message = "batch_group_count must divide the 3 output channels, got 2; give a divisor"
    says(GroupsError, message, "conv", batch_group_count=2, kernel=K[..., :3])
    message = "batch_group_count must be 1 without a batch axis, got 2; add the axis"
    says(GroupsError, message, "conv_transpose", batch_group_count=2, x=Y[0])
    message = "batch_group_count must divide the 1 samples of x, got 2; give a divisor"
    says(GroupsError, message, "conv", batch_group_count=2, x=X[0])
    with pytest.raises(
        GroupsError, match="batch_group_count must be 1 to be checked, got 2; check the same with"
    ):
        kn.check_adjoints(partial(kn.conv, batch_group_count=2), K, X)


# ---- precision --------------------------------------------------------------------------------------------

PRECISIONS = (None, "highest", "bfloat16_3x", lax.Precision.HIGH, ("default", lax.Precision.HIGHEST))


def test_precision_as_lax_takes_it() -> None:
    for name in takes("precision"):
        op, arrays, given = FUNCTIONS[name]
        for precision in PRECISIONS:
            trace = str(jax.make_jaxpr(partial(op, **given, precision=precision))(*arrays))
            assert f"precision={precision}" in trace, name
        for wrong in ("best", 3, True, ("highest",), ("highest", "best")):
            with pytest.raises(
                PrecisionError, match=r"precision must be one of .*, a jax.lax.Precision, or two of"
            ):
                call(name, precision=wrong)
