"""The same convolutions by torch on the CPU, where it is installed, on as many threads as JAX takes."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.cases import Case
from benchmarks.contenders import FIRST
from benchmarks.programs import FORWARD, INPUT, KERNEL, RATE, STEP, Operands

TORCH = ("torch", "torch channels last")
Tensor = Any
Convolution = Callable[[Tensor, Tensor], Tensor]


def calls(operands: Operands, case: Case, direction: str) -> dict[str, Callable[[], object]]:
    """A call per memory format; none where torch is absent."""
    if not find_spec("torch"):
        return {}
    import torch

    torch.set_num_threads(os.cpu_count() or 1)
    x, kernel, ybar = (_tensor(array) for array in operands.laid_out(FIRST))
    last = {2: torch.channels_last, 3: torch.channels_last_3d}.get(len(case.spatial))
    formats = dict(zip(TORCH, (torch.contiguous_format, last), strict=True))
    return {
        name: _direction(direction, convolution(case), x.contiguous(memory_format=how), kernel, ybar)
        for name, how in formats.items()
        if how is not None
    }


def _tensor(array: Any) -> Tensor:
    """In torch's dtype of the same name; NumPy itself has no bfloat16."""
    import torch

    wide = array.astype(jnp.float32) if array.dtype == jnp.bfloat16 else array
    return torch.from_numpy(np.array(wide)).to(getattr(torch, str(array.dtype)))


def _direction(
    direction: str, conv: Convolution, x: Tensor, kernel: Tensor, ybar: Tensor
) -> Callable[[], object]:
    """One of the directions; the adjoints go back through a graph that was built beforehand."""
    import torch

    if direction == FORWARD:
        return torch.inference_mode()(lambda: conv(x, kernel))
    x.requires_grad_(direction in (INPUT, STEP))
    kernel = kernel.detach().requires_grad_(direction in (KERNEL, STEP))
    if direction == STEP:
        return lambda: _step(conv, x, kernel)
    y, wanted = conv(x, kernel), x if direction == INPUT else kernel
    return lambda: torch.autograd.grad(y, wanted, ybar, retain_graph=True)


def _step(conv: Convolution, x: Tensor, kernel: Tensor) -> Tensor:
    """Loss, both gradients and the update of SGD."""
    import torch

    loss = (conv(x, kernel) ** 2).mean()
    dx, dk = torch.autograd.grad(loss, (x, kernel))
    return dx, kernel.detach() - RATE * dk, loss


def convolution(case: Case) -> Convolution:
    """torch's function of (x, kernel), channels first. Odd zeros of SAME are rounded up."""
    return _KINDS[case.kind](case)


def _conv(case: Case) -> Convolution:
    from torch.nn import functional

    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[len(case.spatial) - 1]
    stride, dilation = case.options.get("strides", 1), case.options.get("dilation", 1)
    padding = case.options.get("padding", "SAME")
    around = tuple(dilation * (k - 1) // 2 for k in case.size)
    zeros = around if padding == "SAME" else 0
    pairs = [n for n in reversed(around) for _ in "ab"]

    def call(x: Tensor, k: Tensor) -> Tensor:
        x = functional.pad(x, pairs, mode="circular") if padding == "CIRCULAR" else x
        return conv(x, k, stride=stride, padding=zeros, dilation=dilation, groups=case.groups)

    return call


def _transposed(case: Case) -> Convolution:
    from torch.nn import functional

    conv = (functional.conv_transpose1d, functional.conv_transpose2d, functional.conv_transpose3d)[
        len(case.spatial) - 1
    ]
    stride = case.options["strides"]
    return lambda x, k: conv(x, k, stride=stride, padding=tuple((n - stride) // 2 for n in case.size))


def _separable(case: Case) -> Convolution:
    from torch.nn.functional import conv2d

    height, width = case.size

    def call(x: Tensor, k: Tensor) -> Tensor:
        column = conv2d(x, k[..., :height, None], padding=(height // 2, 0))
        return conv2d(column, k[..., None, height:], padding=(0, width // 2))

    return call


_KINDS: dict[str, Callable[[Case], Convolution]] = {
    "conv": _conv,
    "transposed": _transposed,
    "separable": _separable,
}
