"""Roles are called by words of the reader's language, those of every shipped agreement."""

import pytest

from bridge.portal.languages import catalogues
from bridge.portal.role_words import role_words
from consent.mou import read_template, shipped_document
from tests.bridge.portal.entering import Visitor, words
from tests.support.worlds import World, referral


@pytest.mark.parametrize("template", ["xx-smh-template", "ct-style-smh-template"])
@pytest.mark.parametrize("party", ["lea", "provider"])
def test_every_role_of_a_shipped_agreement_has_a_word_in_spanish(template: str, party: str) -> None:
    known = {message.id: message.string for _, one in catalogues("es") for message in one}
    roles = read_template(shipped_document(template), template).roles[party].staff
    assert roles
    for role in roles:
        assert known[role_words(role)] not in ("", role_words(role))


def test_a_role_of_somebody_elses_is_shown_as_it_is_written() -> None:
    assert role_words("night_watch") == "night watch"


def test_roles_are_read_in_spanish_where_who_looked_is_shown(lite: World) -> None:
    lite.refer([referral(0)])
    Visitor.signed_in(lite).get("/portal/board")
    lead = Visitor.signed_in(lite, "lead-1", role="referral_coordinator")
    assert "counselor" in words(lead.get("/portal/looked"))
    said = words(lead.get("/portal/looked?language=es"))
    assert "consejería escolar" in said
    assert "counselor" not in said
