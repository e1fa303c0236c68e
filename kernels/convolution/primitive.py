"""One bilinear primitive, in one layout, closed under its own transposition.

    conv_p(x, kernel):  x (N, spatial..., C), kernel (spatial..., C / groups, D)  ->  y (N, out..., D)

Everything JAX does with a convolution (forward and reverse mode to any order, vmap, loops, export) is a
statement about this primitive, and each of its rules returns the primitive again; which code computes it is
decided only when it is lowered (``policy.py``).
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir

from kernels.convolution import adjoint, policy
from kernels.convolution.options import Pads
from kernels.convolution.saved import Policy
from kernels.convolution.sizes import dilated, steps

conv_p = Primitive("conv")


def bind(
    x: jax.Array,
    kernel: jax.Array,
    *,
    strides: tuple[int, ...],
    padding: Pads,
    lhs_dilation: tuple[int, ...],
    rhs_dilation: tuple[int, ...],
    groups: int,
    implementation: str | Policy,
    precision: Any,
) -> jax.Array:
    """The primitive with every option spelled out."""
    return conv_p.bind(
        *_equally_varying(x, kernel),
        strides=strides,
        padding=padding,
        lhs_dilation=lhs_dilation,
        rhs_dilation=rhs_dilation,
        groups=groups,
        implementation=implementation,
        precision=precision,
    )


def _equally_varying(*arrays: jax.Array) -> list[jax.Array]:
    """Inside `jax.shard_map`, mark both operands as varying over the same mesh axes.

    The mark's transpose is the sum over those axes, without which the adjoint of a replicated kernel would be
    each device's own share.
    """
    axes = [_varying(jax.typeof(a)) for a in arrays]
    union = axes[0].union(*axes)
    return [
        jax.lax.pcast(a, tuple(union - have), to="varying") if union - have else a
        for a, have in zip(arrays, axes, strict=True)
    ]


def _varying(aval: Any) -> frozenset[Any]:
    """The mesh axes over which a value varies; JAX has moved the attribute once."""
    kind = getattr(aval, "manual_axis_type", None)
    return frozenset(getattr(aval, "vma", ()) if kind is None else kind.varying)


def _output_shape(x: Any, kernel: Any, **options: Any) -> tuple[int, ...]:
    line = [
        dilated(n, b) + lo + hi
        for n, b, (lo, hi) in zip(x.shape[1:-1], options["lhs_dilation"], options["padding"], strict=True)
    ]
    window = [dilated(k, e) for k, e in zip(kernel.shape[:-2], options["rhs_dilation"], strict=True)]
    spatial = (steps(n, w, s) for n, w, s in zip(line, window, options["strides"], strict=True))
    return (x.shape[0], *spatial, kernel.shape[-1])


def _abstract(x: Any, kernel: Any, **options: Any) -> jax.core.ShapedArray:
    # updated from x, not made anew, so that what is known about its device axes is kept
    return x.update(shape=_output_shape(x, kernel, **options), weak_type=False)


def _compute(x: jax.Array, kernel: jax.Array, platform: str | None = None, **options: Any) -> jax.Array:
    shape = _output_shape(x, kernel, **options)
    # A sum over nothing is zero. XLA refuses empty windows, which the adjoints of empty results have.
    if any(isinstance(n, int) and n == 0 for n in (*x.shape, *kernel.shape, *shape)):
        return jnp.zeros(shape, x.dtype)
    return policy.compute(x, kernel, platform=platform, out=shape[1:-1], **options)


def _input_transpose(ybar: jax.Array, x: Any, kernel: jax.Array, **options: Any) -> jax.Array:
    lhs, rhs, options = adjoint.input_form(ybar, kernel, x.aval.shape[1:-1], **options)
    return bind(lhs, rhs, **options)


def _kernel_transpose(ybar: jax.Array, x: jax.Array, kernel: Any, **options: Any) -> jax.Array:
    lhs, rhs, options = adjoint.kernel_form(x, ybar, kernel.aval.shape[:-2], **options)
    return jnp.moveaxis(bind(lhs, rhs, **options), 0, -2)


def _batch(args: tuple[jax.Array, jax.Array], dims: tuple[Any, Any], **options: Any) -> tuple[jax.Array, int]:
    x, kernel = args
    if dims[1] is None:
        return _batch_input(jnp.moveaxis(x, dims[0], 0), kernel, **options), 0
    if dims[0] is None:
        return _batch_kernel(x, jnp.moveaxis(kernel, dims[1], -2), **options), 0
    return _batch_both(jnp.moveaxis(x, dims[0], -2), jnp.moveaxis(kernel, dims[1], -2), **options), 0


def _batch_input(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """The mapped axis joins the batch."""
    y = bind(x.reshape(x.shape[0] * x.shape[1], *x.shape[2:]), kernel, **options)
    return y.reshape(*x.shape[:2], *y.shape[1:])


def _batch_kernel(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """The mapped axis joins the output channels, inside each group: (k..., C, B, G D) -> (k..., C, G B D)."""
    groups = options["groups"]
    *head, size, outputs = kernel.shape
    split = jnp.swapaxes(kernel.reshape(*head, size, groups, outputs // groups), -3, -2)
    y = bind(x, split.reshape(*head, size * outputs), **options)
    y = jnp.moveaxis(y.reshape(*y.shape[:-1], groups, size, outputs // groups), -2, 0)
    return y.reshape(*y.shape[:-2], outputs)


def _batch_both(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """The mapped axis joins the groups, as the outer one: (..., B, G C) -> (..., B G C)."""
    size, outputs = kernel.shape[-2:]
    options["groups"] *= size if size != 0 else 1
    wide = x.reshape(*x.shape[:-2], size * x.shape[-1])
    y = bind(wide, kernel.reshape(*kernel.shape[:-2], size * outputs), **options)
    return jnp.moveaxis(y.reshape(*y.shape[:-1], size, outputs), -2, 0)


def _lowering(platform: str | None) -> Any:
    return mlir.lower_fun(partial(_compute, platform=platform), multiple_results=False)


conv_p.def_impl(_compute)  # reached only where jit is disabled
conv_p.def_abstract_eval(_abstract)
ad.defbilinear(conv_p, _input_transpose, _kernel_transpose)
batching.primitive_batchers[conv_p] = _batch
mlir.register_lowering(conv_p, _lowering(None))
mlir.register_lowering(conv_p, _lowering("cpu"), platform="cpu")
