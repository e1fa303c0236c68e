"""How far a result may be from float64, per backend, dtype and precision: the one table.

A tolerance is the largest error, relative to the largest entry of the exact result. Operands are rounded to
their dtype first, so that only the arithmetic is judged: about 60 products per sum in these cases.

On GPUs float32 at the default precision may multiply in TensorFloat-32, which keeps 10 bits of the mantissa;
on TPUs in bfloat16, which keeps 7. At "highest" both multiply in all of float32. Sums are in float32 always.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """One way to compute on a backend; `tolerance` None where it does not apply, for the reason in `why`."""

    backend: str
    dtype: str
    precision: str
    tolerance: float | None
    why: str


TF32, BF16, F16, ALL = 1e-3, 1.5e-2, 2e-3, 1e-5

TABLE = (
    Row("cpu", "float64", "highest", 1e-12, "52 bits"),
    Row("cpu", "float32", "default", ALL, "23 bits; CPUs have no other products of float32"),
    Row("cpu", "bfloat16", "default", BF16, "7 bits in the result, sums in float32"),
    Row("cpu", "float16", "default", F16, "10 bits in the result, sums in float32"),
    Row("gpu", "float64", "highest", 1e-12, "52 bits"),
    Row("gpu", "float32", "highest", ALL, "23 bits: TensorFloat-32 is off"),
    Row("gpu", "float32", "default", TF32, "TensorFloat-32 multiplies 10 bits"),
    Row("gpu", "bfloat16", "default", BF16, "7 bits in the result, sums in float32"),
    Row("gpu", "float16", "default", F16, "10 bits in the result, sums in float32"),
    Row("tpu", "float64", "highest", None, "a TPU has no float64 convolutions"),
    Row("tpu", "float32", "highest", ALL, "six passes of bfloat16 make 23 bits"),
    Row("tpu", "float32", "default", BF16, "one pass of bfloat16 multiplies 7 bits"),
    Row("tpu", "bfloat16", "default", BF16, "7 bits in the result, sums in float32"),
    Row("tpu", "float16", "default", None, "a TPU computes float16 by way of float32, without its own units"),
)


def rows(backend: str) -> list[Row]:
    """The table's rows for a backend, by the name that JAX gives it."""
    name = {"cuda": "gpu", "rocm": "gpu"}.get(backend, backend)
    return [row for row in TABLE if row.backend == name]
