"""Fields, inputs, tied kernels and small layers that the audited models are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

import derive as dv
import kernels as kn

C4, D4 = dv.point_group("C4", dim=2), dv.point_group("D4", dim=2)
O, D1 = dv.point_group("O", dim=3), dv.point_group("D1", dim=1)
P4, P4M, P6 = dv.wallpaper("p4"), dv.wallpaper("p4m"), dv.wallpaper("p6")
T1, T2 = dv.translations(1), dv.translations(2)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


@cache
def still(group: Any, n: int, fibre: Any = None) -> dv.Field:
    """A field on n sites along each axis, moved about their centre."""
    return dv.Field(group, fibre=fibre, grid=(n,) * group.dim)


@cache
def torus(group: Any, n: int, fibre: Any = None) -> dv.Field:
    return dv.Field(group, fibre=fibre, grid=(n,) * group.dim, boundary="periodic")


def image(n: int, channels: int = 1, batch: int = 2, rank: int = 2) -> np.ndarray:
    return normal(batch, *(n,) * rank, channels, seed=n)


def symmetric(size: int, inputs: int = 1, outputs: int = 1, rank: int = 2, seed: int = 1) -> np.ndarray:
    """A kernel (taps..., C, D) that every turn and mirror of the lattice leaves alone."""
    kernel = normal(*(size,) * rank, inputs, outputs, seed=seed)
    for axis in range(rank):
        kernel = kernel + np.flip(kernel, axis)
    for i in range(rank):
        for j in range(i):
            kernel = kernel + np.swapaxes(kernel, i, j)
    if rank == 3:  # exchanges of neighbours make all permutations once summed twice
        kernel = sum(np.transpose(kernel, (*p, 3, 4)) for p in ((0, 1, 2), (1, 2, 0), (2, 0, 1)))
    return np.asarray(kernel / np.sqrt((kernel**2).sum() / outputs), np.float32)


def hexagonal(inputs: int = 1, outputs: int = 1, seed: int = 1) -> np.ndarray:
    """A kernel on a site and its six neighbours, in axial coordinates, that sixth turns leave alone."""
    kernel = np.zeros((3, 3, inputs, outputs), np.float32)
    middle, ring = normal(2, inputs, outputs, seed=seed)
    for u, v in ((1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)):
        kernel[1 + u, 1 + v] = ring
    kernel[1, 1] = middle
    return kernel


def skew(kernel: np.ndarray, seed: int = 5) -> np.ndarray:
    """The same kernel, untied."""
    return kernel + 0.3 * normal(*kernel.shape, seed=seed)


def conv(kernel: np.ndarray, **options: Any) -> Callable[[jax.Array], jax.Array]:
    return lambda x: kn.conv(x, jnp.asarray(kernel), **options)


# ---- Equinox: channels first, one sample -----------------------------------------------------------------


def eqx_conv(kernel: np.ndarray, **options: Any) -> eqx.nn.Conv:
    """An Equinox convolution with a given kernel (taps..., C, D)."""
    rank = kernel.ndim - 2
    layer = eqx.nn.Conv(rank, *kernel.shape[-2:], kernel.shape[:-2], key=jax.random.key(0), **options)
    weight = jnp.asarray(np.moveaxis(kernel, (-1, -2), (0, 1)))
    return eqx.tree_at(lambda c: c.weight, layer, weight)


class Chain(eqx.Module):
    """Layers one after the other."""

    layers: list[Any]

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return x


class Named(eqx.Module):
    """Two layers by name, and a shortcut around the second."""

    first: Any
    second: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        x = jax.nn.relu(self.first(x))
        return x + self.second(x)


class Position(eqx.Module):
    """A learned number for every site."""

    table: jax.Array

    def __call__(self, x: jax.Array) -> jax.Array:
        return x + self.table


class Typed(eqx.Module):
    """A layer that says its fields."""

    run: Callable[[jax.Array], jax.Array] = eqx.field(static=True)
    into: Any = eqx.field(static=True)
    out: Any = eqx.field(static=True)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.run(x)


def relu() -> eqx.nn.Lambda:
    return eqx.nn.Lambda(jax.nn.relu)


# ---- Flax NNX: channels last, batches --------------------------------------------------------------------


def nnx_conv(kernel: np.ndarray, **options: Any) -> nnx.Conv:
    """An NNX convolution with a given kernel (taps..., C, D)."""
    layer = nnx.Conv(*kernel.shape[-2:], kernel.shape[:-2], rngs=nnx.Rngs(0), **options)
    layer.kernel[...] = jnp.asarray(kernel)
    return layer


class Stack(nnx.Module):
    """Modules and functions one after the other."""

    def __init__(self, *layers: Any) -> None:
        self.layers = nnx.List([layer if isinstance(layer, nnx.Module) else Call(layer) for layer in layers])

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers:
            x = layer(x)
        return x


class Call(nnx.Module):
    """A function as a module."""

    def __init__(self, function: Callable[[jax.Array], jax.Array]) -> None:
        self.function = function

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.function(x)


# ---- ops of this library ---------------------------------------------------------------------------------


@cache
def solved(group: Any, into: Any, out: Any, size: int = 3, boundary: str = "CIRCULAR") -> Callable[..., Any]:
    """A convolution between two fibres, with random free weights."""
    x, y = dv.Field(group, fibre=into), dv.Field(group, fibre=out)
    support = dv.hexagon(1) if group is P6 else dv.box(size // 2)
    op = kn.lower(dv.solve(x, y, support), padding=boundary)
    w = op.init(jax.random.key(1))
    w = jax.tree.map(lambda a: a.astype(jnp.float32), w)
    return lambda x: op(w, x)
