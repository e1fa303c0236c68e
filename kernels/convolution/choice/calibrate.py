"""Measure where the implementations cross on this machine, and keep it for the policy."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from time import perf_counter

import jax
import numpy as np

from kernels.convolution.choice import in_effect
from kernels.convolution.choice.crossings import CROSSINGS, Crossing
from kernels.convolution.choice.thresholds import DEFAULT, NEVER, Thresholds
from kernels.convolution.choice.timing import medians
from kernels.errors import ImplementationError

CLEAR = 1.1  # times as fast as XLA's own convolution is what another has to be
TURNS, PATIENCE = 25, 0.1  # turns, and seconds, at most for one layer


def calibrate(*, seconds: float = 55, path: str | Path | None = None) -> Thresholds:
    """Measure the thresholds of "auto" on this machine's CPU, and use them from now on, later processes too.

    The machine should have little else to do meanwhile. The numbers are kept as JSON in the user's cache
    folder, under a fingerprint of the processor, its cores and jaxlib, or in `path`. The environment variable
    ``KERNELS_THRESHOLDS`` says what is read instead of that file: a path, "default" for the conservative
    defaults, or "off" for XLA's own convolution wherever no implementation is named. What has been compiled
    before keeps its choices. `explain` says where a measured threshold decided.

    Args:
        seconds: how long to measure for, about; what is not reached keeps its default.
        path: where to write, instead.

    Returns:
        A frozen record with one number for each threshold.

    Raises:
        ImplementationError: `seconds` is negative.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     calibrate(seconds=0, path=f"{folder}/thresholds.json") == Thresholds()
    True

    Source: as autotuning in R. Whaley, J. Dongarra, "Automatically tuned linear algebra software", 1998.
    """
    if not seconds >= 0:
        raise ImplementationError(
            "seconds", "must be a number from 0 on", seconds, "give 55, or leave it out"
        )
    end = perf_counter() + seconds
    target = in_effect.path_here() if path is None else Path(path)
    in_effect.keep(DEFAULT, target)  # what was there may be spoilt, and is not what is measured with
    found = DEFAULT
    with jax.default_device(jax.devices("cpu")[0]):
        for crossing in (crossing for crossing in CROSSINGS if crossing.brief):
            number = _bisected(crossing, end)
            if number is not None:
                found = replace(found, **{crossing.field: number})
    in_effect.keep(found, target)
    return found


def _bisected(crossing: Crossing, end: float) -> int | None:
    """The threshold between the last size that `low` wins and the first of `high`, if there is time."""
    sizes = crossing.sizes
    least, most = 0, len(sizes)  # `high` wins from an index between them on
    while least < most:
        if perf_counter() > end:
            return None
        middle = (least + most) // 2
        if high_wins(times(crossing, sizes[middle]), crossing):
            most = middle
        else:
            least = middle + 1
    if crossing.kind == "from":
        return crossing.at(sizes[least]) if least < len(sizes) else NEVER
    return crossing.at(sizes[least - 1]) if least else 0


def high_wins(seconds: dict[str, float], crossing: Crossing) -> bool:
    """Whether the upper implementation is the faster; in doubt it is XLA's."""
    low, high = (seconds.get(name, float("inf")) for name in (crossing.low, crossing.high))
    if crossing.low == "xla":
        return CLEAR * high < low
    return high < CLEAR * low if crossing.high == "xla" else high < low


def times(crossing: Crossing, size: int, turns: int = TURNS, patience: float = PATIENCE) -> dict[str, float]:
    """Seconds of both implementations for the layer of this size; a hopeless one is left out."""
    layer = crossing.layer(size)
    both = {name: layer.make(name) for name in (crossing.low, crossing.high)}
    rng = np.random.default_rng(0)
    shapes = both[crossing.low].operands
    arrays = [jax.numpy.asarray(rng.standard_normal(one.shape, np.float32)) for one in shapes]
    calls = {name: partial(jax.jit(one.call), *arrays) for name, one in both.items()}
    return medians(calls, turns, patience)
