"""What computes the layers of a network: this library, lax in both layouts, torch in both formats."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import kernels as kn
from benchmarks.contenders import FIRST, LAST, OURS
from benchmarks.torch_contender import TORCH

Array = Any  # of JAX or of torch
EPSILON = 1e-5


@dataclass(frozen=True)
class Engine:
    """The functions that a network is made of; `axis` is that of the channels, -1 or 1.

    conv(x, kernel, strides, pads, dilation, groups), up(x, kernel) with strides of 2 and windows of 2,
    max_pool(x, size, strides, zeros), batch_norm(x, scale, shift) and layer_norm(x, scale, shift).
    """

    name: str
    axis: int
    conv: Callable[..., Array]
    up: Callable[[Array, Array], Array]
    max_pool: Callable[..., Array]
    batch_norm: Callable[[Array, Array, Array], Array]
    layer_norm: Callable[[Array, Array, Array], Array]
    concatenate: Callable[[Sequence[Array], int], Array]
    relu: Callable[[Array], Array]
    relu6: Callable[[Array], Array]
    gelu: Callable[[Array], Array]
    tanh: Callable[[Array], Array]
    sigmoid: Callable[[Array], Array]

    def laid_out(self, array: np.ndarray) -> np.ndarray:
        """A channels-last image, or a kernel (size..., C, D), in the layout of this engine.

        Which of both it is makes no difference to vectors and matrices, which stay; see `kernel`.
        """
        return array if self.axis == -1 or array.ndim < 3 else np.moveaxis(array, -1, 1)

    def kernel(self, array: np.ndarray) -> np.ndarray:
        """The same of a weight."""
        return array if self.axis == -1 or array.ndim < 3 else np.moveaxis(array, (-1, -2), (0, 1))


# ---- JAX --------------------------------------------------------------------------------------------------


def _jax(
    name: str,
    axis: int,
    conv: Callable[..., Array],
    up: Callable[[Array, Array], Array],
    max_pool: Callable[..., Array],
) -> Engine:
    """Everything but convolutions and pools is the same for every engine of JAX."""

    def placed(vector: Array, ndim: int) -> Array:
        return vector if axis == -1 else vector.reshape(-1, *(1,) * (ndim - 2))

    def normalised(x: Array, axes: tuple[int, ...], scale: Array, shift: Array) -> Array:
        mean = x.mean(axes, keepdims=True)
        variance = ((x - mean) ** 2).mean(axes, keepdims=True)
        return (x - mean) * lax.rsqrt(variance + EPSILON) * placed(scale, x.ndim) + placed(shift, x.ndim)

    def batch_norm(x: Array, scale: Array, shift: Array) -> Array:
        channels = axis % x.ndim
        return normalised(x, tuple(a for a in range(x.ndim) if a != channels), scale, shift)

    def layer_norm(x: Array, scale: Array, shift: Array) -> Array:
        return normalised(x, (axis,), scale, shift)

    return Engine(
        name=name,
        axis=axis,
        conv=conv,
        up=up,
        max_pool=max_pool,
        batch_norm=batch_norm,
        layer_norm=layer_norm,
        concatenate=jnp.concatenate,
        relu=jax.nn.relu,
        relu6=jax.nn.relu6,
        gelu=jax.nn.gelu,
        tanh=jnp.tanh,
        sigmoid=jax.nn.sigmoid,
    )


def _library() -> Engine:
    def conv(x: Array, kernel: Array, strides: int, pads: Any, dilation: int, groups: int) -> Array:
        return kn.conv(x, kernel, strides=strides, padding=pads, dilation=dilation, groups=groups)

    def up(x: Array, kernel: Array) -> Array:
        return kn.conv_transpose(x, kernel, strides=2)

    def max_pool(x: Array, size: int, strides: int, zeros: int) -> Array:
        pads = ((zeros, zeros),) * (x.ndim - 2)
        return kn.max_pool(x, size, rank=x.ndim - 2, strides=strides, padding=pads)

    return _jax(OURS.name, -1, conv, up, max_pool)


def _lax(name: str, axis: int) -> Engine:
    def numbers(ndim: int) -> tuple[str, str, str]:
        space = "DHW"[-(ndim - 2) :]
        return (
            (f"N{space}C", f"{space}IO", f"N{space}C")
            if axis == -1
            else (f"NC{space}", f"OI{space}", f"NC{space}")
        )

    def conv(x: Array, kernel: Array, strides: int, pads: Any, dilation: int, groups: int) -> Array:
        rank = x.ndim - 2
        return lax.conv_general_dilated(
            x,
            kernel,
            (strides,) * rank,
            pads,
            rhs_dilation=(dilation,) * rank,
            dimension_numbers=numbers(x.ndim),
            feature_group_count=groups,
        )

    def up(x: Array, kernel: Array) -> Array:
        strides, how = (2,) * (x.ndim - 2), numbers(x.ndim)
        return lax.conv_transpose(x, kernel, strides, "VALID", dimension_numbers=how, transpose_kernel=True)

    def max_pool(x: Array, size: int, strides: int, zeros: int) -> Array:
        def along(space: Any, rest: Any) -> tuple[Any, ...]:
            middle = (space,) * (x.ndim - 2)
            return (rest, *middle, rest) if axis == -1 else (rest, rest, *middle)

        pads = along((zeros, zeros), (0, 0))
        return lax.reduce_window(x, -jnp.inf, lax.max, along(size, 1), along(strides, 1), pads)

    return _jax(name, axis, conv, up, max_pool)


OURS_ENGINE, LAX_LAST, LAX_FIRST = _library(), _lax(LAST.name, -1), _lax(FIRST.name, 1)
ENGINES = (OURS_ENGINE, LAX_LAST, LAX_FIRST)


# ---- torch ------------------------------------------------------------------------------------------------


def torch_engines() -> tuple[Engine, ...]:
    """One per memory format; none where torch is absent. Norms and pools are torch's own."""
    return tuple(map(_torch, TORCH)) if find_spec("torch") else ()


