"""The ``fields`` of a map."""

from documents import Located
from mappings.language.document import ChoiceRule, FieldRule, HoldRule, Otherwise, ValueEntry, Word
from mappings.language.outline import Outline
from mappings.language.value_tables import ReadTable, read_table

FIELD_KEYS = (
    *("column", "columns", "source", "goes-to", "read-as", "values", "split-on", "otherwise"),
    *("required", "say", "made-from", "prefix", "choose", "joined"),
)

# Keys that mean nothing but beside another one, and keys that mean nothing beside another one.
ONLY_WITH = {"joined": "columns", "prefix": "made-from"}
NOT_WITH = {
    "choose": ("read-as", "values", "split-on"),
    "made-from": ("read-as", "values", "split-on"),
}

CHOICE_KEYS = ("when", "gives")
HOLD_KEYS = ("when", "why")


def read_field(item: Located, outline: Outline, main: str, read: ReadTable) -> FieldRule:
    """Read one entry of ``fields``."""
    node = outline.section(item, FIELD_KEYS, "a field")
    together = outline.words(node, "columns")
    single = outline.words(node, "column")
    made_from = outline.one_of(node, "made-from", ("row-key",), "")
    choose = tuple(_choice(entry, outline) for entry in outline.items(node, "choose"))
    if sum(map(bool, (together, single, made_from, choose))) != 1:
        outline.problem(node.position, "a field has one of: column, columns, choose, made-from")
    _refuse_idle(node, outline)
    ways = tuple(way.value for way in Otherwise)
    values = _values(node, outline, read)
    return FieldRule(
        position=node.position,
        goes_to=outline.text(node, "goes-to", needed=True),
        source=outline.text(node, "source").text or main,
        columns=together or single or _columns_of(choose),
        together=bool(together),
        read_as=outline.words(node, "read-as"),
        values=values,
        values_from=outline.text(node, "values").text if _is_file(node) else "",
        split_on=outline.texts(node, "split-on"),
        otherwise=Otherwise(outline.one_of(node, "otherwise", ways, Otherwise.HOLD.value)),
        required=outline.yes(node, "required"),
        say=outline.text(node, "say").text,
        made_from_key=bool(made_from),
        prefix=outline.text(node, "prefix").text,
        choose=choose,
        joined=outline.one_of(node, "joined", ("lines", "words"), "lines"),
    )


def _refuse_idle(node: Located, outline: Outline) -> None:
    """Name keys that would be read past: whoever wrote them meant something."""
    for key, other in ONLY_WITH.items():
        if key in node.entries and other not in node.entries:
            outline.problem(node.entries[key].position, f"{key} means nothing without {other}")
    for other, keys in NOT_WITH.items():
        for key in keys:
            if key in node.entries and other in node.entries:
                outline.problem(node.entries[key].position, f"{key} means nothing beside {other}")


def _is_file(node: Located) -> bool:
    return "values" in node.entries and node.entries["values"].kind == "text"


def _values(node: Located, outline: Outline, read: ReadTable) -> tuple[ValueEntry, ...] | None:
    if "values" not in node.entries:
        return None
    if _is_file(node):
        return read_table(outline.text(node, "values", needed=True), read, outline)
    entries = []
    for name, value in outline.pairs(node, "values"):
        if value.kind != "text" or value.empty:
            outline.problem(value.position, "a value table holds one code for each text")
            continue
        entries.append(ValueEntry(name.text, value.text, name.position))
    return tuple(entries)


def _choice(item: Located, outline: Outline) -> ChoiceRule:
    node = outline.section(item, CHOICE_KEYS, "a choice")
    return ChoiceRule(_when(node, outline), outline.text(node, "gives", needed=True))


def read_hold(item: Located, outline: Outline) -> HoldRule:
    """Read one entry of ``hold-when``."""
    node = outline.section(item, HOLD_KEYS, "hold-when")
    why = outline.text(node, "why", needed=True).text
    return HoldRule(node.position, _when(node, outline), why)


def _when(node: Located, outline: Outline) -> tuple[tuple[Word, tuple[str, ...]], ...]:
    when = []
    for column, texts in outline.pairs(node, "when"):
        found = outline.texts(Located("mapping", texts.position, entries={"when": texts}), "when")
        when.append((column, found))
    if not when:
        outline.problem(node.position, 'this needs "when": columns and their texts')
    return tuple(when)


def _columns_of(choices: tuple[ChoiceRule, ...]) -> tuple[Word, ...]:
    by_text = {column.text: column for choice in choices for column, _ in choice.when}
    return tuple(by_text.values())
