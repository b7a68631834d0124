"""A district's sign-in in the settings: read as meant, or refused with the place."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.directories import Directory, read_directories
from bridge.errors import SettingsError
from bridge.settings import FILE_NAME, Settings, read_settings

GOOD: dict[str, Any] = {
    "issuer": "https://login.millbrook.example",
    "client_id": "schoolbridge",
    "roles": {"District Counselor": "counselor", "Principal": "administrator"},
}
DEMO = {"demo_start": "2026-11-23T14:00:00+00:00", "demo_began": "2026-11-26T14:00:00+00:00"}


def read(home: Path, **more: object) -> Settings:
    lines: dict[str, object] = {
        "database_url": "sqlite:///b.db",
        "base_url": "http://127.0.0.1:8020",
        "host": "127.0.0.1",
        "port": 8020,
        "secret": "s" * 40,
        **more,
    }
    tables = lines.pop("directory", {})
    text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    for name, table in dict(tables).items():  # type: ignore[call-overload] # tables as TOML has them
        roles = table.get("roles", {})
        text += f"[directory.{name}]\n"
        plain = {key: value for key, value in table.items() if key != "roles"}
        text += "".join(f"{key} = {json.dumps(value)}\n" for key, value in plain.items())
        text += f"[directory.{name}.roles]\n"
        text += "".join(f"{json.dumps(k)} = {json.dumps(v)}\n" for k, v in roles.items())
    (home / FILE_NAME).write_text(text, encoding="utf-8")
    return read_settings(home)


def test_a_directory_is_read_from_the_settings(tmp_path: Path) -> None:
    (found,) = read(tmp_path, directory={"millbrook": GOOD}).directories
    roles = (("District Counselor", "counselor"), ("Principal", "administrator"))
    expected = Directory(
        "millbrook", GOOD["issuer"], "schoolbridge", "", "roles", roles, ("follow",)
    )
    assert found == expected


def test_no_directory_is_needed(tmp_path: Path) -> None:
    assert read(tmp_path).directories == ()


def test_a_secret_is_not_in_the_text_of_a_directory() -> None:
    (found,) = read_directories({"millbrook": {**GOOD, "client_secret": "hush"}})
    assert found.client_secret == "hush"
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"issuer": "http://login.millbrook.example"}, "issuer"),
        ({"issuer": "https://login.millbrook.example?x=1"}, "issuer"),
        ({"issuer": "https://u@login.millbrook.example"}, "issuer"),
        ({"issuer": ""}, "issuer"),
        ({"issuer": "https://["}, "issuer"),
        ({"client_id": ""}, "client_id"),
        ({"client_id": 7}, "client_id"),
        ({"roles": {}}, "roles"),
        ({"roles": {"a": ""}}, "roles"),
        ({"roles": ["a"]}, "roles"),
        ({"purposes": []}, "purposes"),
        ({"purposes": ["a b"]}, "purposes"),
        ({"purposes": "follow"}, "purposes"),
        ({"claims": "roles"}, "unknown setting claims"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(
    change: dict[str, object], place: str
) -> None:
    with pytest.raises(SettingsError, match=rf"directory\.millbrook.*{place}"):
        read_directories({"millbrook": GOOD | change})


@pytest.mark.parametrize("name", ["mill brook", "", "../x", "x" * 61])
def test_a_district_has_a_short_name(name: str) -> None:
    with pytest.raises(SettingsError, match="short name"):
        read_directories({name: GOOD})


def test_the_development_issuer_is_for_the_demo_on_loopback_alone(tmp_path: Path) -> None:
    assert read(tmp_path, development_issuer=True, **DEMO).development_issuer
    assert not read(tmp_path, development_issuer=False).development_issuer
    refused: tuple[dict[str, object], ...] = (
        {},
        {**DEMO, "base_url": "https://bridge.example.org"},
        {**DEMO, "host": "0.0.0.0"},  # noqa: S104 - to be refused
    )
    for settings in refused:
        with pytest.raises(SettingsError, match="loopback"):
            read(tmp_path, development_issuer=True, **settings)
    with pytest.raises(SettingsError, match="true or false"):
        read(tmp_path, development_issuer="maybe")


@pytest.mark.parametrize(
    "base_url", ["http://bridge.example.org", "ftp://127.0.0.1", "https://", "https://u@b.example"]
)
def test_the_public_address_is_protected(tmp_path: Path, base_url: str) -> None:
    with pytest.raises(SettingsError, match="https"):
        read(tmp_path, base_url=base_url)
    assert read(tmp_path, base_url="https://bridge.example.org/").base_url.endswith(".org")
