"""Every shape that leaves was validated in full once, and shared parts cannot be changed."""

import copy
import pickle
from dataclasses import replace

import pytest

from mappings.canonical import Attendance, Coded
from mappings.fhir import referral_resources, session_resource
from mappings.fhir.elements import BEHAVIOURAL_HEALTH, PLACER
from mappings.fhir.fixed import FixedDict, FixedList, fixed, shape_of
from mappings.fhir.session import SessionChecker, form_of
from mappings.fhir.shapes import ShapeChecker
from tests.support.fhir_records import (
    ATTENDED,
    BARE,
    CONTEXT,
    FULL,
    SESSION_CONTEXT,
    sessions,
)


def test_a_shape_is_validated_in_full_only_once() -> None:
    checker = ShapeChecker()
    first, second = (
        referral_resources(replace(BARE, number=number), CONTEXT) for number in ("R-1", "R-2")
    )
    assert [checker.check(item) for item in first] == [[]] * 4
    assert checker.checked_in_full == 4
    assert [checker.check(item) for item in second] == [[]] * 4
    assert checker.checked_in_full == 4


def test_a_broken_resource_is_never_remembered_as_good() -> None:
    checker = ShapeChecker()
    broken = {**referral_resources(BARE, CONTEXT)[0], "colour": "red"}
    assert checker.check(broken)
    assert checker.check(broken)
    assert checker.checked_in_full == 2


@pytest.mark.parametrize("family", ["", "  "])
def test_a_blank_value_is_another_shape(family: str) -> None:
    checker = ShapeChecker()
    assert checker.check(referral_resources(BARE, CONTEXT)[0]) == []
    blank = replace(BARE, student=replace(BARE.student, family_name=family))
    assert checker.check(referral_resources(blank, CONTEXT)[0])


def test_a_code_outside_its_value_set_is_caught_though_the_structure_was_seen() -> None:
    checker = ShapeChecker()
    for urgency, faults in (("routine", 0), ("banana", 1)):
        referral = replace(BARE, urgency=Coded(urgency, "as written"))
        request = referral_resources(referral, CONTEXT)[1]
        assert len(checker.check(request)) == faults


def test_the_json_type_of_a_leaf_and_the_elements_of_a_list_are_part_of_the_shape() -> None:
    assert shape_of({"a": "x"}) == shape_of({"a": "y"}) != shape_of({"a": 1})
    assert shape_of({"a": 1}) != shape_of({"a": True}) != shape_of({"a": None})
    assert shape_of([{"a": "x"}] * 2) != shape_of([{"a": "x"}, {"b": "x"}])
    assert shape_of([]) != shape_of([{}])


def test_a_fixed_part_refuses_every_change() -> None:
    changes = ("clear", "pop", "update", "setdefault", "popitem", "__setitem__", "__delitem__")
    for name in (*changes, "__ior__"):
        with pytest.raises(TypeError, match="shared"):
            getattr(PLACER, name)("coding")
    for name in ("append", "extend", "sort", "reverse", "clear", "pop", "remove", "insert"):
        with pytest.raises(TypeError, match="shared"):
            getattr(BEHAVIOURAL_HEALTH, name)("x")


def test_a_copy_of_a_fixed_part_is_plain_and_can_be_changed() -> None:
    for copied in (copy.deepcopy(PLACER), pickle.loads(pickle.dumps(PLACER))):  # noqa: S301 - of our own making
        assert copied == PLACER
        assert type(copied) is dict
        assert type(copied["coding"]) is list
        copied["coding"][0]["code"] = "FILL"
    assert PLACER["coding"][0]["code"] == "PLAC"


def test_fixed_parts_of_one_shape_compare_by_one_number() -> None:
    one, other = fixed({"a": ["x"]}), fixed({"a": ["y"]})
    assert isinstance(one, FixedDict)
    assert isinstance(one["a"], FixedList)
    assert shape_of(one) == shape_of(other) != shape_of(fixed({"b": ["x"]}))


def test_building_twice_gives_equal_resources() -> None:
    assert referral_resources(FULL, CONTEXT) == referral_resources(FULL, CONTEXT)


def test_sessions_of_one_form_become_resources_of_one_shape() -> None:
    shapes: dict[object, set[object]] = {}
    for session in sessions():
        resource = session_resource(session, SESSION_CONTEXT)
        shapes.setdefault(form_of(session), set()).add(shape_of(resource))
    assert all(len(found) == 1 for found in shapes.values())
    assert len(shapes) > 50


def test_each_form_of_a_session_is_checked_and_a_fault_is_never_remembered() -> None:
    checker, missed = SessionChecker(), replace(ATTENDED, attendance=Attendance.NO_SHOW)
    broken = {**session_resource(missed, SESSION_CONTEXT), "status": "banana"}
    assert checker.check(missed, broken)
    assert checker.check(missed, broken)
    assert checker.check(missed, session_resource(missed, SESSION_CONTEXT)) == []
    attended = {**session_resource(ATTENDED, SESSION_CONTEXT), "status": "banana"}
    assert checker.check(ATTENDED, attended)
