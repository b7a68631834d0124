"""The strict reader: what plain YAML lets slip is refused, with line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents import DocumentError, Position, Problem, read_yaml
from documents.strict_yaml import MAX_BYTES, MAX_DEPTH


def refused(source: str | bytes) -> str:
    data = source.encode() if isinstance(source, str) else source
    with pytest.raises(DocumentError) as caught:
        read_yaml(data, "doc.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    "word", ["yes", "No", "on", "12:30", "01", "1e3", "2026-08-24", "0x1f", "1_000"]
)
def test_a_scalar_is_the_text_that_was_written(word: str) -> None:
    assert read_yaml(f"key: {word}".encode(), "d").plain() == {"key": word}


@pytest.mark.parametrize("key", ["on", "yes", "No", "1", "01", "null", "2026-01-01"])
def test_a_key_is_text_too(key: str) -> None:
    assert read_yaml(f"{key}: x".encode(), "d").plain() == {key: "x"}


@pytest.mark.parametrize("unseen", "\0\x07\x7f\x85\u061c\u200b\u2028\u202e\u2066\ufeff")
def test_a_character_that_cannot_be_seen_is_refused_where_it_stands(unseen: str) -> None:
    said = refused(f"one: two\nthree: fo{unseen}ur\n")

    assert said == (
        f"doc.yaml:2:10: holds a character that cannot be seen, U+{ord(unseen):04X}; take it out"
    )


def test_accents_other_scripts_and_line_ends_of_any_system_are_read() -> None:
    text = "name: Núñez, 山田, \u0645\u062f\u0631\u0633\u0629\r\nnext: b\r\n"

    assert read_yaml(text.encode(), "d").entries["name"].text.startswith("Núñez, 山田")


@pytest.mark.parametrize("written", ["", "~", "null"])
def test_a_value_left_out_is_empty_and_a_quoted_one_is_not(written: str) -> None:
    read = read_yaml(f'a: {written}\nb: "{written}"'.encode(), "d")

    assert read.entries["a"].empty
    assert not read.entries["b"].empty
    assert read.plain() == {"a": None, "b": written}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a: 1\nb: 2\na: 3\n", 'doc.yaml:3:1: key "a" stands twice (first on line 1)'),
        ("x: {a: 1, a: 2}", 'doc.yaml:1:11: key "a" stands twice (first on line 1)'),
        ("a: &x 1\nb: *x\n", "doc.yaml:1:4: YAML anchor is not allowed"),
        ("a: !!int 1\n", "doc.yaml:1:4: YAML tag is not allowed"),
        ("a: !local 1\n", "doc.yaml:1:4: YAML tag is not allowed"),
        ("? [a, b]\n: c\n", "doc.yaml:1:3: a key must be text"),
        ("", "doc.yaml:1:1: is empty"),
        ("# only a comment\n", "doc.yaml:1:1: is empty"),
        ("a: [1, 2\nb: 3\n", "doc.yaml:2:"),
        ("a: b: c\n", "doc.yaml:1:5:"),
        ("\ta: 1\n", "doc.yaml:1:1:"),
        ("a: 1\n---\nb: 2\n", "doc.yaml:2:1:"),
        ("a: \x00b\n", "doc.yaml:1:4: holds a character that cannot be seen, U+0000; take it out"),
    ],
)
def test_what_could_mean_something_else_is_refused_with_its_place(
    source: str, expected: str
) -> None:
    assert refused(source).startswith(expected)


def test_aliases_are_all_named_at_once() -> None:
    assert refused("a: &x 1\nb: *x\nc: *x\n").count("not allowed") == 3


def test_merge_keys_do_not_merge() -> None:
    assert read_yaml(b"<<: {a: 1}\nb: 2", "d").plain() == {"<<": {"a": "1"}, "b": "2"}


def test_bytes_that_are_not_utf_8_are_refused_with_their_line() -> None:
    assert refused(b"a: 1\nb: caf\xe9\n") == "doc.yaml:2:1: is not UTF-8 text; save it as UTF-8"


def test_a_byte_order_mark_is_no_part_of_the_first_key() -> None:
    assert read_yaml("\ufeffa: 1".encode(), "d").plain() == {"a": "1"}


def test_a_document_too_large_is_refused_unread() -> None:
    assert "larger than" in refused(b"#" * (MAX_BYTES + 1))


@pytest.mark.parametrize("depth", [MAX_DEPTH + 2, 5_000])
def test_a_document_nested_too_deeply_is_refused(depth: int) -> None:
    assert "doc.yaml:1:" in refused("[" * depth + "]" * depth)


def test_every_node_knows_where_it_stands() -> None:
    read = read_yaml(b"a:\n  - x\n  - {b: 'y'}\n", "d")
    second = read.entries["a"].items[1]

    assert second.position == Position(3, 5)
    assert second.key_positions["b"] == Position(3, 6)
    assert (second.entries["b"].position, second.entries["b"].quoted) == (Position(3, 9), True)


def test_words_after_a_comma_without_a_colon_belong_to_the_text_before_them() -> None:
    read = read_yaml(b"{id: x, name: State of Example, Department of Education, Room 4}", "d")

    assert read.plain() == {"id": "x", "name": "State of Example, Department of Education, Room 4"}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{a, b: 1}", 'doc.yaml:1:2: "a" has no colon; write "a: ..." or put the text in quotes'),
        ('{a: "quoted", b}', 'doc.yaml:1:15: "b" has no colon'),
        ("{a: [1], b}", 'doc.yaml:1:10: "b" has no colon'),
        ("{a: {c: 1}, b}", 'doc.yaml:1:13: "b" has no colon'),
        ("{a: , b}", 'doc.yaml:1:7: "b" has no colon'),
    ],
)
def test_words_without_a_colon_are_refused_where_no_plain_text_stands_before_them(
    source: str, expected: str
) -> None:
    assert refused(source).startswith(expected)


def test_a_key_with_its_colon_and_no_value_stays_an_empty_value() -> None:
    assert read_yaml(b"{a: x, b: , c: }", "d").plain() == {"a": "x", "b": None, "c": None}


def test_all_problems_come_in_the_order_of_the_document() -> None:
    problems = refused("a: 1\na: 2\nb: {c: 1, c: 2}\n").splitlines()

    assert [line.split(": ")[0] for line in problems] == ["doc.yaml:2:1", "doc.yaml:3:11"]


def problems(data: bytes) -> list[Problem] | None:
    """Return what is wrong; None if the document reads. Any other error fails the test."""
    try:
        read_yaml(data, "d")
    except DocumentError as error:
        return list(error.problems)
    return None


@given(st.text(alphabet="ab:{}[],-#&*!|>'\"%@?~ \n\t\x00\x85", max_size=60))
def test_whatever_the_text_it_reads_or_says_what_is_wrong(text: str) -> None:
    found = problems(text.encode())

    assert found is None or (found and all(p.line >= 1 and p.column >= 1 and p.text for p in found))


@given(st.binary(max_size=40))
def test_whatever_the_bytes_it_reads_or_says_what_is_wrong(data: bytes) -> None:
    assert problems(data) != []
