"""What each primitive of JAX does to the meaning of axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from kernels.auditing.axes import (
    CHANNEL,
    FREE,
    FREQUENCY,
    MIXED,
    SITE,
    Atom,
    Axes,
    Axis,
    Book,
    images,
    merged,
    refined,
    reshaped,
    resized,
    settled,
    size_of,
    unknown,
)

Shape = tuple[int, ...]
# (axes of every operand or None where it does not depend on the input, shapes, output shape, parameters)
Rule = Callable[[list[Any], list[Shape], Shape, dict[str, Any], Book], Axes]

RANDOM = ("random_bits", "random_gamma", "threefry2x32", "rng_bit_generator", "rng_uniform", "random_wrap")
# Functions of single numbers that are not linear in them.
CURVED = (
    "abs", "cbrt", "ceil", "clamp", "cos", "cosh", "erf", "exp", "exp2", "expm1", "floor", "integer_pow",
    "log", "log1p", "logistic", "max", "min", "pow", "round", "rsqrt", "sign", "sin", "sinh", "sqrt",
    "square", "tan", "tanh", "eq", "ge", "gt", "le", "lt", "ne", "not", "and", "or", "xor",
)  # fmt: skip
LINEAR = ("conv", "conv_kernel", "sparse", "conv_general_dilated", "dot_general", "ragged_dot_general")


def axes_after(
    name: str, given: list[Any], shapes: list[Shape], out: Sequence[Shape], params: dict[str, Any], book: Book
) -> list[Axes]:
    """The meaning of every output of a primitive, from that of its operands."""
    rule = RULES.get(name, _same_rank)
    found = [settled(rule(given, shapes, shape, params, book)) for shape in out]
    return [images(axes, book) for axes in found] if name in CURVED else found


def _same_rank(given: list[Any], shapes: list[Shape], out: Shape, params: Any, book: Book) -> Axes:
    """Entry by entry, or along axes that keep their places: windows, slices, padding, sorting, sums."""
    fitting = [a for a in given if a is not None and len(a) == len(out)]
    if not fitting:
        return unknown(out)
    axes = []
    for i, n in enumerate(out):
        kept = [a[i] for a in fitting if size_of(a[i]) == n]
        axes.append(merged(kept, n, book) if kept else resized(fitting[0][i], n, book))
    return tuple(axes)


def _transpose(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    return tuple(given[0][i] for i in params["permutation"])


def _reshape(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    return refined(reshaped(given[0], out, book))


def _squeeze(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    gone = {d % len(given[0]) for d in params["dimensions"]}
    return tuple(axis for i, axis in enumerate(given[0]) if i not in gone)


def _reduce(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    first = next(a for a in given if a is not None)
    if params.get("out_sharding") is None and "axes" not in params:
        return unknown(out)
    return tuple(axis for i, axis in enumerate(first) if i not in params["axes"])


def _broadcast(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    result: list[Axis] = [(Atom(FREE, n),) for n in out]
    for axis, i in zip(given[0], params["broadcast_dimensions"], strict=True):
        if size_of(axis) == out[i]:
            result[i] = axis
    return tuple(result)


def _concatenate(
    given: list[Any], shapes: list[Shape], out: Shape, params: dict[str, Any], book: Book
) -> Axes:
    at = params["dimension"]
    present = [a for a in given if a is not None]
    axes = [merged([a[i] for a in present], n, book) for i, n in enumerate(out) if i != at]
    along = [None if a is None else a[at] for a in given]
    kinds = {_kind(a) for a in along if a is not None}
    if kinds == {CHANNEL}:
        parts = tuple((a, s[at]) for a, s in zip(along, shapes, strict=True))
        joined: Axis = (book.new(out[at], "joined", parts),)
    elif len(kinds) == 1 and MIXED not in kinds:
        joined = resized(next(a for a in along if a is not None), out[at], book)
    else:
        joined = (Atom(MIXED, out[at]),)
    return (*axes[:at], joined, *axes[at:])


def _kind(axis: Axis) -> str:
    """What an axis holds: sets of channels may be several."""
    kinds = {a.kind for a in axis}
    return kinds.pop() if len(axis) == 1 or kinds == {CHANNEL} else MIXED


def _slice(given: list[Any], shapes: list[Shape], out: Shape, params: dict[str, Any], book: Book) -> Axes:
    """As all operations that keep the places of axes; channels that are cut out remember where."""
    axes = list(_same_rank(given, shapes, out, params, book))
    strides = params["strides"] or (1,) * len(out)
    for i, axis in enumerate(given[0]):
        if size_of(axis) != out[i] and _kind(axis) == CHANNEL and strides[i] == 1:
            cut = (axis, params["start_indices"][i], params["limit_indices"][i])
            axes[i] = (book.new(out[i], "cut", cut),)
    return tuple(axes)


def _conv(given: list[Any], shapes: list[Shape], out: Shape, params: dict[str, Any], book: Book) -> Axes:
    if given[0] is None or given[1] is not None:
        return unknown(out)
    numbers, source = params["dimension_numbers"], given[0]
    lhs, to = numbers.lhs_spec, numbers.out_spec
    result: list[Axis] = [()] * len(out)
    result[to[0]] = resized(source[lhs[0]], out[to[0]], book)
    depthwise = params["feature_group_count"] == shapes[0][lhs[1]] == out[to[1]]
    result[to[1]] = source[lhs[1]] if depthwise else (book.new(out[to[1]]),)
    for i, j in zip(lhs[2:], to[2:], strict=True):
        axis = source[i]
        plain = not axis or (len(axis) == 1 and axis[0].kind in (SITE, FREE))
        result[j] = resized(axis, out[j], book) if plain else (Atom(MIXED, out[j]),)
    return tuple(result)


def _own_conv(given: list[Any], shapes: list[Shape], out: Shape, params: Any, book: Book) -> Axes:
    """This library's convolutions: places of axes are kept, channels are new ones."""
    axes = list(_same_rank(given[:1], shapes, out, params, book))
    axes[-1] = (book.new(out[-1]),)
    return tuple(axes)


