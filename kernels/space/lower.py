"""A solution on R^n as an op on points: every kernel normalised, weights scaled to keep the variance."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np

from kernels.errors import RadialError
from kernels.maps.lower import lower_maps
from kernels.radial import Radial, check_radial
from kernels.space.op import Pair, PointsOp
from kernels.space.polynomials import mean_squares, polynomials
from kernels.static import Static

RINGS = 256  # distances over which squares of radial functions are averaged


@runtime_checkable
class PlainSpace(Protocol):
    """The plain-NumPy face of a solution on R^n."""

    @property
    def axes(self) -> int: ...

    @property
    def polynomial_pairs(self) -> tuple[Any, ...]: ...

    @property
    def bias(self) -> Any: ...

    @property
    def into(self) -> Any: ...

    @property
    def out(self) -> Any: ...


def lower_points(plain: Any, radial: Any, dtype: Any = None, precision: str | None = None) -> PointsOp:
    """A plain answer on R^n, with radial functions for its weights."""
    radial = check_radial(radial)
    _check_radius(plain.radius, radial)
    kernels: dict[int, Any] = {id(p.polynomials): p.polynomials for p in plain.polynomial_pairs}
    number = {key: k for k, key in enumerate(kernels)}
    unit = radial.cutoff or 1.0
    factors = [
        np.sqrt(mean_squares(plain.axes, k)) * unit ** k.degrees.astype(np.float64) for k in kernels.values()
    ]
    energy = _energies(
        radial, plain.axes, unit, max((int(d) for k in kernels.values() for d in k.degrees), default=0)
    )
    terms: dict[int, int] = {}
    for p in plain.polynomial_pairs:
        terms[p.first_out] = terms.get(p.first_out, 0) + len(p.polynomials.degrees) * p.copies_in * radial.n
    pairs = []
    for p in plain.polynomial_pairs:
        k, which = p.polynomials, number[id(p.polynomials)]
        scale = 1 / np.sqrt(np.maximum(energy[k.degrees] * max(terms[p.first_out], 1), 1e-300))
        copies = (p.copies_in, p.copies_out, p.first_in, p.first_out)
        sizes = (k.dim_in, k.dim_out, which, len(k.degrees))
        pairs.append(Pair(*copies, *sizes, Static(factors[which]), Static(scale)))
    table = polynomials(plain.axes, list(kernels.values()), [1 / f for f in factors])
    bias = None if plain.bias is None else lower_maps(plain.bias, "auto", dtype, precision)
    channels = (plain.axes, plain.channels_in, plain.channels_out)
    named = (plain.description, "auto", plain, plain.into, plain.out)
    return PointsOp(*channels, tuple(pairs), table, radial, bias, dtype, precision, *named)


def _energies(radial: Radial, axes: int, unit: float, top: int) -> np.ndarray:
    """By degree l and radial function: the mean of R_k(r)^2 (r/unit)^2l over a ball."""
    middles = ((np.arange(RINGS) + 0.5) / RINGS) ** (1 / axes)
    values = np.asarray(radial.of_square(jnp.asarray((middles * unit) ** 2)), np.float64)
    return np.stack([(values**2 * middles[:, None] ** (2 * k)).mean(axis=0) for k in range(top + 1)])


def _check_radius(radius: float | None, radial: Radial) -> None:
    if radius is not None and (radial.cutoff is None or radial.cutoff > radius):
        raise RadialError(
            "radial",
            f"must end within the radius {radius:g} of the support",
            radial,
            f"say cutoff={radius:g}",
        )
