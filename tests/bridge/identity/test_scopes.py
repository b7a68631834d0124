import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.identity.model import Caller, Party, Standing
from bridge.identity.scopes import Interaction, Scope, narrowed, read_scopes, spelled

TYPES = ["Task", "Patient", "Encounter"]
LIMITS = [(), (("category", "a|b"),), (("code", "x"),)]
scopes = st.builds(
    Scope,
    st.sampled_from(["*", *TYPES]),
    st.sets(st.sampled_from("cruds"), min_size=1).map(
        lambda acts: "".join(sorted(acts, key="cruds".index))
    ),
    st.sampled_from(LIMITS),
)
sets = st.lists(scopes, max_size=4).map(tuple)


def reach(held: tuple[Scope, ...], resource_type: str, letter: str) -> list[set[tuple[str, str]]]:
    """The alternatives of conditions under which a resource is reached, said the plain way."""
    return [
        set(scope.limits)
        for scope in held
        if scope.type in ("*", resource_type) and letter in scope.acts
    ]


def caller(text: str) -> Caller:
    scopes = read_scopes(text)
    return Caller("c", Standing(Party.PROVIDER, "o", "a", "intake", ("refer",), scopes))


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("system/Task.rs", "system/Task.rs"),
        ("system/*.cruds", "system/*.cruds"),
        ("system/Patient.read", "system/Patient.rs"),
        ("system/Patient.write", "system/Patient.cud"),
        ("system/*.*", "system/*.cruds"),
        ("system/Task.r system/Task.s", "system/Task.rs"),
        ("system/Task.rs system/Task.rs", "system/Task.rs"),
        ("system/Observation.rs?category=a|b", "system/Observation.rs?category=a|b"),
        ("", ""),
        ("openid fhirUser launch/patient offline_access", ""),
        ("patient/Task.rs user/Task.rs", ""),
        ("system/Task.sr", ""),
        ("system/Task.rr", ""),
        ("system/Task.x", ""),
        ("system/Task", ""),
        ("system/task.rs", ""),
        ("system/Task.rs?", ""),
        ("system/Task.rs?category", ""),
        ("system/Task.rs\nsystem/Patient.rs", ""),
        ("system/Task.rs; DROP", ""),
        ("nonsense system/Task.rs", "system/Task.rs"),
    ],
)
def test_scopes_of_both_spellings_are_read_and_the_rest_left_out(text: str, read: str) -> None:
    assert spelled(read_scopes(text)) == read


@pytest.mark.parametrize(
    ("asked", "granted", "result"),
    [
        ("system/Task.rs", "system/Task.cruds", "system/Task.rs"),
        ("system/Task.cruds", "system/Task.rs", "system/Task.rs"),
        ("system/*.rs", "system/Task.rus system/Patient.r", "system/Task.rs system/Patient.r"),
        ("system/Task.rs system/Location.rs", "system/Task.rs", "system/Task.rs"),
        ("system/Patient.read system/Task.read", "system/*.rs", "system/Patient.rs system/Task.rs"),
        ("system/Location.rs", "system/Task.rs", ""),
        ("system/Task.c", "system/Task.rs", ""),
        ("system/Observation.rs", "system/Observation.rs?code=x", "system/Observation.rs?code=x"),
        (
            "system/Observation.rs?category=a",
            "system/Observation.rs?code=x",
            "system/Observation.rs?category=a&code=x",
        ),
    ],
)
def test_what_is_asked_is_cut_down_to_what_was_granted(
    asked: str, granted: str, result: str
) -> None:
    assert spelled(narrowed(read_scopes(asked), read_scopes(granted))) == result


@given(sets, sets, st.sampled_from(TYPES), st.sampled_from("cruds"))
def test_narrowing_reaches_nothing_that_either_side_does_not(
    asked: tuple[Scope, ...], granted: tuple[Scope, ...], resource_type: str, letter: str
) -> None:
    for side in (asked, granted):
        for conditions in reach(narrowed(asked, granted), resource_type, letter):
            assert any(other <= conditions for other in reach(side, resource_type, letter))


@given(sets, sets, st.sampled_from(TYPES), st.sampled_from("cruds"))
def test_narrowing_keeps_everything_that_both_reach_without_conditions(
    asked: tuple[Scope, ...], granted: tuple[Scope, ...], resource_type: str, letter: str
) -> None:
    both = all(set() in reach(side, resource_type, letter) for side in (asked, granted))
    assert (set() in reach(narrowed(asked, granted), resource_type, letter)) is both


@given(sets)
def test_scopes_are_read_back_as_they_were_spelled(held: tuple[Scope, ...]) -> None:
    once = read_scopes(spelled(held))
    assert read_scopes(spelled(once)) == once
    assert {(s.type, s.limits) for s in once} == {(s.type, s.limits) for s in held}


@pytest.mark.parametrize(
    ("interaction", "letter"),
    [
        ("create", "c"),
        ("read", "r"),
        ("vread", "r"),
        ("history-instance", "r"),
        ("update", "u"),
        ("patch", "u"),
        ("delete", "d"),
        ("search-type", "s"),
        ("history-type", "s"),
    ],
)
def test_each_interaction_needs_its_own_letter(interaction: str, letter: str) -> None:
    allowed = [one for one in "cruds" if caller(f"system/Task.{one}").allows("Task", interaction)]
    assert allowed == [letter]


@pytest.mark.parametrize("interaction", ["", "operation", "READ", "capabilities"])
def test_an_unknown_interaction_is_not_allowed(interaction: str) -> None:
    assert not caller("system/*.cruds").allows("Task", interaction)


def test_a_scope_with_limits_counts_only_for_who_applies_them() -> None:
    limited = caller("system/Observation.rs?category=a|b")
    assert not limited.allows("Observation", Interaction.READ)
    assert limited.limits("Observation", Interaction.READ) == ((("category", "a|b"),),)
    assert limited.limits("Patient", Interaction.READ) == ()


def test_a_star_covers_every_type_and_a_type_only_itself() -> None:
    assert caller("system/*.r").allows("Encounter", "read")
    assert not caller("system/Task.r").allows("Encounter", "read")
