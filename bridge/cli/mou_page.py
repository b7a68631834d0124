"""``mou show --html``: what a document releases, as a page for those who sign it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from consent.mou import Agreement, Bound
    from consent.surface import Surface
    from consent.surface.matrix import Row, When


def page_of(
    bound: "Bound", agreement: "Agreement", surface: "Surface", rows: "tuple[Row, ...]"
) -> str:
    """Return the page: by direction who may get what, when; what stays; duties, notices, facts."""
    from importlib.resources import files

    from jinja2 import Environment, StrictUndefined

    from consent.codes import obligation_words
    from consent.facts import load_facts

    source = files("bridge.cli").joinpath("mou_show.html").read_text(encoding="utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    named = {fact for opening in surface.openings.values() for fact in opening.facts()}
    duties = sorted({duty.partition(" if ")[0] for row in rows for duty in row.duties})
    return page.from_string(source).render(
        name=surface.name,
        title=bound.template.title,
        law=bound.law,
        effective=agreement.effective,
        signed=agreement.signed,
        digest=surface.digest,
        directions=list(_directions(agreement, rows)),
        staying=_staying(bound, surface),
        conditions=_conditions,
        plain=_plain,
        duty=_duty,
        purposes=bound.template.purposes,
        duties=duties,
        duty_words={code: obligation_words()[code] for code in duties},
        notices=list(_notices(duties)),
        facts=[fact for fact in load_facts().values() if fact.name in named],
    )


def _directions(agreement: "Agreement", rows: "tuple[Row, ...]") -> "Iterator[dict[str, Any]]":
    """Yield the rows by direction, in the order in which the flows name them."""
    for sender, recipient in dict.fromkeys((row.sender, row.recipient) for row in rows):
        names = [_party(agreement, role) for role in (sender, recipient)]
        own = [row for row in rows if (row.sender, row.recipient) == (sender, recipient)]
        yield {"id": f"{sender}-{recipient}", "names": names, "rows": own}


def _party(agreement: "Agreement", role: str) -> str:
    party = agreement.parties.get(role)
    return f"{party.name} ({role})" if party else role


def _staying(bound: "Bound", surface: "Surface") -> list[str]:
    """Return the elements of the catalogue that no facts let leave."""
    leaving = {asked.element for asked in surface.openings}
    return [name for name in bound.template.elements if name not in leaving]


def _conditions(when: "When") -> list[str]:
    """Return what must hold, one line a condition, in words."""
    lines = [_fact(word) for word in when.always]
    lines += [_fact(f"!{word}") for word in when.never]
    for ways in when.choices:
        lines.append(", or ".join(" and ".join(map(_fact, way)) for way in ways))
    return lines


def _fact(word: str) -> str:
    from consent.facts import load_facts

    facts = {str(name): fact for name, fact in load_facts().items()}
    fact = facts[word.removeprefix("!")]
    return fact.not_in_words if word.startswith("!") else fact.in_words


def _plain(name: str) -> str:
    """Return the name of an element or a role as words."""
    return name.replace(".", " ").replace("_", " ")


def _duty(said: str) -> tuple[str, str]:
    """Return the code of a duty, and in words under which facts it rides ("" if always)."""
    code, _, when = said.partition(" if ")
    ways = when.split(" or ") if when else []
    return code, ", or ".join(" and ".join(map(_fact, way.split("+"))) for way in ways)


def _notices(duties: list[str]) -> "Iterator[Any]":
    from consent.duties import notice, notice_rules

    known = {rule.id for rule in notice_rules()}
    return (notice(code) for code in duties if code in known)
