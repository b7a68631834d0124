from pathlib import Path

from mappings.dictionary_page import dictionary_page
from mappings.fhir.terminology import table
from mappings.language import DICTIONARY

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


def test_the_page_is_what_the_program_would_write() -> None:
    """`schoolbridge map dictionary > docs/data-dictionary.md` writes it again."""
    assert PAGE.read_text("utf-8") == dictionary_page()


def test_every_field_every_follow_up_code_and_every_ceds_element_is_on_it() -> None:
    page = dictionary_page()
    for known in DICTIONARY.values():
        assert [name for name in known if f"| `{name}` |" not in page] == []
    assert len(table("follow-up").rows) == 18
    assert [code for code in table("follow-up").rows if f"| `{code}` |" not in page] == []
    assert [n for n in range(1481, 1487) if f"| 00{n} |" not in page] == []
