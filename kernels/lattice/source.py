"""Lattice ops as text: what `folding.py` does, written out for one plan."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kernels.lattice.axes import SPATIAL, AxisPlan
from kernels.lattice.plan import LatticePlan, periods
from kernels.source import BLOCK, Tables, blocks_text, function, joined, layer_says

SAMPLES = 24  # input sizes at which widths are compared before they are called constant


def lattice_source(op: Any, limit: int) -> str:
    """The text of an op whose classes have a weight for every pair of channels."""
    return _source(op, op.plan, Tables(limit), [], "w", "b")


def fibred_source(op: Any, limit: int) -> str:
    """The text of an op whose fibres are tied: the weights of classes from the free ones first."""
    tables, plan, says = Tables(limit), op.lattice.plan, "Free weights to those of the classes of site pairs."
    lines = blocks_text(tables, op.blocks, plan.weight_shape[0], plan.weight_shape[1:], "w")
    functions, bias = [BLOCK, function("classes(w)", says, [*lines, "return full"])], "b"
    if op.bias_dim:
        shape = (1, plan.channels_out)
        lines = blocks_text(tables, op.bias_blocks, plan.bias_shape[0], shape, "b")
        says = "Free biases to those of the classes of sites."
        functions.append(function("biases(b)", says, [*lines, "return full[:, 0]"]))
        bias = "biases(b)"
    return _source(op, plan, tables, functions, "classes(w)", bias)


def _source(op: Any, plan: LatticePlan, tables: Tables, functions: list[str], w: str, b: str) -> str:
    sizes = [f"n{i}" for i in range(plan.rank)]
    lines = [f"batch = x.shape[:{-1 - plan.rank}]"]
    if sizes:
        lines.append(f"{', '.join(sizes)}{',' * (plan.rank == 1)} = x.shape[{-1 - plan.rank}:-1]")
    lines.append(f"x = x.reshape({', '.join(['math.prod(batch)', *sizes, str(plan.channels_in)])})")
    axes = [_Axis.of(axis, f"n{k}") for axis, k in zip(plan.axes, _numbers(plan.axes), strict=True)]
    lines += _folded([a for a in axes if a.plan.has_input])
    lines += _convolved([a for a in axes if a.plan.kind in SPATIAL])
    lines += _unfolded(plan, [a for a in axes if a.plan.has_output])
    if op.bias_dim:
        lines += ["if b is not None:", f"    y = y + {_bias(plan, b)}"]
    lines.append("return y.reshape(*batch, *y.shape[1:])")
    kernel = function("kernel(w)", "The kernel, taps first (HWIO).", _kernel(plan, tables, w))
    names = ["batch...", *(axis.name for axis in plan.inputs)], ["batch...", *(a.name for a in plan.outputs)]
    says = layer_says(op, (*names[0], plan.channels_in), (*names[1], plan.channels_out))
    return joined(
        op.name, tables, [*functions, kernel, function("layer(w, x, b=None)", says, lines)], op.precision
    )


def _numbers(axes: Sequence[AxisPlan]) -> list[int]:
    """Which axis of the input each is; one without an input takes any number."""
    return [sum(a.has_input for a in axes[:i]) for i in range(len(axes))]


# ---- sizes -------------------------------------------------------------------------------------------------


class _Axis(NamedTuple):
    """An axis with expressions for its sizes: n of the input, m of the output, the widths of the border."""

    plan: AxisPlan
    n: str
    m: str
    low: str
    high: str

    @classmethod
    def of(cls, axis: AxisPlan, n: str) -> _Axis:
        n = str(axis.size_in) if axis.size_in is not None else n
        if axis.kind not in SPATIAL:
            return cls(axis, n, str(axis.size_out if axis.size_out is not None else ""), "0", "0")
        m = _outputs(axis, n)
        sizes = [axis.size_in] if axis.size_in is not None else [axis.b * k for k in range(2, SAMPLES)]
        both = {axis.widths(k) for k in (sizes if axis.border == "CIRCULAR" else range(2, SAMPLES))}
        if axis.size_in is not None:
            both = {axis.widths(axis.size_in)}
        if len(both) == 1:
            return cls(axis, n, m, *map(str, both.pop()))
        low = str(axis.widths(sizes[0])[0])
        if axis.kind == "fold":
            periods = f"-(-{_grouped(_plus(m, axis.start % axis.a))} // {axis.a})"
            return cls(axis, n, m, low, f"{periods} + {axis.taps - 1 - int(low)} + (-{n} // {axis.b})")
        places = n if axis.a == 1 else f"({axis.a} * ({n} - 1) + 1)"
        high = f"{axis.b} * ({m} - 1) + {axis.window - int(low)} - {places}"
        return cls(axis, n, m, low, high)

    @property
    def length(self) -> str:
        """How long the axis is once periods have been folded."""
        return f"-(-{self.n} // {self.plan.b})" if self.plan.kind == "fold" else self.n


def _outputs(axis: AxisPlan, n: str) -> str:
    if axis.size_out is not None:
        return str(axis.size_out)
    if axis.size_in is not None:
        return str(axis.outputs(axis.size_in))
    if axis.border == "CIRCULAR":
        return f"({n} // {axis.b} * {axis.a})"
    if axis.kind == "conv" and axis.border != "ZERO":
        low, high = axis.widths(2)
        places = n if axis.a == 1 else f"{axis.a} * ({n} - 1) + 1"
        return f"(({places} + {low + high - axis.window}) // {axis.b} + 1)"
    low, rise = axis.gap.denominator, axis.ratio.denominator
    before, each = axis.gap.numerator * rise, axis.ratio.numerator * low
    reach = _plus(f"{each} * {n}" if each > 1 else n, before)
    if low * rise > 1:
        reach = f"-(-({reach}) // {low * rise})"
    return reach if reach == n and not axis.start else f"({_plus(reach, -axis.start)})"


def _grouped(text: str) -> str:
    return f"({text})" if " " in text and not text.startswith("(") else text


def _plus(text: str, number: int) -> str:
    """A sum, written only where something is added."""
    return text if not number else f"{text} {'+' if number > 0 else '-'} {abs(number)}"


# ---- the kernel --------------------------------------------------------------------------------------------


def _kernel(plan: LatticePlan, tables: Tables, w: str) -> list[str]:
    """Class weights to their places: (taps..., in phases * C_in, out phases * C_out)."""
    slots, spatial, ins = plan.slots, len(plan.spatial), len(plan.inputs)
    lines = [f"w = {w}"] if w != "w" else []
    if not (slots.reshape(-1) == np.arange(slots.size)).all():
        if (slots < 0).any():  # -1 is the zero at the end
            lines.append("w = jnp.concatenate([w, jnp.zeros_like(w[:1])])")
        lines.append(f"w = w[{tables.name('CLASS', slots.reshape(-1))}]")
    taps, inner, outer = (
        math.prod(s)
        for s in (slots.shape[:spatial], slots.shape[spatial : spatial + ins], slots.shape[spatial + ins :])
    )
    if outer > 1:
        lines.append(f"w = w.reshape({taps * inner}, {outer}, *w.shape[1:]).swapaxes(1, 2)")
    shape = (*slots.shape[:spatial], inner * plan.channels_in, outer * plan.channels_out)
    return [*lines, f"return w.reshape({', '.join(map(str, shape))})"]


# ---- the layer ---------------------------------------------------------------------------------------------


def _folded(axes: Sequence[_Axis]) -> list[str]:
    """(N, sites..., C) to (N, periods of spatial axes..., in phases... * C), sums taken."""
    if all(a.plan.kind == "conv" for a in axes):
        return []
    lines = []
    room = [f"(0, -{a.n} % {a.plan.in_phases})" for a in axes]
    if any(a.plan.in_phases > 1 for a in axes):
        lines.append(f"x = jnp.pad(x, [(0, 0), {', '.join(room)}, (0, 0)])")
    split = [f"-(-{a.n} // {a.plan.in_phases}), {a.plan.in_phases}" for a in axes]
    lines.append(f"x = x.reshape(len(x), {', '.join(split)}, x.shape[-1])")
    gone = [1 + 2 * i for i, a in enumerate(axes) if a.plan.kind not in SPATIAL]
    blocks = [1 + 2 * i for i, a in enumerate(axes) if a.plan.kind in SPATIAL]
    if gone:
        lines.append(f"x = x.sum(axis={tuple(gone)}, keepdims=True)")
    order = [0, *gone, *blocks, *(2 + 2 * i for i in range(len(axes))), 1 + 2 * len(axes)]
    if order != sorted(order):
        lines.append(f"x = x.transpose{tuple(order)}")
    kept = "".join(f"x.shape[{1 + len(gone) + k}], " for k in range(len(blocks)))
    first = 1 + len(gone) + len(blocks)
    return [*lines, f"x = x.reshape(len(x), {kept}math.prod(x.shape[{first}:]))"]


def _convolved(axes: Sequence[_Axis]) -> list[str]:
    if not axes:
        return ["y = x @ kernel(w)"]
    lines, pads, dilations = [], [], []
    for k, a in enumerate(axes, 1):
        p = a.plan
        upsampling = p.a if p.kind == "conv" else 1
        if p.border == "CIRCULAR":
            lines += _circle(a, k, upsampling, len(axes))
            upsampling = 1
        elif p.border == "REFLECT":
            lines.append(f"i = np.arange({_minus(a.low)}, {a.n} + {a.high}) % (2 * {a.n} - 2)")
            lines.append(f"x = x.take(np.minimum(i, 2 * {a.n} - 2 - i), axis={k})")
        pads.append("(0, 0)" if p.border in ("CIRCULAR", "REFLECT") else f"({a.low}, {a.high})")
        dilations.append(upsampling)
    conv = [a.plan.kind == "conv" for a in axes]
    options = {
        "window_strides": tuple(a.plan.b if c else 1 for a, c in zip(axes, conv, strict=True)),
        "padding": f"[{', '.join(pads)}]",
        "lhs_dilation": tuple(dilations),
        "rhs_dilation": tuple(a.plan.dilation for a in axes),
        "dimension_numbers": _letters(len(axes)),
    }
    ones = {name: value for name, value in options.items() if "dilation" not in name or set(value) != {1}}
    shown = ",\n    ".join(f"{name}={value}" for name, value in ones.items())
    return [*lines, f"y = lax.conv_general_dilated(\n    x, kernel(w),\n    {shown},\n)"]


def _circle(a: _Axis, k: int, upsampling: int, rank: int) -> list[str]:
    """The sites that a window reads on a circle, one after the other, however often it goes round."""
    p, lines, length = a.plan, [], a.length
    if p.kind == "fold":
        count = _plus(f"-(-{_grouped(_plus(a.m, p.start % p.a))} // {p.a})", p.taps - 1)
    else:
        count = _plus(f"{p.b} * ({a.m} - 1)" if p.b > 1 else a.m, p.window - (p.b == 1))
        if upsampling > 1:
            inside = [(0, upsampling - 1, upsampling - 1) if i == k else (0, 0, 0) for i in range(rank + 2)]
            lines.append(f"x = lax.pad(x, jnp.zeros((), x.dtype), {inside})")
            length = f"({a.n} * {upsampling})"
    return [*lines, f"x = x.take(({_plus(f'np.arange({count})', -int(a.low))}) % {length}, axis={k})"]


def _minus(low: str) -> str:
    return str(-int(low))


def _letters(rank: int) -> tuple[str, str, str]:
    spatial = "DHW"[-rank:] if rank <= 3 else "0123456789"[:rank]
    return f"N{spatial}C", f"{spatial}IO", f"N{spatial}C"


def _unfolded(plan: LatticePlan, axes: Sequence[_Axis]) -> list[str]:
    """(N, periods..., out phases... * D) to (N, sites..., D)."""
    if all(a.plan.kind == "conv" for a in axes):
        return []
    spatial, shape, order, place = len(plan.spatial), [], [0], 1
    for k, a in enumerate(axes):
        phase = 1 + spatial + k
        if a.plan.kind in SPATIAL:
            order += [place, phase]
            shape.append(f"y.shape[{place}] * {a.plan.out_phases}")
            place += 1
        else:
            order.append(phase)
            shape.append(str(a.plan.out_phases))
    kept = "".join(f"y.shape[{k}], " for k in range(1, 1 + spatial))
    phases = "".join(f"{a.plan.out_phases}, " for a in axes)
    sites = ", ".join(shape)
    lines = []
    if order != sorted(order):
        lines.append(f"z = y.reshape(len(y), {kept}{phases}{plan.channels_out})")
        lines.append(f"z = z.transpose{(*order, 1 + spatial + len(axes))}")
    target = "z" if lines else "y"
    lines.append(f"y = {target}.reshape(len(y), {sites}, {plan.channels_out})")
    for k, a in enumerate(axes, 1):
        if a.plan.kind == "tile":
            lines.append(f"y = y.take(np.arange({a.m}) % {a.plan.a}, axis={k})")
        elif a.plan.kind == "fold":
            first = a.plan.start % a.plan.a
            stop = f"{first} + {a.m}" if first else a.m
            lines.append(f"y = lax.slice_in_dim(y, {first}, {stop}, axis={k})")
    return lines


def _bias(plan: LatticePlan, b: str) -> str:
    """The bias at every output site: it repeats with the output's period."""
    shape = periods(plan)
    text = f"{b}.reshape{(1, *shape, plan.channels_out)}"
    for k, (axis, period) in enumerate(zip(plan.outputs, shape, strict=True), 1):
        if period > 1:
            sites = _plus(f"np.arange(y.shape[{k}])", axis.start)
            text += f".take({f'({sites})' if axis.start else sites} % {period}, axis={k})"
    return text
