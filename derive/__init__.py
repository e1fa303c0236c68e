"""State the symmetry; get every equivariant linear operator, with its proof.

>>> import derive as dv
>>> G = dv.translations(2)
>>> x, y = dv.Field(G, channels="C", name="x"), dv.Field(G, channels="D", name="y")
>>> solution = dv.solve(x, y, support=dv.box(1))
>>> print(dv.text(solution.layer))
y[i,u,v] = Sum(K[i,c,du,dv]*x[c,u+du,v+dv], (c, 0, C - 1), (du, -1, 1), (dv, -1, 1)) + b[i]
"""

from derive import namesakes
from derive.answer.tying import Tying
from derive.certificate.certificate import Certificate
from derive.convolution.adjoint import Adjoints, adjoints
from derive.convolution.commutation import Commutation, commutation
from derive.convolution.composition import Composition, compose_kernels, composition, receptive_field
from derive.convolution.matrices import block_matrix, conv_matrix, patch_matrix
from derive.derivation.derivation import Derivation
from derive.derivation.render import latex, text
from derive.errors import (
    DerivationError,
    DeriveError,
    ExactnessError,
    GridError,
    GroupError,
    InfiniteError,
    LatticeError,
    RepresentationError,
    SizeError,
    SupportError,
    SymbolicError,
    TooLargeError,
)
from derive.pieces.decompose import decompose
from derive.pieces.decomposition import Decomposition, DecompositionCertificate, IrreduciblePiece
from derive.pieces.irreps import irrep, irreps
from derive.solution import Solution
from derive.solving import solve
from derive.steps import Step
from derive.symmetry.catalogue import alternating, cyclic, dihedral, hyperoctahedral, point_group, symmetric
from derive.symmetry.constructions import wreath
from derive.symmetry.euclidean import Euclidean, euclidean
from derive.symmetry.field import Field
from derive.symmetry.given import matrix_group, permutation_group
from derive.symmetry.group import Group
from derive.symmetry.lie import (
    general_linear,
    lorentz,
    orthogonal,
    special_linear,
    special_orthogonal,
    symplectic,
)
from derive.symmetry.outer import outer
from derive.symmetry.representation import Representation, alt, sym, trivial
from derive.symmetry.spacegroup import SpaceGroup, space_group, translations
from derive.symmetry.standard import defining, determinant, permutation, quotient, regular, sign
from derive.symmetry.support import Support, ball, box, hexagon, window
from derive.symmetry.wallpaper import wallpaper

namesakes.warn()

__all__ = [
    "Adjoints",
    "Certificate",
    "Commutation",
    "Composition",
    "Decomposition",
    "DecompositionCertificate",
    "Derivation",
    "DerivationError",
    "DeriveError",
    "Euclidean",
    "ExactnessError",
    "Field",
    "GridError",
    "Group",
    "GroupError",
    "InfiniteError",
    "IrreduciblePiece",
    "LatticeError",
    "Representation",
    "RepresentationError",
    "SizeError",
    "Solution",
    "SpaceGroup",
    "Step",
    "Support",
    "SupportError",
    "SymbolicError",
    "TooLargeError",
    "Tying",
    "adjoints",
    "alt",
    "alternating",
    "ball",
    "block_matrix",
    "box",
    "commutation",
    "compose_kernels",
    "composition",
    "conv_matrix",
    "cyclic",
    "decompose",
    "defining",
    "determinant",
    "dihedral",
    "euclidean",
    "general_linear",
    "hexagon",
    "hyperoctahedral",
    "irrep",
    "irreps",
    "latex",
    "lorentz",
    "matrix_group",
    "orthogonal",
    "outer",
    "patch_matrix",
    "permutation",
    "permutation_group",
    "point_group",
    "quotient",
    "receptive_field",
    "regular",
    "sign",
    "solve",
    "space_group",
    "special_linear",
    "special_orthogonal",
    "sym",
    "symmetric",
    "symplectic",
    "text",
    "translations",
    "trivial",
    "wallpaper",
    "window",
    "wreath",
]

Representation.decompose = decompose  # a method made of what stands on representations
