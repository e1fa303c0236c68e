"""Jitted JAX convolutions whose adjoints are derived, registered and checked; channels last throughout."""

from kernels.checks import (
    Comparison,
    Report,
    check_adjoints,
    check_against_dense,
    check_equivariance,
)
from kernels.convolution.autotune import autotune
from kernels.convolution.convolve import conv, conv_transpose
from kernels.convolution.explain import Explanation, explain
from kernels.convolution.layout import convert_layout
from kernels.convolution.matrices import conv_matrix, patch_matrix
from kernels.convolution.pullback import input_adjoint, kernel_adjoint
from kernels.convolution.saved import Policy
from kernels.convolution.separable import conv_separable
from kernels.errors import (
    CheckError,
    DtypeError,
    ExportError,
    GroupsError,
    ImplementationError,
    KernelError,
    LayoutError,
    MeshError,
    PaddingError,
    PrecisionError,
    ShapeError,
    WindowError,
)
from kernels.export import Artifact
from kernels.fibres import FibredOp
from kernels.lowering import lower
from kernels.ops import LatticeOp
from kernels.pool import avg_pool, max_pool
from kernels.sharding import shard_image
from kernels.structured import MapsOp

__all__ = [
    "Artifact",
    "CheckError",
    "Comparison",
    "DtypeError",
    "Explanation",
    "ExportError",
    "FibredOp",
    "GroupsError",
    "ImplementationError",
    "KernelError",
    "LatticeOp",
    "LayoutError",
    "MapsOp",
    "MeshError",
    "PaddingError",
    "Policy",
    "PrecisionError",
    "Report",
    "ShapeError",
    "WindowError",
    "autotune",
    "avg_pool",
    "check_adjoints",
    "check_against_dense",
    "check_equivariance",
    "conv",
    "conv_matrix",
    "conv_separable",
    "conv_transpose",
    "convert_layout",
    "explain",
    "input_adjoint",
    "kernel_adjoint",
    "lower",
    "max_pool",
    "patch_matrix",
    "shard_image",
]
