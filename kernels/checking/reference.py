"""The slow, obvious oracle: NumPy loops in float64, one term of one sum at a time.

It shares no line with the fast paths. Every function rests on `links`, the list of which output site meets
which input site through which tap; everything else is writing those terms into a field or a matrix.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

Array = np.ndarray
Link = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]  # output site, tap, input site
Numbers = int | Sequence[int]


ALL = slice(None)


def _at(*index: Any) -> Any:
    return index


def _each(value: Numbers, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def line(n: int, k: int, stride: int, dilation: int, padding: Any) -> tuple[int, list[tuple[int, int, int]]]:
    """One axis: the output length, and every (output site, tap, input site) that meet; zeros meet nothing.

    >>> line(4, 3, 2, 1, "SAME")
    (2, [(0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 2), (1, 1, 3)])
    """
    span = dilation * (k - 1) + 1
    if padding == "VALID":
        low = high = 0
    elif padding == "SAME":
        total = max((math.ceil(n / stride) - 1) * stride + span - n, 0)
        low, high = math.floor(total / 2), math.ceil(total / 2)
    elif padding in ("CIRCULAR", "REFLECT"):
        low, high = math.floor((span - 1) / 2), math.ceil((span - 1) / 2)
    else:
        low, high = padding
    count = 0
    while count * stride + span <= n + low + high:
        count += 1
    meets = []
    for p in range(count):
        for j in range(k):
            q = p * stride + j * dilation - low
            if padding == "CIRCULAR":
                q = q % n
            if padding == "REFLECT":
                while not 0 <= q < n:
                    q = -q if q < 0 else 2 * (n - 1) - q
            if 0 <= q < n:
                meets.append((p, j, q))
    return count, meets


def links(
    spatial: Sequence[int],
    size: Sequence[int],
    strides: Numbers = 1,
    padding: Any = "SAME",
    dilation: Numbers = 1,
) -> tuple[tuple[int, ...], Iterator[Link]]:
    """The output shape and every (output site, tap, input site) that meet, in any number of dimensions."""
    rank = len(spatial)
    if isinstance(padding, int):
        padding = [(padding, padding)] * rank
    pads = [padding] * rank if isinstance(padding, str) else padding
    axes = [
        line(*a) for a in zip(spatial, size, _each(strides, rank), _each(dilation, rank), pads, strict=True)
    ]
    terms = (
        (tuple(t[0] for t in term), tuple(t[1] for t in term), tuple(t[2] for t in term))
        for term in itertools.product(*(meets for _, meets in axes))
    )
    return tuple(count for count, _ in axes), terms


def dense_kernel(kernel: Any, groups: int = 1, flip: bool = False) -> Array:
    """The kernel over all channels, (spatial..., C_in, C_out): zero between groups, reversed where asked."""
    kernel = np.asarray(kernel, dtype=np.float64)
    *size, inputs, outputs = kernel.shape
    full = np.zeros((*size, inputs * groups, outputs))
    for c in range(inputs):
        for i in range(outputs):
            full[..., i // (outputs // groups) * inputs + c, i] = kernel[..., c, i]
    return full[tuple([slice(None, None, -1)] * len(size))] if flip else full


def conv(x: Any, kernel: Any, *, groups: int = 1, flip: bool = False, **window: Any) -> Array:
    """y[n,p,i] = sum over links (p, j, q) of kernel[j,c,i] x[n,q,c]."""
    x, full = np.asarray(x, dtype=np.float64), dense_kernel(kernel, groups, flip)
    rank = full.ndim - 2
    batch, spatial = x.shape[: x.ndim - rank - 1], x.shape[x.ndim - rank - 1 : -1]
    out, terms = links(spatial, full.shape[:rank], **window)
    y = np.zeros((*batch, *out, full.shape[-1]))
    for p, j, q in terms:
        y[_at(..., *p, ALL)] += x[_at(..., *q, ALL)] @ full[j]
    return y


def conv_transpose(
    x: Any, kernel: Any, *, output_shape: Sequence[int], groups: int = 1, flip: bool = False, **window: Any
) -> Array:
    """y[n,q,c] = sum over links (p, j, q) of kernel[j,c,i] x[n,p,i]."""
    x, full = np.asarray(x, dtype=np.float64), dense_kernel(kernel, groups, flip)
    rank = full.ndim - 2
    _, terms = links(output_shape, full.shape[:rank], **window)
    y = np.zeros((*x.shape[: x.ndim - rank - 1], *output_shape, full.shape[-2]))
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
    matrix = np.zeros((*out, full.shape[-1], *spatial_shape, full.shape[-2]))
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
    x = np.asarray(x, dtype=np.float64)
    rank = len(kernel_size)
    first = x.ndim - rank - 1
    x = x.reshape(math.prod(x.shape[:first]), *x.shape[first:])
    inputs = x.shape[-1] // groups
    out, terms = links(x.shape[1:-1], kernel_size, **window)
    matrix = np.zeros((x.shape[0], *out, out_channels, *kernel_size, inputs, out_channels))
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
    strides: Numbers,
    padding: Any,
    kind: str,
    count_include_pad: bool = True,
) -> Array:
    """The mean ("avg") or the largest value ("max") over the links of each output site."""
    x = np.asarray(x, dtype=np.float64)
    first = x.ndim - len(window) - 1
    out, terms = links(x.shape[first:-1], window, strides, padding)
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
