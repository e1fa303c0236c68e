"""The two adjoints of a convolution layer, derived: what a cotangent says about the input and the kernel.

<ybar, y> = <xbar, x> = <Kbar, K>   for every x and every K
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy
from sympy import Eq, IndexedBase, Symbol, Tuple

from derive.convolution.trilinear import Trilinear
from derive.convolution.window import Window, dimension, positives, windows
from derive.derivation.chain import Move, chain
from derive.derivation.derivation import Derivation
from derive.derivation.render import text
from derive.errors import SizeError
from derive.notation import Pairing
from derive.pickling import Fields
from derive.symmetry.names import fresh, names_in, require_free, require_one_symbol_each
from derive.symmetry.sizes import flag
from derive.symmetry.sizes import size as read_size
from derive.symmetry.spacegroup import axis_names

PAIRING = Pairing("ybar", "y")
X, Y, XBAR, YBAR = (IndexedBase(name) for name in ("x", "y", "xbar", "ybar"))
KBAR, TURNED, OPERATOR, PATCHES = (IndexedBase(name) for name in ("Kbar", "Kt", "W", "X"))
OWN = frozenset(("g", "xbar", "ybar", "Kbar", "Kt", "X"))  # the group of channels, cotangents, matrices
LETTERS = {1: ("N",), 2: ("H", "W"), 3: ("H", "W", "L")}


@dataclass(frozen=True)
class Adjoints(Fields):
    """A layer, both its adjoints, and how they were found.

    `layer`, `input_adjoint`, `kernel_adjoint`: SymPy equations; `turned_kernel` and `input_layer`: the input
    adjoint written as a layer again, a cross-correlation with the turned kernel (None and the input adjoint
    where nothing has to be turned); `matrices`: the operator matrix W, the patch matrix X, y = W x = X K,
    xbar = W^T ybar and Kbar = X^T ybar; `derivation`: the steps, which `derivation.check()` evaluates.
    """

    form: Trilinear

    @cached_property
    def derivation(self) -> Derivation:
        """From <ybar, y> to both adjoints and the matrix statements."""
        return _derive(self)

    @cached_property
    def layer(self) -> Eq:
        f = self.form
        term, extra = f.product(f.out, into=X)
        return _equation(f.at_out(Y), f.sum(term, *f.in_channel, *f.taps, *extra))

    @cached_property
    def input_adjoint(self) -> Eq:
        """The coefficient of one entry of x in <ybar, y>."""
        f = self.form
        term, extra = f.product(f.into, out=YBAR)
        return _equation(f.at_in(XBAR), f.sum(term, *f.out_channel, *f.taps, *extra))

    @cached_property
    def kernel_adjoint(self) -> Eq:
        """The coefficient of one entry of K in <ybar, y>."""
        f = self.form
        term, _ = f.product(f.coarse, YBAR, X, kernel=sympy.S.One)
        return _equation(f.kernel(KBAR), f.sum(term, *f.coarse))

    @cached_property
    def turned_kernel(self) -> Eq | None:
        """Kt[c,i,d] = K[i,c,k-1-d]: reversed in space, channels transposed."""
        f = self.form
        reads_backwards = f.solvable and all(
            (w.step if f.transposed else -w.step).could_extract_minus_sign() for w in f.windows
        )
        return _equation(self._turned(), f.kernel(taps=self._back)) if reads_backwards else None

    @property
    def _back(self) -> tuple[sympy.Expr, ...]:
        pairs = zip(self.form.windows, self.form.taps, strict=True)
        return tuple(sympy.expand(w.taps - 1 - d) for w, d in pairs)

    def _turned(self) -> sympy.Indexed:
        f = self.form
        return TURNED[(*f.g, *f.in_channel, *f.out_channel, *f.taps)]

    @cached_property
    def input_layer(self) -> Eq:
        """The input adjoint as a layer: the taps renamed d -> k - 1 - d where they run backwards."""
        if self.turned_kernel is None:
            return self.input_adjoint
        f = self.form
        term, extra = f.product(f.into, out=YBAR, kernel=self.turned_kernel.lhs, taps=self._back)
        return _equation(f.at_in(XBAR), f.sum(term, *f.out_channel, *f.taps, *extra))

    @cached_property
    def matrices(self) -> Tuple:
        """W, X, y = W x, y = X K, xbar = W^T ybar, Kbar = X^T ybar."""
        f = self.form
        w = OPERATOR[(*f.g, *f.out_channel, *f.out, *f.in_channel, *f.into)]
        x = PATCHES[(*f.g, *f.out, *f.in_channel, *f.taps)]
        patch, extra = f.product(f.out, into=X, kernel=sympy.S.One)
        return Tuple(
            _equation(w, f.sum(f.delta(f.kernel()), *f.taps)),
            _equation(x, f.sum(patch, *extra)),
            _equation(f.at_out(Y), f.sum(w * f.at_in(X), *f.in_channel, *f.into)),
            _equation(f.at_out(Y), f.sum(x * f.kernel(), *f.in_channel, *f.taps)),
            _equation(f.at_in(XBAR), f.sum(w * f.at_out(YBAR), *f.out_channel, *f.out)),
            _equation(f.kernel(KBAR), f.sum(x * f.at_out(YBAR), *f.out)),
        )

    def __repr__(self) -> str:
        return "\n".join(text(e) for e in (self.layer, self.input_layer, self.kernel_adjoint))


def adjoints(
    dim: int = 1,
    *,
    kernel_size: Any = None,
    strides: Any = 1,
    padding: Any = "SAME",
    dilation: Any = 1,
    groups: Any = 1,
    channels: Any = ("C", "D"),
    size: Any = None,
    transposed: bool = False,
    flip: bool = False,
) -> Adjoints:
    """Both adjoints of a convolution layer in `dim` dimensions, with whatever sizes are left symbols.

        xbar[c,q] = Sum(K[i,c,d] ybar[i,(q + low - e d)/s])       where s divides
        Kbar[i,c,d] = Sum(ybar[i,p] x[c,s p + e d - low])

    `kernel_size`: taps per axis, 2 r + 1 with a symbol r unless given; `strides`, `dilation`: integers or
    names; `padding`: "SAME", "VALID", "CIRCULAR", "REFLECT", a width or (low, high) pairs (names too);
    `groups`: a number or a name gives every tensor a group index g, and `channels` are then those of one
    group; `channels`: inputs and outputs of the convolution, None for no channel index; `size`: sites per
    axis, which settle where SAME puts its zeros at strides above 1 (sizes stay symbols); `transposed`: the
    transposed convolution with that kernel; `flip`: the convolution of mathematics. Fields are 0 outside
    their sites unless the padding continues them.

    Raises SizeError, GridError.

    >>> a = adjoints(1, kernel_size=3)
    >>> from derive.derivation.render import text
    >>> print(text(a.input_adjoint))
    xbar[c,u'] = Sum(K[i,c,du]*ybar[i,u'-du+1], (i, 0, D - 1), (du, 0, 2))
    >>> print(text(a.kernel_adjoint))
    Kbar[i,c,du] = Sum(x[c,u+du-1]*ybar[i,u], (u, 0, N - 1))
    >>> a.derivation.check()

    Source: V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
    """
    dim, turned = dimension(dim), flag(transposed, "transposed")
    names = axis_names(dim)
    given = names_in(kernel_size, strides, padding, dilation, groups, channels, size)
    require_free(given & OWN, "names", OWN)
    letters = [
        Symbol(fresh(n, given), integer=True, positive=True)
        for n in LETTERS.get(dim) or [f"N_{a}" for a in names]
    ]
    sizes = letters if size is None else positives(size, dim, "size")
    axes = windows(sizes, _taps(kernel_size, dim, given), strides, padding, dilation, flip)
    other = "in" if turned else "out"
    named = tuple(_lettered(w, n, other, dim, given) for w, n in zip(axes, letters, strict=True))
    C, D = _channels(channels)
    G = read_size(1 if groups is None else groups, "groups")
    G = None if G == 1 else G
    options = (C, D, G, *(e for w in named for e in (w.n, w.outputs, w.taps, w.stride, w.step, w.low)))
    require_one_symbol_each(sympy.Tuple(*(e for e in options if e is not None)).free_symbols)
    return Adjoints(Trilinear(named, C, D, G, turned))


def _taps(kernel_size: Any, dim: int, given: set[str]) -> tuple[sympy.Expr, ...]:
    if kernel_size is None:
        letters = ("r",) if dim == 1 else tuple(f"r_{name}" for name in axis_names(dim))
        return tuple(2 * Symbol(fresh(r, given), integer=True, positive=True) + 1 for r in letters)
    return positives(kernel_size, dim, "kernel_size")


def _channels(channels: Any) -> tuple[sympy.Expr | None, sympy.Expr | None]:
    if channels is None:
        return None, None
    if isinstance(channels, str) or not isinstance(channels, list | tuple) or len(channels) != 2:
        raise SizeError("channels", "must be a pair (inputs, outputs)", channels, "give ('C', 'D') or None")
    inputs, outputs = (read_size(value, "channels") for value in channels)
    return inputs, outputs


def _lettered(window: Window, letter: Symbol, other: str, dim: int, given: set[str]) -> Window:
    """The same with letters for sizes that are numbers or no polynomial: the identities hold for all."""
    n, outputs, low = letter if window.n.is_number else window.n, window.outputs, window.low
    ragged = outputs.has(sympy.floor, sympy.ceiling, sympy.Max)
    if window.border == "periodic" and window.n == outputs:
        outputs = n
    elif window.border == "periodic" and (ragged or window.solvable):
        n, outputs = window.stride * n, n
    elif ragged or outputs.is_number:
        name = fresh(f"{n}_{other}", given)
        outputs = n if outputs == window.n else Symbol(name, integer=True, positive=True)
    if low.has(sympy.Max, sympy.ceiling):
        name = fresh("low" if dim == 1 else f"low_{letter}", given)
        low = Symbol(name, integer=True, nonnegative=True)
    return replace(window, n=n, outputs=outputs, low=low)


def _equation(left: sympy.Expr, right: sympy.Expr) -> Eq:
    return Eq(left, right, evaluate=False)


def _derive(a: Adjoints) -> Derivation:
    f = a.form
    over_out, over_in = (_equation(PAIRING, _pairing(f, free)) for free in (f.out, f.into))
    coarse = over_out if f.coarse == f.out else over_in
    adjoints_ = (a.input_adjoint, a.kernel_adjoint)
    moves: list[Move] = [
        (
            "pair with a cotangent",
            _equation(PAIRING, f.sum(f.at_out(YBAR) * f.at_out(Y), *f.g, *f.out_channel, *f.out)),
            "the adjoints are defined by <ybar, y> = <xbar, x> = <Kbar, K>, whatever x and K are; "
            + _border(f),
        ),
        ("substitute the layer", over_out, "y is linear in x and in K"),
        ("re-index the sum", Tuple(over_out, over_in), _renaming(f)),
        (
            "collect the coefficients of x",
            Tuple(coarse, a.input_adjoint),
            "x is arbitrary, so xbar[c, ...] is all that multiplies x[c, ...]",
        ),
        (
            "collect the coefficients of K",
            Tuple(*adjoints_),
            "K is arbitrary, so Kbar[i,c, ...] is all that multiplies K[i,c, ...]",
        ),
    ]
    last = Tuple(*adjoints_)
    if a.turned_kernel is not None:
        last = Tuple(a.input_layer, a.kernel_adjoint, a.turned_kernel)
        because = (
            "name the taps from the other end: the input adjoint reads ybar forwards, through the kernel "
        )
        moves.append(("turn the kernel", last, because + "reversed in space and transposed in its channels"))
    because = "the layer is a matrix in x and one in K; the adjoints multiply by their transposes"
    moves.append(("write as matrices", Tuple(*last, *a.matrices), because))
    return chain(_given(a), f.domains, moves)


def _given(a: Adjoints) -> Tuple:
    """The layer, and what defines its adjoints."""
    f = a.form
    by_x, by_kernel = f.at_in(XBAR) * f.at_in(X), f.kernel(KBAR) * f.kernel()
    return Tuple(
        a.layer,
        _equation(PAIRING, f.sum(by_x, *f.g, *f.in_channel, *f.into)),
        _equation(PAIRING, f.sum(by_kernel, *f.g, *f.i, *f.c, *f.taps)),
    )


def _pairing(f: Trilinear, free: tuple[Symbol, ...]) -> sympy.Expr:
    """<ybar, y> with the layer put in, summed over the sites `free`."""
    term, extra = f.product(free, YBAR, X)
    return f.sum(term, *f.g, *f.i, *f.c, *f.taps, *free, *extra)


def _renaming(f: Trilinear) -> str:
    if f.solvable:
        return "rename the site: take the input site as the index and solve the other for it"
    return "take the input site as an index of its own, under the condition that it is the one read"


def _border(f: Trilinear) -> str:
    kinds = {w.border for w in f.windows}
    if kinds == {"zero"}:
        return "fields are 0 outside their sites"
    return (
        "sites are read modulo the grid" if kinds == {"periodic"} else "sites beyond the field are mirrored"
    )
