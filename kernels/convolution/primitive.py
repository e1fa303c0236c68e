"""Two bilinear primitives, in one layout, closed under transposition together.

    conv_p(x, kernel):       x (N, spatial..., C), kernel (spatial..., C / groups, D)  ->  y (N, out..., D)
    conv_kernel_p(x, ybar):  the adjoint of conv_p with respect to its kernel, of the kernel's shape

The adjoint with respect to x is `conv_p` again, of the kernel *turned* (``transposes.py``): an option says
that the kernel, or the adjoint for it, is kept as the layer in the other direction has it. Everything JAX
does with a convolution (forward and reverse mode to any order, vmap, loops, export) is a statement about
these two, and each of their rules returns them; which code computes them is decided only when they are
lowered (``rules.py``), on every device for its own part of the image where there are several
(``partition.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend.core import Primitive, jaxprs_in_params
from jax.interpreters import ad, mlir
from jax.interpreters.batching import primitive_batchers

from kernels.convolution import batching, transposes
from kernels.convolution.algorithms import eigen, xla
from kernels.convolution.borders import circle
from kernels.convolution.choice import rules
from kernels.convolution.choice.table import Policy
from kernels.convolution.shapes import dilated, steps
from kernels.convolution.sharding import explicit_mesh, partition
from kernels.convolution.work import Work, work_of
from kernels.jax_versions import known_to_tools, varying
from kernels.lax_alone import asked
from kernels.precision import cast, mode_of

conv_p = Primitive("conv")
conv_kernel_p = Primitive("conv_kernel")
OWN = ("xla", "lax")  # written as `lax` writes them wherever XLA does not run on CPU


def bind(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """The convolution with its options spelled out; `circle`, `turned` and the dtype may be left out."""
    options = _spelled(options)
    if asked(options["implementation"]):
        return _compute(x, kernel, **options | {"implementation": "lax"})
    return conv_p.bind(*_equally_varying(x, kernel), **options)


def kernel_adjoint(x: jax.Array, ybar: jax.Array, size: tuple[int, ...], **options: Any) -> jax.Array:
    """The adjoint of `bind` with respect to a kernel of this spatial size."""
    options = _spelled(options) | {"size": tuple(size)}
    if asked(options["implementation"]):
        return _compute_kernel(x, ybar, **options | {"implementation": "lax"})
    return conv_kernel_p.bind(*_equally_varying(x, ybar), **options)


def input_adjoint(ybar: jax.Array, kernel: jax.Array, spatial: tuple[int, ...], **options: Any) -> jax.Array:
    """The adjoint of `bind` with respect to an input of this spatial shape."""
    shapes = (ybar.shape[1:-1], kernel.shape[:-2], spatial)
    return bind(ybar, kernel, **transposes.input_options(*shapes, **_spelled(options)))


def _spelled(options: dict[str, Any]) -> dict[str, Any]:
    line = (circle.LINE,) * len(options["strides"])
    return {"circle": line, "turned": False, "preferred_element_type": None} | options


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
    channels = kernel.shape[-2] * options["groups"] if options["turned"] else kernel.shape[-1]
    return (x.shape[0], *spatial, channels)


def _kernel_shape(x: Any, ybar: Any, *, size: Any, groups: int, turned: bool, **_: Any) -> tuple[int, ...]:
    within, last = _order(x.shape[-1], ybar.shape[-1], turned)
    return (*size, within // groups, last)


def _order(inputs: Any, outputs: Any, turned: bool) -> tuple[Any, Any]:
    """What belongs to the channel axes of the kernel."""
    return (outputs, inputs) if turned else (inputs, outputs)


def _type(x: Any, kernel: Any, **options: Any) -> Any:
    batch, *image, inputs = explicit_mesh.spec(x)
    *_, within, last = explicit_mesh.spec(kernel)
    outputs = last or inputs if options["groups"] > 1 else _order(within, last, options["turned"])[1]
    shape = _output_shape(x, kernel, **options)
    return _summed(explicit_mesh.typed(x, shape, (batch, *image, outputs), kernel), options)


def _kernel_type(x: Any, ybar: Any, **options: Any) -> Any:
    within, last = _order(explicit_mesh.spec(x)[-1], explicit_mesh.spec(ybar)[-1], options["turned"])
    entries = (*(None,) * len(options["size"]), within if options["groups"] == 1 else None, last)
    return _summed(explicit_mesh.typed(x, _kernel_shape(x, ybar, **options), entries, ybar), options)


def _summed(kind: Any, options: dict[str, Any]) -> Any:
    """The type with the dtype of the sums."""
    wanted = options["preferred_element_type"]
    return kind if wanted is None else kind.update(dtype=jnp.dtype(wanted))


# ---- values -----------------------------------------------------------------------------------------------


class Arranged(NamedTuple):
    """A convolution as the policy sees it: lines instead of circles, in its one layout.

    `kept`: the kernel that the caller has, where `rhs` is that kernel turned.
    """

    lhs: jax.Array
    rhs: jax.Array
    options: dict[str, Any]
    kept: jax.Array | None = None


def _arranged(x: jax.Array, kernel: jax.Array, **options: Any) -> Arranged:
    out = _output_shape(x, kernel, **options)[1:-1]
    x, options = _cut(x, options)
    if not options.pop("turned"):
        return Arranged(x, kernel, options | {"out": out})
    return Arranged(x, transposes.turn(kernel, options["groups"]), options | {"out": out}, kernel)


def _arranged_kernel(x: jax.Array, ybar: jax.Array, *, size: tuple[int, ...], **options: Any) -> Arranged:
    x, options = _cut(x, options)
    del options["turned"]  # of the result
    lhs, rhs, options = transposes.kernel_form(x, ybar, size, **options)
    return Arranged(lhs, rhs, options | {"out": size})


def _kernel_of(y: jax.Array, *, groups: int, turned: bool, **_: Any) -> jax.Array:
    """The kernel that the arranged convolution has made."""
    kernel = jnp.moveaxis(y, 0, -2)
    return transposes.turn(kernel, groups) if turned else kernel


def _own(x: jax.Array, kernel: jax.Array, **options: Any) -> jax.Array:
    """As `lax` itself has it, forward or the adjoint for the input."""
    x, options = _cut(x, options)
    return xla.forward(x, kernel, **options)


def _own_kernel(x: jax.Array, ybar: jax.Array, *, size: tuple[int, ...], **options: Any) -> jax.Array:
    """As `lax` itself has it, the larger image first: of a turned kernel that is the cotangent."""
    if options["turned"]:
        options = transposes.input_options(x.shape[1:-1], size, ybar.shape[1:-1], **options)
        x, ybar = ybar, x
    x, options = _cut(x, options)
    return xla.kernel_adjoint(
        x, ybar, **transposes.kernel_options(x.shape[1:-1], ybar.shape[1:-1], size, **options)
    )


class Form(NamedTuple):
    """What one of the primitives is for an implementation, with the way back, and what it is in `lax`."""

    name: str
    arrange: Callable[..., Arranged]
    back: Callable[..., jax.Array]
    own: Callable[..., jax.Array]


FORWARD = Form("conv", _arranged, lambda y, **_: y, _own)
KERNEL = Form("conv_kernel", _arranged_kernel, _kernel_of, _own_kernel)


def _compute(x: jax.Array, kernel: jax.Array, platform: str | None = None, **options: Any) -> jax.Array:
    return _computed(FORWARD, _output_shape(x, kernel, **options), (x, kernel), platform, **options)


def _compute_kernel(x: jax.Array, ybar: jax.Array, platform: str | None = None, **options: Any) -> jax.Array:
    return _computed(KERNEL, _kernel_shape(x, ybar, **options), (x, ybar), platform, **options)


def _computed(
    form: Form,
    shape: tuple[Any, ...],
    operands: tuple[jax.Array, jax.Array],
    platform: str | None,
    *,
    implementation: str | Policy,
    **options: Any,
) -> jax.Array:
    """The result by the implementation that is chosen for it."""
    with mode_of(operands[0].dtype):
        if _empty(shape, *(a.shape for a in operands)):
            return jnp.zeros(shape, options["preferred_element_type"] or operands[0].dtype)
        if platform != "cpu":
            one = rules.implementation_of(_work(form, operands, platform, options), implementation)
            if one.name in OWN:
                with jax.named_scope(f"{form.name}[{one.name}]"):
                    return form.own(*operands, **options)
        # elsewhere XLA gains nothing by narrow operands, and on CPU it cannot multiply int4
        wide = _as(options["preferred_element_type"], *operands)
        lhs, rhs, arranged, kept = form.arrange(*wide, **options)
        del arranged["preferred_element_type"]
        work = work_of(lhs, rhs, platform, arranged, kept is not None)
        one = rules.implementation_of(work, implementation)
        known = {"kept": kept} | (_ON_CPU if platform == "cpu" else {})
        how = {name: known[name] for name in one.takes if name in known}
        with jax.named_scope(f"{form.name}[{one.name}]"):
            y = one.compute(lhs, rhs, **arranged, **how)
        return form.back(y, **options)


def _as(dtype: Any, *arrays: jax.Array) -> tuple[jax.Array, ...]:
    return arrays if dtype is None else tuple(cast(array, dtype) for array in arrays)


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
        form = {conv_p: FORWARD, conv_kernel_p: KERNEL}.get(equation.primitive)
        if form is not None:
            options = {name: value for name, value in equation.params.items() if name != "implementation"}
            found.append(_work(form, [variable.aval for variable in equation.invars], platform, options))
        for inner in jaxprs_in_params(equation.params):
            found += works(inner, platform)
    return found


def _work(form: Form, operands: Sequence[Any], platform: str | None, options: dict[str, Any]) -> Work:
    found: list[tuple[dict[str, Any], bool]] = []

    def shapes(*operands: jax.Array) -> tuple[jax.Array, jax.Array]:
        lhs, rhs, arranged, kept = form.arrange(*operands, **options)
        found.append((arranged, kept is not None))
        return lhs, rhs

    lhs, rhs = jax.eval_shape(shapes, *operands)
    return work_of(lhs, rhs, platform, *found[0])


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
    return explicit_mesh.like(cast(array, aval.dtype), aval)


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
    known_to_tools(primitive, 2)
    for platform in (None, "cpu"):  # two rules, so that a program for several platforms has a part of each
        mlir.register_lowering(
            primitive, partition.lowering(primitive, partial(_lowered, compute)), platform=platform
        )


def _lowered(compute: Any, ctx: Any, *operands: Any, **options: Any) -> Any:
    platforms = ctx.platforms or ctx.module_context.platforms
    platform = platforms[0] if len(platforms) == 1 else None
    return mlir.lower_fun(partial(compute, platform=platform), multiple_results=False)(
        ctx, *operands, **options
    )


_register(conv_p, _type, _compute, (_conv_to_input, _conv_to_kernel), partial(batching.conv, bind))
_register(
    conv_kernel_p,
    _kernel_type,
    _compute_kernel,
    (_kernel_to_input, _kernel_to_output),
    partial(batching.kernel_adjoint, kernel_adjoint),
)
