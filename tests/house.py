"""How a package is built, read from its files: who imports whom, where in a file, and in which circles."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class House:
    """A package: its folder, named as it is imported."""

    root: Path

    @property
    def name(self) -> str:
        return self.root.name

    @property
    def files(self) -> list[Path]:
        return sorted(self.root.rglob("*.py"))

    def module(self, path: Path) -> str:
        """The name of a file inside of the package."""
        return ".".join(path.relative_to(self.root).with_suffix("").parts).removesuffix(".__init__")

    def graph(self) -> dict[str, set[str]]:
        """The files that each file imports, wherever in the file the import stands."""
        names = {self.module(path) for path in self.files}
        edges: dict[str, set[str]] = {}
        for path in self.files:
            edges[self.module(path)] = set()
            for node in ast.walk(tree(path)):
                if isinstance(node, ast.ImportFrom) and node.module:
                    whole = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
                else:
                    whole = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                edges[self.module(path)] |= {n.removeprefix(f"{self.name}.") for n in whole} & names
        return edges

    def hidden(self, path: Path) -> list[str]:
        """The modules of the package that a file imports elsewhere than in its outermost lines."""
        outer = tree(path)
        found = []
        for node in ast.walk(outer):
            if isinstance(node, ast.ImportFrom | ast.Import) and node not in outer.body:
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
                found += [name for name in names if name and name.split(".")[0] == self.name]
        return found


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, inside functions too."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """The sets of two or more files that all reach each other, and files that import themselves."""
    reached = {name: set(targets) for name, targets in edges.items()}
    for middle in edges:
        for targets in reached.values():
            if middle in targets:
                targets |= reached[middle]
    on_one = {name for name in edges if name in reached[name]}
    return [set(c) for c in {frozenset(b for b in reached[a] if a in reached[b]) for a in on_one}]