def _dot(given: list[Any], shapes: list[Shape], out: Shape, params: dict[str, Any], book: Book) -> Axes:
    (contract, batch) = params["dimension_numbers"]
    free = [
        [i for i in range(len(s)) if i not in c and i not in b]
        for s, c, b in zip(shapes, contract, batch, strict=True)
    ]
    shared = [
        merged([a[i] for a, i in zip(given, pair, strict=True) if a is not None], shapes[0][pair[0]], book)
        for pair in zip(*batch, strict=True)
    ]
    sides: list[list[Axis]] = []
    for own, other, axes, shape in ((0, 1, given[0], shapes[0]), (1, 0, given[1], shapes[1])):
        if axes is not None:
            sides.append([axes[i] for i in free[own]])
            continue
        summed = [a for i in contract[other] for a in given[other][i]]
        lone = summed[0] if len(summed) == 1 and summed[0].kind == SITE else None
        fresh: list[Axis] = [(book.new(shape[i]),) for i in free[own]]
        if lone is not None and fresh:
            fresh[0] = (replace(lone, size=shape[free[own][0]]),)
        sides.append(fresh)
    return (*shared, *sides[0], *sides[1])


def _fft(given: list[Any], shapes: Any, out: Shape, params: dict[str, Any], book: Book) -> Axes:
    """Sites become frequencies, and those sites again."""
    axes = list(given[0])
    for i in range(len(out) - len(params["fft_lengths"]), len(out)):
        axis = axes[i]
        atom = axis[0] if len(axis) == 1 else Atom(MIXED, out[i])
        if atom.kind == SITE:
            axes[i] = (Atom(FREQUENCY, out[i], atom.key),)
        elif atom.kind == FREQUENCY:
            axes[i] = (Atom(SITE, out[i], atom.key),)
        else:
            axes[i] = (Atom(MIXED, out[i]),)
    return tuple(axes)


def _loop(given: list[Any], shapes: list[Shape], out: Shape, params: Any, book: Book) -> Axes:
    """Loops and branches: an output of an operand's shape is taken to mean the same."""
    fitting = [a for a in given if a is not None and tuple(map(size_of, a)) == out]
    return fitting[0] if fitting else unknown(out)


RULES: dict[str, Rule] = {
    "transpose": _transpose,
    "reshape": _reshape,
    "squeeze": _squeeze,
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "slice": _slice,
    "conv_general_dilated": _conv,
    "conv": _own_conv,
    "conv_kernel": _own_conv,
    "sparse": _own_conv,
    "dot_general": _dot,
    "fft": _fft,
    "scan": _loop,
    "while": _loop,
    "cond": _loop,
}
SUMS = "reduce_sum reduce_max reduce_min reduce_prod reduce_and reduce_or reduce_xor reduce argmax argmin"
RULES |= dict.fromkeys(SUMS.split(), _reduce)
