"""Who issued a document, which version, and when it is in force."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

from consent.mou.reading import Fields, Node, Vocabulary


@dataclass(frozen=True, slots=True)
class Issuer:
    """The body that publishes a template."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Window:
    """Days of validity in a zone: from the first instant of ``first`` to the last of ``last``."""

    first: date
    last: date
    tz: str

    @property
    def readable(self) -> bool:
        """Whether both days could be read; if not, that is the mistake, and nothing follows."""
        return date.min not in (self.first, self.last)

    def within(self, first: date, last: date) -> bool:
        """Whether all days lie within some days, as far as they could be read."""
        return not self.readable or (first <= self.first and self.last <= last)

    def holds(self, at: datetime) -> bool:
        """Whether an aware instant falls inside, by the calendar of the zone.

        Raises:
            ValueError: for an instant without a zone: it would be read in somebody's local time.
        """
        if at.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return self.first <= at.astimezone(ZoneInfo(self.tz)).date() <= self.last


def read_issuer(node: Node) -> Issuer:
    """Read ``issuer``."""
    fields = node.fields("id name")
    return Issuer(fields.text("id"), fields.text("name"))


def read_window(node: Node) -> Window:
    """Read ``effective``; the zone must be one of the IANA database."""
    fields = node.fields("from to tz")
    zone = fields.word("tz", Vocabulary("time zone", available_timezones()))
    before = len(node.reading.problems)
    window = Window(fields.day("from"), fields.day("to"), zone)
    if len(node.reading.problems) == before and window.last < window.first:
        node.note("ends before it begins")
    return window


def read_status(fields: Fields, allowed: str) -> str:
    """Read ``status``."""
    return fields.word("status", Vocabulary("status", allowed.split()))


def expect(fields: Fields, name: str, wanted: str) -> None:
    """Note a problem unless a heading says exactly what this reader reads."""
    node = fields.nodes.get(name)
    if node is not None and node.text() != wanted:
        node.note(f'this reader reads "{wanted}" only')
