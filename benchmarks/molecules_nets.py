"""One potential, written with this library and with e3nn-jax: two layers of messages, gates, a readout.

    h = gate(K(d) x, summed over neighbours, + a matrix times x)        twice
    energy = sum over atoms of a small network of the scalars of h

Weights of messages come from a network of |d|, per edge, kernel and copy; copies are mixed after the sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

import derive as dv
import kernels as kn
import kernels.layers.equinox as kl
from benchmarks.molecules_data import ATOMS, CUTOFF, MOLECULES, Batch

try:
    import e3nn_jax as e3nn
except ImportError:  # an extra, for the comparison alone
    e3nn = None

KINDS, WAVES, WIDE, NEIGHBOURS = 16, 8, 32, 8.0
OURS, SCALARS, E3NN = "this library", "scalars alone", "e3nn-jax"
NAMES = (OURS, SCALARS, E3NN)
COPIES = {OURS: 16, SCALARS: 34, E3NN: 16}  # so that all have about as many weights
HARMONICS = "0e + 1o + 2e + 3o + 4e"
Messages = Callable[[jax.Array, jax.Array, Batch, jax.Array], jax.Array]


class Layer(eqx.Module):
    """Messages along edges, and a matrix at the atom itself; then gates."""

    op: Any  # a `PointsOp`: no leaves
    w: Any
    network: eqx.nn.MLP
    own: kl.Linear
    gate: kl.Gate

    def __init__(self, x: Any, y: Any, key: jax.Array) -> None:
        keys = jax.random.split(key, 4)
        E = dv.euclidean(3)
        self.gate = kl.Gate(y, scalars=jax.nn.silu)
        solution = dv.solve(
            dv.Field(E, fibre=x), dv.Field(E, fibre=self.gate.into.fibre), support=dv.ball("R"), bias=False
        )
        self.op = kn.lower(solution, radial=kn.radial.envelope(CUTOFF))
        self.w = self.op.init(keys[0], neighbours=NEIGHBOURS)
        self.network = eqx.nn.MLP(WAVES, self.op.edge_dim, WIDE, 1, jax.nn.silu, key=keys[1])
        self.own = kl.Linear(x, self.gate.into.fibre, bias=False, key=keys[2])

    def __call__(self, x: jax.Array, d: jax.Array, batch: Batch, waves: jax.Array) -> jax.Array:
        each = jax.vmap(self.network)(waves)
        sent = self.op(self.w, x, d, batch.senders, batch.receivers, ATOMS, edge_weights=each)
        return self.gate(sent + self.own(x))


class E3nnLayer(eqx.Module):
    """The same with e3nn-jax: tensor products with harmonics up to degree 4."""

    x: Any = eqx.field(static=True)
    y: Any = eqx.field(static=True)
    mix: Any = eqx.field(static=True)
    own: Any = eqx.field(static=True)
    w: list[jax.Array]
    network: eqx.nn.MLP
    own_w: list[jax.Array]

    def __init__(self, x: str, y: str, gates: int, key: jax.Array) -> None:
        keys = jax.random.split(key, 4)
        self.x = e3nn.Irreps(x)
        scalars, rest = e3nn.Irreps(y).filter("0e"), e3nn.Irreps(y).filter(drop="0e")
        self.y = (scalars + e3nn.Irreps(f"{gates}x0e") + rest if gates else scalars + rest).regroup()
        middle = jax.eval_shape(
            lambda a, d: self._product(a, d), jnp.zeros((1, self.x.dim)), jnp.ones((1, 3))
        ).irreps
        self.mix = e3nn.FunctionalLinear(middle, self.y)
        self.own = e3nn.FunctionalLinear(self.x, self.y)
        self.w = [
            jax.random.normal(k, i.path_shape)
            for k, i in zip(jax.random.split(keys[0], 64), self.mix.instructions, strict=False)
        ]
        self.own_w = [
            jax.random.normal(k, i.path_shape)
            for k, i in zip(jax.random.split(keys[2], 64), self.own.instructions, strict=False)
        ]
        self.network = eqx.nn.MLP(WAVES, middle.num_irreps, WIDE, 1, jax.nn.silu, key=keys[1])

    def _product(self, x: jax.Array, d: jax.Array) -> Any:
        harmonics = e3nn.spherical_harmonics(HARMONICS, e3nn.IrrepsArray("1o", d), normalize=True)
        return e3nn.tensor_product(e3nn.IrrepsArray(self.x, x), harmonics, filter_ir_out=self.filtered)

    @property
    def filtered(self) -> list[Any]:
        return [ir for _, ir in self.y]

    def __call__(self, x: jax.Array, d: jax.Array, batch: Batch, waves: jax.Array) -> jax.Array:
        inside = (batch.senders < ATOMS)[:, None]
        safe = jnp.where(inside, d, 1.0)  # directions of padding have gradients too
        each = jax.vmap(self.network)(waves) * kn.radial.envelope(CUTOFF)(d) * inside
        products = self._product(x[jnp.where(inside[:, 0], batch.senders, 0)], safe) * each
        total = e3nn.scatter_sum(products, dst=batch.receivers, output_size=ATOMS) / NEIGHBOURS**0.5
        mixed = jax.vmap(self.mix, (None, 0))(self.w, total)
        own = jax.vmap(self.own, (None, 0))(self.own_w, e3nn.IrrepsArray(self.x, x))
        gated = e3nn.gate(
            mixed + own, even_act=jax.nn.silu, even_gate_act=jax.nn.sigmoid, normalize_act=False
        )
        return gated.array


class Potential(eqx.Module):
    """Energies of the molecules of a batch: scalars of atoms through a readout, summed."""

    first: jax.Array
    layers: list[Any]
    readout: eqx.nn.MLP

    def __call__(self, positions: jax.Array, batch: Batch) -> jax.Array:
        d = positions[batch.senders] - positions[batch.receivers]
        waves = kn.radial.bessel(WAVES, CUTOFF)(d)
        h = self.first[batch.kinds]
        for layer in self.layers:
            h = layer(h, d, batch, waves)
        each = jax.vmap(self.readout)(h)[:, 0]
        return jnp.zeros(MOLECULES + 1).at[batch.owners].add(each)[:-1]


def potential(by: str, key: jax.Array, copies: int | None = None) -> Potential:
    """The potential by this library, the same without vectors and matrices, or by e3nn-jax."""
    keys, copies = jax.random.split(key, 4), COPIES[by] if copies is None else copies
    first = jax.random.normal(keys[0], (KINDS, copies))
    readout = eqx.nn.MLP(copies, 1, WIDE, 1, jax.nn.silu, key=keys[1])
    scalars, full = f"{copies}x0e", " + ".join(f"{copies}x{name}" for name in ("0e", "1o", "2e"))
    layers: list[Any]
    if by != E3NN:
        point = dv.euclidean(3).point
        a, b = dv.irreps(point, scalars), dv.irreps(point, full if by == OURS else scalars)
        layers = [Layer(a, b, keys[2]), Layer(b, a, keys[3])]
    else:
        layers = [
            E3nnLayer(scalars, full, 2 * copies, keys[2]),
            E3nnLayer(full, scalars, 0, keys[3]),
        ]
    return Potential(first, layers, readout)


def forces(model: Potential, batch: Batch) -> tuple[jax.Array, jax.Array]:
    """Energies, and minus their gradients to the positions."""

    def total(positions: jax.Array) -> tuple[jax.Array, jax.Array]:
        energies = model(positions, batch)
        return energies.sum(), energies

    (_, energies), slope = jax.value_and_grad(total, has_aux=True)(batch.positions)
    return energies, -slope


def parameters(model: Potential) -> int:
    return sum(a.size for a in jax.tree.leaves(eqx.filter(model, eqx.is_array)))
