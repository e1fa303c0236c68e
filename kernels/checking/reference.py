"""The slow, obvious oracle: NumPy loops in float64, one term of one sum at a time.

It reads its arguments as everything else does and shares no arithmetic with the fast paths. Every function
rests on `links`, the list of which output site meets which input site through which tap; everything else is
writing those terms into a field or a matrix.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kernels.convolution.borders.border import Border
from kernels.convolution.options import parse

Array = np.ndarray
Link = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # output site, tap, input site
ALL = slice(None)


def _at(*index: Any) -> Any:
    return index


def _wide(array: Any) -> Array:
    """In float64, or complex128."""
    given = np.asarray(array)
    return given.astype(np.complex128 if np.iscomplexobj(given) else np.float64)


def line(
    n: int, k: int, stride: int, border: Border, dilation: int = 1, base: int = 1
) -> tuple[int, list[tuple[int, int, int]]]:
    """One axis: the output length, and every (output site, tap, input site) that meet; zeros meet nothing.

    >>> line(4, 3, 2, Border("SAME"))
    (2, [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 2), (1, 1, 3)])
    """
    span, places = dilation * (k - 1) + 1, base * (n - 1) + 1 if n else 0
    low, high = _widths(border, places, span, stride, base)
    count = 0
    while count * stride + span <= places + low + high:
        count += 1
    meets = []
    for p in range(count):
        for j in range(k):
            q, between = divmod(p * stride + j * dilation - low, base)
            q = q if between else _continued(q, n, border.name)
            if not between and 0 <= q < n:
                meets.append((p, j, q))
    return count, meets


def _widths(border: Border, places: int, span: int, stride: int, base: int) -> tuple[int, int]:
    total = max((math.ceil(places / stride) - 1) * stride + span - places, 0)
    half = (math.floor((span - 1) / 2), math.ceil((span - 1) / 2))
    return {
        "VALID": (0, 0),
        "SAME": (math.floor(total / 2), math.ceil(total / 2)),
        "SAME_LOWER": (math.ceil(total / 2), math.floor(total / 2)),
        "CAUSAL": (span - 1, 0),
        "CIRCULAR": (half[0], half[1] + (base - 1 if places else 0)),
        "REFLECT": half,
        "REPLICATE": half,
        "WIDTHS": (border.low, border.high),
    }[border.name]


def _continued(q: int, n: int, name: str) -> int:
    """The site of the image whose value lies at site q of the continued line."""
    if name == "CIRCULAR":
        return q % n
    if name == "REPLICATE":
        return min(max(q, 0), n - 1)
    while name == "REFLECT" and not 0 <= q < n:
        q = -q if q < 0 else 2 * (n - 1) - q
    return q


def links(
    spatial: Sequence[int], size: Sequence[int], **window: Any
) -> tuple[tuple[int, ...], Iterator[Link]]:
    """The output shape and every (output site, tap, input site) that meet, in any number of dimensions."""
    of = parse(len(spatial), **window)
    axes = [
        line(*a)
        for a in zip(spatial, size, of.strides, of.padding, of.dilation, of.input_dilation, strict=True)
    ]
    terms = (
        (tuple(t[0] for t in term), tuple(t[1] for t in term), tuple(t[2] for t in term))
        for term in itertools.product(*(meets for _, meets in axes))
    )
    return tuple(count for count, _ in axes), terms


def dense_kernel(kernel: Any, groups: int = 1, flip: bool = False) -> Array:
    """The kernel over all channels, (spatial..., C_in, C_out): zero between groups, reversed where asked."""
    kernel = _wide(kernel)
    *size, inputs, outputs = kernel.shape
    full = np.zeros((*size, inputs * groups, outputs), kernel.dtype)
    for c in range(inputs):
        for i in range(outputs):
            full[..., i // (outputs // groups) * inputs + c, i] = kernel[..., c, i]
    return full[tuple([slice(None, None, -1)] * len(size))] if flip else full


def conv(x: Any, kernel: Any, *, groups: int = 1, flip: bool = False, **window: Any) -> Array:
    """y[n,p,i] = sum over links (p, j, q) of kernel[j,c,i] x[n,q,c]."""
    x, full = _wide(x), dense_kernel(kernel, groups, flip)
    rank = full.ndim - 2
    batch, spatial = x.shape[: x.ndim - rank - 1], x.shape[x.ndim - rank - 1 : -1]
    out, terms = links(spatial, full.shape[:rank], **window)
    y = np.zeros((*batch, *out, full.shape[-1]), np.result_type(x, full))
    for p, j, q in terms:
        y[_at(..., *p, ALL)] += x[_at(..., *q, ALL)] @ full[j]
    return y


def conv_transpose(
    x: Any, kernel: Any, *, output_shape: Sequence[int], groups: int = 1, flip: bool = False, **window: Any
) -> Array:
    """y[n,q,c] = sum over links (p, j, q) of kernel[j,c,i] x[n,p,i]."""
    x, full = _wide(x), dense_kernel(kernel, groups, flip)
    rank = full.ndim - 2
    _, terms = links(output_shape, full.shape[:rank], **window)
    y = np.zeros((*x.shape[: x.ndim - rank - 1], *output_shape, full.shape[-2]), np.result_type(x, full))
    for p, j, q in terms:
        y[_at(..., *q, ALL)] += x[_at(..., *p, ALL)] @ full[j].T
    return y


def conv_matrix(
    kernel: Any, spatial_shape: Sequence[int], *, groups: int = 1, flip: bool = False, **window: Any
) -> Array:
    """The matrix of x -> conv(x, kernel) for one sample, both sides flattened as (spatial..., channels).

    >>> conv_matrix(np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1), (3,))
    array([[2., 3., 0.],
           [1., 2., 3.],
           [0., 1., 2.]])
    """
    full = dense_kernel(kernel, groups, flip)
    out, terms = links(spatial_shape, full.shape[:-2], **window)
    matrix = np.zeros((*out, full.shape[-1], *spatial_shape, full.shape[-2]), full.dtype)
    for p, j, q in terms:
        matrix[_at(*p, ALL, *q, ALL)] += full[j].T
    return matrix.reshape(math.prod(out) * full.shape[-1], math.prod(spatial_shape) * full.shape[-2])


def patch_matrix(
    x: Any,
    kernel_size: Sequence[int],
    *,
    out_channels: int = 1,
    groups: int = 1,
    flip: bool = False,
    **window: Any,
) -> Array:
    """The matrix of kernel -> conv(x, kernel), the kernel flattened as (spatial..., C_in / groups, C_out).

    >>> patch_matrix(np.arange(1.0, 4.0).reshape(3, 1), (3,))
    array([[0., 1., 2.],
           [1., 2., 3.],
           [2., 3., 0.]])
    """
    x = _wide(x)
    rank = len(kernel_size)
    first = x.ndim - rank - 1
    x = x.reshape(math.prod(x.shape[:first]), *x.shape[first:])
    inputs = x.shape[-1] // groups
    out, terms = links(x.shape[1:-1], kernel_size, **window)
    matrix = np.zeros((x.shape[0], *out, out_channels, *kernel_size, inputs, out_channels), x.dtype)
    for p, j, q in terms:
        tap = tuple(k - 1 - a for k, a in zip(kernel_size, j, strict=True)) if flip else j
        for i in range(out_channels):
            block = i // (out_channels // groups) * inputs
            own = slice(block, block + inputs)
            matrix[_at(ALL, *p, i, *tap, ALL, i)] += x[_at(ALL, *q, own)]
    rows, columns = x.shape[0] * math.prod(out) * out_channels, math.prod(kernel_size) * inputs * out_channels
    return matrix.reshape(rows, columns)


def pool(
    x: Any,
    window: Sequence[int],
    *,
    kind: str,
    count_include_pad: bool = True,
    **options: Any,
) -> Array:
    """The mean ("avg") or the largest value ("max") over the links of each output site."""
    x = _wide(x)
    first = x.ndim - len(window) - 1
    out, terms = links(x.shape[first:-1], window, **options)
    met: dict[tuple[int, ...], list[Array]] = {p: [] for p in np.ndindex(*out)}
    for p, _, q in terms:
        met[p].append(x[_at(..., *q, ALL)])
    y = np.zeros((*x.shape[:first], *out, x.shape[-1]))
    for p, values in met.items():
        if kind == "max":
            y[_at(..., *p, ALL)] = np.max(values, axis=0) if values else -np.inf
        else:
            count = math.prod(window) if count_include_pad else max(len(values), 1)
            y[_at(..., *p, ALL)] = sum(values, np.zeros(y.shape[-1])) / count
    return y
