"""What must not stand in a shell's history is asked for, or read from a file. All made up."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from bridge.cli import app
from bridge.journeys.families.register_release import forms_of
from tests.bridge.cli.test_accounts import run
from tests.bridge.cli.test_register import FORM
from tests.support.worlds import LEA, World, referral

ABOUT_PEOPLE = ("name", "signer", "cosigner", "guardian", "threat", "reason", "note", "text")
OF_NOBODY = {
    "party service --name": "a service's",
    "ledger key --name": "a host's",
    "hub collect --name": "a bridge's",
    "release record --cosigner": "a code of the relationship",
    "guardian end --guardian": "an id",
    "review close --reason": "what the office did about an item, which is an id",
}


def options(command: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - of typer's own click
    """Yield the options named like what is said of people, with their command."""
    for name, each in getattr(command, "commands", {}).items():
        yield from options(each, f"{path} {name}")
    for each in command.params:
        if each.name in ABOUT_PEOPLE and each.opts[0].startswith("--"):
            yield f"{path} {each.opts[0]}".strip()


def test_no_command_takes_a_persons_name_or_words_about_a_child_as_an_argument() -> None:
    assert set(options(typer.main.get_command(app))) == set(OF_NOBODY)


@pytest.mark.parametrize(
    ("more", "typed", "signer"),
    [
        ((), "Max Winterbourne\n", "Max Winterbourne"),
        ((), "\n", None),
        (("--answer", "pending"), None, None),
    ],
)
def test_the_name_on_a_form_is_typed_where_somebody_signed(
    lite: World, more: tuple[str, ...], typed: str | None, signer: str | None
) -> None:
    lite.refer([referral(1, releases=())])
    done = run(lite, *FORM, *more, "--json", typed=typed)
    assert done.exit_code == 0, done.output
    (kept,) = forms_of(lite.parts, LEA, "1001")
    assert kept.form.signer == signer


def test_the_name_on_a_form_is_read_from_a_file(lite: World, tmp_path: Path) -> None:
    lite.refer([referral(1, releases=())])
    file = tmp_path / "name.txt"
    file.write_text("Max Winterbourne\n", encoding="utf-8")
    told = run(lite, *FORM, "--name-file", str(file), "--json")
    assert json.loads(told.stdout)["meets"] == ["ferpa"]
    file.write_text("Max Winterbourne\nAnn Winterbourne\n", encoding="utf-8")
    assert run(lite, *FORM, "--name-file", str(file)).exit_code == 2


def test_a_form_of_which_no_name_is_given_is_not_filed(lite: World) -> None:
    lite.refer([referral(1, releases=())])
    assert run(lite, *FORM).exit_code == 1
    assert forms_of(lite.parts, LEA, "1001") == []
