"""Ordinary layers of Equinox: what `plain()` of the layers returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from wadler_lindig import TextDoc  # what Equinox prints models with

from kernels.layers.core import plain


class ChannelsLast(eqx.Module):
    """`equinox.nn.Conv`, or its transpose, on arrays (batch..., spatial..., C), after repeating a border."""

    conv: Any
    borders: tuple[tuple[int, int, str], ...] = eqx.field(static=True)

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """(batch..., spatial..., C_in) to (batch..., spatial..., C_out)."""
        rank = len(self.borders)
        batch = x.shape[: x.ndim - rank - 1]
        x = jnp.moveaxis(x.reshape(-1, *x.shape[len(batch) :]), -1, 1)
        y = jnp.moveaxis(jax.vmap(self.conv)(plain.bordered(x, self.borders, 2)), 1, -1)
        return y.reshape(*batch, *y.shape[1:])


class Dense(eqx.Module):
    """y = x kernel + bias along the last axis."""

    kernel: jax.Array
    bias: jax.Array | None

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """(batch..., C_in) to (batch..., C_out)."""
        y = x @ self.kernel
        return y if self.bias is None else y + self.bias


class Blocks(eqx.Module):
    """An ordinary layer between blocks of sites, whose sites are its channels."""

    layer: Any
    plan: Any = eqx.field(static=True)

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """(batch..., spatial..., C_in) to (batch..., spatial..., C_out)."""
        return plain.through(self.plan, self.layer, x)


class Scale(eqx.Module):
    """y = scale x + shift, channel by channel."""

    scale: jax.Array
    shift: jax.Array

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """(batch..., C) to the same shape."""
        return x * self.scale + self.shift


class Function(eqx.Module):
    """A function of one array, with numbers that it holds."""

    params: Any
    fn: Callable[..., jax.Array] = eqx.field(static=True)
    name: str = eqx.field(static=True)

    def __call__(self, x: jax.Array, *, key: Any = None) -> jax.Array:
        """An array to an array."""
        return self.fn(self.params, x)

    def __pdoc__(self, **options: Any) -> Any:
        """How Equinox prints it inside of a model."""
        return TextDoc(f"Function({self.name})")


def ordinary(found: plain.Plain) -> eqx.Module:
    """An ordinary layer as a module of Equinox."""
    if isinstance(found, plain.PlainConv):
        return ChannelsLast(_conv(found), found.borders)
    if isinstance(found, plain.PlainDense):
        return Dense(found.kernel, found.bias)
    if isinstance(found, plain.PlainBlocks):
        return Blocks(ordinary(found.layer), found.plan)
    if isinstance(found, plain.PlainScale):
        return Scale(found.scale, found.shift)
    return Function(found.params, found.fn, found.name)


def _conv(found: plain.PlainConv) -> eqx.Module:
    *taps, into, out = found.kernel.shape
    rank = len(taps)
    common: dict[str, Any] = {
        "dilation": found.dilation,
        "use_bias": found.bias is not None,
        "key": jax.random.key(0),
    }
    make: Callable[..., Any] = eqx.nn.Conv
    if max(found.upsampling) == 1:
        common |= {"stride": found.strides, "padding": found.pads}
    else:  # Equinox names the border of the convolution that this is the transpose of
        spans = [e * (k - 1) for k, e in zip(taps, found.dilation, strict=True)]
        pads = tuple((s - low, s - high) for s, (low, high) in zip(spans, found.pads, strict=True))
        make, common = eqx.nn.ConvTranspose, common | {"stride": found.upsampling, "padding": pads}
    conv = make(rank, into, out, tuple(taps), **common)
    weight = jnp.moveaxis(found.kernel, (-1, -2), (0, 1))
    conv = eqx.tree_at(lambda c: c.weight, conv, weight)
    if found.bias is None:
        return conv
    return eqx.tree_at(lambda c: c.bias, conv, found.bias.reshape(-1, *[1] * rank))
