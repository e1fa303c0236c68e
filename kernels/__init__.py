"""Jitted JAX convolutions whose adjoints are derived, registered and checked; channels last throughout."""

from kernels import namesakes, radial
from kernels.action.act import act
from kernels.action.random import random_element
from kernels.auditing.audit import audit
from kernels.auditing.report import Audit, AuditedLayer
from kernels.checking.checks import check_adjoints, check_against_dense
from kernels.checking.equivariance import check_equivariance
from kernels.checking.report import Comparison, Report, Uncarried
from kernels.convolution.adjoint_api import input_adjoint, kernel_adjoint
from kernels.convolution.api import conv, conv_transpose
from kernels.convolution.choice.autotune import autotune
from kernels.convolution.choice.calibrate import calibrate
from kernels.convolution.choice.explain import Explanation, explain
from kernels.convolution.choice.table import Policy
from kernels.convolution.choice.thresholds import Thresholds
from kernels.convolution.layouts import convert_layout
from kernels.convolution.matrices import conv_matrix, patch_matrix
from kernels.convolution.separable import conv_separable
from kernels.convolution.sharding.place import shard_image
from kernels.differential import DifferentialOp, DifferentialSum
from kernels.equivariant import EquivariantOp
from kernels.errors import (
    CheckError,
    DtypeError,
    EdgeError,
    ExportError,
    FieldError,
    GroupsError,
    ImplementationError,
    KernelError,
    LayoutError,
    MeshError,
    PaddingError,
    PrecisionError,
    RadialError,
    ShapeError,
    SymmetryError,
    SymmetryWarning,
    WindowError,
)
from kernels.export import Artifact
from kernels.lattice.fibred import FibredOp
from kernels.lattice.op import LatticeOp
from kernels.lax_alone import only_lax
from kernels.lowering import lower
from kernels.maps.bilinear.op import BilinearOp
from kernels.maps.op import MapsOp
from kernels.pool import avg_pool, max_pool
from kernels.sampled.op import SampledOp
from kernels.space.op import PointsOp

namesakes.warn()

__all__ = [
    "Artifact",
    "Audit",
    "AuditedLayer",
    "BilinearOp",
    "CheckError",
    "Comparison",
    "DifferentialOp",
    "DifferentialSum",
    "DtypeError",
    "EdgeError",
    "EquivariantOp",
    "Explanation",
    "ExportError",
    "FibredOp",
    "FieldError",
    "GroupsError",
    "ImplementationError",
    "KernelError",
    "LatticeOp",
    "LayoutError",
    "MapsOp",
    "MeshError",
    "PaddingError",
    "PointsOp",
    "Policy",
    "PrecisionError",
    "RadialError",
    "Report",
    "SampledOp",
    "ShapeError",
    "SymmetryError",
    "SymmetryWarning",
    "Thresholds",
    "Uncarried",
    "WindowError",
    "act",
    "audit",
    "autotune",
    "avg_pool",
    "calibrate",
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
    "only_lax",
    "patch_matrix",
    "radial",
    "random_element",
    "shard_image",
]
