"""Reading templates and agreements: what is refused, where, and with which advice."""

import pytest

from consent.mou import read_agreement, read_template, seal, shipped_agreement, shipped_template
from tests.consent.worked_example import AGREEMENT, DATA, TEMPLATE, edited, problems_of, spec


@pytest.mark.parametrize("row", spec("broken-templates"), ids=lambda row: row["problem"])
def test_a_broken_template_is_refused_with_the_place_and_advice(row: dict[str, str]) -> None:
    source = edited_once(TEMPLATE, row["written"], row["instead"]).encode()

    problems = problems_of(read_template, source, "template.yaml")

    assert any(row["problem"] in problem for problem in problems), problems
    assert all(problem.startswith("template.yaml:") for problem in problems)


def edited_once(text: str, old: str, new: str) -> str:
    """Edit the first place; some phrases of the template stand more than once."""
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize("row", spec("broken-agreements"), ids=lambda row: row["problem"])
def test_an_agreement_that_widens_or_errs_is_refused(row: dict[str, str]) -> None:
    source = edited(AGREEMENT, row["written"], row["instead"]).encode()

    problems = problems_of(read_agreement, source, "agreement.yaml", shipped_template())

    assert any(row["problem"] in problem for problem in problems), problems


def test_all_problems_of_a_document_are_reported_at_once_in_order() -> None:
    source = TEMPLATE.replace("min_n: 11", "min_n: x").replace("code: HPRGRP", "code: HPX")

    problems = problems_of(read_template, source.encode(), "t.yaml")

    assert [problem.split(": ")[1] for problem in problems] == [
        "purposes.report.code",
        "small_cell.min_n",
    ]


def test_a_template_without_its_elements_is_refused_once_not_for_every_line() -> None:
    source = TEMPLATE.replace("\nelements:", "\nelement:").encode()

    problems = problems_of(read_template, source, "t.yaml")

    assert len(problems) == 2
    assert "lacks elements" in problems[0]
    assert 'did you mean "elements"?' in problems[1]


def test_the_template_opens_only_the_blocks_it_lists() -> None:
    locked = read_template(edited(TEMPLATE, "  retention: shorter\n", "").encode(), "t.yaml")

    source = seal(AGREEMENT.encode(), locked)
    problems = problems_of(read_agreement, source, "agreement.yaml", locked)

    assert problems == ["agreement.yaml:25:12: retention: is locked by the template; leave it out"]


def test_the_worked_documents_load_unchanged_but_for_the_digest() -> None:
    unsealed = (DATA / "millbrook-harbor-2026.unsealed.yaml").read_bytes()

    problems = problems_of(read_agreement, unsealed, "unsealed.yaml", shipped_template())
    sealed = seal(unsealed, shipped_template())

    assert len(problems) == 1
    assert problems[0].startswith("unsealed.yaml:7:59: extends.digest: is not the digest")
    assert sealed == AGREEMENT.encode()
    assert shipped_agreement().id == "millbrook-harbor-2026"


def test_sealing_changes_the_digest_and_no_other_byte() -> None:
    template = shipped_template()
    unsealed = (DATA / "millbrook-harbor-2026.unsealed.yaml").read_text(encoding="utf-8")

    sealed = seal(unsealed.encode(), template).decode()

    assert sealed == unsealed.replace("sha256:<of the canonical template>", template.digest)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_sealing_keeps_line_ends_and_byte_order_mark(line_end: str, mark: str) -> None:
    source = mark + AGREEMENT.replace("\n", line_end)
    stale = source.replace(shipped_template().digest, "sha256:stale")

    assert seal(stale.encode(), shipped_template()).decode() == source


def test_sealing_an_agreement_of_another_template_is_refused() -> None:
    other = edited(AGREEMENT, 'version: "2026.1"', 'version: "2027.1"').encode()

    problems = problems_of(seal, other, shipped_template())

    assert problems == ['agreement:7:41: extends.version: the template given is "2026.1"']


def test_an_agreement_sealed_to_a_changed_template_no_longer_reads() -> None:
    changed = read_template(edited(TEMPLATE, "min_n: 11", "min_n: 12").encode(), "t.yaml")

    problems = problems_of(read_agreement, AGREEMENT.encode(), "a.yaml", changed)

    assert len(problems) == 1
    assert "extends.digest" in problems[0]
