"""Steps grouped into layers: what one call of a leaf does, or one line of the user's code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernels.auditing.axes import Layout, is_field, layout
from kernels.auditing.program import Label, Program, Step, source

NAME_WIDTH = 40


@dataclass(frozen=True, eq=False)
class Unit:
    """A layer: steps, the values that it reads and depend on x, and those that later ones read."""

    steps: tuple[Step, ...]
    ins: tuple[int, ...]
    outs: tuple[int, ...]
    labels: tuple[Label, ...]

    def run(self, program: Program, given: dict[int, Any]) -> list[Any]:
        """The outputs for other inputs."""
        made = {i for step in self.steps for i in step.outs}
        values = {i: program.values[i] for step in self.steps for i in step.ins if i not in made} | given
        for step in self.steps:
            step.run(values)
        return [values[i] for i in self.outs]

    def layers(self, program: Program) -> list[Any]:
        """The leaves whose calls it holds."""
        numbers = dict.fromkeys(n for n, _, _ in self.labels if n is not None and program.registry.is_leaf(n))
        return [program.registry.layers[n] for n in numbers]


def units_of(program: Program, dim: int) -> list[Unit]:
    """The layers in order, each with inputs and outputs that hold fields."""
    runs: list[list[Step]] = []
    for step in program.steps:
        if runs and runs[-1][-1].label == step.label:
            runs[-1].append(step)
        else:
            runs.append([step])
    merged: list[Unit] = []
    open_steps: list[Step] = []
    for i, run in enumerate(runs):
        open_steps += run
        unit = make_unit(program, open_steps)
        if i + 1 == len(runs) or (unit.outs and all(is_field(program.axes[o], dim) for o in unit.outs)):
            merged.append(unit)
            open_steps = []
    return merged


def make_unit(program: Program, steps: Sequence[Step]) -> Unit:
    inside = {i for s in steps for i in s.outs}
    ids = {id(s) for s in steps}
    later = {i for s in program.steps if id(s) not in ids for i in s.ins} | {program.y}
    ins = dict.fromkeys(i for s in steps for i in s.ins if i in program.axes and i not in inside)
    outs = dict.fromkeys(i for s in steps for i in s.outs if i in later)
    return Unit(tuple(steps), tuple(ins), tuple(outs), tuple(dict.fromkeys(s.label for s in steps)))


def join(program: Program, units: Iterable[Unit]) -> Unit:
    """Neighbouring layers as one."""
    return make_unit(program, [s for u in units for s in u.steps])


def whole(program: Program) -> Unit:
    """The model as one layer."""
    return make_unit(program, program.steps)


def layouts(program: Program, numbers: Iterable[int]) -> dict[int, Layout]:
    return {i: layout(program.axes[i]) for i in numbers}


# ---- names -----------------------------------------------------------------------------------------------


def names_of(units: Sequence[Unit], program: Program) -> list[str]:
    """Such as 'blocks[2].conv1', or the text of a line; of several the first and the last; all different."""
    shared = _shared(label for unit in units for label in unit.labels)
    names = [_name(unit, program, shared) for unit in units]
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(f"{name} ({seen[name]})" if names.count(name) > 1 else name)
    return result


def _name(unit: Unit, program: Program, shared: dict[int | None, int]) -> str:
    calls = [label for label in unit.labels if not label[2]]
    if len(calls) == 1 and all(label[:2] == calls[0][:2] for label in unit.labels):
        return _part(calls[0], program, shared, text=False)
    text = len(unit.labels) == 1
    parts = list(dict.fromkeys(_part(label, program, shared, text) for label in unit.labels))
    return parts[0] if len(parts) == 1 else f"{parts[0]} .. {parts[-1]}"


def _part(label: Label, program: Program, shared: dict[int | None, int], text: bool) -> str:
    """The name of a call, or the line at which the user's code parts from that of other layers."""
    number, call, lines = label
    name = ""
    if number is not None:
        kind = type(program.registry.layers[number]).__name__
        name = program.registry.names[number] or ("" if lines else kind)
        name += f" (call {call})" if call > 1 and not lines else ""
    if not lines:
        return name or "model"
    at = min(shared[number], len(lines) - 1)
    file, line, function = lines[at]
    where = f"line {line}" + (f" > {lines[-1][1]}" if at < len(lines) - 1 else "")
    if text:
        where += f": {source(file, line) or f'{Path(file).name}, {function}'}"
    named = f"{name}, {where}" if name else where
    return named if len(named) <= NAME_WIDTH else named[: NAME_WIDTH - 3] + "..."


def _shared(labels: Iterable[Label]) -> dict[int | None, int]:
    """Of how many lines all stacks of one layer begin with: wrappers around the code that matters."""
    stacks: dict[int | None, set[Any]] = {}
    for number, _, lines in labels:
        stacks.setdefault(number, set()).add(lines)
    common = {}
    for number, found in stacks.items():
        rows = list(zip(*found, strict=False))
        common[number] = next((i for i, row in enumerate(rows) if len(set(row)) > 1), len(rows))
    return common
