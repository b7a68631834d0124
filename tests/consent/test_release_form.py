"""The form a family signs has every part each law asks for, in both languages."""

import csv
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from consent.forms import FormError, FormKind, ReleaseForm, last_day, passings, release_form
from consent.forms.reading_level import count, is_plain
from consent.forms.release_form import PARTS
from consent.forms.wording import plain_words, sentences, wording_digest
from consent.law import load_law
from consent.mou import Agreement, Template, shipped_bound
from consent.releases import forms_met
from consent.signed_release import SignedRelease

LAWS = ("ferpa_99_30", "hipaa_164_508", "part2_2_31", "ct_52_146")
NOT_ON_THE_FORM = {"must stand alone", "accompanying notice on release"}
AGREEMENTS = (
    *("millbrook-harbor-2026", "birchfield-schoolhouse-2026"),
    *("stonebrook-crossroads-2026", "two-rivers-2026"),
)
ISSUED = date(2026, 11, 27)
BIRCHFIELD_LAST = {"last_en": "June 25, 2027", "last_es": "25 de junio de 2027"}
LAST = {"last_en": "June 30, 2027", "last_es": "30 de junio de 2027"}
# What a reader finds of each part, said here once more by hand.
SAID = {
    "en": {
        "subject": "This form is about one student.",
        "discloser": "{lea} may give this information:",
        "information": "reason for the referral",
        "recipient": "It may go to {provider}.",
        "purpose": "to refer the student for care",
        "expiry": "This permission ends on {last_en}.",
        "signature": "Your signature",
        "signed_on": "Date you sign",
        "authority": "I am the guardian by law.",
        "revoke": "You can take this back at any time.",
        "condition": "{provider} may not turn the student away because you say no.",
        "redisclosure": "So the records may be shared again.",
        "copy": "You get a copy of this form.",
        "electronic": "On a screen we first check that it is you.",
    },
    "es": {
        "subject": "Esta hoja es sobre un estudiante.",
        "discloser": "{lea} puede dar esta información:",
        "information": "motivo de la remisión",
        "recipient": "La puede recibir {provider}.",
        "purpose": "para remitir al estudiante a atención",
        "expiry": "Este permiso termina el {last_es}.",
        "signature": "Su firma",
        "signed_on": "Fecha en que firma",
        "authority": "Soy el tutor legal.",
        "revoke": "Puede retirar este permiso en cualquier momento.",
        "condition": "{provider} no puede negar la atención porque usted diga que no.",
        "redisclosure": "Por eso los datos se pueden volver a compartir.",
        "copy": "Usted recibe una copia de esta hoja.",
        "electronic": "En una pantalla, primero comprobamos que es usted.",
    },
}


def bound(agreement: str) -> tuple[Template, Agreement]:
    found = shipped_bound(agreement)
    return found.template, found.agreements[0]


def form(
    agreement: str = "stonebrook-crossroads-2026",
    lang: str = "en",
    kind: FormKind = FormKind.SHARE,
) -> ReleaseForm:
    pair = bound(agreement)
    return release_form(pair, kind, lang, last_day(*pair, kind, ISSUED))


def asked_by(law: str) -> list[str]:
    """Return our names of the parts that a law asks for, from its own table."""
    rows = load_law("US-CT").form_parts
    names = {row: name for name, row in PARTS.items()}
    asks = {row.part: dict(row.says).get(law, "") for row in rows}
    return [names[row] for row, says in asks.items() if row in names and _asks(says)]


def _asks(says: str) -> bool:
    return says not in ("", "-") and not says.startswith("no")


def test_every_row_of_the_laws_table_is_a_part_of_ours_or_said_not_to_be_one() -> None:
    rows = {row.part for row in load_law("US-CT").form_parts}
    assert rows == set(PARTS.values()) | NOT_ON_THE_FORM
    assert len(PARTS) == 14


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_each_part_a_law_asks_for_is_said(agreement: str, law: str, lang: str) -> None:
    written, parties = form(agreement, lang), bound(agreement)[1].parties
    names = {"lea": parties["lea"].name, "provider": parties["provider"].name}
    names |= BIRCHFIELD_LAST if agreement.startswith("birch") else LAST
    asked = asked_by(law)
    assert {"recipient", "purpose"} <= set(asked)
    for part in asked:
        lines = [line.text for s in written.sections for line in s.lines if line.part == part]
        said = SAID[lang][part].format(**names)
        assert any(said in line for line in lines), part


@pytest.mark.parametrize("lang", ["en", "es"])
def test_every_form_has_all_fourteen_parts(lang: str) -> None:
    for kind in (FormKind.SHARE, FormKind.PART2):
        written = form(lang=lang, kind=kind)
        parts = {line.part for section in written.sections for line in section.lines}
        assert parts - {""} == set(PARTS)


def test_it_names_what_the_agreement_lets_pass_and_nothing_it_cut() -> None:
    there, back = form("birchfield-schoolhouse-2026").passings
    assert (there.discloser, there.recipient, there.purposes) == ("lea", "provider", ("refer",))
    assert "referral.note" in there.elements
    assert back.elements == (
        *("referral.status", "visit.dates", "clinician.contact", "school.supports"),
    )  # the agreement drops close.reason
    assert back.purposes == ("follow", "attend")


