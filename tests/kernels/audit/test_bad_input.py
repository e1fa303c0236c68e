"""What cannot be audited is refused in one line; what was patched is as before."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import derive as dv
import kernels as kn
from kernels.errors import KernelError
from tests.kernels.audit.fault import S14
from tests.kernels.audit.faults_equinox import Dropping
from tests.kernels.audit.parts import (
    C4,
    D4,
    P4M,
    Chain,
    Stack,
    conv,
    eqx_conv,
    image,
    nnx_conv,
    still,
    symmetric,
)

X, FIELD = image(8), still(C4, 8)


POINT = 4 * dv.trivial(C4)


def flat(x: jax.Array) -> jax.Array:
    return jnp.sort(x.reshape(-1))[:60].reshape(5, 3, 4)


def two(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return x, x


def shouting(x: jax.Array) -> jax.Array:
    raise RuntimeError("no such layer")


REFUSED: dict[str, tuple[Any, Any, Any, Any, str]] = {
    "not callable": (3, X, FIELD, None, "model must be callable, got int; give a module or a function"),
    "several arrays": (two, X, FIELD, None, "model must return one array, got a tuple of 2; wrap it"),
    "an error inside": (shouting, X, FIELD, None, "got RuntimeError: no such layer; call model(x) once"),
    "a constant": (lambda x: jnp.ones((1, 8, 8, 1)), X, FIELD, None, "model must depend on x"),
    "no field": (conv(S14), X, C4, None, "into must be a field, got Group; use derive.Field(...)"),
    "no field for the output": (conv(S14), X, FIELD, "r", "out must be a field, got str"),
    "another group": (conv(S14), X, FIELD, dv.trivial(D4), "into, out must be fields of one group, got C4"),
    "channels": (
        conv(S14),
        image(8, 3),
        FIELD,
        None,
        "x must hold 1 channel on 8 x 8 sites, got (2, 8, 8, 3)",
    ),
    "sites": (conv(S14), image(9), FIELD, None, "x must hold 1 channel on 8 x 8 sites, got (2, 9, 9, 1)"),
    "too few axes": (
        conv(S14),
        X[0, 0],
        FIELD,
        None,
        "must have 2 axes of sites and one of channels, got (8, 1)",
    ),
    "no samples": (conv(S14), X[:0], FIELD, None, "x must hold a sample, got (0, 8, 8, 1)"),
    "lost axes": (flat, X, FIELD, None, "must return a field: what the axes of its output mean was lost"),
    "channels of the output": (conv(S14), X, FIELD, FIELD, "must have the output's 4 channels, got Field"),
    "sites of the output": (conv(S14), X, FIELD, POINT, "must fit the model's output, which has 2 axes"),
}


@pytest.mark.parametrize(("model", "x", "into", "out", "text"), REFUSED.values(), ids=REFUSED)
def test_one_clear_line(model: Any, x: Any, into: Any, out: Any, text: str) -> None:
    with pytest.raises(KernelError) as caught:
        kn.audit(model, x, into, out)
    message = str(caught.value)
    assert text in message
    assert "\n" not in message


def test_sites_that_no_element_carries_are_reported() -> None:
    """On 8 x 9 pixels a quarter turn is no motion: it is not tested, and said so."""
    x = np.random.default_rng(0).standard_normal((1, 8, 9, 1)).astype(np.float32)
    found = kn.audit(conv(S14), x, dv.Field(P4M))
    assert set(found.uncarried) == {"r"}
    assert found.kept == ("t_u", "t_v", "m")
    assert "r was not tested: " in str(found)
    assert "8 x 9" in found.uncarried["r"]
    assert found.passed


def test_a_field_of_which_nothing_can_be_carried() -> None:
    group = dv.space_group(C4, period=(0, 0), centre=(5, 5))
    with pytest.raises(KernelError, match=r"into must have a generator that moves x, got .*8 x 8 sites"):
        kn.audit(conv(S14), X, dv.Field(group))
    with pytest.raises(KernelError, match="got the group C1, which has none"):
        kn.audit(conv(S14), X, dv.Field(dv.translations(2, period=(0, 0))))


def test_too_few_sites_for_a_shift_are_reported() -> None:
    found = kn.audit(conv(S14), image(3), dv.Field(dv.wallpaper("p4", period=2)))
    assert set(found.uncarried) == {"t_u", "t_v"}
    assert "3 x 3 sites are too few to see a shift inside of the border" in found.uncarried["t_u"]
    assert found.kept == ("r",)


def test_classes_are_as_before_even_after_an_error() -> None:
    classes = (eqx.nn.Conv, eqx.nn.Lambda, Chain, nnx.Conv, Stack, kn.EquivariantOp)
    before = [c.__call__ for c in classes]
    kn.audit(Chain([eqx_conv(S14, padding=1)]), np.moveaxis(X, -1, 1), FIELD)
    with pytest.raises(KernelError):
        kn.audit(Chain([eqx_conv(S14, padding=1), eqx.nn.Lambda(shouting)]), np.moveaxis(X, -1, 1), FIELD)
    with pytest.raises(KernelError):
        kn.audit(Stack(nnx_conv(S14), shouting), X, FIELD)
    assert [c.__call__ for c in classes] == before


def test_an_nnx_model_is_not_changed() -> None:
    model = Stack(nnx_conv(S14), nnx.BatchNorm(4, rngs=nnx.Rngs(0)), nnx.Dropout(0.5, rngs=nnx.Rngs(1)))

    def state() -> Any:
        return jax.tree.map(lambda a: jnp.copy(jax.random.key_data(a) if is_key(a) else a), nnx.state(model))

    def is_key(a: Any) -> bool:
        return bool(jnp.issubdtype(a.dtype, jax.dtypes.prng_key))

    before = state()
    kn.audit(model, X, FIELD)
    jax.tree.map(np.testing.assert_array_equal, before, state())


def test_a_training_norm_that_a_function_closes_over_is_refused_with_the_remedy() -> None:
    norm = nnx.BatchNorm(1, rngs=nnx.Rngs(0))
    with pytest.raises(KernelError, match=r"TraceContextError.*model.eval\(\) first"):
        kn.audit(lambda x: norm(x), X, FIELD)


def test_two_audits_of_one_model_are_equal() -> None:
    model = Dropping(eqx_conv(S14, padding=1), eqx.nn.Dropout(0.5))
    x = np.moveaxis(X, -1, 1)[0]
    assert str(kn.audit(model, x, FIELD)) == str(kn.audit(model, x, FIELD))


@pytest.mark.parametrize("x", [X, jnp.asarray(X), X.astype(np.float64), X.tolist(), X[0], X[None]])
def test_every_form_of_an_input(x: Any) -> None:
    assert kn.audit(conv(S14), x, FIELD).passed


def test_in_double_precision_with_strict_promotion() -> None:
    with jax.enable_x64(True), jax.numpy_dtype_promotion("strict"):
        found = kn.audit(conv(S14.astype(np.float64)), X.astype(np.float64), FIELD)
    assert found.passed
    assert found.tolerance < 1e-8


def test_a_model_of_one_batch_size() -> None:
    """A few samples are enough, unless the model is written for as many as it is given."""
    x = image(8, batch=6)
    found = kn.audit(lambda x: conv(S14)(x).reshape(6, 8, 8, 4), x, FIELD)
    assert found.passed
    assert found.shape == (6, 8, 8, 1)


def test_channels_stand_first_in_equinox_where_an_array_could_be_either() -> None:
    """Five channels on 5 x 5 sites: turned as such, an Equinox convolution keeps quarter turns."""
    layer = eqx_conv(symmetric(3, 5, 2), padding=1)
    x = image(5, 5)[0]
    assert kn.audit(layer, x, dv.Field(C4, channels=5, grid=(5, 5))).passed
