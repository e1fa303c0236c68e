"""Names that are made of other names: a word of them is read off their data, never off how they are spelt.

    r x          `Moved`: the field x, moved by a generator (T_s x: by translations, L(a) x: infinitesimally)
    T(r x)       `Image`: what the operator makes of it
    pi_x(r)      `Images`: where r takes the components of x          sign_x(r) `Phases`, rho_x(r) `Mixing`
    r*m          `Generator`: a letter of words
    <ybar, y>    `Pairing`                (f*g), corr(f,g) `Convolution`, `Correlation`

All are SymPy symbols: they are labels of tensors, `IndexedBase(Moved(r, x))`, and left sides of definitions.
"""

from __future__ import annotations

from typing import Any

from sympy import Expr, IndexedBase, Symbol, sympify


class Composed(Symbol):
    """A symbol made of parts: equal where its class and its parts are; `name` is how it is spelt in text."""

    __slots__ = ("parts",)
    parts: tuple[Any, ...]

    def __new__(cls, *parts: Any, **assumptions: Any) -> Any:
        cls._sanitize(assumptions, cls)
        self = Symbol.__xnew__(cls, cls.spell(*parts), **assumptions)
        self.parts = parts
        return self

    @staticmethod
    def spell(*parts: Any) -> str:
        """The plain text of the name."""
        return " ".join(map(str, parts))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self.parts, self._assumptions_orig

    def _hashable_content(self) -> tuple[Any, ...]:
        return (*self.parts, *self._assumptions0)

    @classmethod
    def class_key(cls) -> tuple[Any, ...]:
        """Sorted among plain symbols, by name."""
        return Symbol.class_key()


# ---- what moves a field -----------------------------------------------------------------------------------


class Generator(Composed):
    """A generator of a group, as a letter of words and as what moves a field: letters do not commute."""

    __slots__ = ()

    def __new__(cls, name: str) -> Any:
        return super().__new__(cls, name, commutative=False)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self.parts, {}


class Translation(Composed):
    """T_s: every translation at once."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return "T_s"

    def _latex(self, printer: Any) -> str:
        return "T_{s}"


class Infinitesimal(Composed):
    """L(a): the derivative along exp(t a), for a generator a of a Lie algebra."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"L({parts[0]})"

    @property
    def generator(self) -> Generator:
        return self.parts[0]

    def _latex(self, printer: Any) -> str:
        return f"L({printer._print(self.generator)})"


class Moved(Composed):
    """A field moved by a generator, by translations or by a derivative: r x."""

    __slots__ = ()

    @property
    def mover(self) -> Symbol:
        return self.parts[0]

    @property
    def field(self) -> Symbol:
        return self.parts[1]

    def _latex(self, printer: Any) -> str:
        return rf"({printer._print(self.mover)}\,{printer._print(self.field)})"


class Image(Composed):
    """T(x), the operator's value at a field, moved or not."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"T({parts[0]})"

    @property
    def of(self) -> Symbol:
        return self.parts[0]

    def _latex(self, printer: Any) -> str:
        inner = printer._print(self.of)
        return f"T{inner}" if isinstance(self.of, Moved) else f"T({inner})"


def moved(mover: Symbol, field: IndexedBase) -> IndexedBase:
    """The tensor r x."""
    return IndexedBase(Moved(mover, field.label))


def image(field: IndexedBase) -> IndexedBase:
    """The tensor T(x)."""
    return IndexedBase(Image(field.label))


class Primed(Composed):
    """alpha', a second index with the range of alpha."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"{parts[0]}'"

    @property
    def of(self) -> Symbol:
        return self.parts[0]

    def _latex(self, printer: Any) -> str:
        return f"{printer._print(self.of)}'"


# ---- what moves components -------------------------------------------------------------------------------


class ComponentTable(Composed):
    """What a generator does to the components of a field, as a table; `Images`, `Phases` or `Mixing`."""

    __slots__ = ()
    letter = ""
    greek = ""

    def __new__(cls, field: str, generator: str) -> Any:
        return super().__new__(cls, Symbol(field), Generator(generator))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.field.name, self.generator.name), {}

    @classmethod
    def spell(cls, *parts: Any) -> str:
        return f"{cls.letter}_{parts[0]}({parts[1]})"

    @property
    def field(self) -> Symbol:
        return self.parts[0]

    def _latex(self, printer: Any) -> str:
        return rf"{self.greek}^{{{printer._print(self.field)}}}_{{{printer._print(self.generator)}}}"

    @staticmethod
    def latex_entry(table: str, indices: str) -> str:
        """One value, as of a function."""
        return f"{table}({indices})"

    @property
    def generator(self) -> Generator:
        return self.parts[1]


class Images(ComponentTable):
    """pi_x(r): the component that each component goes to."""

    __slots__ = ()
    letter = "pi"
    greek = r"\pi"


