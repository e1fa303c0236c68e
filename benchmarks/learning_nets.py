"""The networks: an MLP, and three convolutional ones that differ in the group they were derived for alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp

import derive as dv
import kernels as kn

GROUPS = {"CNN": "p1", "p4": "p4", "p4m": "p4m"}
NAMES = ("MLP", *GROUPS)
WIDTHS = (10, 20, 20)  # of the CNN; the others come as near to its number of weights as they can


Statistics = list[tuple[jax.Array, jax.Array]]  # mean and variance of every feature, layer by layer


@dataclass(frozen=True)
class Net:
    """`init(key)`, and `apply(weights, images, statistics)`: logits and the statistics used.

    Features are normalised by their mean and variance over a batch, which are the statistics where None are
    given; those of a whole fibre are shared, so that no symmetry is lost.

    Source: S. Ioffe, C. Szegedy, "Batch normalization", arXiv:1502.03167.
    """

    name: str
    init: Callable[[Any], Any]
    apply: Callable[[Any, jax.Array, Statistics | None], tuple[jax.Array, Statistics]]

    @property
    def parameters(self) -> int:
        return sum(leaf.size for leaf in jax.tree.leaves(jax.eval_shape(self.init, jax.random.key(0))))


def normalised(
    x: jax.Array, bias: jax.Array, order: int, given: tuple[jax.Array, jax.Array] | None
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    """Features of fibres of `order` channels with mean 0 and variance 1, then biased."""
    fibres = x.reshape(*x.shape[:-1], -1, order)
    axes = tuple(a for a in range(fibres.ndim) if a != fibres.ndim - 2)
    mean, variance = given or (fibres.mean(axes), fibres.var(axes))
    scaled = (fibres - mean[:, None]) * jax.lax.rsqrt(variance + 1e-5)[:, None]
    return (scaled + bias.reshape(-1, 1)).reshape(x.shape), (mean, variance)


@cache
def net(name: str, side: int, classes: int, circular: bool = False) -> Net:
    """A network for images of this side; all have as many weights as the CNN, within a few per cent."""
    target = convolutional("CNN", WIDTHS, classes, circular).parameters
    if name == "MLP":
        return perceptron(side, classes, max(1, round((target - classes) / (side**2 + 1 + classes))))
    if name == "CNN":
        return convolutional(name, WIDTHS, classes, circular)
    return convolutional(name, widths(name, target, classes), classes, circular)


def perceptron(side: int, classes: int, hidden: int) -> Net:
    """One hidden layer."""

    def init(key: Any) -> Any:
        a, b = jax.random.split(key)
        first = jax.random.normal(a, (side**2, hidden)) * (2 / side**2) ** 0.5
        second = jax.random.normal(b, (hidden, classes)) * (1 / hidden) ** 0.5
        return (first, jnp.zeros(hidden)), (second, jnp.zeros(classes))

    def apply(weights: Any, images: jax.Array, given: Statistics | None) -> tuple[jax.Array, Statistics]:
        (a, c), (b, d) = weights
        x, used = normalised(images.reshape(len(images), -1) @ a, c, 1, None if given is None else given[0])
        return jax.nn.relu(x) @ b + d, [used]

    return Net("MLP", init, apply)


@cache
def layers(name: str, widths: tuple[int, ...]) -> tuple[Any, ...]:
    """The operators: the image to regular fibres, and twice between these."""
    G = dv.wallpaper(GROUPS[name])
    fields = [dv.Field(G, 1), *(dv.Field(G, fibre=c * dv.regular(G.point)) for c in widths)]
    return tuple(dv.solve(x, y, support=dv.box(1)) for x, y in itertools.pairwise(fields))


def convolutional(name: str, widths: tuple[int, ...], classes: int, circular: bool = False) -> Net:
    """Three derived convolutions of 3 x 3, means of 2 x 2 between them, the mean over sites and fibres."""
    padding, order = "CIRCULAR" if circular else "SAME", dv.wallpaper(GROUPS[name]).point.order
    convs = [kn.lower(solution, padding=padding) for solution in layers(name, widths)]

    def init(key: Any) -> Any:
        keys = jax.random.split(key, len(convs) + 1)
        drawn = [(conv.init(k), conv.init_bias()) for conv, k in zip(convs, keys, strict=False)]
        last = jax.random.normal(keys[-1], (widths[-1], classes)) * widths[-1] ** -0.5
        return [*drawn, (last, jnp.zeros(classes))]

    def apply(weights: Any, images: jax.Array, given: Statistics | None) -> tuple[jax.Array, Statistics]:
        x, statistics = images, []
        for k, (conv, (w, b)) in enumerate(zip(convs, weights, strict=False)):
            x, used = normalised(conv(w, x), b, order, None if given is None else given[k])
            statistics.append(used)
            x = jax.nn.relu(x)
            x = kn.avg_pool(x, 2, rank=2) if k == 0 or x.shape[1] > 8 else x
        fixed = x.reshape(len(x), -1, widths[-1], order).mean(axis=(1, 3))
        y, used = normalised(fixed, jnp.zeros(widths[-1]), 1, None if given is None else given[-1])
        return y @ weights[-1][0] + weights[-1][1], [*statistics, used]

    return Net(name, init, apply)


def widths(name: str, target: int, classes: int) -> tuple[int, ...]:
    """The widths, growing as the CNN's do, whose number of weights is nearest to the target."""
    order = dv.wallpaper(GROUPS[name]).point.order

    def count(c: tuple[int, ...]) -> int:
        return (
            9 * c[0]
            + sum(9 * order * a * b for a, b in itertools.pairwise(c))
            + sum(c)
            + (c[-1] + 1) * classes
        )

    choices = [(a, b, c) for a in range(1, 9) for b in range(a, 2 * a + 3) for c in range(b, b + 2)]
    return min(choices, key=lambda c: (abs(count(c) - target), c))
