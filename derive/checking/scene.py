"""Where the steps of a group's derivation are evaluated: sampled outputs, inputs near them, exact tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
import sympy
from sympy import Eq, Indexed, IndexedBase, Symbol

from derive.checking.actions import site_matrix
from derive.checking.expansion import Bounds, Expander, collect
from derive.checking.statement import LEADING, Statement, ends, moved_by
from derive.checking.terms import Array, false
from derive.errors import TooLargeError
from derive.notation import Images, Moved
from derive.steps import modulus

COPIES = 2  # of a block: copies do not act on each other
NEAR = 2  # inputs up to this far from the origin tell one affine map from another
FAR = 60
ROWS = 9
LONGEST = 1 << 20  # the largest displacement whose ends are sampled
SAMPLED = 3  # times as many rows where a support has ends
CLOSE = 16  # a reach at which every output is looked at
TIED = "b of a class"  # b with the indices of a class of sites, which may be fewer than those of a site


@dataclass(frozen=True)
class Scene:
    """One statement with numbers for its sizes."""

    statement: Statement
    sizes: Mapping[Symbol, int]

    # ---- ranges -----------------------------------------------------------------------------------------

    def stop(self, index: Symbol) -> int | None:
        """The number of values of an index, None on Z; of copies it takes two to tell them apart."""
        if index.name in ("i", "c"):
            return COPIES
        domain = self.statement.where[index]
        _, last = ends(domain)
        if last is sympy.oo:
            return None
        last = sympy.sympify(last).xreplace({s: sympy.Integer(n) for s, n in self.sizes.items()})
        if not last.is_Integer:
            raise false("must let every index range over Z or to a number", domain)
        return int(last) + 1

    @cached_property
    def components(self) -> dict[str, int]:
        """The number of components of either side."""
        named = {s.name: s for s in self.statement.where}
        return {
            side: (self.stop(named[letter]) or 1) if letter in named else 1
            for side, letter in (("x", "beta"), ("y", "alpha"))
        }

    def bounds(self, index: Symbol, far: int = NEAR) -> Bounds:
        stop = self.stop(index)
        return (-far, far) if stop is None else (0, stop - 1)

    def periods(self, indices: tuple[Symbol, ...]) -> tuple[int | None, ...]:
        """Sites that range over Z mod n are read modulo n, other indices are not."""
        where = self.statement.where
        return tuple(None if modulus(where[s]) is None else self.stop(s) for s in indices)

    @cached_property
    def permutations(self) -> dict[str, Array]:
        """The tables of images; each must be a permutation."""
        found = {}
        for name, table in self.statement.tables.items():
            if isinstance(name, Images):
                images = [int(n) if n.is_Integer else -1 for n in table]
                if sorted(images) != list(range(len(images))):
                    raise false("must permute components", table)
                found[str(name)] = np.array(images, dtype=np.int64)
        return found

    # ---- polynomials ------------------------------------------------------------------------------------

    def expander(self, ranks: Mapping[str, int], endless: int = NEAR) -> Expander:
        """All tensors of the chapter: on Z, x is known near the origin, all others far out."""
        s = self.statement
        furthest = FAR + 2 * self.reach
        wide = [[self.bounds(index, furthest) for index in side] for side in (s.out, s.into)]
        lead = [[b for index, b in zip(side, w, strict=True) if index.name in LEADING]
                for side, w in zip((s.out, s.into), wide, strict=True)]  # fmt: skip
        inputs = tuple(self.bounds(index) for index in s.into)
        far = [(-furthest, furthest)]
        bounds: dict[str, tuple[Bounds, ...]] = {
            "A": (*wide[0], *wide[1]),
            "b": tuple(wide[0]),
            "K": (*lead[0], *lead[1], *far * (ranks.get("K", 0) - len(lead[0]) - len(lead[1]))),
            TIED: (*lead[0], *far * (ranks.get(TIED, 0) - len(lead[0]))),
            str(s.x): inputs,
            **{str(moved_by(a.x)): inputs for a in s.actings},
            **{str(a.output): tuple(wide[0]) for a in s.actings},
        }
        for name, table in s.tables.items():
            shape = table.shape if hasattr(table, "shape") else (len(table),)
            bounds[str(name)] = tuple((0, n - 1) for n in shape)
        read = self.periods(s.into)
        modulo = {"A": self.periods((*s.out, *s.into)), "b": self.periods(s.out), str(s.x): read}
        modulo |= {str(moved_by(a.x)): read for a in s.actings}
        return Expander(
            bounds,
            self.sizes,
            endless=(-endless, endless),
            strict=False,
            modulo=modulo,
            tables=self.permutations,
        )

    @cached_property
    def rows(self) -> dict[Symbol, Array]:
        """A sample of values for all indices and translations, the same every time."""
        s, generator = self.statement, np.random.default_rng(0)
        values = {}
        for index in dict.fromkeys((*s.out, *s.into, *s.shifts)):
            low, high = (-3, 3) if index in s.shifts else self.bounds(index)
            values[index] = generator.integers(low, high + 1, size=self.count)
            if index in s.sites[0] and self.stop(index) is None:  # most outputs at an end of the support
                ends = np.array([-self.reach, -(self.reach // 2), self.reach // 2, self.reach])
                values[index][ROWS // 2 :] += generator.choice(ends, size=self.count - ROWS // 2)
        for k, index in enumerate(
            self.open if self.reach else ()
        ):  # one axis after the other all along the support and beyond
            start = SAMPLED * ROWS + k * len(self.sweep)
            for other in self.open:
                values[other][start : start + len(self.sweep)] = self.sweep if other is index else 0
        return values

    @cached_property
    def open(self) -> list[Symbol]:
        """The output axes that are all of Z."""
        return [s for s in self.statement.sites[0] if self.stop(s) is None]

    @cached_property
    def sweep(self) -> Array:
        """Outputs so close together that some input near the origin lies at every displacement."""
        step = 1 if self.reach <= CLOSE else 2 * NEAR + 1
        return np.arange(-2 * self.reach, 2 * self.reach + 1, step)

    @property
    def count(self) -> int:
        """How many rows there are: more where a support has an end to be seen."""
        return SAMPLED * ROWS + len(self.open) * len(self.sweep) if self.reach else ROWS

    @cached_property
    def reach(self) -> int:
        """The largest number in the condition on supports: how far they may extend."""
        condition = self.statement.condition
        if condition is None:
            return 0
        put = {s: sympy.Integer(n) for s, n in self.sizes.items()}
        reach = max((abs(int(n)) for n in condition.xreplace(put).atoms(sympy.Rational)), default=0)
        if reach > LONGEST:
            raise TooLargeError(
                "derivation",
                f"may have displacements of up to {LONGEST:,} to be checked",
                f"{reach:,}",
                "check a smaller support; the steps are the same",
            )
        return reach

    def polynomial(
        self,
        expr: sympy.Expr,
        *definitions: Eq,
        extra: Mapping[Symbol, Sequence[int]] | None = None,
        endless: int = NEAR,
    ) -> Array:
        """The monomials of an expression at every row."""
        known = [e for e in sympy.sympify(expr).atoms(Indexed) if str(e.base.label) in ("K", TIED)]
        expander = self.expander({str(e.base.label): len(e.indices) for e in known}, endless)
        few = [Eq(eq.lhs, self.few(eq.rhs), evaluate=False) for eq in definitions]
        values = {**self.rows, **{s: np.resize(v, self.count) for s, v in (extra or {}).items()}}
        return collect(
            expander.with_definitions(*few).expand(self.few(sympy.sympify(expr)), values, self.count)
        )

    def few(self, expr: sympy.Expr) -> sympy.Expr:
        """Sums over many copies as sums over a few."""

        def cut(total: sympy.Sum) -> sympy.Sum:
            limits = [(v, low, high if v.name != "c" else self.bounds(v)[1]) for v, low, high in total.limits]
            return sympy.Sum(total.function, *limits)

        return expr.replace(lambda e: isinstance(e, sympy.Sum), cut) if expr.has(sympy.Sum) else expr

    def require_same(
        self, printed: sympy.Expr, expected: sympy.Expr, *definitions: Eq, **how: object
    ) -> None:
        """Both are the same polynomial in the entries of A, x and b, and sum over the copies stated."""
        left, right = (self.polynomial(e, *definitions, **how) for e in (printed, expected))  # type: ignore[arg-type]
        if left.shape != right.shape or not np.array_equal(left, right):
            raise false("must agree term by term with what the rule gives", printed)
        self.statement.require_limits(printed)

    def require_bijective(self, action: Eq) -> None:
        """The left side of an action takes different entries to different entries, and reaches all."""
        plain, moved = self.statement.into, action.lhs.indices
        lead = [k for k, s in enumerate(plain) if s.name in LEADING]
        for k in lead:
            index = moved[k].indices[0] if isinstance(moved[k], Indexed) else moved[k]
            if index != plain[k]:
                raise false("must keep copies, and permute components", action)
        sites = [s for s in plain if s.name not in LEADING]
        if sites and abs(site_matrix(action, sites).det()) != 1:
            raise false("must take sites to sites one to one", action)

    def require_inside(self, action: Eq, plain: tuple[Symbol, ...]) -> None:
        """Where a grid ends, an action names its sites alone: corners tell, since indices are affine."""
        sites = [s for s in plain if s.name not in LEADING]
        corners = product(*(map(sympy.Integer, self.bounds(s)) for s in sites))
        values = [dict(zip(sites, corner, strict=True)) for corner in corners]
        named = [e for e in action.atoms(Indexed) if _field(e) == _field(action.lhs)]
        for k, s in enumerate(plain):
            stop = self.stop(s)
            if s not in sites or stop is None or modulus(self.statement.where[s]) is not None:
                continue
            if not all(0 <= self._number(e.indices[k], at) < stop for e in named for at in values):
                raise false(f"must keep {s} inside 0..{stop - 1}", action)

    # ---- single entries ---------------------------------------------------------------------------------

    def place(self, entry: Indexed, values: Mapping[Symbol, sympy.Integer]) -> tuple[sympy.Expr, ...]:
        """The indices of an entry at some values, tables looked up; sites on a ring are reduced."""
        indices = [self._number(index, values) for index in entry.indices]
        label = str(entry.base.label)
        s = self.statement
        plain = {"A": (*s.out, *s.into), "b": s.out}.get(label, ())
        if len(plain) != len(indices):
            return tuple(indices)
        return tuple(
            index if period is None else index % period
            for index, period in zip(indices, self.periods(tuple(plain)), strict=True)
        )

    def _number(self, index: sympy.Expr, values: Mapping[Symbol, sympy.Integer]) -> sympy.Expr:
        if isinstance(index, Indexed):
            table = self.statement.tables.get(index.base.label)
            at = self._number(index.indices[0], values)
            if table is None or not at.is_Integer or not 0 <= at < len(table):
                raise false("must use tables that were stated in its indices", index)
            return table[int(at)]
        return index.xreplace({**values, **{s: sympy.Integer(n) for s, n in self.sizes.items()}})


def _field(entry: Indexed) -> Symbol:
    """x, of an entry of x or of g x."""
    name = entry.base.label
    return name.field if isinstance(name, Moved) else name


def tied_bias(expr: sympy.Basic, full: int) -> sympy.Basic:
    """b with fewer indices than a site has, under a label of its own."""
    return expr.replace(
        lambda e: isinstance(e, Indexed) and str(e.base.label) == "b" and len(e.indices) < full,
        lambda e: IndexedBase(TIED)[tuple(e.indices)],
    )
