"""What people give that cannot work is said in one line, alike in both frameworks."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import derive as dv
import kernels as kn
from kernels.layers.core.spec import FunctionSpec, Spec
from tests.kernels.layers.frameworks import BOTH, EQUINOX, FLAX, Framework

G = dv.wallpaper("p4m")
D4 = G.point
X = dv.Field(G)
REGULAR, TURN, SIGN = dv.regular(D4), dv.irreps(D4)[-1], dv.sign(D4)
TORUS = dv.Field(G, grid=6, boundary="periodic")
OTHER, P6 = dv.wallpaper("p4"), dv.wallpaper("p6")

BAD: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], str]] = {
    "no field": (
        "Conv",
        (3, REGULAR, dv.window(3)),
        {},
        "x must be a field or a representation, got 3; give deri",
    ),
    "symbols": ("Conv", (dv.Field(G, channels="C"), REGULAR, 3), {}, "x must have numbers for sizes"),
    "no lattice": ("Conv", (REGULAR, REGULAR, dv.window(3)), {}, "field must live on a lattice for Conv"),
    "another group": (
        "Conv",
        (X, dv.regular(OTHER.point), dv.window(3)),
        {},
        "y must belong to the point group D4",
    ),
    "another lattice": (
        "Conv",
        (X, dv.Field(dv.wallpaper("p4m", period=4), fibre=REGULAR, spacing=4), dv.window(3)),
        {"strides": 2},
        "y may have no other lattice than x and strides make, got Field: 8 channels on Z^2, spacing (4, 4)",
    ),
    "strides": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"strides": 0},
        "strides must be a positive integer, got 0",
    ),
    "strides per axis": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"strides": (2, 2, 2)},
        "strides must have one entry",
    ),
    "unequal strides": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"strides": (2, 1)},
        "strides, factor must be equal along axes that a generator mixes, and 'r' mixes u and v",
    ),
    "init": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"init": "henry"},
        "init must be one of ('he', 'lecun', 'glorot')",
    ),
    "dtype": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"dtype": int},
        "dtype must be a real floating-point dtype",
    ),
    "param_dtype": (
        "Linear",
        (REGULAR, REGULAR),
        {"param_dtype": "x"},
        "param_dtype must be a real floating-point",
    ),
    "support": (
        "Conv",
        (X, REGULAR, 3),
        {},
        "support must be box, window, ball, hexagon or a set of displacements",
    ),
    "support of a group": ("Conv", (X, REGULAR, dv.window((3, 1))), {}, "support must be carried to itself"),
    "ball, stretched": (
        "Conv",
        (X, REGULAR, dv.ball(1)),
        {"dilation": 2},
        "support of kind ball cannot be stretched",
    ),
    "padding of a torus": (
        "Conv",
        (TORUS, REGULAR, dv.window(3)),
        {"padding": "SAME"},
        "padding is what the field's",
    ),
    "on_broken": (
        "MaxPool",
        (X, 2),
        {"on_broken": "shout"},
        "on_broken must be one of ('warn', 'error', 'ignore')",
    ),
    "relu of turns": (
        "Activation",
        (dv.Field(P6, fibre=dv.regular(P6.point) + 2 * dv.irreps(P6.point)[-1]), jax.nn.relu),
        {},
        "Activation acts on each channel alone, and on channels 6:10 (f2) the group acts otherwise: "
        "'r' mixes them, got relu; use NormActivation or Gate there",
    ),
    "relu of signs": (
        "Activation",
        (3 * SIGN, jax.nn.relu),
        {},
        "Activation must be odd, fn(-x) = -fn(x), where the group changes signs, as on channels 0:3 (sign)",
    ),
    "softmax": (
        "Activation",
        (REGULAR, jax.nn.softmax),
        {},
        "fn must act on every entry by itself, got softmax",
    ),
    "a sum": ("Activation", (REGULAR, jnp.sum), {}, "fn must act on every entry by itself, got sum"),
    "no function": ("Activation", (REGULAR, "relu"), {}, "fn must be a function of arrays, got 'relu'"),
    "rotations": (
        "Activation",
        (dv.defining(dv.special_orthogonal(3)), jnp.tanh),
        {},
        "'x01' turns them into each other",
    ),
    "no length": (
        "NormActivation",
        (dv.defining(dv.lorentz()),),
        {},
        "fibre must have a length that SO+(1,3) keeps, of orthogonal matrices, got V",
    ),
    "rate": ("Dropout", (REGULAR, 1.5), {}, "rate must be a probability, got 1.5; give a number from 0 to 1"),
    "how": ("GroupPool", (REGULAR, "min"), {}, "how must be one of ('max', 'mean', 'norm'), got 'min'"),
    "max of turns": (
        "GroupPool",
        (TURN,),
        {},
        "'max' needs fibres that the group permutes, and on channels 0:2 (f1)",
    ),
    "max of signs": (
        "MaxPool",
        (dv.Field(G, fibre=SIGN), 2),
        {},
        "MaxPool needs channels that the group permutes",
    ),
    "momentum": (
        "BatchNorm",
        (REGULAR,),
        {"momentum": 1.5},
        "momentum must be a number from 0 to 1, got 1.5",
    ),
    "epsilon": ("LayerNorm", (REGULAR,), {"epsilon": 0}, "epsilon must be a positive number, got 0"),
    "window": ("AvgPool", (X, 0), {}, "window must be a positive integer, got 0"),
    "window of a group": (
        "AvgPool",
        (X, (2, 3)),
        {"strides": 1},
        "window must be carried to itself by every generator, and 'r' carries a displacement of it",
    ),
    "square of a hexagon": (
        "MaxPool",
        (dv.Field(P6), 3),
        {"strides": 1},
        "carried to itself by every",
    ),
    "hexagon of a square": ("AvgPool", (X, dv.hexagon(1)), {}, "hexagon needs a hexagonal point group"),
    "padding": ("AvgPool", (X, 2), {"padding": "CAUSAL"}, "padding must lie alike on both sides, got CAUSAL"),
    "zeros on a torus": (
        "AvgPool",
        (TORUS, 2),
        {"padding": "SAME"},
        "padding is a circle where the field is periodic",
    ),
    "method": (
        "Upsample",
        (X, 2),
        {"method": "cubic"},
        "method must be one of ('nearest', 'linear'), got 'cubic'",
    ),
    "factor or size": ("Upsample", (X,), {}, "factor, size exactly one of the two must be given"),
    "size of what": ("Upsample", (X,), {"size": 9}, "grid is needed for a size, where the field has none"),
    "fewer sites": (
        "Upsample",
        (X, "1/2"),
        {},
        "factor must be at least 1, got ('1/2', '1/2'); use AvgPool or Blur",
    ),
    "uneven hexagons": ("Upsample", (dv.Field(P6), (2, 3)), {}, "must be equal along axes that a generator"),
}


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("case", BAD.values(), ids=BAD)
def test_bad_arguments(f: Framework, case: tuple[str, tuple[Any, ...], dict[str, Any], str]) -> None:
    name, args, options, text = case
    with pytest.raises((kn.KernelError, dv.DeriveError)) as caught:
        f.make(name, *args, **options)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 420


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_weights_need_a_key(f: Framework) -> None:
    name = "key" if f is EQUINOX else "rngs"
    with pytest.raises(
        kn.FieldError, match=f"^{name} is needed by Conv, whose weights are drawn, got None; give {name}="
    ):
        f.layers.Conv(X, REGULAR, dv.window(3))
    assert f.layers.AvgPool(X, 2).into == X


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_arrays_of_other_fields(f: Framework) -> None:
    layer = f.make("Conv", dv.Field(G, fibre=REGULAR), REGULAR, dv.window(3))
    for shape in ((9, 9, 3), (9, 8), (8,)):
        with pytest.raises(kn.ShapeError, match=r"x must have the shape \(batch\.\.\., site, site, 8\), got"):
            layer(np.zeros(shape, np.float32))
    closed = f.make("Activation", TORUS, jax.nn.relu)
    with pytest.raises(kn.ShapeError, match=r"\(batch\.\.\., 6, 6, 1\), got \(7, 7, 1\)"):
        closed(np.zeros((7, 7, 1), np.float32))
    with pytest.raises(kn.ShapeError, match="at least the window's sites"):
        f.make("AvgPool", X, 4)(np.zeros((3, 3, 1), np.float32))
    with pytest.raises(kn.ShapeError, match="a whole number, got 3; use a multiple of 2"):
        f.make("Upsample", X, "3/2")(np.zeros((3, 3, 1), np.float32))
    with pytest.raises(kn.PaddingError, match="mirrors more sites than the 1"):
        f.make("AvgPool", X, 3, padding="REFLECT")(np.zeros((1, 1, 1), np.float32))
    with pytest.raises(kn.ShapeError, match="multiple of 2 sites on a circle, got 5; use 4"):
        f.make("AvgPool", X, 2, padding="CIRCULAR")(np.zeros((5, 5, 1), np.float32))


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_neighbours(f: Framework) -> None:
    conv = f.make("Conv", X, REGULAR, dv.window(3))
    turns = f.make("Conv", X, 2 * TURN, dv.window(3))
    pool = f.make("AvgPool", conv.out, 2)
    S = f.layers.Sequential
    rule = (
        r"^layers\[1\] \(Conv\) after layers\[0\] \(Conv\) must read what .* returns, and their fibres differ"
    )
    with pytest.raises(kn.FieldError, match=rule):
        S(conv, turns)
    with pytest.raises(kn.FieldError, match="and their lattices differ"):
        S(conv, pool, f.make("Activation", conv.out, jax.nn.relu))
    with pytest.raises(
        kn.FieldError, match=r"^layers\[1\] \(relu\) has no fields, and is no function that commutes"
    ):
        S(turns, jax.nn.relu)
    with pytest.raises(
        kn.FieldError, match=r"^layers\[1\] \(softmax\) has no fields.*act on every entry by itself"
    ):
        S([conv, jax.nn.softmax])
    with pytest.raises(kn.FieldError, match="must hold at least one layer"):
        S()
    with pytest.raises(kn.FieldError, match="must hold a layer with fields"):
        S(jax.nn.relu)
    assert [type(each).__name__ for each in S([jax.nn.relu, conv, jax.nn.relu]).layers] == [
        "Activation",
        "Conv",
        "Activation",
    ]


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
def test_subgroups(f: Framework) -> None:
    conv = f.make("Conv", X, REGULAR, dv.window(3))
    with pytest.raises(kn.FieldError, match="subgroup must be a subgroup of D4, got C4"):
        f.layers.Restrict(conv, dv.wallpaper("p4").point)
    with pytest.raises(dv.GroupError, match="z"):
        f.layers.Restrict(conv, ["z"])
    with pytest.raises(kn.FieldError, match="model must hold a layer of this module"):
        f.layers.Restrict(lambda x: x, ["r"])


def test_state_and_randomness() -> None:
    norm = EQUINOX.make("BatchNorm", X)
    with pytest.raises(kn.FieldError, match=r"^state is needed by BatchNorm, got None; make the model with"):
        EQUINOX.layers.Sequential(norm)(np.zeros((2, 4, 4, 1), np.float32))
    for layer in (EQUINOX.layers.Dropout(X), FLAX.layers.Dropout(X)):
        with pytest.raises(kn.FieldError, match=r"^key is needed by Dropout while training"):
            layer(np.zeros((2, 4, 4, 1), np.float32))


@pytest.mark.parametrize(("module", "missing"), [("equinox", "equinox"), ("flax", "flax")])
def test_a_framework_that_is_not_there(monkeypatch: pytest.MonkeyPatch, module: str, missing: str) -> None:
    monkeypatch.delitem(sys.modules, f"kernels.layers.{module}")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"needs (Equinox|Flax): pip install 'equiderive\[layers\]'"):
        importlib.import_module(f"kernels.layers.{module}")


def test_the_core_needs_no_framework(monkeypatch: pytest.MonkeyPatch) -> None:
    core = {name for name in sys.modules if name.startswith("kernels.layers.core.")}
    for name in (*core, "kernels.layers.core"):
        monkeypatch.delitem(sys.modules, name)
    for name in ("equinox", "flax"):
        monkeypatch.setitem(sys.modules, name, None)
    for name in core:
        importlib.import_module(name)


# ---- sizes that break the symmetry -------------------------------------------------------------------------

SIZES: dict[str, tuple[str, tuple[Any, ...], dict[str, Any], int, int, str]] = {
    "stride 2 of an even size": (
        "Conv",
        (X, REGULAR, dv.window(3)),
        {"strides": 2},
        8,
        7,
        "use 7 x 7 or 9 x 9",
    ),
    "even window of an odd size": (
        "Conv",
        (X, REGULAR, dv.window(2)),
        {"strides": 2},
        7,
        8,
        "does not keep r, m",
    ),
    "pool by 3": ("MaxPool", (X, 3), {"strides": 2}, 8, 7, "3 x 3 outputs stand (-1/2, -1/2) sites beside"),
    "pool by 2": ("AvgPool", (X, 2), {}, 7, 8, "use 6 x 6 or 8 x 8"),
    "blur": ("BlurPool", (X,), {}, 6, 7, "use 5 x 5 or 7 x 7"),
}


@pytest.mark.parametrize("f", BOTH.values(), ids=BOTH)
@pytest.mark.parametrize("case", SIZES.values(), ids=SIZES)
def test_sizes_that_break_turns_are_named(f: Framework, case: Any) -> None:
    name, args, options, wrong, right, text = case
    layer = f.make(name, *args, **options)
    with pytest.warns(kn.SymmetryWarning) as caught:
        _fresh(lambda: layer(np.zeros((wrong, wrong, 1), np.float32)))
    assert any(text in str(w.message) for w in caught)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(np.zeros((right, right, 1), np.float32))
        f.make(name, *args, **options, on_broken="ignore")(np.zeros((wrong, wrong, 1), np.float32))
    strict = f.make(name, *args, **options, on_broken="error")
    with pytest.raises(kn.SymmetryError, match="must keep r, m"):
        _fresh(lambda: strict(np.zeros((wrong, wrong, 1), np.float32)))


def _fresh(call: Callable[[], Any]) -> Any:
    """A call that nothing has been said of yet."""
    from kernels.layers.core.centres import notice

    notice.cache_clear()
    jax.clear_caches()
    return call()


def test_a_layer_without_a_function_cannot_be_made() -> None:
    """What a kind of layer has to define is abstract: forgotten, it fails where it is made, by name."""

    @dataclass(frozen=True)
    class Nothing(FunctionSpec):
        pass

    for kind, missing in ((Spec, "run"), (Nothing, "value")):
        with pytest.raises(TypeError, match=f"abstract method '?{missing}"):
            kind(X, X, G)
