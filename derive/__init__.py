"""State the symmetry; get every equivariant linear operator, with its proof.

>>> import derive as dv
>>> G = dv.translations(2)
>>> x, y = dv.Field(G, channels="C", name="x"), dv.Field(G, channels="D", name="y")
>>> solution = dv.solve(x, y, support=dv.box(1))
>>> print(dv.text(solution.layer))
y[i,u,v] = Sum(K[i,c,du,dv]*x[c,u+du,v+dv], (c, 0, C - 1), (du, -1, 1), (dv, -1, 1)) + b[i]
"""

from derive.answer.certificate import Certificate
from derive.answer.render import latex, text
from derive.answer.solution import Solution
from derive.answer.tying import Tying
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
from derive.solving import solve
from derive.steps import Derivation, Step
from derive.symmetry.fields import Field
from derive.symmetry.groups import Group
from derive.symmetry.lattice import SpaceGroup, space_group, translations
from derive.symmetry.representations import Representation, trivial
from derive.symmetry.support import Support, ball, box, hexagon, window

__all__ = [
    "Certificate",
    "Derivation",
    "DerivationError",
    "DeriveError",
    "ExactnessError",
    "Field",
    "GridError",
    "Group",
    "GroupError",
    "InfiniteError",
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
    "ball",
    "box",
    "hexagon",
    "latex",
    "solve",
    "space_group",
    "text",
    "translations",
    "trivial",
    "window",
]
