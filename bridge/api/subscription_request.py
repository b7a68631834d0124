"""A Subscription as a client sends it: understood whole, or refused with the elements that are not.

Source: HL7 Subscriptions R5 Backport 1.1.0, *R4/B Topic-Based Subscription*, and the topics of SDOH
Clinical Care 3.0.0. Strict, as searches are: a filter that is not understood would tell more than
was asked for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from bridge.api.search import SearchReader
from bridge.context import Call
from bridge.errors import BadRequestError, Finding, UnprocessableError
from bridge.gate import Match
from bridge.journeys.partners.keep_subscriptions import Asked
from bridge.journeys.partners.notification_bundle import CONTENTS
from bridge.journeys.partners.send_notifications import MOST_SECONDS
from bridge.outbound import OutboundError
from bridge.store.partners.subscriptions import ACTIVE, OFF, REQUESTED

_TOPIC: Final = "http://hl7.org/fhir/us/sdoh-clinicalcare/SubscriptionTopic/"
TOPICS: Final = {f"{_TOPIC}Task": "Task", f"{_TOPIC}Servicerequest": "ServiceRequest"}
FILTERS: Final = {
    "Task": ("_id", "code", "owner", "patient", "requester", "status"),
    "ServiceRequest": ("_id", "patient", "status"),
}
BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
_PAYLOAD: Final = re.compile(
    r"(?:application/fhir\+json|application/json|json)"
    r"(?:;\s*(?:fhirVersion=4\.0(?:\.1)?|charset=utf-8))*",
    re.IGNORECASE,
)
_HEADER: Final = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}):([\x20-\x7e]{0,2000})")
_OURS: Final = re.compile(
    r"(?i:host|content-.*|connection|transfer-encoding|te|trailer|upgrade|expect|accept-encoding"
    r"|signature|signature-input|proxy-.*)"
)
_KNOWN: Final = frozenset(
    ("resourceType", "id", "meta", "status", "contact", "end", "reason", "criteria", "_criteria")
) | {"channel"}
_CHANNEL: Final = frozenset(("type", "endpoint", "payload", "_payload", "header", "extension"))
_NUMBERS: Final = {
    # element of the channel: name here, type of its value, least, most
    f"{BACKPORT}backport-heartbeat-period": ("heartbeat", "valueUnsignedInt", 60, 604_800),
    f"{BACKPORT}backport-timeout": ("timeout", "valueUnsignedInt", 1, MOST_SECONDS),
    f"{BACKPORT}backport-max-count": ("most", "valuePositiveInt", 1, 100),
}
_MOST_FILTERS: Final = 10
_MOST_HEADERS: Final = 10


@dataclass(slots=True)
class SubscriptionReader:
    """Reads one Subscription, gathering what is wrong with it."""

    call: Call
    sent: Mapping[str, Any]
    _found: list[Finding] = field(default_factory=list)

    def read(self) -> Asked:
        """Return what was asked for.

        Raises:
            UnprocessableError: elements that are not understood or not offered, each by its name.
            ForbiddenError: the token's scopes do not cover the type the topic is about.
        """
        sent = self.sent
        self._unknown(sent, _KNOWN, "Subscription")
        topic = sent.get("criteria")
        kind = TOPICS.get(topic) if isinstance(topic, str) else None
        if kind is None:
            self._refuse("criteria", f"is one of the topics {' '.join(TOPICS)}")
        channel = sent.get("channel")
        channel = channel if isinstance(channel, dict) else {}
        status = self._one_of(sent.get("status"), "status", (REQUESTED, ACTIVE, OFF))
        criteria = self._criteria(kind) if kind else b""
        self._texts()
        told = self._channel(channel)
        ends_at = self._end()
        if self._found:
            raise UnprocessableError(*self._found)
        assert kind is not None  # noqa: S101 - refused above
        for interaction in ("read", "search-type"):
            self.call.require(kind, interaction)
        return Asked(status, str(topic), kind, criteria.decode(), ends_at, self._kept(), **told)

    def _kept(self) -> str:
        names = ("contact", "end", "reason", "criteria", "_criteria", "channel")
        return orjson.dumps({n: self.sent[n] for n in names if n in self.sent}).decode()

    def _texts(self) -> None:
        reason = self.sent.get("reason")
        if not isinstance(reason, str) or not 0 < len(reason) <= 1000:
            self._refuse("reason", "is a text of up to 1000 characters")
        contacts = self.sent.get("contact", [])
        plain = isinstance(contacts, list) and len(contacts) <= 5
        if not plain or not all(map(_is_contact, contacts)):
            self._refuse("contact", "is a list of up to 5 contact points")

    def _end(self) -> datetime | None:
        written = self.sent.get("end")
        if written is None:
            return None
        try:
            instant = datetime.fromisoformat(str(written))
            utc = instant.astimezone(UTC) if instant.tzinfo else None
        except (ValueError, OverflowError):
            utc = None
        if utc is None:
            self._refuse("end", "is an instant with seconds and zone")
            return None
        if utc <= self.call.bridge.clock.real_now():
            self._refuse("end", "is in the future")
        return utc

    def _criteria(self, kind: str) -> bytes:
        """Return the filters of ``_criteria`` as they are searched with."""
        place = "criteria.extension"
        given = self.sent.get("_criteria", {})
        listed = given.get("extension", []) if isinstance(given, dict) else None
        if (
            not isinstance(listed, list)
            or len(listed) > _MOST_FILTERS
            or set(given) - {"extension"}
        ):
            self._refuse(place, f"is a list of up to {_MOST_FILTERS} filters")
            return b""
        pairs: list[tuple[str, str]] = []
        for each in listed:
            pairs += self._filter(kind, each, place)
        return self._searched(kind, pairs, place)

    def _filter(self, kind: str, each: object, place: str) -> list[tuple[str, str]]:
        url = f"{BACKPORT}backport-filter-criteria"
        if not isinstance(each, dict) or set(each) != {"url", "valueString"} or each["url"] != url:
            self._refuse(place, f"has only filters: {url} with valueString")
            return []
        written = each["valueString"]
        head, mark, query = written.partition("?") if isinstance(written, str) else ("", "", "")
        pairs = parse_qsl(query, keep_blank_values=True)
        if head != kind or not mark or not pairs or "\0" in query:
            self._refuse(place, f"is written {kind}?parameter=value")
            return []
        return pairs

    def _searched(self, kind: str, pairs: list[tuple[str, str]], place: str) -> bytes:
        offered = FILTERS[kind]
        if any(name not in offered for name, _ in pairs):
            self._refuse(place, f"filters by {', '.join(offered)}")
            return b""
        call = self.call
        client = (call.caller.client_id, call.bridge.settings.fhir_base, call.bridge.identifiers)
        reader = SearchReader(kind, *client, call.caller.party, call.bridge.clock.now())
        try:
            query = reader.read(pairs).query
        except BadRequestError as error:
            self._refuse(place, error.findings[0].text)
            return b""
        matches = [[m.param, m.values] for m in query.matches if isinstance(m, Match)]
        return orjson.dumps({"ids": query.ids, "matches": matches})

    def _channel(self, channel: Mapping[str, Any]) -> dict[str, Any]:
        self._unknown(channel, _CHANNEL, "Subscription.channel")
        if channel.get("type") != "rest-hook":
            self._refuse("channel.type", "is rest-hook")
        payload = channel.get("payload")
        if not isinstance(payload, str) or not _PAYLOAD.fullmatch(payload):
            self._refuse("channel.payload", "is application/fhir+json (FHIR 4.0)")
        self._headers(channel)
        content = self._content(channel)
        endpoint, host = self._endpoint(channel)
        told: dict[str, Any] = {"endpoint": endpoint, "host": host, "content": content}
        return told | self._numbers(channel)

    def _endpoint(self, channel: Mapping[str, Any]) -> tuple[str, str]:
        endpoint = channel.get("endpoint")
        outgoing = self.call.bridge.notifying
        try:
            host = outgoing.host_of(endpoint if isinstance(endpoint, str) else "")
        except OutboundError:
            self._refuse("channel.endpoint", "is an address that begins with https://")
            return "", ""
        port = urlsplit(str(endpoint)).port
        if len(str(endpoint)) > 2000 or urlsplit(str(endpoint)).fragment:
            self._refuse("channel.endpoint", "has up to 2000 characters and no fragment")
        return str(endpoint), f"{host}:{port or 443}"

    def _content(self, channel: Mapping[str, Any]) -> str:
        place, url = "channel.payload.extension", f"{BACKPORT}backport-payload-content"
        given = channel.get("_payload")
        listed = given.get("extension", []) if isinstance(given, dict) else []
        fits = isinstance(listed, list) and len(listed) == 1 and isinstance(listed[0], dict)
        one = listed[0] if fits else {}
        if set(one) != {"url", "valueCode"} or one["url"] != url:
            self._refuse(place, f"says once, as {url}, what is sent: {' or '.join(CONTENTS)}")
            return ""
        return self._one_of(one["valueCode"], place, CONTENTS)

    def _headers(self, channel: Mapping[str, Any]) -> None:
        headers = channel.get("header", [])
        fits = isinstance(headers, list) and len(headers) <= _MOST_HEADERS
        found = [_HEADER.fullmatch(str(each)) for each in headers] if fits else [None]
        if any(each is None or _OURS.fullmatch(each[1]) for each in found):
            self._refuse("channel.header", "is a list of Name: value; some names are ours")

    def _numbers(self, channel: Mapping[str, Any]) -> dict[str, int]:
        told = {name: 0 for name, *_ in _NUMBERS.values()}
        listed = channel.get("extension", [])
        for each in listed if isinstance(listed, list) else [None]:
            extension = each if isinstance(each, dict) else {}
            url = extension.get("url")
            known = _NUMBERS.get(url) if isinstance(url, str) else None
            if known is None or told[known[0]]:
                self._refuse("channel.extension", f"has, once each: {' '.join(_NUMBERS)}")
                continue
            name, value, least, most = known
            number = extension.get(value)
            if type(number) is not int or not least <= number <= most:
                self._refuse("channel.extension", f"{url} is {value} from {least} to {most}")
                continue
            told[name] = number
        return told

    def _one_of(self, given: object, place: str, known: tuple[str, ...]) -> str:
        if given not in known:
            self._refuse(place, f"is one of: {', '.join(known)}")
        return str(given)

    def _unknown(self, given: Mapping[str, Any], known: frozenset[str], place: str) -> None:
        # What is sent is not repeated: an unknown name may be anything.
        if set(given) - known:
            text = f"{place} has elements that are not offered; known: {', '.join(sorted(known))}"
            self._found.append(Finding("not-supported", text, place))

    def _refuse(self, place: str, text: str) -> None:
        place = f"Subscription.{place}"
        self._found.append(Finding("not-supported", f"{place} {text}.", place))


def _is_contact(given: object) -> bool:
    known = {"system", "value", "use", "rank", "period"}
    return isinstance(given, dict) and set(given) <= known
