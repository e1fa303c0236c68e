"""One image too large for comfort, cut into rows over eight devices: memory per device, bytes exchanged.

Nothing is run: the compiled programs of one device say how much memory they need and what they send. They are
compiled in a process of its own, since the number of host devices is fixed when JAX starts.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from benchmarks.report import Report, Table, Target

DEVICES, SIZE = 8, 16384
SENT = re.compile(r"= (\([^)]*\)|\S+) (collective-permute|all-gather|all-to-all|all-reduce)(?:-start)?\(")
SHAPE = re.compile(r"f32\[([\d,]*)\]")
MIB = 1 << 20
BORDERS = ("SAME", "CIRCULAR")


def run(quick: bool) -> Report:
    """The forward pass and both adjoints for some window sizes and borders."""
    command = [sys.executable, "-m", "benchmarks.sharding", "quick" if quick else "all"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    title = f"A {SIZE} x {SIZE} image, one channel, rows over {DEVICES} host devices"
    header = (
        "program",
        "block, MiB",
        "peak per device, MiB",
        "halo on paper, KiB",
        "exchanged, KiB",
        "permutes",
        "gathers",
    )
    note = (
        "Per device, read off the compiled programs; nothing is run. On paper: the k - 1 rows of 64 KiB that "
        "a device reads and does not have. Peak: arguments, results and temporaries together. `lax` is "
        "`lax.conv_general_dilated`, which XLA partitions."
    )
    return Report((Table(title, header, tuple(map(_row, found)), note),), tuple(_targets(found)))


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["name"],
        f"{SIZE * SIZE * 4 / DEVICES / MIB:.0f}",
        f"{one['peak'] / MIB:.0f}",
        f"{one['paper'] / 1024:.0f}",
        f"{one['sent'] / 1024:.0f}",
        str(one["permutes"]),
        str(one["gathers"]),
    )


def _targets(found: list[dict[str, Any]]) -> list[Target]:
    ours = [one for one in found if "lax" not in one["name"]]
    exact = [one for one in ours if one["sent"] == one["paper"]]
    whole = [one for one in ours if one["gathers"]]
    return [
        Target(
            "rows over devices: bytes exchanged",
            "the halo and nothing else",
            f"{len(exact)} of {len(ours)} programs send exactly the halo, {len(whole)} gather the image",
            len(exact) == len(ours) and not whole,
        )
    ]


def main(quick: bool) -> None:
    """One line of JSON per program."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax import lax
    from jax.sharding import Mesh, NamedSharding, PartitionSpec

    import kernels as kn

    mesh = Mesh(np.array(jax.devices()), ("rows",))
    rows = NamedSharding(mesh, PartitionSpec(None, "rows"))
    image = jax.ShapeDtypeStruct((1, SIZE, SIZE, 1), jnp.float32, sharding=rows)

    def plain(x: Any, k: Any) -> Any:
        return lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def ours(padding: str) -> Callable[..., Any]:
        return lambda x, k: kn.conv(x, k, padding=padding)

    contenders = {f"kn.conv {border}": ours(border) for border in BORDERS} | {"lax SAME": plain}
    for size in (3,) if quick else (3, 15):
        kernel = jax.ShapeDtypeStruct(
            (size, size, 1, 1), jnp.float32, sharding=NamedSharding(mesh, PartitionSpec())
        )
        for label, conv in contenders.items():
            for step, (function, operands) in _programs(conv, image, kernel).items():
                compiled: Any = jax.jit(function).lower(*operands).compile()
                memory = compiled.memory_analysis()
                sent = list(_sent(compiled.as_text()))
                line = {
                    "name": f"{label} {size} x {size}, {step}",
                    "peak": memory.argument_size_in_bytes
                    + memory.output_size_in_bytes
                    + memory.temp_size_in_bytes,
                    "paper": (size - 1) * SIZE * 4,
                    "sent": sum(n for kind, n in sent if kind == "collective-permute"),
                    "permutes": sum(kind == "collective-permute" for kind, _ in sent),
                    "gathers": sum(kind in ("all-gather", "all-to-all") for kind, _ in sent),
                }
                print(json.dumps(line), flush=True)


def _programs(conv: Callable[..., Any], image: Any, kernel: Any) -> dict[str, tuple[Any, tuple[Any, Any]]]:
    """The convolution and its two adjoints, each of two arrays; a cotangent is as large as the image."""
    import jax

    def input_adjoint(ybar: Any, k: Any) -> Any:
        return jax.linear_transpose(lambda x: conv(x, k), image)(ybar)[0]

    def kernel_adjoint(x: Any, ybar: Any) -> Any:
        return jax.linear_transpose(lambda k: conv(x, k), kernel)(ybar)[0]

    return {
        "forward": (conv, (image, kernel)),
        "input adjoint": (input_adjoint, (image, kernel)),
        "kernel adjoint": (kernel_adjoint, (image, image)),
    }


def _sent(text: str) -> Any:
    """Every collective of a program: its kind, and the bytes of what it makes."""
    for shapes, kind in SENT.findall(text):
        sizes = [[int(n) for n in dims.split(",") if n] for dims in SHAPE.findall(shapes)[:1]]
        for size in sizes:
            total = 4
            for n in size:
                total *= n
            yield kind, total


if __name__ == "__main__":
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={DEVICES}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    main(sys.argv[1] == "quick")
