"""One axis of every kind of layer, small enough to mutate everywhere; and the rules of a derivation."""

from __future__ import annotations

import derive as dv
from tests.derive.cases import (
    BY_NAME,
    HALF,
    T1,
    T1by2,
    field,
    plain,
)

RULES = [
    "write the general linear operator",
    "act on the input by T_s",
    "re-index by T_s",
    "act on the output by T_s",
    "compare coefficients under T_s",
    "choose s to reach a representative",
    "name the kernel",
    "tie the bias",
    "impose locality",
    "write the layer",
    "count",
]
UNMOVED = [RULES[0], *RULES[8:]]  # where no translation is

# One axis of every kind of layer: small enough to mutate everywhere.
LINES = {
    "convolution": (*plain(T1), dv.box(1)),
    "symbolic radius": (*plain(T1), dv.box("k")),
    "no support": plain(T1),
    "no bias": (*plain(T1), dv.box(1), False),
    "dilated": (*plain(T1), dv.window(3, dilation=2)),
    "even window": (field(T1, "C"), field(T1, "D", offset=HALF), dv.window(2)),
    "listed": (*plain(T1), [0, 3]),
    "strided": (field(T1by2, "C"), field(T1by2, "D", spacing=2), dv.box(1)),
    "transposed": BY_NAME["transposed"].given,
    "rational": BY_NAME["rational, 2 against 3"].given,
    "polyphase": (*plain(T1by2), dv.box(1)),
    "pooling": (field(T1, "C"), 4 * dv.trivial(T1.point)),
    "from a fixed vector": (4 * dv.trivial(T1.point), field(T1, "D")),
    "ring": plain(T1, grid="N", boundary="periodic"),
    "ring, local": (*plain(T1, grid="N", boundary="periodic"), dv.box(1)),
    "strided ring": BY_NAME["strided ring"].given,
    "window": plain(T1, grid="N", boundary="zero"),
    "window, local": (*plain(T1, grid="N", boundary="zero"), dv.box(1)),
    "strided window, local": BY_NAME["strided window, local"].given,
    "polyphase window": BY_NAME["polyphase window"].given,
    "VALID window": BY_NAME["VALID window"].given,
    "nothing moves": BY_NAME["nothing moves"].given,
    "nothing moves, local": (*plain(dv.translations(1, 0), grid="N"), dv.box(1)),
}
