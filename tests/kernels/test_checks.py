"""The checks themselves: they pass what is right, catch what is wrong, and say by how much."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels.convolution import primitive, transposes


@pytest.fixture
def pair(rng) -> tuple[jax.Array, jax.Array]:
    return jnp.asarray(rng.normal(size=(2, 5, 4, 2))), jnp.asarray(rng.normal(size=(3, 2, 2, 3)))


@pytest.mark.parametrize("flip", [False, True])
def test_mutant_flipped_kernel_in_the_input_adjoint(flip: bool, pair) -> None:
    """An input adjoint whose kernel is flipped where it should not be, or not where it should be, fails."""
    x, kernel = pair
    conv = partial(kn.conv, flip=flip)

    def right(ybar, kernel, *, input_shape):
        return kn.input_adjoint(ybar, kernel, input_shape=input_shape, flip=flip)

    def wrong(ybar, kernel, *, input_shape):
        return kn.input_adjoint(ybar, kernel, input_shape=input_shape, flip=not flip)

    assert kn.check_adjoints(conv, kernel, x, input_adjoint=right).passed
    with pytest.raises(kn.CheckError, match=r"input: derived against jax\.vjp must agree to 1e-12"):
        kn.check_adjoints(conv, kernel, x, input_adjoint=wrong)


@pytest.mark.parametrize("flip", [False, True])
def test_mutant_flipped_kernel_adjoint(flip: bool, pair) -> None:
    x, kernel = pair

    def wrong(x, ybar, *, kernel_shape):
        return kn.kernel_adjoint(x, ybar, kernel_shape=kernel_shape, flip=not flip)

    with pytest.raises(kn.CheckError, match=r"kernel: derived against jax\.vjp"):
        kn.check_adjoints(partial(kn.conv, flip=flip), kernel, x, kernel_adjoint=wrong)


def test_mutant_in_both_vjp_and_derived(pair, monkeypatch) -> None:
    """A flip slip in the rule itself moves vjp, grad and derived alike: the dense matrix tells."""
    x, kernel = pair
    monkeypatch.setattr(transposes, "turn", lambda kernel, groups: jnp.swapaxes(kernel, -1, -2))
    jax.clear_caches()
    try:
        with pytest.raises(kn.CheckError, match=r"input: jax\.vjp against dense transpose") as caught:
            kn.check_adjoints(kn.conv, kernel, x)
        failed = [c.name for c in caught.value.report.comparisons if not c.passed]
        assert failed == [
            f"input: {way} against dense transpose" for way in ("jax.vjp", "jax.grad", "derived")
        ]
    finally:
        jax.clear_caches()


def test_mutant_transposition_rule(pair, monkeypatch) -> None:
    """The same slip in what reverse mode uses alone: the derived adjoint tells."""
    x, kernel = pair

    @jax.custom_vjp
    def crooked(x, kernel):
        return kn.conv(x, kernel)

    def backward(saved, ybar):
        x, kernel = saved
        wrong = kn.input_adjoint(ybar, kernel[::-1], input_shape=x.shape)
        return wrong, kn.kernel_adjoint(x, ybar, kernel_shape=kernel.shape)

    crooked.defvjp(lambda x, k: (kn.conv(x, k), (x, k)), backward)
    with pytest.raises(kn.CheckError, match=r"input: jax\.vjp against dense transpose"):
        kn.check_adjoints(crooked, kernel, x)


def test_report_reads_well(pair) -> None:
    x, kernel = pair
    report = kn.check_adjoints(jax.jit(partial(kn.conv, strides=2)), kernel, x)
    lines = repr(report).split("\n")
    assert lines[0] == "check_adjoints: passed in float64"
    assert len(lines) == 11
    assert lines[1].startswith("  input: jax.grad against jax.vjp")
    assert lines[1].endswith("<= 1e-12")
    assert 0 <= report.worst <= 1e-12
    with pytest.raises(AttributeError):
        report.dtype = "float32"


def test_plain_functions_are_read_off(pair) -> None:
    """A function that is not ours: its dense matrix comes one unit vector at a time."""
    x, kernel = pair
    report = kn.check_adjoints(lambda x, k: 2 * kn.conv(x, k, padding="VALID"), kernel, x)
    assert len(report.comparisons) == 6
    assert kn.check_against_dense(partial(lambda a, x, k: a * kn.conv(x, k), 3.0), kernel, x).passed
    with pytest.raises(kn.CheckError, match="value against dense matrix must agree"):
        kn.check_against_dense(lambda x, k: kn.conv(x, k) + 1, kernel, x)


def test_large_images_are_compared_on_a_corner(rng) -> None:
    x, kernel = rng.normal(size=(1, 120, 90, 3)), rng.normal(size=(3, 3, 3, 4))
    for padding in ("SAME", "VALID", "CIRCULAR"):
        assert kn.check_adjoints(partial(kn.conv, padding=padding, strides=2), kernel, x).passed
        assert kn.check_against_dense(partial(kn.conv, padding=padding), kernel, x).passed
    y = rng.normal(size=(1, 60, 45, 4))
    assert kn.check_adjoints(partial(kn.conv_transpose, strides=2), kernel, y).passed


@pytest.mark.parametrize(
    ("group", "size", "padding", "lattice", "stride"),
    [
        (dv.translations(1), 4000, None, {"grid": 1030, "boundary": "zero"}, 1),  # nothing can be cut off
        (dv.translations(1, period=5), 4000, "CIRCULAR", {}, 5),  # a corner of whole periods
        (dv.translations(1), 4000, "REFLECT", {}, 1),  # a corner that the border can be reflected in
    ],
)
def test_large_images_of_an_op_are_cut_where_it_takes_them(
    group, size, padding, lattice, stride, rng
) -> None:
    x = dv.Field(group, channels=2, name="x", **lattice)
    y = dv.Field(group, channels=2, name="y", spacing=stride, **lattice)
    op = kn.lower(dv.solve(x, y, support=dv.box(8)), padding=padding)
    image, w = rng.normal(size=(1, lattice.get("grid", size), 2)), op.init(jax.random.key(0))
    assert kn.check_adjoints(op, w, image).passed
    assert kn.check_against_dense(op, w, image).passed


def test_what_is_too_large_to_be_written_out_is_refused() -> None:
    x = dv.Field(dv.translations(2), grid=(200, 200), boundary="periodic")
    op = kn.lower(dv.solve(x, x, support=dv.box(1)))
    with pytest.raises(kn.ShapeError, match="x must be small enough to be written out as a matrix"):
        kn.check_adjoints(op, op.init(jax.random.key(0)), np.ones((1, 200, 200, 1)))


@dataclass(frozen=True)
class Even:
    """A lowered op by hand: a symmetric kernel (b, a, b) of two free weights."""

    rank: int = 1

    def kernel(self, w: Any) -> jax.Array:
        return jnp.stack([w["b"], w["a"], w["b"]]).reshape(3, 1, 1)

    def __call__(self, w: Any, x: jax.Array, b: Any = None) -> jax.Array:
        return kn.conv(x, self.kernel(w), padding="CIRCULAR")

    def dense(self, w: Any, grid: tuple[int, ...]) -> np.ndarray:
        eye = np.eye(*grid)
        return float(w["a"]) * eye + float(w["b"]) * (np.roll(eye, 1, 0) + np.roll(eye, -1, 0))

    @property
    def symmetries(self) -> dict[str, Any]:
        shift, mirror = partial(jnp.roll, shift=1, axis=-2), partial(jnp.flip, axis=-2)
        return {"shift": (shift, shift), "mirror": (mirror, mirror)}


class EvenWithAdjoints(Even):
    def adjoints(self, w: Any, x: jax.Array, ybar: jax.Array) -> tuple[Any, jax.Array]:
        kbar = kn.kernel_adjoint(x, ybar, kernel_shape=(3, 1, 1), padding="CIRCULAR").ravel()
        return {"a": kbar[1], "b": kbar[0] + kbar[2]}, self(w, ybar)


class Lopsided(Even):
    def kernel(self, w: Any) -> jax.Array:
        return jnp.stack([w["b"], w["a"], -w["b"]]).reshape(3, 1, 1)


WEIGHTS = {"a": jnp.asarray(0.5), "b": jnp.asarray(-2.0)}


def test_lowered_ops(rng) -> None:
    x = jnp.asarray(rng.normal(size=(2, 7, 1)))
    w = {key: value.astype(x.dtype) for key, value in WEIGHTS.items()}
    assert len(kn.check_adjoints(Even(), w, x).comparisons) == 6
    assert len(kn.check_adjoints(EvenWithAdjoints(), w, x).comparisons) == 10
    assert kn.check_against_dense(Even(), w, x).passed
    assert [c.name for c in kn.check_equivariance(Even(), w, x).comparisons] == ["shift", "mirror"]
    with pytest.raises(kn.CheckError, match="value against dense matrix"):
        kn.check_against_dense(Lopsided(), w, x)
    with pytest.raises(kn.CheckError, match="against dense transpose"):
        kn.check_adjoints(Lopsided(), w, x)
    with pytest.raises(kn.CheckError, match="mirror must agree to 1e-12 of the largest entry"):
        kn.check_equivariance(Lopsided(), w, x)


def test_equivariance_needs_symmetries(pair) -> None:
    x, kernel = pair
    with pytest.raises(kn.KernelError) as caught:
        kn.check_equivariance(kn.conv, kernel, x)
    message = "transforms must name at least one symmetry, got None; give (on input, on output) pairs"
    assert str(caught.value) == message


def test_nan_never_passes(pair) -> None:
    x, kernel = pair
    with pytest.raises(kn.CheckError, match="got nan"):
        kn.check_against_dense(kn.conv, kernel, x.at[0, 0, 0, 0].set(jnp.nan))


def test_the_primitive_is_closed_under_transposition(pair) -> None:
    """Transposing twice, on either side, gives the convolution back."""
    x, kernel = pair
    options = {
        "strides": (2, 1), "padding": ((1, 2), (0, 1)), "lhs_dilation": (1, 3), "rhs_dilation": (1, 2),
        "circle": (0, 0), "groups": 1, "implementation": "auto", "precision": None, "turned": False,
    }  # fmt: skip
    y = primitive.bind(x, kernel, **options)
    once = transposes.input_options(y.shape[1:-1], kernel.shape[:-2], x.shape[1:-1], **options)
    back = transposes.input_options(x.shape[1:-1], kernel.shape[:-2], y.shape[1:-1], **once)
    assert once["turned"]
    assert {**back, "padding": None} == {**options, "padding": None}
    assert [low for low, _ in back["padding"]] == [low for low, _ in options["padding"]]
    np.testing.assert_allclose(primitive.bind(x, kernel, **back), y, rtol=1e-12)