def test_a_number_to_call_is_no_place_to_take_a_release_back() -> None:
    template, agreement = bound("millbrook-harbor-2026")
    said = {**agreement.contacts["provider"], "phone": "860-555-0100"}
    named = replace(agreement, contacts={**agreement.contacts, "provider": said})
    pair = (template, named)

    with_number = release_form(pair, FormKind.SHARE, "en", last_day(*pair, FormKind.SHARE, ISSUED))

    assert with_number == form("millbrook-harbor-2026")
    assert "860-555" not in repr(with_number)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_records_that_stand_alone_are_never_on_a_paper_with_others(agreement: str) -> None:
    template, signed = bound(agreement)
    for kind in FormKind:
        elements = {e for p in passings(template, signed, kind) for e in p.elements}
        kinds = {template.elements[e].kind for e in elements}
        allowed = {"education_record", "treatment_record"} if kind is FormKind.SHARE else None
        assert kinds <= allowed if allowed else len(kinds) <= 1


def test_where_no_such_record_may_leave_there_is_no_form_for_it() -> None:
    with pytest.raises(FormError, match="shares nothing"):
        form(kind=FormKind.PSYNOTE)
    with pytest.raises(FormError, match="shares nothing"):
        form("birchfield-schoolhouse-2026", kind=FormKind.PART2)


@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_a_signature_under_it_meets_the_laws_it_is_for(agreement: str) -> None:
    template, _ = bound(agreement)
    for passing in form(agreement).passings:
        signed = SignedRelease(
            form="share",
            answer="signed",
            recorded_at=datetime(2026, 11, 27, 15, tzinfo=UTC),
            birth_date=date(2012, 3, 4),
            signer="Made Up",
            signer_relationship="MTH",
            signed_on=ISSUED,
            expires_on=form(agreement).ends_on,
            elements=passing.elements,
            purposes=passing.purposes,
            recipient=passing.recipient,
            discloser=passing.discloser,
            statements=("condition", "redisclosure", "revoke"),
        )
        assert {"ferpa", "health"} <= forms_met(signed, template)


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("agreement", AGREEMENTS)
def test_a_family_can_read_it(agreement: str, lang: str) -> None:
    written = form(agreement, lang)
    prose = [line.text for s in written.sections for line in s.lines if line.shape == "say"]
    assert is_plain(written.prose(), lang)
    # Also without the items of lists, which are short and would make it look easier.
    assert is_plain("\n".join(prose), lang)
    assert max(count(text, lang).words / count(text, lang).sentences for text in prose) <= 20


def test_a_sentence_as_lawyers_write_it_would_not_pass() -> None:
    lawyers = (
        "Notwithstanding the foregoing, the undersigned acknowledges that information disclosed "
        "pursuant to this authorization may be subject to redisclosure by the recipient."
    )
    assert not is_plain(lawyers, "en")
    abogados = (
        "El abajo firmante autoriza irrevocablemente la divulgación de la documentación "
        "correspondiente a la administración educativa."
    )
    assert not is_plain(abogados, "es")


@pytest.mark.parametrize("lang", ["en", "es"])
def test_each_sentence_is_there_in_both_languages_with_the_same_blanks(lang: str) -> None:
    def blanks(text: str) -> list[str]:
        return sorted(part.split("}")[0] for part in text.split("{")[1:])

    assert sentences("en").keys() == sentences("es").keys()
    assert all(text.strip() for text in sentences(lang).values())
    assert all(text.strip() for text in plain_words(lang).values())
    assert all(blanks(text) == blanks(sentences("en")[k]) for k, text in sentences(lang).items())


def test_what_has_no_words_cannot_be_signed() -> None:
    for agreement in AGREEMENTS:
        template, _ = bound(agreement)
        assert {f"element:{name}" for name in template.elements} <= plain_words("es").keys()
        assert {f"purpose:{name}" for name in template.purposes} <= plain_words("es").keys()
    with pytest.raises(FormError, match="in that language"):
        form(lang="fr")


def test_other_words_are_another_version() -> None:
    path = Path(__file__).parents[2] / "consent/forms/wording-versions.csv"
    *_, last = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    assert last["digest"] == wording_digest(), "add a row with the next version and this digest"


def test_every_change_of_the_text_changes_its_hash() -> None:
    digests = {form(a, lang).digest for a in AGREEMENTS for lang in ("en", "es")}
    assert len(digests) == len(AGREEMENTS) * 2
    pair = bound(AGREEMENTS[0])
    sooner = release_form(pair, FormKind.SHARE, "en", date(2027, 1, 1))
    assert sooner.digest not in digests


def test_it_ends_with_the_agreement_or_what_the_template_lets_it_hold() -> None:
    template, signed = bound("stonebrook-crossroads-2026")
    assert last_day(template, signed, FormKind.SHARE, ISSUED) == date(2027, 6, 30)
    assert last_day(template, signed, FormKind.PART2, ISSUED) == date(2027, 5, 25)  # 180 days
    with pytest.raises(FormError, match="outside the agreement"):
        release_form((template, signed), FormKind.SHARE, "en", date(2027, 7, 1))
