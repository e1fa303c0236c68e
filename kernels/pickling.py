"""What a copy or a pickle of an op carries: its fields, and nothing that was cached in this process."""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import Any


class Fields:
    """A frozen dataclass whose copies and pickles hold its fields alone; hashes differ between processes."""

    def __getstate__(self) -> dict[str, Any]:
        return {f.name: self.__dict__[f.name] for f in fields(self)}  # type: ignore[arg-type]


def portable(value: object) -> object:
    """The value itself where it can be pickled and read again, else its text."""
    try:
        pickle.loads(pickle.dumps(value))
    except Exception:  # whatever a foreign object raises there
        return str(value)
    return value
