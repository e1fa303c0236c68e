"""Equivariant layers for Equinox: modules whose arrays are leaves, channels last, any number of batch axes.

>>> import derive, jax
>>> G = derive.wallpaper("p4m")
>>> conv = Conv(derive.Field(G), 8 * derive.regular(G.point), derive.window(3), key=jax.random.key(0))
>>> conv, conv(jax.numpy.ones((2, 9, 9, 1))).shape
(Conv(trivial -> 8 regular, 72 weights, 8 biases), (2, 9, 9, 64))
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import jax

try:
    import equinox as eqx
    from wadler_lindig import TextDoc  # what Equinox prints models with
except ImportError as error:
    raise ImportError("kernels.layers.equinox needs Equinox: pip install 'equiderive[layers]'") from error

import derive
from kernels.layers.core import chain, plain, table
from kernels.layers.core.spec import Spec, under
from kernels.layers.ordinary_equinox import ordinary

if (
    TYPE_CHECKING
):  # to a type checker a Module is a dataclass, made from its arrays; layers are made from fields
    _Module = Any
else:
    _Module = eqx.Module

__all__ = [*table.MAKERS, "Restrict", "Sequential"]


class Layer(_Module):
    """A layer from field `.into` to field `.out`, equivariant under `.group`."""

    spec: Spec = eqx.field(static=True)

    def __init__(self, *args: Any, key: Any = None, **options: Any) -> None:
        name = type(self).__name__
        self.spec = table.made(name, args, options)
        table.require_key(name, self.spec, key, "key=jax.random.key(0)")
        drawn = self.spec.init(key)
        for f in fields(self):
            if f.name in ("weight", "bias", "scale"):
                setattr(self, f.name, drawn.get(f.name))

    @property
    def into(self) -> derive.Field:
        """The field that it reads."""
        return self.spec.into

    @property
    def out(self) -> derive.Field:
        """The field that it returns."""
        return self.spec.out

    @property
    def group(self) -> derive.SpaceGroup:
        """What it is equivariant under: as much of the group as carries both lattices to themselves."""
        return self.spec.group

    @property
    def fields(self) -> tuple[derive.Field, derive.Field]:
        """Both fields under `.group`, as `kernels.check_equivariance` takes them."""
        return self.spec.fields

    @property
    def params(self) -> dict[str, Any]:
        """The trained parameters by name."""
        return {name: getattr(self, name) for name in self.spec.params}

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """(batch..., spatial..., C) to an array of `.out`."""
        return self.spec(self.params, x, key=key).y

    def plain(self, state: Any = None) -> eqx.Module:
        """The same layer in ordinary terms, outside of training; `state` is for statistics."""
        return ordinary(plain.plain(self.spec, self.params, {}))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.spec!r})"

    def __pdoc__(self, **options: Any) -> Any:
        """How Equinox prints it inside of a model."""
        return TextDoc(repr(self))


def layer(cls: type) -> type:
    """A class with the help and the arguments of what makes it."""
    return table.described(cls, {"key": None})


class _Weighted(Layer):
    weight: tuple[jax.Array, ...]
    bias: tuple[jax.Array, ...] | None


class _Scaled(Layer):
    scale: jax.Array | None
    bias: jax.Array | None


@layer
class Conv(_Weighted):
    pass


@layer
class ConvTranspose(_Weighted):
    pass


@layer
class Linear(_Weighted):
    pass


@layer
class Activation(Layer):
    pass


@layer
class NormActivation(Layer):
    bias: jax.Array


@layer
class Gate(Layer):
    pass


@layer
class LayerNorm(_Scaled):
    pass


@layer
class GroupPool(Layer):
    pass


@layer
class AvgPool(Layer):
    pass


@layer
class MaxPool(Layer):
    pass


@layer
class BlurPool(Layer):
    pass


@layer
class Upsample(Layer):
    pass


# ---- layers that train otherwise than they infer -----------------------------------------------------------


@layer
class Dropout(Layer):
    inference: bool

    def __init__(self, *args: Any, key: Any = None, inference: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.inference = inference

    def __call__(self, x: jax.Array, *, key: Any = None, inference: bool | None = None) -> jax.Array:
        """(batch..., spatial..., C) to the same shape; `key` is needed unless in inference."""
        train = not (self.inference if inference is None else inference)
        return self.spec(self.params, x, key=key, train=train).y


@layer
class BatchNorm(_Scaled, eqx.nn.StatefulLayer):
    index: eqx.nn.StateIndex
    inference: bool

    def __init__(self, *args: Any, key: Any = None, inference: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.index = eqx.nn.StateIndex(self.spec.init_stats())
        self.inference = inference

    def __call__(  # type: ignore[override]
        self, x: jax.Array, state: Any, *, key: Any = None, inference: bool | None = None
    ) -> tuple[jax.Array, Any]:
        """The normalised array and the state with its new statistics, as `equinox.nn.BatchNorm` does."""
        train = not (self.inference if inference is None else inference)
        y, stats = self.spec(self.params, x, stats=state.get(self.index), train=train)
        return y, state.set(self.index, dict(stats)) if train else state

    def plain(self, state: Any = None) -> eqx.Module:
        stats = self.spec.init_stats() if state is None else state.get(self.index)
        return ordinary(plain.plain(self.spec, self.params, stats))


# ---- several layers ----------------------------------------------------------------------------------------


class Sequential(eqx.nn.StatefulLayer):
    """Layers after one another, each of which must read the field that the one before returns.

        y = f_n(... f_2(f_1(x)))

    Args:
        layers: one after another, or in one list. A plain function, such as jax.nn.relu, becomes the
            `Activation` of the field that it is given, and is refused where that is.

    Raises:
        FieldError: two neighbours have different fields, or a layer has none.

    >>> G = derive.wallpaper("p4")
    >>> conv = Conv(derive.Field(G), 2 * derive.regular(G.point), derive.window(3), key=jax.random.key(0))
    >>> model = Sequential(conv, jax.nn.relu, GroupPool(conv.out))
    >>> model.out, model(jax.numpy.ones((9, 9, 1))).shape
    (Field: 2 channels on Z^2 under p4, (9, 9, 2))
    """

    layers: tuple[Any, ...]

    def __init__(self, *layers: Any) -> None:
        self.layers = tuple(chain.linked(chain.flat(layers), Activation))

    @property
    def into(self) -> derive.Field:
        """The field that the first layer reads."""
        return self.layers[0].into

    @property
    def out(self) -> derive.Field:
        """The field that the last layer returns."""
        return self.layers[-1].out

    @property
    def group(self) -> derive.SpaceGroup:
        """What all layers are equivariant under."""
        return chain.common_group(self.layers)

    @property
    def fields(self) -> tuple[derive.Field, derive.Field]:
        """Both fields under `.group`, as `kernels.check_equivariance` takes them."""
        return under(self.into, self.group), under(self.out, self.group)

    def is_stateful(self) -> bool:
        """Whether some layer keeps statistics."""
        return any(isinstance(each, eqx.nn.StatefulLayer) and each.is_stateful() for each in self.layers)

    def __call__(self, x: jax.Array, state: Any = None, *, key: Any = None) -> Any:
        """The output; with a state, as of `equinox.nn.make_with_state`, the output and the new state."""
        keys = [None] * len(self.layers) if key is None else jax.random.split(key, len(self.layers))
        for each, k in zip(self.layers, keys, strict=True):
            if isinstance(each, eqx.nn.StatefulLayer) and each.is_stateful():
                x, state = each(x, chain.require_state(state), key=k)
            else:
                x = each(x, key=k)
        return x if state is None else (x, state)

    def plain(self, state: Any = None) -> eqx.nn.Sequential:
        """The same network of ordinary layers, outside of training; `state` is for statistics."""
        return eqx.nn.Sequential([each.plain(state) for each in self.layers])


def Restrict(model: Any, subgroup: Any) -> Any:
    """A trained layer, or all layers of a model, for a subgroup of the point group: the same function.

        w_there = E w_here        E exact, with B_here = B_there E

    Args:
        model: a layer, a `Sequential` or any module that holds layers.
        subgroup: words in the generators, such as ["r^2"], or what `G.point.subgroup` returned.

    Returns:
        The same model with more weights, all that the subgroup permits, and the same values.

    Raises:
        FieldError: no subgroup, or a model without layers.

    >>> G = derive.wallpaper("p4")
    >>> conv = Conv(derive.Field(G), 2 * derive.regular(G.point), derive.window(3), key=jax.random.key(0))
    >>> conv.spec, Restrict(conv, ["r^2"]).spec
    (trivial -> 2 regular, 18 weights, 2 biases, trivial -> 2 regular, 36 weights, 4 biases)
    """
    chain.require_layers(
        any(isinstance(leaf, Layer) for leaf in jax.tree.leaves(model, is_leaf=_is_layer)), model
    )
    return jax.tree.map(lambda leaf: _restricted(leaf, subgroup), model, is_leaf=_is_layer)


def _is_layer(value: Any) -> bool:
    return isinstance(value, Layer)


def _restricted(value: Any, subgroup: Any) -> Any:
    if not isinstance(value, Layer):
        return value
    smaller = table.read_subgroup(value.into.fibre.group, subgroup)
    spec, params = value.spec.restricted(smaller, value.params)
    found = object.__new__(type(value))
    for f in fields(value):
        object.__setattr__(found, f.name, params.get(f.name, getattr(value, f.name)))
    object.__setattr__(found, "spec", spec)
    return found
