"""What other systems call it, and back."""

import pytest

from mappings.fhir.terminology import table
from mappings.loop import STATES, State, next_state
from mappings.loop.tables import LoopTableError
from mappings.loop.words import VOCABULARIES, WHY, Outcome, Word, read_words
from mappings.loop.x360 import after_transaction, read_x360_events, x360_events

FINDHELP = {
    *("not updated", "needs client action", "pending", "referred elsewhere", "eligible"),
    *("got help", "couldn't contact", "not eligible", "no capacity", "couldn't get help"),
    "no longer interested",
}
LINKED_SERVICES = {
    *("Referred to Services", "Linked to Services", "Unable to contact family"),
    "Caregiver declined",
}


@pytest.mark.parametrize("system", VOCABULARIES)
def test_every_outcome_comes_back_as_it_was_with_why(system: str) -> None:
    vocabulary = VOCABULARIES[system]
    codes = set(table("follow-up").rows)
    assert {outcome.business for outcome in vocabulary.words} == codes
    declined = {o.why for o in vocabulary.words if o.business == "declined-by-provider"}
    assert declined == set(WHY)
    for outcome, word in vocabulary.words.items():
        assert vocabulary.outcome(word) == outcome


@pytest.mark.parametrize(
    ("system", "words"), [("findhelp", FINDHELP), ("school-linked-services", LINKED_SERVICES)]
)
def test_every_word_of_theirs_is_read_and_written_back_alone(system: str, words: set[str]) -> None:
    vocabulary = VOCABULARIES[system]
    assert set(vocabulary.reads) == words
    for word in words:
        assert vocabulary.words[vocabulary.outcome(Word(word))] == Word(word)


def test_why_a_provider_declined_stays_apart() -> None:
    findhelp, linked = VOCABULARIES["findhelp"], VOCABULARIES["school-linked-services"]
    full = Outcome("declined-by-provider", "capacity")
    assert findhelp.words[full] == Word("no capacity")
    assert linked.words[full] == Word("", "declined-by-provider/capacity")
    assert findhelp.words[Outcome("waitlisted")] == Word("pending", "waitlisted")


def test_a_note_that_contradicts_its_word_is_refused() -> None:
    with pytest.raises(KeyError):
        VOCABULARIES["findhelp"].outcome(Word("got help", "declined-by-family"))
    with pytest.raises(KeyError):
        VOCABULARIES["findhelp"].outcome(Word("unheard of"))


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ("a,sent,,x,yes\na,accepted,,x,yes", "the same as line 2"),
        ("a,sent,,x,yes\nb,accepted,,x,yes", "every system needs every outcome"),
        ("a,gone,,x,yes", "unknown word 'gone'"),
        ("a,sent,luck,x,yes", "unknown word 'luck'"),
    ],
)
def test_a_broken_table_of_words_is_refused(lines: str, what: str) -> None:
    with pytest.raises(LoopTableError, match=what):
        read_words("system,business,why,word,reads\n" + lines)


def test_the_transactions_of_360x_are_events() -> None:
    assert {event.transaction for event in x360_events()} == {f"PCC-{n}" for n in range(55, 62)}
    sent, accepted = State("requested", "sent"), State("accepted", "accepted")
    scheduled = State("in-progress", "intake-scheduled")
    assert after_transaction(sent, "PCC-56", "IP") == accepted
    assert after_transaction(sent, "PCC-56", "CA") == State("rejected", "declined-by-provider")
    assert after_transaction(accepted, "PCC-60") == scheduled
    assert after_transaction(scheduled, "PCC-61") == State("in-progress", "intake-missed")
    assert after_transaction(sent, "PCC-58") == State("cancelled", "withdrawn-by-school")
    assert after_transaction(scheduled, "PCC-58") == scheduled
    assert after_transaction(sent, "PCC-61") is None
    assert after_transaction(sent, "PCC-99") is None


def test_each_transaction_has_a_state_it_can_happen_in() -> None:
    for known in x360_events():
        states = [s for s in (State("(new)"), *STATES) if next_state(s, known.event, known.actor)]
        assert states


def test_a_transaction_that_is_nobodys_event_is_refused() -> None:
    head = "transaction,message,order_status,actor,event,about\n"
    with pytest.raises(LoopTableError, match=r"x360-events\.csv line 2: its actor has no such"):
        read_x360_events(head + "PCC-60,SIU^S12,,requester,schedule,x")
