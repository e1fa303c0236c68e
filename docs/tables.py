"""The tables of the gallery, made by running the library: `python -m docs.tables` writes them in place."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import derive as dv

GALLERY = Path(__file__).parent / "gallery.md"


class Layer(NamedTuple):
    """One layer and the statement that gives it, as Python written in the names of `derive`."""

    name: str
    group: str
    x: str
    y: str
    support: str = "None"

    def solution(self) -> Any:
        names: dict[str, Any] = dict(vars(dv))
        names["G"] = eval(self.group, names)
        return dv.solve(*(eval(part, names) for part in (self.x, self.y, self.support)))


LAYERS = (
    Layer("convolution", "translations(2)", "Field(G, 'C')", "Field(G, 'D')", "box('r')"),
    Layer("1 x 1 layer", "translations(2)", "Field(G, 'C')", "Field(G, 'D')", "box(0)"),
    Layer(
        "dilated convolution", "translations(1)", "Field(G, 'C')", "Field(G, 'D')", "window(3, dilation=2)"
    ),
    Layer("even window", "translations(1)", "Field(G, 'C')", "Field(G, 'D', offset='1/2')", "window(4)"),
    Layer("strided", "translations(1, period=2)", "Field(G, 'C')", "Field(G, 'D', spacing=2)", "box(1)"),
    Layer("transposed", "translations(1, period=2)", "Field(G, 'C', spacing=2)", "Field(G, 'D')", "box(1)"),
    Layer(
        "rational resampling, 2 to 3",
        "translations(1, period=6)",
        "Field(G, 'C', spacing=2)",
        "Field(G, 'D', spacing=3)",
        "box(3)",
    ),
    Layer("polyphase filter bank", "translations(1, period=2)", "Field(G, 'C')", "Field(G, 'D')", "box(1)"),
    Layer(
        "convolution along u, dense along v",
        "translations(2, period=(1, 0))",
        "Field(G, 'C', grid=(None, 'W'))",
        "Field(G, 'D', grid=(None, 'W'))",
        "box((1, None))",
    ),
    Layer("global pooling", "translations(2)", "Field(G, 'C')", "trivial(G.point)"),
    Layer(
        "circular convolution",
        "translations(1)",
        "Field(G, 'C', grid='N', boundary='periodic')",
        "Field(G, 'D', grid='N', boundary='periodic')",
    ),
    Layer(
        "window with a zero border",
        "translations(2)",
        "Field(G, 'C', grid=('H', 'W'), boundary='zero')",
        "Field(G, 'D', grid=('H', 'W'), boundary='zero')",
    ),
    Layer("dense", "translations(1, period=0)", "Field(G, 'C', grid='N')", "Field(G, 'D', grid='N')"),
)


def layers() -> str:
    """layer <- statement: one row per problem, the counts and forms as the library prints them."""
    rows = [
        "| layer | `G` | `x` | `y` | `support` | weights | free weights | biases |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for layer in LAYERS:
        solution = layer.solution()
        cells = [layer.group, layer.x, layer.y, layer.support]
        cells += [dv.text(e) for e in (solution.form, solution.dim, solution.bias_dim)]
        rows.append("| " + " | ".join([layer.name, *(f"`{cell}`" for cell in cells)]) + " |")
    return "\n".join(rows)


class Symmetry(NamedTuple):
    """One symmetry with the spaces it acts on, as Python written in the names of `derive`."""

    name: str
    group: str
    x: str
    y: str
    support: str = "None"
    known: int = 0

    def solution(self) -> Any:
        names: dict[str, Any] = dict(vars(dv))
        names["G"] = eval(self.group, names)
        names["V"] = dv.defining(names["G"].point) if names["G"].dim else dv.permutation(names["G"])
        return dv.solve(*(eval(part, names) for part in (self.x, self.y, self.support)))


SYMMETRIES = (
    Symmetry("quarter turns and mirrors", "wallpaper('p4m')", "Field(G, 1)", "Field(G, 1)", "box(1)", 3),
    Symmetry(
        "p4m, scalars to group channels",
        "wallpaper('p4m')",
        "Field(G, fibre=3*trivial(G.point))",
        "Field(G, fibre=16*regular(G.point))",
        "box(2)",
        1200,
    ),
    Symmetry("glides only", "wallpaper('pg')", "Field(G, 1)", "Field(G, 1)", "box(1)", 9),
    Symmetry(
        "hexagonal, scalars to vectors",
        "wallpaper('p6m')",
        "Field(G, 1)",
        "Field(G, fibre=V)",
        "hexagon(2)",
        3,
    ),
    Symmetry(
        "a pseudoscalar image to a scalar one",
        "wallpaper('p4m')",
        "Field(G, fibre=sign(G.point))",
        "Field(G, 1)",
        "box(1)",
        0,
    ),
    Symmetry(
        "cube, pseudovectors to vectors",
        "space_group(point_group('O', dim=3))",
        "Field(G, fibre=V*sign(G.point))",
        "Field(G, fibre=V)",
        "box(2)",
        50,
    ),
    Symmetry(
        "one-megapixel torus, 10^12 pairs",
        "wallpaper('p4m')",
        "Field(G, 1, grid=(1000, 1000), boundary='periodic')",
        "Field(G, 1, grid=(1000, 1000), boundary='periodic')",
        known=125751,
    ),
    Symmetry(
        "the square's symmetries, no translation",
        "point_group('D4')",
        "Field(G, 1, grid=(64, 64))",
        "Field(G, 1, grid=(64, 64))",
        known=2098176,
    ),
    Symmetry("sets: any order of n points", "symmetric(5)", "V", "V", known=2),
    Symmetry("graphs: any order of the nodes", "symmetric(5)", "V**2", "V**2", known=15),
    Symmetry("graphs of 20000 nodes", "symmetric(20000)", "V**2", "V**2", known=15),
    Symmetry("cyclic shifts", "cyclic(12)", "V", "V", known=12),
    Symmetry("signed permutations", "hyperoctahedral(4)", "V**2", "V**2", known=4),
    Symmetry("rotations, tensors to tensors", "special_orthogonal(3)", "V**2", "V**2", known=3),
    Symmetry("Lorentz, rank 3 to rank 3", "lorentz(full=True)", "V**3", "V**3", known=15),
)


def symmetries() -> str:
    """symmetry -> what you get: one row per group and pair of spaces, certified as it is printed."""
    rows = [
        "| symmetry | `G` | from | to | `support` | free weights |",
        "|---|---|---|---|---|---|",
    ]
    for symmetry in SYMMETRIES:
        cells = [symmetry.group, symmetry.x, symmetry.y, symmetry.support, str(symmetry.solution().dim)]
        rows.append("| " + " | ".join([symmetry.name, *(f"`{cell}`" for cell in cells)]) + " |")
    return "\n".join(rows)


TABLES: dict[str, Callable[[], str]] = {"layers": layers, "symmetries": symmetries}


def filled(text: str) -> str:
    """The text with every `<!-- table: name -->` ... `<!-- end -->` written anew."""

    def fill(match: re.Match[str]) -> str:
        name = match["name"]
        return f"<!-- table: {name} -->\n{TABLES[name]()}\n<!-- end -->"

    return re.sub(r"<!-- table: (?P<name>\w+) -->\n.*?<!-- end -->", fill, text, flags=re.DOTALL)


if __name__ == "__main__":
    GALLERY.write_text(filled(GALLERY.read_text()))
