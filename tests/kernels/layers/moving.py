"""How group elements move arrays, by loops over sites in NumPy: it shares nothing with the kernels."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

import derive as dv


def rho(field: dv.Field, name: str) -> np.ndarray:
    """The exact matrix on the channels, as floats; the identity for a translation."""
    if name not in field.group.point.generators:
        return np.eye(int(field.fibre.dim))
    return np.array(field.fibre.matrix(name), dtype=np.float64)


def about_centre(field: dv.Field, name: str, x: np.ndarray) -> np.ndarray:
    """(g x)(p) = rho(g) x(g^-1 p) of an open array (batch, sites..., C), g turning about its middle."""
    if field.lattice is None:
        return np.asarray(x, dtype=np.float64) @ rho(field, name).T
    M = np.array(field.group.motions[name].matrix)
    middle = np.array(x.shape[1:-1]) - 1
    twice = (2 * sites(x) - middle) @ M.T + middle
    assert not (twice % 2).any(), "the array is not carried to itself"
    return put(field, name, x, twice // 2)


def on_torus(field: dv.Field, name: str, x: np.ndarray) -> np.ndarray:
    """The same of a field on a periodic grid, by the motion of its group, translations included."""
    if field.lattice is None:
        return np.asarray(x, dtype=np.float64) @ rho(field, name).T
    P, h = field.lattice.carry(name, field.group.motions[name])
    return put(field, name, x, (sites(x) @ np.array(P).T + np.array(h)) % np.array(x.shape[1:-1]))


def sites(x: np.ndarray) -> np.ndarray:
    """The sites of an array, one in each row."""
    return np.array(list(product(*map(range, x.shape[1:-1]))))


def put(field: dv.Field, name: str, x: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Every vector turned, and put where its site is carried."""
    y = np.full(x.shape, np.nan)
    turned = np.asarray(x, dtype=np.float64) @ rho(field, name).T
    y[(slice(None), *images.T)] = turned[(slice(None), *sites(x).T)]
    assert np.isfinite(y).all()
    return y


def both(spec: Any) -> tuple[dv.Field, dv.Field]:
    """The two fields of a layer under its one group."""

    def under(field: dv.Field) -> dv.Field:
        return field if field.lattice is None else field.replace(group=spec.group)

    if spec.group.dim or spec.into.lattice is None:
        return under(spec.into), under(spec.out)
    return spec.into, spec.out
