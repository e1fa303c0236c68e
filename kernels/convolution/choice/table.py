"""A policy that was measured: frozen data, which is saved as text and passed as `implementation`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from kernels.convolution.work import Work
from kernels.errors import ImplementationError


class Entry(NamedTuple):
    """What to use for one convolution, and why."""

    work: Work
    name: str
    why: str


@dataclass(frozen=True)
class Policy:
    """Choices for convolutions that were measured; all others follow the rules, as with "auto".

    >>> policy = Policy.from_json(Policy().to_json())
    >>> policy, hash(policy) == hash(Policy())
    (Policy(entries=()), True)
    """

    entries: tuple[Entry, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The implementations it uses."""
        return tuple(dict.fromkeys(entry.name for entry in self.entries))

    def get(self, work: Work) -> Entry | None:
        """The entry for exactly this convolution."""
        return next((entry for entry in self.entries if entry.work == work), None)

    def __add__(self, other: Policy) -> Policy:
        """Both policies; where they differ, the first."""
        return Policy((*self.entries, *(e for e in other.entries if self.get(e.work) is None)))

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
