"""Programs made of a network: its forward pass and a training step, by JAX or by torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.architectures import Network
from benchmarks.engines import ENGINES, Array, Engine, torch_engines
from benchmarks.programs import FORWARD, RATE, STEP, Compiled, blocking
from benchmarks.torch_contender import TORCH

PROGRAMS = (STEP, FORWARD)


@dataclass(frozen=True)
class Task:
    """Weights, an image and what the network is to give for it, channels last."""

    weights: list[np.ndarray]
    image: np.ndarray
    target: np.ndarray

    @classmethod
    def of(cls, network: Network) -> Task:
        rng = np.random.default_rng(1)
        weights = network.weights()
        forward = network.forward(ENGINES[0])
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in weights]
        given = jax.ShapeDtypeStruct(network.image, "float32")
        out = jax.eval_shape(forward, shapes, given).shape
        return cls(weights, *(rng.standard_normal(shape, np.float32) for shape in (network.image, out)))

    def laid_out(self, engine: Engine) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
        weights = [np.ascontiguousarray(engine.kernel(w)) for w in self.weights]
        image, target = (np.ascontiguousarray(engine.laid_out(a)) for a in (self.image, self.target))
        return weights, image, target


def engines() -> tuple[Engine, ...]:
    """All that can be imported."""
    return (*ENGINES, *torch_engines())


def jitted(network: Network, engine: Engine, task: Task) -> dict[str, Compiled]:
    """Both programs of an engine of JAX."""
    forward = network.forward(engine)
    weights, image, target = jax.tree.map(jnp.asarray, task.laid_out(engine))

    def loss(weights: Sequence[Array], image: Array, target: Array) -> Array:
        return jnp.mean((forward(weights, image) - target) ** 2)

    def step(weights: Sequence[Array], image: Array, target: Array) -> tuple[list[Array], Array]:
        value, slopes = jax.value_and_grad(loss)(weights, image, target)
        return [w - RATE * s for w, s in zip(weights, slopes, strict=True)], value

    return {
        STEP: blocking(jax.jit(step), weights, image, target),
        FORWARD: blocking(jax.jit(forward), weights, image),
    }


def torch_calls(network: Network, engine: Engine, task: Task) -> dict[str, Callable[[], Any]]:
    """Both programs of an engine of torch; none where images have no such memory format."""
    import torch

    space = len(network.image) - 2
    last = {2: torch.channels_last, 3: torch.channels_last_3d}.get(space)
    how = torch.contiguous_format if engine.name == TORCH[0] else last
    if how is None:
        return {}
    forward = network.forward(engine)

    def tensor(array: np.ndarray) -> Any:
        found = torch.from_numpy(array)
        return found.contiguous(memory_format=how) if array.ndim == space + 2 else found

    given, image, target = task.laid_out(engine)
    weights = [tensor(w).requires_grad_() for w in given]
    seen, wanted = tensor(image), tensor(target)

    def step() -> tuple[list[Any], Any]:
        value = ((forward(weights, seen) - wanted) ** 2).mean()
        slopes = torch.autograd.grad(value, weights)
        return [w.detach() - RATE * s for w, s in zip(weights, slopes, strict=True)], value.detach()

    return {STEP: step, FORWARD: torch.inference_mode()(lambda: forward(weights, seen))}


def calls(network: Network, engine: Engine, task: Task) -> dict[str, Callable[[], Any]]:
    """Both programs, ready to be called."""
    if engine.name in TORCH:
        return torch_calls(network, engine, task)
    return {name: program.call for name, program in jitted(network, engine, task).items()}


def difference(engine: Engine, found: Any, task: Task, right: Any) -> float:
    """How far a step's gradients and loss are from others' (channels last), in parts of their norm."""
    weights, value = found
    moved = [np.asarray(w) - engine.kernel(w0) for w, w0 in zip(weights, task.weights, strict=True)]
    others, expected = right
    theirs = [engine.kernel(np.asarray(w) - w0) for w, w0 in zip(others, task.weights, strict=True)]
    gap = np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(moved, theirs, strict=True)))
    norm = np.sqrt(sum((b**2).sum() for b in theirs))
    return max(float(gap / norm), abs(float(value) - float(expected)) / abs(float(expected)))
