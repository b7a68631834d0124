"""The settings of a gateway for text messages say what is wrong with them, and no secret."""

from pathlib import Path
from typing import Any

import pytest

from bridge.errors import SettingsError
from bridge.settings import read_settings
from bridge.text_gateways import TextGateway, read_text_gateway

GOOD: dict[str, Any] = {"url": "https://texts.millbrook.example/42", "token": "hidden-token"}


def test_a_table_that_is_not_there_is_no_gateway() -> None:
    assert read_text_gateway(None, {}) is None


def test_fields_have_names_unless_others_are_given() -> None:
    made = read_text_gateway({**GOOD, "words": "message", "fields": {"From": "+1"}}, {})
    assert made == TextGateway(
        GOOD["url"], token="hidden-token", words="message", fields={"From": "+1"}
    )
    assert "hidden" not in repr(made)
    assert "millbrook" not in repr(made)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("x", "and nothing else"),
        ({**GOOD, "colour": "red"}, "and nothing else"),
        ({**GOOD, "url": "http://texts.millbrook.example/42"}, "text.url"),
        ({"token": "hidden-token"}, "text.url"),
        ({**GOOD, "url": 7}, "text.url"),
        ({**GOOD, "username": "a"}, "a token, or a username"),
        ({"url": GOOD["url"]}, "a token, or a username"),
        ({**GOOD, "json": "yes"}, "text.json"),
        ({**GOOD, "fields": {"From": 7}}, "text.fields"),
        ({**GOOD, "to": "Body"}, "two names"),
        ({**GOOD, "to": ""}, "two names"),
    ],
)
def test_what_is_wrong_is_named(table: object, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        read_text_gateway(table, {})
    assert "hidden-token" not in str(refused.value)


def test_secrets_may_stand_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "schoolbridge.toml").write_text(
        'database_url = "sqlite:///b"\nbase_url = "http://127.0.0.1:1"\nhost = "127.0.0.1"\n'
        f'port = 1\nsecret = "{"s" * 32}"\n[text]\nurl = "{GOOD["url"]}"\nusername = "42"\n'
    )
    monkeypatch.setenv("SCHOOLBRIDGE_TEXT_PASSWORD", "hidden")
    read = read_settings(tmp_path).text
    assert read is not None
    assert (read.username, read.password) == ("42", "hidden")
    assert "hidden" not in repr(read)
