"""Whatever stands in a provider's export, no reason and no report repeats it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from mappings.language import Held, MapKind, compile_map, list_maps
from mappings.language.document import Example
from mappings.language.examples import _tables
from mappings.readers import SourceError

SECRET = "Zanzibar-Smith-7731"
EXPORTED = datetime(2026, 9, 18, tzinfo=ZoneInfo("America/New_York"))
OF_PROVIDERS = (MapKind.SESSION, MapKind.ANSWER)
MAPS = [document.id for document in list_maps() if document.kind in OF_PROVIDERS]


def spoilt(example: Example) -> Iterator[Example]:
    """Yield the example with the secret in one cell or field after the other."""
    for role, given in example.given.items():
        if isinstance(given, str):
            for found in re.finditer(r"(?<=[|^])[^|^\s]+(?=[|^\n])", given):
                text = given[: found.start()] + SECRET + given[found.end() :]
                yield replace(example, given={**example.given, role: text})
        else:
            for heading in given:
                row = {**given, heading: SECRET}
                yield replace(example, given={**example.given, role: row})


def told(name: str) -> Iterator[str]:
    (document,) = [document for document in list_maps() if document.id == name]
    compiled = compile_map(document)
    for example in document.examples:
        for one in spoilt(example):
            try:
                run = compiled.run_tables(_tables(compiled, one), {}, EXPORTED)
                for outcome in run:
                    if isinstance(outcome, Held):
                        yield from map(str, outcome.reasons)
                yield str([unmapped.options for unmapped in run.report.unmapped.values()])
            except SourceError as error:
                yield str(error)


@pytest.mark.parametrize("name", MAPS)
def test_a_secret_in_any_cell_is_in_no_reason_and_no_report(name: str) -> None:
    texts = list(told(name))
    assert len(texts) > 10
    assert [text for text in texts if SECRET in text] == []