def _torch(name: str) -> Engine:
    import torch
    from torch.nn import functional as F

    torch.set_num_threads(os.cpu_count() or 1)

    def conv(x: Array, kernel: Array, strides: int, pads: Any, dilation: int, groups: int) -> Array:
        call = (F.conv1d, F.conv2d, F.conv3d)[x.ndim - 3]
        if any(lo != hi for lo, hi in pads):
            x, pads = F.pad(x, [n for pair in reversed(pads) for n in pair]), ((0, 0),) * len(pads)
        zeros = tuple(lo for lo, _ in pads)
        return call(x, kernel, None, strides, zeros, dilation, groups)

    def up(x: Array, kernel: Array) -> Array:
        call = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[x.ndim - 3]
        return call(x, kernel, stride=2)

    def max_pool(x: Array, size: int, strides: int, zeros: int) -> Array:
        return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[x.ndim - 3](x, size, strides, zeros)

    def layer_norm(x: Array, scale: Array, shift: Array) -> Array:
        last = x.movedim(1, -1)
        return F.layer_norm(last, last.shape[-1:], scale, shift, EPSILON).movedim(-1, 1)

    return Engine(
        name=name,
        axis=1,
        conv=conv,
        up=up,
        max_pool=max_pool,
        batch_norm=lambda x, scale, shift: F.batch_norm(x, None, None, scale, shift, True, 0.0, EPSILON),
        layer_norm=layer_norm,
        concatenate=lambda images, axis: torch.cat(list(images), axis),
        relu=F.relu,
        relu6=F.relu6,
        gelu=lambda x: F.gelu(x, approximate="tanh"),
        tanh=torch.tanh,
        sigmoid=torch.sigmoid,
    )
