"""What was found of one layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from kernels.auditing.units import Unit


@dataclass(frozen=True)
class Cause:
    """What is wrong in a few words, and one line that would mend it."""

    name: str
    remedy: str


@dataclass(frozen=True)
class Verdict:
    """What a layer does to one element: kept or not, and the error."""

    kept: bool
    error: float
    mismatch: bool = False


@dataclass
class Judged:
    """A layer and a verdict for every element that could be tested."""

    unit: Unit
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    causes: list[Cause] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)  # elements that too few sites leave open

    @property
    def lost(self) -> list[str]:
        """The elements that reached this layer and do not leave it."""
        return [e for e, v in self.verdicts.items() if e in self.alive and not v.kept]
