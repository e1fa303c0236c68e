"""Equivariant layers for Flax NNX: modules of `nnx.Param`, channels last, any number of batch axes.

>>> import derive
>>> G = derive.wallpaper("p4m")
>>> conv = Conv(derive.Field(G), 8 * derive.regular(G.point), derive.window(3), rngs=nnx.Rngs(0))
>>> conv.spec, conv(jax.numpy.ones((2, 9, 9, 1))).shape
(trivial -> 8 regular, 72 weights, 8 biases, (2, 9, 9, 64))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

try:
    from flax import nnx
except ImportError as error:
    raise ImportError("kernels.layers.flax needs Flax: pip install 'equiderive[layers]'") from error

import derive
from kernels.layers.core import chain, plain, table
from kernels.layers.core.spec import Spec, under

__all__ = [*table.MAKERS, "Restrict", "Sequential"]


class Layer(nnx.Module):
    """A layer from field `.into` to field `.out`, equivariant under `.group`."""

    def __init__(self, *args: Any, rngs: nnx.Rngs | None = None, **options: Any) -> None:
        name = type(self).__name__
        self.spec: Spec = table.made(name, args, options)
        table.require_key(name, self.spec, rngs, "rngs=nnx.Rngs(0)")
        drawn = self.spec.init(rngs.params() if rngs is not None and self.spec.drawn else None)
        for each, value in drawn.items():
            setattr(self, each, _held(value))

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
        """The trained parameters by name, as arrays."""
        return {name: _read(getattr(self, name)) for name in self.spec.params}

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch..., spatial..., C) to an array of `.out`."""
        return self.spec(self.params, x).y

    def plain(self) -> nnx.Module:
        """The same layer in ordinary terms, outside of training."""
        return ordinary(plain.plain(self.spec, self.params, {}))


def _held(value: Any) -> Any:
    """Arrays as parameters: one by one where there are several."""
    return nnx.List([nnx.Param(part) for part in value]) if isinstance(value, tuple) else nnx.Param(value)


def _read(value: Any) -> Any:
    return tuple(part[...] for part in value) if isinstance(value, nnx.List) else value[...]


def layer(cls: type) -> type:
    """A class with the help and the arguments of what makes it."""
    return table.described(cls, {"rngs": None})


@layer
class Conv(Layer):
    pass


@layer
class ConvTranspose(Layer):
    pass


@layer
class Linear(Layer):
    pass


@layer
class Activation(Layer):
    pass


@layer
class NormActivation(Layer):
    pass


@layer
class Gate(Layer):
    pass


