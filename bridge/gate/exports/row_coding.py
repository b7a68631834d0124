"""For which hub rows are coded, with what, and the pseudonyms of those whom they refer to."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from bridge.gate.authorise import Viewer
from bridge.identifiers import Identifiers

_MOST_PEOPLE: Final = 50_000
"""Of so many people, and referrals, pseudonyms are remembered before they are forgotten (a quarter
of a kilobyte each): of each student of a file, and a referral."""


@dataclass(frozen=True, slots=True)
class Coding:
    """For which hub rows are coded, and with what.

    Attributes:
        pseudonym: of an identifier, in UTF-8.
        seal: of what a row says.
        pseudonyms, seals: of many at once.
    """

    viewer: Viewer
    identifiers: Identifiers
    pseudonym: Callable[[bytes], str]
    seal: Callable[[bytes], str]
    pseudonyms: Callable[[Iterable[bytes]], list[bytes]]
    seals: Callable[[Iterable[bytes]], list[bytes]]

    @classmethod
    def of(cls, viewer: Viewer, identifiers: Identifiers) -> "Coding":
        """Make it for a hub."""
        hub, role = viewer.organization, viewer.role
        return cls(
            viewer,
            identifiers,
            identifiers.pseudonymiser(hub),
            identifiers.sealer(hub, role),
            identifiers.pseudonyms(hub),
            identifiers.seals(hub, role),
        )


class Pseudonyms(dict[bytes, bytes]):
    """The pseudonyms of people and referrals, each made when it is first asked for."""

    def __init__(self, pseudonym: Callable[[bytes], str]) -> None:
        super().__init__()
        self._pseudonym = pseudonym

    def __missing__(self, person: bytes) -> bytes:
        if len(self) >= _MOST_PEOPLE:
            self.clear()
        made = self[person] = self._pseudonym(person).encode()
        return made
