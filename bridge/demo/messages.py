"""The HL7 v2 file the played provider leaves: real sample messages, then its own."""

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from importlib.resources import files

from bridge.demo.sample_messages import fill_message

_FIRST = datetime(2026, 11, 3, 9, 0, tzinfo=timezone(timedelta(hours=-5)))
_SAMPLES = ("SIU-S12-01.hl7", "SIU-S26-01.hl7", "ADT-A04-01.hl7")


def messages_for(missed: Sequence[tuple[str, str]]) -> bytes:
    """Return a file of messages: a first visit booked and then missed, for each referral given.

    The last referral's second appointment takes place (ADT A04, A03).

    Args:
        missed: (patient id as the bridge issued it, referral number), one a referral.
    """
    originals = files("bridge.demo").joinpath("data", "originals")
    parts = [originals.joinpath(name).read_text(encoding="utf-8-sig") for name in _SAMPLES]
    for number, (patient_id, referral) in enumerate(missed):
        about = {"patient_id": patient_id, "referral_number": referral}
        parts += [_filled(kind, about, number) for kind in ("booked", "no-show")]
    if missed:
        about = {"patient_id": missed[-1][0], "referral_number": missed[-1][1]}
        parts += [_filled(kind, about, len(missed)) for kind in ("arrived", "visit closed")]
    return "\r".join(part.strip("\r\n").replace("\n", "\r") for part in parts).encode() + b"\r"


def _filled(kind: str, about: dict[str, str], number: int) -> str:
    start = _FIRST + timedelta(days=number % 14, minutes=number)
    values = {
        **about,
        "start": start.strftime("%Y%m%d%H%M%S%z"),
        "end": (start + timedelta(minutes=45)).strftime("%Y%m%d%H%M%S%z"),
        "service": "Intake",
        "message_id": f"HARBOR{number:04d}{kind[:3].upper()}",
    }
    return fill_message(kind, values)
