"""What a check reports: two ways to the same numbers, and how far apart they came out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kernels.errors import CheckError

# The largest difference allowed, relative to the largest entry. Sums of n terms err by about sqrt(n) units.
TOLERANCES = {"float64": 1e-12, "float32": 1e-5, "float16": 5e-3, "bfloat16": 3e-2}


@dataclass(frozen=True)
class Comparison:
    """Two ways to the same numbers, and how far apart they came out, relative to the largest entry."""

    name: str
    error: float
    tolerance: float

    @property
    def passed(self) -> bool:
        return self.error <= self.tolerance  # false for NaN


@dataclass(frozen=True)
class Uncarried:
    """A generator that cannot be compared, since the arrays are not carried onto themselves by it.

    `kind`: "shift" or "glide" of an array that ends, "mix" of axes, "sizes" that differ, "group" without such
    a motion about the middle, "centre" of outputs beside that of the inputs.
    """

    name: str
    kind: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.reason}; {self.remedy}"


@dataclass(frozen=True, repr=False)
class Report:
    """What a check compared, and what it could not compare."""

    check: str
    dtype: str
    comparisons: tuple[Comparison, ...]
    uncarried: tuple[Uncarried, ...] = ()

    @property
    def passed(self) -> bool:
        return all(c.passed for c in self.comparisons)

    @property
    def worst(self) -> float:
        return max((c.error for c in self.comparisons), default=0.0)

    def __repr__(self) -> str:
        names = [*(c.name for c in self.comparisons), *(u.name for u in self.uncarried)]
        width = max(map(len, names), default=0)
        head = f"{self.check}: {'passed' if self.passed else 'FAILED'} in {self.dtype}"
        lines = (
            f"  {c.name:<{width}}  {c.error:.2e} {'<=' if c.passed else '> '} {c.tolerance:.0e}"
            for c in self.comparisons
        )
        others = (f"  {u.name:<{width}}  not carried: {u}" for u in self.uncarried)
        return "\n".join((head, *lines, *others))


def flat(tree: Any) -> np.ndarray:
    """All numbers of a pytree in float64, complex ones as two."""
    leaves = [_real(np.asarray(leaf)) for leaf in jax.tree.leaves(tree)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _real(array: np.ndarray) -> np.ndarray:
    parts = [array.real, array.imag] if np.iscomplexobj(array) else [array]
    return np.concatenate([np.asarray(part, dtype=np.float64).reshape(-1) for part in parts])


def distance(a: Any, b: Any) -> float:
    """The largest difference, relative to the largest entry; different shapes are infinitely far apart."""
    a, b = flat(a), flat(b)
    if a.shape != b.shape:
        return float("inf")
    if a.size == 0:
        return 0.0
    return float(np.max(np.abs(a - b)) / (np.max(np.abs(b)) or 1.0))


def limit_of(tolerance: float | None, x: jax.Array) -> float:
    """The tolerance given, or the one of the dtype."""
    return TOLERANCES.get(jnp.dtype(x.dtype).name, 1e-5) if tolerance is None else tolerance


def conclude(
    check: str, x: jax.Array, comparisons: Sequence[Comparison], uncarried: Sequence[Uncarried] = ()
) -> Report:
    """The report, or the error that two numbers are apart."""
    report = Report(check, jnp.dtype(x.dtype).name, tuple(comparisons), tuple(uncarried))
    for c in report.comparisons:
        if not c.passed:
            rule = f"must agree to {c.tolerance:.0e} of the largest entry"
            raise CheckError(c.name, rule, f"{c.error:.3g}", f"all the numbers:\n{report!r}", report)
    return report
