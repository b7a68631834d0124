"""The release form of an agreement, as text: sections of lines, each line with the part it is.

Parts are those of the law pack's ``consent-form-elements.csv``. The text holds nothing about any
person, so that its hash may be printed and kept; who it is about and who signs is filled in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from hashlib import sha256

from consent.forms.passing import FormKind, Passing, passings
from consent.forms.wording import LANGUAGES, FormError, sentences, word_of, wording
from consent.mou.agreement import Agreement
from consent.mou.template import Template
from consent.mou.terms.parties import PHONE

__all__ = ["LANGUAGES", "Line", "ReleaseForm", "Section", "last_day", "release_form"]

PARTS: Mapping[str, str] = {
    "subject": "subject (student/patient) named",
    "discloser": "who may disclose",
    "information": "what information",
    "recipient": "to whom",
    "purpose": "purpose / use",
    "expiry": "expiry date or event",
    "signature": "signature",
    "signed_on": "date signed",
    "authority": "signer's authority when not the subject",
    "revoke": "right to revoke stated",
    "condition": "effect of refusing stated",
    "redisclosure": "redisclosure statement",
    "copy": "plain language / copy given",
    "electronic": "electronic form allowed",
}
"""Our name of each part, and the row of ``consent-form-elements.csv`` that asks for it."""
_FORMS = {
    FormKind.SHARE: ("ferpa", "health"),
    FormKind.PART2: ("part2", "health"),
    FormKind.PSYNOTE: ("psynote",),
}
STATEMENTS = ("condition", "redisclosure", "revoke")
"""What each form states, as :class:`consent.signed_release.SignedRelease` names it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a form.

    Attributes:
        shape: ``say``, ``item`` of a list, ``choice`` to tick, or ``fill`` to write.
        part: which of :data:`PARTS` it is; "" for none.
        name: of a choice or of what is written, for a program that reads the answer.
    """

    shape: str
    text: str
    part: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the lines below it."""

    id: str
    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class ReleaseForm:
    """One paper, blank.

    Attributes:
        ends_on: its last day, as printed.
        version: of agreement, template and wording, in one line without spaces.
    """

    kind: FormKind
    lang: str
    title: str
    version: str
    ends_on: date
    passings: tuple[Passing, ...]
    sections: tuple[Section, ...]

    @cached_property
    def text(self) -> str:
        """The whole text, a line each: what a person approves by signing."""
        lines = [f"{self.title} [{self.lang}] {self.version}"]
        for section in self.sections:
            lines += [section.heading, *(line.text for line in section.lines)]
        return "\n".join(lines) + "\n"

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the text, in hexadecimal."""
        return sha256(self.text.encode()).hexdigest()

    def prose(self) -> str:
        """The text that a person reads: without version and numbers."""
        read = (s for s in self.sections if s.id != "version")
        said = [line for section in read for line in (section.heading, *_texts(section))]
        return "\n".join((self.title, *said))


def _texts(section: Section) -> list[str]:
    return [line.text for line in section.lines]


def last_day(template: Template, agreement: Agreement, kind: FormKind, issued: date) -> date:
    """Return the last day a form may print that is issued on a day.

    No later than the agreement's, and no later than what the template lets such a form hold.
    """
    forms = (template.settings.consents[name] for name in _FORMS[kind])
    most = min(form.max_days for form in forms)
    return min(agreement.effective.last, issued + timedelta(days=most - 1))


def release_form(
    bound: tuple[Template, Agreement], kind: FormKind, lang: str, ends_on: date
) -> ReleaseForm:
    """Write one form of an agreement.

    Args:
        bound: the template and the agreement that narrows it.
        kind: which paper; each that must stand alone is one of its own.
        lang: ``en`` or ``es``.
        ends_on: its last day; see :func:`last_day`.

    Raises:
        FormError: the agreement shares nothing of that kind, there are no words in that language,
            or the day lies outside the agreement.
    """
    template, agreement = bound
    if lang not in LANGUAGES:
        raise FormError(f"there is no form in that language; write one of: {', '.join(LANGUAGES)}")
    asked = passings(template, agreement, kind)
    if not asked:
        raise FormError(f"the agreement shares nothing that a form of kind {kind} is for")
    if not agreement.effective.first <= ends_on <= agreement.effective.last:
        raise FormError("the form's last day lies outside the agreement")
    writing = _Writing(agreement, kind, lang, ends_on)
    return ReleaseForm(
        kind=kind,
        lang=lang,
        title=writing.say(f"title.{kind}"),
        version=_version(template, agreement),
        ends_on=ends_on,
        passings=asked,
        sections=tuple(writing.sections(asked)),
    )


def _version(template: Template, agreement: Agreement) -> str:
    signed = f"{agreement.id}@{agreement.version}"
    return f"{template.id}@{template.version}/{signed}/wording@{wording()}"


@dataclass(frozen=True)
class _Writing:
    """Writes the sentences of one form."""

    agreement: Agreement
    kind: FormKind
    lang: str
    ends_on: date

    def say(self, key: str, **more: str) -> str:
        """Return one sentence, filled."""
        return sentences(self.lang)[key].format(**self._values, **more)

    @cached_property
    def _values(self) -> dict[str, str]:
        parties = self.agreement.parties
        return {"lea": parties["lea"].name, "provider": parties["provider"].name}

    def sections(self, asked: tuple[Passing, ...]) -> Iterator[Section]:
        """Yield the sections in their order."""
        yield Section("intro", self.say("subject.heading"), tuple(self._intro()))
        for letter, passing in zip("ABCD", asked, strict=False):
            yield self._passing(letter, passing)
        yield self._said("expiry", "day", "sooner", "adult", ends_on=self._day(self.ends_on))
        yield self._revoke()
        yield self._said("condition", "free", "care", "lose", "school")
        yield self._redisclosure(asked)
        yield self._said("copy", "give", "account", "language")
        yield self._said("electronic", "how", "check", "paper")
        yield Section("sign", self.say("sign.heading"), tuple(self._signing()))
        yield self._interpreter()
        yield self._version()

    def _intro(self) -> Iterator[Line]:
        for key in ("read", "ask", "yes", "danger"):
            yield Line("say", self.say(f"intro.{key}"))
        yield Line("say", self.say("subject.say"), "subject")
        yield Line("fill", self.say("subject.name"), "subject", "student")
        yield Line("fill", self.say("subject.born"), "subject", "born")

    def _passing(self, letter: str, passing: Passing) -> Section:
        who = {
            "discloser": self._values[passing.discloser],
            "recipient": self._values[passing.recipient],
        }
        lines = [Line("say", self.say("discloser.say", **who), "discloser")]
        lines += [Line("item", self._word("element", e), "information") for e in passing.elements]
        lines += [Line("say", self.say("recipient.say", **who), "recipient")]
        lines += [Line("say", self.say("purpose.say"), "purpose")]
        lines += [Line("item", self._word("purpose", p), "purpose") for p in passing.purposes]
        for answer in ("yes", "no"):
            text = self.say(f"choice.{answer}", letter=letter)
            lines.append(Line("choice", text, "", f"{passing.discloser}-{answer}"))
        heading = self.say("passing.heading", letter=letter, **who)
        return Section(f"passing-{passing.discloser}", heading, tuple(lines))

    def _word(self, table: str, name: str) -> str:
        return word_of(f"{table}:{name}", self.lang)

    def _said(self, part: str, *keys: str, **more: str) -> Section:
        lines = (Line("say", self.say(f"{part}.{key}", **more), part) for key in keys)
        return Section(part, self.say(f"{part}.heading"), tuple(lines))

    def _revoke(self) -> Section:
        section = self._said("revoke", "any", "how", "stop", "before")
        kept = [each for named in self.agreement.contacts.values() for each in named.items()]
        # A release is taken back in writing (45 CFR 164.508(b)(5)): no number to call.
        addresses = sorted({address for function, address in kept if function != PHONE})
        where = (Line("say", self.say("revoke.where", address=a), "revoke") for a in addresses)
        return Section(section.id, section.heading, (*section.lines, *where))

    def _redisclosure(self, asked: tuple[Passing, ...]) -> Section:
        lines: list[Line] = []
        for passing in asked:
            name = "part2" if self.kind is FormKind.PART2 else passing.discloser
            said = self.say(f"redisclosure.{name}", recipient=self._values[passing.recipient])
            lines.append(Line("say", said, "redisclosure"))
        lines = list(dict.fromkeys(lines))  # two directions may say the same
        lines.append(Line("say", self.say("redisclosure.notice"), "redisclosure"))
        return Section("redisclosure", self.say("redisclosure.heading"), tuple(lines))

    def _signing(self) -> Iterator[Line]:
        yield Line("fill", self.say("signature.name"), "signature", "signer")
        yield Line("fill", self.say("signature.sign"), "signature", "signature")
        yield Line("fill", self.say("signed_on.day"), "signed_on", "signed_on")
        yield Line("say", self.say("authority.say"), "authority")
        for key in ("parent", "guardian", "student"):
            yield Line("choice", self.say(f"authority.{key}"), "authority", f"is-{key}")
        yield Line("fill", self.say("authority.other"), "authority", "authority")
        if self.kind is FormKind.PART2:
            yield Line("say", self.say("cosign.say"), "authority")
            yield Line("fill", self.say("cosign.sign"), "signature", "cosignature")
            yield Line("fill", self.say("cosign.day"), "signed_on", "cosigned_on")

    def _interpreter(self) -> Section:
        lines = [Line("say", self.say("interpreter.who"))]
        names = ("name", "agency", "language")
        lines += [Line("fill", self.say(f"interpreter.{n}"), "", f"interpreter_{n}") for n in names]
        lines += [Line("choice", self.say("interpreter.aloud"), "", "read_aloud")]
        return Section("interpreter", self.say("interpreter.heading"), tuple(lines))

    def _version(self) -> Section:
        named = {
            "agreement": self.agreement.id,
            "agreement_version": self.agreement.version,
            "wording": wording(),
        }
        line = Line("say", self.say("version.say", **named))
        return Section("version", self.say("version.heading"), (line,))

    def _day(self, day: date) -> str:
        month = sentences(self.lang)[f"month.{day.month}"]
        return sentences(self.lang)["date"].format(month=month, day=day.day, year=day.year)
