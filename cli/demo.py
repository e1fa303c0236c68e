"""The main job, on a real photograph: derive the convolution, lower it, run it, and check all of it."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, TextIO

import jax
import jax.numpy as jnp
import numpy as np

import derive as dv
import kernels as kn
from cli.console import Console
from cli.ladder import LADDER
from kernels.errors import CheckError, KernelError

SHIFT = (3, 5)
BLOCK = 16  # pixels averaged into one for the dense layer, which has as many weights as pixel pairs


def demo(out: TextIO, quick: bool = False) -> bool:
    """Run everything; whether every check passed. `quick` takes every fourth pixel."""
    console = Console(out)
    image = photograph()[:: 4 if quick else 1, :: 4 if quick else 1]
    solution = derivation(console)
    conv, w = lowering(console, solution, image)
    adjoints(console, conv, w, image)
    equivariance(console, solution, image)
    ladder(console)
    return console.verdict()


def photograph() -> np.ndarray:
    """A photograph that scikit-learn ships: (427, 640, 3), whole numbers from 0 to 255."""
    try:
        from sklearn.datasets import load_sample_image

        return load_sample_image("china.jpg")
    except ImportError as error:
        raise KernelError(
            "the demo",
            "needs a photograph from scikit-learn, read by pillow",
            f"no {error.name or 'pillow'}",
            "run: pip install 'equiderive[demo]'",
        ) from error


def derivation(console: Console) -> Any:
    """From the general linear operator to the convolution, printed and checked."""
    console.section(
        "The convolution, derived: T(T_s x) = T_s T(x) for every shift s, weights within radius 1"
    )
    G = dv.translations(2)
    x, y = dv.Field(G, channels="C", name="x"), dv.Field(G, channels="D", name="y")
    solution = dv.solve(x, y, support=dv.box(1))
    console.indented(solution.derivation)
    console.line()
    console.check("checking every printed step", partial(verified, solution))
    console.check("proving that nothing is wrong or missing", partial(certified, solution))
    return solution


def verified(solution: Any) -> str:
    """Nothing to print: a step that does not hold raises."""
    solution.derivation.check()
    return ""


def certified(solution: Any) -> str:
    if not solution.certificate.holds:
        raise CheckError("the certificate", "must hold", str(solution.certificate), "report this")
    return str(solution.certificate)


def lowering(console: Console, solution: Any, image: np.ndarray) -> tuple[Any, jax.Array]:
    """The jitted op, on the photograph."""
    console.section("Lowered to a jitted op, 3 channels to 16, and run on a photograph")
    conv = kn.lower(solution, channels=(3, 16))
    console.indented(conv.describe())
    w = conv.init(jax.random.key(0))
    x = pixels(image)
    console.check("compiling and running", lambda: f"{x.shape} -> {conv(w, x).shape}, {conv.dim} weights")
    start = time.perf_counter()
    jax.block_until_ready(conv(w, x))
    console.indented(f"once more: {1e3 * (time.perf_counter() - start):.1f} ms")
    console.check(
        "comparing a corner with the dense matrix", lambda: repr(kn.check_against_dense(conv, w, x))
    )
    return conv, w


def pixels(image: np.ndarray) -> jax.Array:
    """Numbers between 0 and 1."""
    return jnp.asarray(image, jnp.float32) / 255


def adjoints(console: Console, conv: Any, w: jax.Array, image: np.ndarray) -> None:
    """Both pull-backs, on the whole photograph and against dense matrices on a corner."""
    console.section("Both adjoints: the derived formulas, jax.vjp, jax.grad and the dense transpose")
    console.check("on the photograph", lambda: repr(kn.check_adjoints(conv, w, pixels(image))))


# ---- equivariance ---------------------------------------------------------------------------------------


def equivariance(console: Console, solution: Any, image: np.ndarray) -> None:
    """How far T(T_s x) is from T_s T(x): of a convolution, a dense layer, and one with a zero border."""
    console.section(f"Does it commute with a shift by {SHIFT}? Largest difference over largest output")
    small = blocks(image)
    circular, zeros = (kn.lower(solution, channels=(3, 3), padding=p) for p in ("CIRCULAR", "SAME"))
    w = whole_weights(circular)
    console.check("convolution on a torus, photograph", partial(commutes, partial(circular, w), image))
    console.check("the same layer on sums over blocks", partial(commutes, partial(circular, w), small))
    console.check("a generic dense layer on those sums", partial(violates, generic(small), small))
    console.check("convolution, zeros around it, photograph", partial(border_only, partial(zeros, w), image))


def blocks(image: np.ndarray) -> np.ndarray:
    """Sums over blocks: a small picture of whole numbers."""
    h, v = (n // BLOCK for n in image.shape[:2])
    cut = image[: h * BLOCK, : v * BLOCK].reshape(h, BLOCK, v, BLOCK, -1)
    return cut.sum(axis=(1, 3), dtype=np.int64)


def whole_weights(op: Any) -> jax.Array:
    """Whole numbers, so that sums of whole pixels are exact and no rounding hides an error."""
    return jax.random.randint(jax.random.key(1), op.weight_shape, -8, 9).astype(jnp.float32)


def generic(image: np.ndarray) -> Any:
    """A dense layer from every pixel and channel to every pixel and channel, its weights drawn at random."""
    n = image.size
    matrix = jax.random.normal(jax.random.key(2), (n, n), jnp.float32) / np.sqrt(n)
    return jax.jit(lambda x: (matrix @ x.reshape(-1)).reshape(x.shape))


def difference(layer: Any, image: np.ndarray) -> jax.Array:
    """|T(T_s x) - T_s T(x)| / max |T(x)|, at every site."""
    x = jnp.asarray(image, jnp.float32)
    y = layer(x)
    return jnp.abs(layer(shift(x)) - shift(y)) / jnp.abs(y).max()


def shift(x: jax.Array) -> jax.Array:
    """T_s: a shift that wraps around."""
    return jnp.roll(x, SHIFT, (0, 1))


def commutes(layer: Any, image: np.ndarray) -> str:
    error = float(difference(layer, image).max())
    if error != 0:
        raise CheckError("T(T_s x) - T_s T(x)", "must be exactly 0 in whole numbers", error, "report this")
    return "relative error exactly 0: it commutes"


def violates(layer: Any, image: np.ndarray) -> str:
    error = float(difference(layer, image).max())
    if error < 1e-2:
        raise CheckError("T(T_s x) - T_s T(x)", "must be far from 0", error, "report this")
    return f"relative error {error:.2f}: it does not, as expected"


def border_only(layer: Any, image: np.ndarray) -> str:
    """Zeros around the image break the symmetry where they are seen, and nowhere else."""
    error = difference(layer, image)
    u, v = SHIFT
    inside = error[u + 1 : -1, v + 1 : -1]
    if inside.max() != 0 or error.max() < 1e-2:
        raise CheckError("the border alone", "must differ", (inside.max(), error.max()), "report this")
    return f"relative error {float(error.max()):.2f} along the border, exactly 0 elsewhere: as expected"


# ---- the ladder -----------------------------------------------------------------------------------------


def ladder(console: Console) -> None:
    """Exact counts, each solved for, beside the figures that are often quoted."""
    console.section("How many weights a layer has: solved for, and as often quoted")
    console.indented(f"{'':<34}{'weights':>20}{'biases':>12}   quoted")
    certified = []
    for rung in LADDER:
        weights, biases, holds = rung.solve()
        certified.append(holds)
        console.indented(f"{rung.what:<34}{grouped(weights):>20}{grouped(biases):>12}   {rung.quoted}")
    console.line()
    console.check("comparing every count with an independent one", partial(agreed, certified))


def grouped(count: Any) -> str:
    """1,000,000 or (2*r + 1)**2."""
    return f"{int(count):,}" if not getattr(count, "free_symbols", None) else dv.text(count)


def agreed(certified: list[bool]) -> str:
    if not all(certified):
        raise CheckError("every count", "must be certified", certified, "report this")
    return ""
