"""The ways to compute a convolution, by name, and which of them serve a case.

Each is one file with one function of one signature,

    compute(x, kernel, *, out, strides, padding, lhs_dilation, rhs_dilation, groups, precision) -> y

in the canonical layout of ``primitive.py``, `out` being the spatial shape of y.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from kernels.convolution.algorithms import (
    bands,
    blocks,
    col2im,
    eigen,
    fft,
    grouped,
    matmul,
    phases,
    pieces,
    shifted,
    unfold,
    xla,
)
from kernels.convolution.work import Work
from kernels.errors import ImplementationError

Compute = Callable[..., jax.Array]
MOST = 1024  # products that may be written out at all
_MOST = f"numbers as sizes and at most {MOST} {{}}"


class Implementation(NamedTuple):
    """A name, the function, and what it cannot do without.

    Keywords that it takes on CPU: `apart`, how to call what must not be merged with its neighbours, and
    `convolve`, the convolution that it is made of; and everywhere `kept`, the kernel as the caller has it
    where it was turned.
    """

    name: str
    compute: Compute
    needs: str
    serves: Callable[[Work], bool]
    takes: tuple[str, ...] = ()


def _always(work: Work) -> bool:
    return True


def _sized(work: Work) -> bool:
    return not work.symbolic


def _transforms(work: Work) -> bool:
    return _sized(work) and work.rank <= 3 and jnp.issubdtype(work.dtype, jnp.floating)


def _few(work: Work) -> bool:
    return _sized(work) and min(work.taps, work.sites) * work.groups <= MOST


def _few_taps(work: Work) -> bool:
    return _sized(work) and work.taps <= MOST


def _short(work: Work) -> bool:
    return _sized(work) and work.sites * work.groups <= MOST


IMPLEMENTATIONS = (
    Implementation("xla", xla.compute, "nothing", _always),
    Implementation("shifted", shifted.compute, "sizes that are numbers", _sized, ("apart",)),
    Implementation("grouped", grouped.compute, "nothing", _always, ("convolve",)),
    Implementation("matmul", matmul.compute, _MOST.format("products"), _few, ("kept",)),
    Implementation(
        "fft", fft.compute, "numbers as sizes, at most three spatial axes and no integers", _transforms
    ),
    Implementation("col2im", col2im.compute, _MOST.format("taps"), _few_taps, ("kept",)),
    Implementation("unfold", unfold.compute, "sizes that are numbers", _sized, ("convolve",)),
    Implementation("phases", phases.compute, "sizes that are numbers", _sized, ("convolve",)),
    Implementation("blocks", blocks.compute, "sizes that are numbers", _sized),
    Implementation("pieces", pieces.compute, "sizes that are numbers", _sized),
    Implementation("eigen", eigen.compute, "sizes that are numbers", _sized),
    Implementation("bands", bands.compute, f"numbers as sizes and an output of at most {MOST} sites", _short),
)
NAMES = tuple(one.name for one in IMPLEMENTATIONS)
LAX = Implementation("lax", xla.compute, "nothing", _always)  # nothing else in the trace: no candidate


def named(name: str, work: Work) -> Implementation:
    """The implementation of this name, or what it would need and which others serve the case."""
    one = next(one for one in (*IMPLEMENTATIONS, LAX) if one.name == name)
    if not one.serves(work):
        able = ("auto", *(other.name for other in IMPLEMENTATIONS if other.serves(work)))
        rule = f"must serve the case, and {name!r} needs {one.needs}"
        raise ImplementationError("implementation", rule, work.describe(), f"use one of {able}")
    return one
