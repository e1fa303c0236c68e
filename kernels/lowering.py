"""Lower a solution to a jitted op."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

import jax.numpy as jnp

from kernels.convolution import options
from kernels.convolution.choice.table import Policy
from kernels.differential import (
    DifferentialOp,
    DifferentialSum,
    PlainDifferential,
    lower_differential,
    refuse_differences,
)
from kernels.equivariant import EquivariantOp
from kernels.errors import KernelError, PaddingError, RadialError, ShapeError, WindowError, brief, known
from kernels.lattice.lower import lower_lattice
from kernels.maps.bilinear.lower import lower_bilinear
from kernels.maps.bilinear.op import BilinearOp
from kernels.maps.lower import PlainMaps, lower_maps
from kernels.precision import named as named_precision
from kernels.sampled.lower import lower_sampled
from kernels.sampled.op import SampledOp
from kernels.space.lower import PlainSpace, lower_points
from kernels.space.op import PointsOp

ON_BROKEN = ("warn", "error", "ignore")


@overload
def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    on_broken: str = "warn",
    bilinear: Literal[False] = False,
) -> EquivariantOp: ...


@overload
def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    on_broken: str = "warn",
    bilinear: Any,
) -> BilinearOp: ...


@overload
def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    on_broken: str = "warn",
    radial: Any,
) -> PointsOp: ...


@overload
def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    on_broken: str = "warn",
    radial: Any = None,
    window: Any,
    band: Any = None,
    spacing: Any = None,
    strides: Any = 1,
    dilation: Any = 1,
) -> SampledOp: ...


@overload
def lower(
    solution: Any,
    *,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    spacing: Any,
    accuracy: int = 2,
) -> DifferentialOp | DifferentialSum: ...


def lower(
    solution: Any,
    *,
    sizes: Mapping[str, int] | None = None,
    channels: Sequence[int] | None = None,
    padding: Any = None,
    implementation: str | Policy = "auto",
    dtype: Any = None,
    precision: Any = None,
    on_broken: str = "warn",
    bilinear: Any = False,
    radial: Any = None,
    window: Any = None,
    band: Any = None,
    spacing: Any = None,
    strides: Any = 1,
    dilation: Any = 1,
    accuracy: int | None = None,
) -> EquivariantOp | BilinearOp | PointsOp | DifferentialOp | DifferentialSum:
    """A solution of `derive.solve` as a jitted op with free weights only.

        op(w, x, b=None) = sum_k w_k B_k x + b          B_k the exact basis of the solution

    Args:
        solution: what `derive.solve` returned.
        sizes: numbers for the symbols that are left, such as {"C": 3, "D": 16, "H": 64}.
        channels: (C_in, C_out), shorter than naming them in `sizes`.
        padding: what lies beyond the image: "SAME" (zeros), "VALID", "CIRCULAR", "REFLECT" or (low, high)
            pairs, for all axes or one for each; by default zeros on an infinite lattice or a zero boundary,
            CIRCULAR on a periodic grid.
            With SAME the output has a site wherever its lattice has one on the image: every output looks at
            the window around its own position, so a stride 2 begins at site 0 whatever the size.
        implementation: "auto", the name of one way to compute convolutions, "lax" for a trace of nothing but
            `lax`, or a policy from `autotune`.
        dtype: of the weights that `op.init` draws.
        precision: of products, as in `jax.lax`; None leaves it to `jax.default_matmul_precision`. Sums of
            bfloat16 and float16 products are kept in float32 either way.
        on_broken: "warn", "error" or "ignore" where strides, sizes or the border leave outputs beside the
            middle of the inputs, so that a turn or a mirror of the image is not one of the output. Said here
            where it is so at every size, else when the op meets a size (once, as it is traced). That images
            end, which breaks shifts, is not spoken of.
        bilinear: True for an op of two arguments where the input was stated as a product V * W, or the pair
            (V, W) whose product it is: a `BilinearOp`, op(w, v, u, b=None), that never forms the product.
        radial: for a solution on R^n, the radial functions that weights multiply, such as
            ``kn.radial.bessel(8, cutoff=5.0)``; the op is one on points, see `PointsOp`. With a window
            "optimal" (the default: least error), "rings" (Gaussians), or a function of distances
            (...) to (..., n).
        window: for a solution on R^n, how many taps along every axis; the op is a convolution on a grid whose
            equivariance error is known, see `SampledOp`.
        band: with a window: which waves are to turn rightly, up to |w| = band / (the distance of neighbouring
            taps), band in (0, pi], 3 pi/4 by default.
        spacing: with a window, or for a differential operator: the distance of neighbouring sites, 1 by
            default, one number or one for each axis, in the unit of the support's radius.
        strides, dilation: with a window, as in `kn.conv`.
        accuracy: for a differential operator, the power of the spacing as which the error falls: 2, 4 or 6.
            `solution` is then `solution.differential(order)`, or one of its operators: the op is a
            `DifferentialSum`, op(w, x), or a `DifferentialOp`, op(x).

    Returns:
        An op with `init(key)`, `kernel(w)`, `dense(w, grid)`, `dim` and `op(w, x, b=None)`, where x is
        (batch..., spatial..., C_in); without a lattice (batch..., C_in).

    Raises:
        KernelError: an option does not fit, or on_broken is "error". DeriveError: a size is missing, or the
            answer is infinite.

    >>> import derive, jax
    >>> G = derive.translations(2)
    >>> x, y = derive.Field(G, channels="C"), derive.Field(G, channels="D")
    >>> op = lower(derive.solve(x, y, support=derive.box(1)), channels=(3, 16))
    >>> w = op.init(jax.random.key(0))
    >>> op(w, jax.numpy.ones((8, 32, 32, 3))).shape, op.kernel(w).shape, op.dim
    ((8, 32, 32, 16), (3, 3, 3, 16), 432)
    """
    options.check_implementation(implementation)
    if not known(on_broken, ON_BROKEN):
        raise KernelError("on_broken", f"must be one of {ON_BROKEN}", brief(on_broken), "choose one of them")
    name = named_precision(precision)
    kind = None if dtype is None else jnp.dtype(dtype)
    if not callable(getattr(solution, "plain", None)):
        raise KernelError(
            "solution", "must be what derive.solve returns", brief(solution), "say lower(derive.solve(x, y))"
        )
    plain = solution.plain(sizes=sizes, channels=channels)
    grid = {"band": band, "spacing": spacing, "strides": strides, "dilation": dilation}
    if isinstance(plain, PlainDifferential):
        without = {n: value for n, value in grid.items() if n != "spacing"}
        _refuse_for_differential(
            sizes=sizes, channels=channels, radial=radial, bilinear=bilinear or None, window=window, **without
        )
        return lower_differential(plain, spacing, accuracy, padding, implementation, kind, name)
    refuse_differences(accuracy=accuracy)
    if isinstance(plain, PlainSpace) and window is not None:
        common = (padding, implementation, kind, name, on_broken)
        return lower_sampled(plain, window, radial, **grid, common=common)
    _refuse_grid(window, grid, plain)
    if isinstance(plain, PlainSpace):
        if padding is not None:
            raise PaddingError("padding", "needs a lattice", padding, "leave it out")
        return lower_points(plain, radial, kind, name)
    if radial is not None:
        remedy = "leave it out, or solve for fields on euclidean(n)"
        raise RadialError("radial", "needs a solution on R^n", radial, remedy)
    if isinstance(plain, PlainMaps):
        if padding is not None:
            raise PaddingError("padding", "needs a lattice", padding, "leave it out")
        op = lower_maps(plain, implementation, kind, name)
        return lower_bilinear(op, bilinear) if bilinear else op
    if bilinear:
        rule = "needs an answer between representations, without a lattice"
        raise ShapeError("bilinear", rule, plain.description, "leave it out")
    return lower_lattice(plain, padding, implementation, kind, name, on_broken)


def _refuse_grid(window: Any, given: Mapping[str, Any], plain: Any) -> None:
    """What belongs to a solution on R^n with a window, said without."""
    if window is not None:
        rule, remedy = "needs a solution on R^n", "leave it out, or solve with support=derive.window(...)"
        raise WindowError("window", rule, window, remedy)
    for argument, value in given.items():
        if _is_said(value):
            remedy = (
                "say window=7" if isinstance(plain, PlainSpace) else "say it in the fields and the support"
            )
            raise WindowError(argument, "needs a solution on R^n and a window", brief(value), remedy)


def _refuse_for_differential(**given: Any) -> None:
    for name, value in given.items():
        if _is_said(value):
            raise KernelError(
                name, "has no meaning for a differential operator", brief(value), "leave it out"
            )


def _is_said(value: Any) -> bool:
    """Whether an option is other than what it is by default, None or 1."""
    return value is not None and not (isinstance(value, int) and value == 1)
