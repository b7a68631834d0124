"""An identifier names the same thing for good, and a faster way to it gives the same."""

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from bridge.identifiers import Identifiers

SECRETS = st.text(max_size=90)
NAMES = st.lists(st.text(max_size=12), max_size=3)


def test_an_identifier_stays_what_it_was() -> None:
    # Written down once: a deployment whose identifiers change imports every referral anew.
    issued = Identifiers("secret").issue("district", "Patient", "1001")

    assert issued == "7f508988-c312-8f37-8c60-cb23d57a034f"


@given(secret=SECRETS, names=NAMES, kind=st.text(max_size=12), key=st.text(max_size=40))
def test_an_issuer_issues_what_is_issued_one_at_a_time(
    secret: str, names: list[str], kind: str, key: str
) -> None:
    identifiers = Identifiers(secret)
    issue = identifiers.issuer(*names)

    for _ in range(2):  # the second time the kind is known
        assert issue(kind, key) == identifiers.issue(*names, kind, key)


@given(names=st.lists(st.text(max_size=12), min_size=1, max_size=3))
def test_an_identifier_is_a_uuid_of_version_8(names: list[str]) -> None:
    issued = UUID(Identifiers("secret").issue(*names))

    assert (issued.variant, issued.version) == (RFC_4122, 8)


def test_pseudonyms_and_seals_of_whatever_length_are_those_made_one_at_a_time() -> None:
    identifiers = Identifiers("secret")
    pseudonym, seal = identifiers.pseudonymiser("hub"), identifiers.sealer("hub", "analyst")
    lengths = (0, 36, 37, 683, 1023, 1024, 1025, 70_000)
    every = [(letter * length).encode() for letter in "ab" for length in lengths]
    for many, one in (
        (identifiers.pseudonyms("hub"), pseudonym),
        (identifiers.seals("hub", "analyst"), seal),
    ):
        assert many(every) == [one(each).encode() for each in every]

    for length in lengths:
        for letter in "ab":  # the second time the length is known
            assert pseudonym((letter * length).encode()) == identifiers.pseudonym(
                "hub", letter * length
            )
            assert seal((letter * length).encode()) == identifiers.seal(
                "hub", "analyst", letter * length
            )
