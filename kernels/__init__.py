"""Jitted JAX convolutions whose adjoints are derived, registered and checked; channels last throughout."""

from kernels.checks import (
    Comparison,
    Report,
    check_adjoints,
    check_against_dense,
    check_equivariance,
)
from kernels.convolution.convolve import conv, conv_transpose
from kernels.convolution.layout import convert_layout
from kernels.convolution.matrices import conv_matrix, patch_matrix
from kernels.convolution.pullback import input_adjoint, kernel_adjoint
from kernels.errors import (
    CheckError,
    DtypeError,
    GroupsError,
    ImplementationError,
    KernelError,
    LayoutError,
    PaddingError,
    ShapeError,
    WindowError,
)
from kernels.fibres import FibredOp
from kernels.lowering import lower
from kernels.ops import LatticeOp
from kernels.pool import avg_pool, max_pool
from kernels.structured import MapsOp

__all__ = [
    "CheckError",
    "Comparison",
    "DtypeError",
    "FibredOp",
    "GroupsError",
    "ImplementationError",
    "KernelError",
    "LatticeOp",
    "LayoutError",
    "MapsOp",
    "PaddingError",
    "Report",
    "ShapeError",
    "WindowError",
    "avg_pool",
    "check_adjoints",
    "check_against_dense",
    "check_equivariance",
    "conv",
    "conv_matrix",
    "conv_transpose",
    "convert_layout",
    "input_adjoint",
    "kernel_adjoint",
    "lower",
    "max_pool",
    "patch_matrix",
]
