"""What a hub has given out: every count that was ever shown in a place of a table.

Two tables with 30 and 31 students tell of one student, whoever suppressed each of them. So a count
is compared with all that stood in its place before.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.errors import BridgeError
from bridge.files import written_whole

COUNTS: Final = ("referrals", "served", "sessions")
Place = tuple[str, str, str]


class RegisterError(BridgeError):
    """What was given out before is not known, so nothing is given out."""


@dataclass(slots=True)
class Register:
    """The counts given out, by where they stood: district, provider, modality, column."""

    file: Path
    given: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Register":
        """Read the register; there is none before the first table.

        Raises:
            RegisterError: the file is not as it was written.
        """
        try:
            given = json.loads(file.read_text(encoding="utf-8"))
            return cls(file, {place: [int(n) for n in counts] for place, counts in given.items()})
        except FileNotFoundError:
            return cls(file)
        except (ValueError, AttributeError, TypeError):
            text = f"{file.name}, what was given out before, cannot be read: take it from a backup"
            raise RegisterError(text) from None

    def allows(self, place: Place, column: str, count: int, minimum: int) -> bool:
        """Whether a count differs from each that was shown there by nothing or by enough."""
        differences = (abs(count - before) for before in self.given.get(_key(place, column), ()))
        return not any(0 < each < minimum for each in differences)

    def note(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Keep, on disk, what is now given out: to be called before it is."""
        for row in rows:
            place = (row["district"], row["provider"], row["modality"])
            for column in (each for each in COUNTS if row[each].isdecimal()):
                kept = self.given.setdefault(_key(place, column), [])
                if int(row[column]) not in kept:
                    kept.append(int(row[column]))
        with written_whole(self.file, replace=True) as new:
            new.write_text(json.dumps(self.given), encoding="utf-8")


def _key(place: Place, column: str) -> str:
    return json.dumps([*place, column])
