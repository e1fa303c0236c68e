"""A policy that was measured: frozen data, which is saved as text and passed as `implementation`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any, NamedTuple

from kernels.convolution.work import Work
from kernels.errors import ImplementationError
from kernels.static import Content


class Entry(NamedTuple):
    """What to use for one convolution, and why."""

    work: Work
    name: str
    why: str


@dataclass(frozen=True, eq=False)
class Policy(Content):
    """Choices for convolutions that were measured, with any batch; all others follow the rules, as "auto".

    Where a layer was measured with several batches, the nearest counts, by ratio. Asking takes the same time
    with one entry as with many, and so do comparing and hashing after the first time.

    >>> policy = Policy.from_json(Policy().to_json())
    >>> policy, hash(policy) == hash(Policy())
    (Policy(entries=()), True)
    """

    entries: tuple[Entry, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The implementations it uses."""
        return tuple(dict.fromkeys(entry.name for entry in self.entries))

    @cached_property
    def _layers(self) -> dict[Work, dict[int, Entry]]:
        """The entries of a layer by their batch; of two for the same convolution the first."""
        layers: dict[Work, dict[int, Entry]] = {}
        for entry in self.entries:
            layers.setdefault(entry.work.with_samples(0), {}).setdefault(entry.work.samples, entry)
        return layers

    def get(self, work: Work) -> Entry | None:
        """The entry for this convolution with this batch, or with the nearest that was measured."""
        if work.symbolic or not work.samples:
            return None
        measured = self._layers.get(work.with_samples(0))
        if measured is None:
            return None
        exact = measured.get(work.samples)
        if exact is not None:
            return exact
        nearest = min(measured, key=lambda n: abs(log(max(n, 1) / work.samples)))
        entry = measured[nearest]
        return entry._replace(why=f"{entry.why}, with a batch of {nearest}")

    def measured(self, work: Work) -> bool:
        """Whether there is an entry for exactly this convolution."""
        return work.samples in self._layers.get(work.with_samples(0), {})

    def __add__(self, other: Policy) -> Policy:
        """Both policies; where they differ, the first."""
        return Policy((*self.entries, *(e for e in other.entries if not self.measured(e.work))))

    def to_json(self) -> str:
        """The policy as text."""
        rows = [{**e.work._asdict(), "name": e.name, "why": e.why} for e in self.entries]
        return json.dumps({"policy": rows}, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Policy:
        """A policy from its text.

        Raises:
            ImplementationError: `to_json` did not write this text.
        """
        try:
            return cls(tuple(_entry(row) for row in json.loads(text)["policy"]))
        except (ValueError, KeyError, TypeError) as error:
            raise ImplementationError(
                "text",
                "must be what Policy.to_json wrote",
                type(error).__name__,
                "save it again",
            ) from None


def _entry(row: dict[str, Any]) -> Entry:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in row.items()}
    name, why = str(values.pop("name")), str(values.pop("why"))
    return Entry(Work(**values), name, why)