class Phases(ComponentTable):
    """sign_x(r): what each component is multiplied by on its way."""

    __slots__ = ()
    letter = "sign"
    greek = r"\sigma"


class Mixing(ComponentTable):
    """rho_x(r): the matrix, where components mix."""

    __slots__ = ()
    letter = "rho"
    greek = r"\rho"

    @staticmethod
    def latex_entry(table: str, indices: str) -> str:
        """One entry of a matrix."""
        return f"[{table}]_{{{indices}}}"


# ---- products of two names --------------------------------------------------------------------------------


class Pairing(Composed):
    """<ybar, y>: the sum of products of entries."""

    __slots__ = ()

    def __new__(cls, left: str, right: str) -> Any:
        return super().__new__(cls, Symbol(left), Symbol(right))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return tuple(part.name for part in self.parts), {}

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"<{parts[0]}, {parts[1]}>"

    def _latex(self, printer: Any) -> str:
        left, right = map(printer._print, self.parts)
        return rf"\langle {left}, {right}\rangle"


class NonzeroCount(Composed):
    """nnz(B[0]): how many entries of a matrix are not zero; the name of the matrix, and its number."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"nnz({parts[0]}[{parts[1]}])"

    def _latex(self, printer: Any) -> str:
        matrix, number = self.parts
        return rf"\operatorname{{nnz}}({printer._print(Symbol(matrix))}_{{{number}}})"


class Convolution(Composed):
    """(f*g), of two functions."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"({parts[0]}*{parts[1]})"

    def _latex(self, printer: Any) -> str:
        f, g = map(printer._print, self.parts)
        return f"({f} * {g})"


class Correlation(Composed):
    """corr(f,g), of two functions."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"corr({parts[0]},{parts[1]})"

    def _latex(self, printer: Any) -> str:
        f, g = map(printer._print, self.parts)
        return rf"\operatorname{{corr}}({f}, {g})"


# ---- kernels on R^n --------------------------------------------------------------------------------------


class Named(Composed):
    """What a kernel of R^n is called: d d^T, [d]_x, S(d v^T); in text and in LaTeX.

    S is the symmetric traceless part of a matrix, H the harmonic part of polynomials, z = d_1 + i d_2.
    """

    __slots__ = ()

    def __new__(cls, text: str, tex: str) -> Any:
        return super().__new__(cls, text, tex, commutative=False)

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return self.parts, {}

    @staticmethod
    def spell(*parts: Any) -> str:
        return str(parts[0])

    def _latex(self, printer: Any) -> str:
        return str(self.parts[1])


class Length(Composed):
    """|d|, of a vector."""

    __slots__ = ()

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"|{parts[0]}|"

    def _latex(self, printer: Any) -> str:
        return f"|{printer._print(Symbol(str(self.parts[0])))}|"


class Tangent(Composed):
    """drho_x: what the Lie algebra does where the group acts by rho_x."""

    __slots__ = ()

    def __new__(cls, of: str) -> Any:
        return super().__new__(cls, Symbol(of))

    def __getnewargs_ex__(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (self.parts[0].name,), {}

    @property
    def of(self) -> Symbol:
        return self.parts[0]

    @staticmethod
    def spell(*parts: Any) -> str:
        return f"d{parts[0]}"

    def _latex(self, printer: Any) -> str:
        return f"d{printer._print(self.of)}"


class At(Expr):
    """A(p, q): the value of something at vectors or at a group element; values and vectors do not commute.

    Its first argument is what is evaluated: K, a moved field T_s x, an image T(x).
    """

    is_commutative = False

    def __new__(cls, head: Any, *arguments: Any) -> Any:
        return Expr.__new__(cls, head, *map(sympify, arguments))

    @property
    def head(self) -> Symbol:
        return self.args[0]

    @property
    def points(self) -> tuple[Any, ...]:
        """Where it is evaluated."""
        return self.args[1:]

    def _equation_text(self, printer: Any) -> str:
        head = printer._print(self.head)
        shown = f"({head})" if isinstance(self.head, Moved) else head
        return f"{shown}({', '.join(map(printer._print, self.points))})"

    def _sympystr(self, printer: Any) -> str:
        return self._equation_text(printer)

    def _latex(self, printer: Any) -> str:
        return f"{printer._print(self.head)}({', '.join(map(printer._print, self.points))})"


class Along(Expr):
    """D[v] K(d): the derivative of a function of d along a vector v."""

    is_commutative = False

    def __new__(cls, vector: Any, value: Any) -> Any:
        return Expr.__new__(cls, sympify(vector), sympify(value))

    def _equation_text(self, printer: Any) -> str:
        vector, value = map(printer._print, self.args)
        return f"D[{vector}] {value}"

    def _sympystr(self, printer: Any) -> str:
        return self._equation_text(printer)

    def _latex(self, printer: Any) -> str:
        vector, value = map(printer._print, self.args)
        return rf"D_{{{vector}}} {value}"
