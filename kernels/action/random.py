"""Random elements of a group, as `act` takes them."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from kernels.action.fibres import numbers
from kernels.errors import KernelError, brief

SHIFTS = 5040  # translations are uniform modulo every divisor of it
STEPS = 32  # of a lazy random walk in the discrete generators of a Lie group
ROUNDS, WIDE = 6, 4.0  # exponentials that are multiplied in a compact group, and how wide they are
NARROW = 0.5  # the standard deviation of parameters where the group is not compact


def random_element(group: Any, key: jax.Array) -> Any:
    """A random element of a group, the same for the same key; `act` and products of elements take it.

    Uniform over the elements of a finite group: a word. Of a space group a uniform element of the point
    group after a translation by -2520 to 2519 periods along every axis, which is uniform on grids of as many
    periods as divide 5040. Of a Lie group a tuple: exponentials, then a walk of 32 steps in the discrete
    generators. Six wide exponentials come near Haar's measure in a compact group, one that was given by skew
    matrices; elsewhere there is one with parameters of standard deviation 1/2.

    Args:
        group: a group or a space group of `derive`; of a field whose arrays end, take its point group.
        key: a key of `jax.random`; it may not be traced.

    Raises:
        KernelError: not a group, or a traced key. DeriveError: the elements are too many to be listed.

    >>> import derive
    >>> random_element(derive.wallpaper("p4m"), jax.random.key(0))
    't_u^690*t_v^56*r^3'
    """
    point: Any = getattr(group, "point", None)
    if not hasattr(point, "generators"):
        remedy = "use wallpaper('p4m'), symmetric(5), ..."
        raise KernelError("group", "must be a group of derive", type(group).__name__, remedy)
    rng = _generator(key)
    if point.algebra:
        return _of_lie_group(point, rng)
    element = point.elements.word(int(rng.integers(point.elements.order)))
    shifts = [(name, int(rng.integers(SHIFTS)) - SHIFTS // 2) for name in getattr(group, "translations", ())]
    return _text([*shifts, *element])


def _generator(key: Any) -> np.random.Generator:
    """NumPy's generator, seeded by the key."""
    if isinstance(key, jax.core.Tracer):
        raise KernelError("key", "must not be traced: elements are not arrays", key, "draw it outside of jit")
    typed = hasattr(key, "dtype") and jax.dtypes.issubdtype(key.dtype, jax.dtypes.prng_key)
    data = jax.random.key_data(key) if typed else key
    seed = np.asarray(data)
    if seed.dtype.kind != "u" or seed.ndim != 1:
        raise KernelError("key", "must be one key of jax.random", brief(key), "use jax.random.key(0)")
    return np.random.default_rng(seed.tolist())


def _text(word: Any) -> str:
    return "*".join(g if e == 1 else f"{g}^{e}" for g, e in word if e) or "1"


def _of_lie_group(point: Any, rng: np.random.Generator) -> tuple[Any, ...]:
    compact = point.given is not None and all(_is_skew(point.matrix(g)) for g in point.algebra)
    rounds, width = (ROUNDS, WIDE) if compact else (1, NARROW)
    parts: list[Any] = [
        {g: float(t) for g, t in zip(point.algebra, width * rng.normal(size=len(point.algebra)), strict=True)}
        for _ in range(rounds)
    ]
    letters = point.discrete
    walk = [letters[int(rng.integers(len(letters)))] for _ in range(STEPS) if rng.random() < 0.5 and letters]
    return (*parts, _text([(g, 1) for g in walk])) if walk else tuple(parts)


def _is_skew(matrix: Any) -> bool:
    entries = numbers(matrix)
    return bool(abs(entries + entries.conj().T).max(initial=0) < 1e-12)