@layer
class LayerNorm(Layer):
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
    def __init__(
        self, *args: Any, rngs: nnx.Rngs | None = None, deterministic: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.deterministic = deterministic
        self.rngs = nnx.data(None if rngs is None else rngs.dropout.fork())

    def __call__(self, x: jax.Array, *, deterministic: bool | None = None, rngs: Any = None) -> jax.Array:
        """(batch..., spatial..., C) to the same shape; `rngs` unless it was made with some."""
        train = not (self.deterministic if deterministic is None else deterministic)
        stream = rngs.dropout if isinstance(rngs, nnx.Rngs) else rngs if rngs is not None else self.rngs
        key = stream() if train and stream is not None else None
        return self.spec(self.params, x, key=key, train=train).y


@layer
class BatchNorm(Layer):
    def __init__(
        self, *args: Any, rngs: nnx.Rngs | None = None, use_running_average: bool = False, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.use_running_average = use_running_average
        for name, value in self.spec.init_stats().items():
            setattr(self, name, nnx.BatchStat(value))

    @property
    def stats(self) -> dict[str, Any]:
        """The running statistics by name, as arrays."""
        return {name: _read(getattr(self, name)) for name in self.spec.stats}

    def __call__(self, x: jax.Array, *, use_running_average: bool | None = None) -> jax.Array:
        """The normalised array; while training the statistics of the module move on."""
        kept = self.use_running_average if use_running_average is None else use_running_average
        y, stats = self.spec(self.params, x, stats=self.stats, train=not kept)
        for name, value in {} if kept else stats.items():
            getattr(self, name)[...] = value
        return y

    def plain(self) -> nnx.Module:
        return ordinary(plain.plain(self.spec, self.params, self.stats))


# ---- several layers ----------------------------------------------------------------------------------------


class Sequential(nnx.Module):
    """Layers after one another, each of which must read the field that the one before returns.

        y = f_n(... f_2(f_1(x)))

    Args:
        layers: one after another, or in one list. A plain function, such as jax.nn.relu, becomes the
            `Activation` of the field that it is given, and is refused where that is.

    Raises:
        FieldError: two neighbours have different fields, or a layer has none.

    >>> G = derive.wallpaper("p4")
    >>> conv = Conv(derive.Field(G), 2 * derive.regular(G.point), derive.window(3), rngs=nnx.Rngs(0))
    >>> model = Sequential(conv, jax.nn.relu, GroupPool(conv.out))
    >>> model.out, model(jax.numpy.ones((9, 9, 1))).shape
    (Field: 2 channels on Z^2 under p4, (9, 9, 2))
    """

    def __init__(self, *layers: Any) -> None:
        self.layers = nnx.List(chain.linked(chain.flat(layers), Activation))

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
        return chain.common_group(list(self.layers))

    @property
    def fields(self) -> tuple[derive.Field, derive.Field]:
        """Both fields under `.group`, as `kernels.check_equivariance` takes them."""
        return under(self.into, self.group), under(self.out, self.group)

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch..., spatial..., C) to an array of `.out`."""
        for each in self.layers:
            x = each(x)
        return x

    def plain(self) -> nnx.Sequential:
        """The same network of ordinary layers, outside of training."""
        return nnx.Sequential(*(each.plain() for each in self.layers))


def Restrict(model: Any, subgroup: Any) -> Any:
    """A trained layer, or all layers of a model, for a subgroup of the point group: the same function.

        w_there = E w_here        E exact, with B_here = B_there E

    Args:
        model: a layer, a `Sequential` or any module that holds layers; it stays as it is.
        subgroup: words in the generators, such as ["r^2"], or what `G.point.subgroup` returned.

    Returns:
        The same model with more weights, all that the subgroup permits, and the same values.

    Raises:
        FieldError: no subgroup, or a model without layers.

    >>> G = derive.wallpaper("p4")
    >>> conv = Conv(derive.Field(G), 2 * derive.regular(G.point), derive.window(3), rngs=nnx.Rngs(0))
    >>> conv.spec, Restrict(conv, ["r^2"]).spec
    (trivial -> 2 regular, 18 weights, 2 biases, trivial -> 2 regular, 36 weights, 4 biases)
    """
    found = nnx.clone(model) if isinstance(model, nnx.Module) else None
    held = [] if found is None else [each for _, each in nnx.iter_modules(found) if isinstance(each, Layer)]
    chain.require_layers(bool(held), model)
    for each in held:
        smaller = table.read_subgroup(each.into.fibre.group, subgroup)
        each.spec, params = each.spec.restricted(smaller, each.params)
        for name, value in params.items():
            setattr(each, name, _held(value))
    return found


# ---- ordinary layers ---------------------------------------------------------------------------------------


class Bordered(nnx.Module):
    """`nnx.Conv` after repeating a border."""

    def __init__(self, conv: nnx.Conv, borders: tuple[tuple[int, int, str], ...]) -> None:
        self.conv, self.borders = conv, borders

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch..., spatial..., C_in) to (batch..., spatial..., C_out)."""
        return self.conv(plain.bordered(x, self.borders, x.ndim - 1 - len(self.borders)))


class Blocks(nnx.Module):
    """An ordinary layer between blocks of sites, whose sites are its channels."""

    def __init__(self, layer: nnx.Module, plan: Any) -> None:
        self.layer, self.plan = layer, plan

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch..., spatial..., C_in) to (batch..., spatial..., C_out)."""
        return plain.through(self.plan, self.layer, x)


class Scale(nnx.Module):
    """y = scale x + shift, channel by channel."""

    def __init__(self, scale: jax.Array, shift: jax.Array) -> None:
        self.scale, self.shift = nnx.Param(scale), nnx.Param(shift)

    def __call__(self, x: jax.Array) -> jax.Array:
        """(batch..., C) to the same shape."""
        return x * self.scale[...] + self.shift[...]


class Function(nnx.Module):
    """A function of one array, with numbers that it holds."""

    def __init__(self, name: str, fn: Callable[..., jax.Array], params: Any) -> None:
        self.name, self.fn = name, fn
        self.params = nnx.Dict({each: _held(value) for each, value in params.items()})

    def __call__(self, x: jax.Array) -> jax.Array:
        """An array to an array."""
        return self.fn({name: _read(value) for name, value in self.params.items()}, x)


def ordinary(found: plain.Plain) -> nnx.Module:
    """An ordinary layer as a module of Flax."""
    if isinstance(found, plain.PlainConv):
        conv = _conv(found)
        return Bordered(conv, found.borders) if any(low or high for low, high, _ in found.borders) else conv
    if isinstance(found, plain.PlainDense):
        dense = nnx.Linear(*found.kernel.shape, use_bias=found.bias is not None, rngs=nnx.Rngs(0))
        return _filled(dense, found)
    if isinstance(found, plain.PlainBlocks):
        return Blocks(ordinary(found.layer), found.plan)
    if isinstance(found, plain.PlainScale):
        return Scale(found.scale, found.shift)
    return Function(found.name, found.fn, found.params)


def _conv(found: plain.PlainConv) -> nnx.Conv:
    *taps, into, out = found.kernel.shape
    conv = nnx.Conv(
        into,
        out,
        tuple(taps),
        strides=found.strides,
        padding=found.pads,
        input_dilation=found.upsampling,
        kernel_dilation=found.dilation,
        use_bias=found.bias is not None,
        rngs=nnx.Rngs(0),
    )
    return _filled(conv, found)


def _filled(module: Any, found: plain.PlainConv | plain.PlainDense) -> Any:
    module.kernel[...] = found.kernel
    if found.bias is not None:
        module.bias[...] = found.bias
    return module
