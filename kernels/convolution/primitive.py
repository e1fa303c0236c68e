"""Two bilinear primitives, in one layout, closed under transposition together.

    conv_p(x, kernel):       x (N, spatial..., C), kernel (spatial..., C / groups, D)  ->  y (N, out..., D)
    conv_kernel_p(x, ybar):  the adjoint of conv_p with respect to its kernel, of the kernel's shape

The adjoint with respect to x is `conv_p` again. Everything JAX does with a convolution (forward and reverse
mode to any order, vmap, loops, export) is a statement about these two, and each of their rules returns them;
which code computes them is decided only when they are lowered (``rules.py``), on every device for its own
part of the image where there are several (``partition.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive, jaxprs_in_params
from jax.interpreters import ad, mlir
from jax.interpreters.batching import primitive_batchers

from kernels.convolution import batching, transposes
from kernels.convolution.algorithms import eigen
from kernels.convolution.borders import circle
from kernels.convolution.choice import rules
from kernels.convolution.shapes import dilated, steps
from kernels.convolution.sharding import explicit_mesh, partition
from kernels.convolution.work import Work, work_of
from kernels.jax_versions import varying

conv_p = Primitive("conv")
conv_kernel_p = Primitive("conv_kernel")


def bind(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """The convolution with its options spelled out; `circle` and `preferred_element_type` may be missing."""
    return conv_p.bind(*_equally_varying(x, kernel), **_spelled(options))


def kernel_adjoint(x: jax.Array, ybar: jax.Array, size: tuple[int, ...], **options: Any) -> jax.Array:
    """The adjoint of `bind` with respect to a kernel of this spatial size."""
    return conv_kernel_p.bind(*_equally_varying(x, ybar), size=tuple(size), **_spelled(options))


def input_adjoint(ybar: jax.Array, kernel: jax.Array, spatial: tuple[int, ...], **options: Any) -> jax.Array:
    """The adjoint of `bind` with respect to an input of this spatial shape."""
    lhs, rhs, options = transposes.input_form(ybar, kernel, spatial, **options)
    return bind(lhs, rhs, **options)


def _spelled(options: dict[str, Any]) -> dict[str, Any]:
    line = (circle.LINE,) * len(options["strides"])
    return {"circle": line, "preferred_element_type": None} | options


def _equally_varying(*arrays: jax.Array) -> list[jax.Array]:
    """Inside `jax.shard_map`, mark both operands as varying over the same mesh axes.

    The mark's transpose is the sum over those axes, without which the adjoint of a replicated kernel would be
    each device's own share.
    """
    axes = [varying(jax.typeof(a)) for a in arrays]
    union = axes[0].union(*axes)
    return [
        jax.lax.pcast(a, tuple(union - have), to="varying") if union - have else a
        for a, have in zip(arrays, axes, strict=True)
    ]


# ---- shapes -----------------------------------------------------------------------------------------------


def _output_shape(x: Any, kernel: Any, **options: Any) -> tuple[int, ...]:
    line = [
        dilated(n, b) + lo + hi
        for n, b, (lo, hi) in zip(x.shape[1:-1], options["lhs_dilation"], options["padding"], strict=True)
    ]
    window = [dilated(k, e) for k, e in zip(kernel.shape[:-2], options["rhs_dilation"], strict=True)]
    spatial = (steps(n, w, s) for n, w, s in zip(line, window, options["strides"], strict=True))
    return (x.shape[0], *spatial, kernel.shape[-1])


def _kernel_shape(x: Any, ybar: Any, *, size: tuple[int, ...], groups: int, **_: Any) -> tuple[int, ...]:
    return (*size, x.shape[-1] // groups, ybar.shape[-1])


def _type(x: Any, kernel: Any, **options: Any) -> Any:
    batch, *image, inputs = explicit_mesh.spec(x)
    outputs = explicit_mesh.spec(kernel)[-1] or (inputs if options["groups"] > 1 else None)
    shape = _output_shape(x, kernel, **options)
    return _summed(explicit_mesh.typed(x, shape, (batch, *image, outputs), kernel), options)


def _kernel_type(x: Any, ybar: Any, **options: Any) -> Any:
    inputs = explicit_mesh.spec(x)[-1] if options["groups"] == 1 else None
    taps = (None,) * len(options["size"])
    entries = (*taps, inputs, explicit_mesh.spec(ybar)[-1])
    return _summed(explicit_mesh.typed(x, _kernel_shape(x, ybar, **options), entries, ybar), options)


def _summed(kind: Any, options: dict[str, Any]) -> Any:
    """The type with the dtype of the sums."""
    wanted = options["preferred_element_type"]
    return kind if wanted is None else kind.update(dtype=jnp.dtype(wanted))


# ---- values -----------------------------------------------------------------------------------------------


Arrange = Callable[..., "Arranged"]
Unary = Callable[[jax.Array], jax.Array]


class Arranged(NamedTuple):
    """A convolution as the policy sees it: lines instead of circles, in its one layout."""

    lhs: jax.Array
    rhs: jax.Array
    options: dict[str, Any]


def _arranged(x: jax.Array, kernel: jax.Array, **options: Any) -> Arranged:
    out = _output_shape(x, kernel, **options)[1:-1]
    x, options = _cut(x, options)
    return Arranged(x, kernel, options | {"out": out})


def _arranged_kernel(x: jax.Array, ybar: jax.Array, *, size: tuple[int, ...], **options: Any) -> Arranged:
    x, options = _cut(x, options)
    lhs, rhs, options = transposes.kernel_form(x, ybar, size, **options)
    return Arranged(lhs, rhs, options | {"out": size})


def _compute(x: jax.Array, kernel: jax.Array, platform: str | None = None, **options: Any) -> jax.Array:
    shape = _output_shape(x, kernel, **options)
    if _empty(x.shape, kernel.shape, shape):
        return jnp.zeros(shape, options["preferred_element_type"] or x.dtype)
    return _chosen(partial(_arranged, **options), platform)(x, kernel)


def _compute_kernel(x: jax.Array, ybar: jax.Array, platform: str | None = None, **options: Any) -> jax.Array:
    shape = _kernel_shape(x, ybar, **options)
    if _empty(x.shape, ybar.shape, shape):
        return jnp.zeros(shape, options["preferred_element_type"] or x.dtype)
    chosen = _chosen(partial(_arranged_kernel, **options), platform, lambda y: jnp.moveaxis(y, 0, -2))
    return chosen(x, ybar)


def _chosen(arrange: Arrange, platform: str | None, after: Unary = lambda y: y) -> Callable[..., jax.Array]:
    """The convolution of the arranged operands by the implementation that the policy chooses for them."""

    def run(*operands: jax.Array) -> jax.Array:
        lhs, rhs, options = arrange(*operands)
        wanted = options.pop("preferred_element_type")
        work = work_of(lhs, rhs, platform, options)
        one = rules.implementation_of(work, options.pop("implementation"))
        how = {name: _ON_CPU[name] for name in one.takes if platform == "cpu"}
        if one.name == "xla" and platform != "cpu":  # there XLA gains nothing, and cannot multiply int4
            how["preferred_element_type"] = wanted
        else:
            lhs, rhs = _as(wanted, lhs, rhs)
        return after(one.compute(lhs, rhs, **options, **how))

    return run


def _as(dtype: Any, *arrays: jax.Array) -> tuple[jax.Array, ...]:
    return arrays if dtype is None else tuple(array.astype(dtype) for array in arrays)


def _apart(function: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """As a function of its own in the compiled program, which XLA does not merge with what is around it.

    Merged, whatever computes an operand would be computed again for every tap that reads it.
    """

    def call(*operands: jax.Array) -> jax.Array:
        with set_xla_metadata(inlineable="false"):
            return jax.jit(function)(*operands)

    return call


_ON_CPU: dict[str, Any] = {"apart": _apart, "convolve": eigen.best}


def works(jaxpr: Any, platform: str | None) -> list[Work]:
    """What every convolution of a trace has to do on a platform, inner traces included."""
    found = []
    for equation in jaxpr.eqns:
        if equation.primitive in (conv_p, conv_kernel_p):
            found.append(_work(equation, platform))
        for inner in jaxprs_in_params(equation.params):
            found += works(inner, platform)
    return found


def _work(equation: Any, platform: str | None) -> Work:
    arrange: Arrange = _arranged if equation.primitive is conv_p else _arranged_kernel
    kept: list[dict[str, Any]] = []

    def shapes(*operands: jax.Array) -> tuple[jax.Array, jax.Array]:
        lhs, rhs, options = arrange(*operands, **equation.params)
        kept.append(options)
        return lhs, rhs

    lhs, rhs = jax.eval_shape(shapes, *(variable.aval for variable in equation.invars))
    return work_of(lhs, rhs, platform, kept[0])


def _empty(*shapes: tuple[Any, ...]) -> bool:
    """A sum over nothing is zero. XLA refuses empty windows, which the adjoints of empty results have."""
    return any(isinstance(n, int) and n == 0 for shape in shapes for n in shape)


def _cut(x: jax.Array, options: dict[str, Any]) -> tuple[jax.Array, dict[str, Any]]:
    """Every circle cut open: the image and the options of an implementation."""
    geometry = {name: options[name] for name in ("padding", "lhs_dilation", "circle")}
    x, line = circle.cut(x, **geometry)
    rest = {name: value for name, value in options.items() if name not in geometry}
    return x, rest | line


# ---- transposition ----------------------------------------------------------------------------------------


def _conv_to_input(ybar: jax.Array, x: Any, kernel: jax.Array, **options: Any) -> jax.Array:
    (kernel,) = _as(ybar.dtype, kernel)
    return _like(input_adjoint(ybar, kernel, x.aval.shape[1:-1], **options), x.aval)


def _conv_to_kernel(ybar: jax.Array, x: jax.Array, kernel: Any, **options: Any) -> jax.Array:
    (x,) = _as(ybar.dtype, x)
    return _like(kernel_adjoint(x, ybar, kernel.aval.shape[:-2], **options), kernel.aval)


def _kernel_to_input(kbar: jax.Array, x: Any, ybar: jax.Array, *, size: Any, **options: Any) -> jax.Array:
    (ybar,) = _as(kbar.dtype, ybar)
    return _like(input_adjoint(ybar, kbar, x.aval.shape[1:-1], **options), x.aval)


def _kernel_to_output(kbar: jax.Array, x: jax.Array, ybar: Any, *, size: Any, **options: Any) -> jax.Array:
    (x,) = _as(kbar.dtype, x)
    return _like(bind(x, kbar, **options), ybar.aval)


def _like(array: jax.Array, aval: Any) -> jax.Array:
    """A cotangent of the dtype and the distribution of its value: sums of another dtype end here."""
    return explicit_mesh.like(array.astype(aval.dtype), aval)


# ---- registration -----------------------------------------------------------------------------------------


def _compiled(primitive: Primitive, *arrays: jax.Array, **options: Any) -> jax.Array:
    """The primitive by itself, compiled as any of JAX's is, so that the choice is the one of its lowering."""
    with jax.disable_jit(False):
        return _program(primitive, tuple(options.items()))(*arrays)


@lru_cache(maxsize=256)
def _program(primitive: Primitive, options: tuple[tuple[str, Any], ...]) -> Callable[..., jax.Array]:
    return jax.jit(partial(primitive.bind, **dict(options)))


def _register(primitive: Primitive, type_of: Any, compute: Any, rules: Any, batch: Any) -> None:
    primitive.def_impl(partial(_compiled, primitive))  # reached only where jit is disabled
    primitive.def_abstract_eval(type_of)
    ad.defbilinear(primitive, *rules)
    primitive_batchers[primitive] = batch
    for platform in (None, "cpu"):
        one = mlir.lower_fun(partial(compute, platform=platform), multiple_results=False)
        mlir.register_lowering(primitive, partition.lowering(primitive, one), platform=platform)


_register(conv_p, _type, _compute, (_conv_to_input, _conv_to_kernel), partial(batching.conv, bind))
_register(
    conv_kernel_p,
    _kernel_type,
    _compute_kernel,
    (_kernel_to_input, _kernel_to_output),
    partial(batching.kernel_adjoint, kernel_adjoint),
)
