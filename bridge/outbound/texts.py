"""Text messages through the operator's gateway: a number, a few words, nobody's name."""

import base64
import json
import re
from typing import Final
from urllib.parse import urlencode

from bridge.directories import is_loopback
from bridge.outbound.bodies import Limits
from bridge.outbound.calls import Outgoing, Request
from bridge.outbound.errors import MessageRefusedError, OutboundError
from bridge.text_gateways import TextGateway

_LIMITS: Final = Limits(seconds=9.0, patience=8.0)
_FINAL: Final = frozenset({400, 422})
_WRITTEN: Final = re.compile(r"\+?[(]?[0-9][0-9 ().-]{5,30}")
_NOT_DIGITS: Final = re.compile(r"[^0-9]")


class TextRefusedError(MessageRefusedError):
    """A text message that was not taken; the code is the gateway's status, 0 if it gave none.

    It is final where the gateway says that there is something wrong with this message itself.
    """

    def __init__(self, code: int) -> None:
        super().__init__("a text message", code, final=code in _FINAL)


def number_of(written: str) -> str | None:
    """Return a telephone number as every network reads it (ITU-T E.164), or None.

    Ten digits without a country are of the North American plan, of which no area and no exchange
    begins with 0 or 1.
    """
    if not _WRITTEN.fullmatch(written.strip()):
        return None
    digits = _NOT_DIGITS.sub("", written)
    if not written.strip().startswith("+"):
        if len(digits) == 10:
            digits = f"1{digits}"
        if len(digits) != 11 or digits[0] != "1":
            return None
    if digits[0] == "1" and (len(digits) != 11 or "0" in digits[1:5:3] or "1" in digits[1:5:3]):
        return None
    return f"+{digits}" if 8 <= len(digits) <= 15 and digits[0] != "0" else None


def send_text(gateway: TextGateway, to: str, words: str, outgoing: Outgoing | None = None) -> None:
    """Give one message to the operator's gateway.

    Args:
        gateway: whose.
        to: the number (:func:`number_of`).
        words: the whole message.
        outgoing: what makes the call; by default this machine may be called if, and only if, the
            gateway's address is one of it.

    Raises:
        TextRefusedError: it was not taken; the text holds neither number nor words.
    """
    calls = outgoing or Outgoing(loopback=is_loopback(gateway.url))
    try:
        with calls.calling(_request(gateway, to, words), _LIMITS) as answer:
            status = answer.status
    except OutboundError:
        raise TextRefusedError(0) from None
    if not 200 <= status < 300:
        raise TextRefusedError(status)


def _request(gateway: TextGateway, to: str, words: str) -> Request:
    told = {**gateway.fields, gateway.to: to, gateway.words: words}
    if gateway.json:
        kind, body = "application/json", json.dumps(told)
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(told)
    login = base64.b64encode(f"{gateway.username}:{gateway.password}".encode()).decode()
    shown = f"Bearer {gateway.token}" if gateway.token else f"Basic {login}"
    headers = {"Authorization": shown, "Content-Type": kind, "Accept": "application/json"}
    return Request("POST", gateway.url, headers, body.encode())
