"""Writing the Python function that turns the cells of one row into a record.

A row of 36 columns costs a few microseconds this way: no loop over fields, no call per text cell,
and each distinct option or date is read once and remembered. The function only knows success; a
row it cannot map is read again, slowly, by :mod:`mappings.language.diagnosis` to say why.
"""

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from mappings.canonical import (
    Attendance,
    Coded,
    Guardian,
    Modality,
    Place,
    Referral,
    ReferralAnswer,
    Release,
    Screening,
    ServiceSession,
    Student,
)
from mappings.language.binding import BoundField, is_optional_group
from mappings.language.dictionary import (
    DICTIONARY,
    FORMS,
    GUARDIAN_SLOTS,
    SCREENING_SLOTS,
    Kind,
    MapKind,
)
from mappings.language.document import MapDocument
from mappings.language.drafts import maker
from mappings.language.screenings import make_screening

Build = Callable[[list[str], Any, Any], Any]
_REMEMBERED = 4_096
_ENUMS: Final = {"attendance": Attendance, "modality": Modality, "place": Place}


class Unmappable(Exception):  # noqa: N818 - caught within the package
    """A needed value is missing in this row."""


class Remembered(dict[Any, Any]):
    """Values already read, by text; forgets everything when full, so memory stays bounded."""

    def __init__(self, read: Callable[[Any], Any]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, text: Any) -> Any:  # noqa: ANN401 - a text or a tuple of texts
        value = self._read(text)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[text] = value
        return value


@dataclass(slots=True)
class _Function:
    """The function being written: its lines, the names they use, the variable of each field."""

    document: MapDocument
    joined: tuple[str, ...]
    lines: list[str] = field(default_factory=list)
    names: dict[str, Any] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)

    def name(self, prefix: str, value: object) -> str:
        """Give a value a name the lines can use."""
        name = f"{prefix}{len(self.names)}"
        self.names[name] = value
        return name

    def cells(self, role: str) -> str:
        """Return the expression of the cells of a source."""
        return "c" if role == self.document.main.role else f"o[{self.joined.index(role)}]"


def generate(document: MapDocument, fields: list[BoundField], joined: tuple[str, ...]) -> Build:
    """Write and compile the function ``build(cells, other sources' rows, origin)``.

    Args:
        document: a checked map.
        fields: its fields bound to the files at hand.
        joined: roles of the other sources in the order their rows are passed.
    """
    function = _Function(document, joined, names={"Unmappable": Unmappable})
    for bound in fields:
        _read_field(function, bound)
    _fixed_values(function)
    match document.kind:
        case MapKind.REFERRAL:
            _return_referral(function)
        case MapKind.ROSTER:
            _return_entry(function)
        case MapKind.SESSION:
            function.lines.append(f"return {_call(function, ServiceSession, '', origin=True)}")
        case MapKind.SCREENING:
            _return_screening(function)
        case MapKind.ANSWER:
            function.lines.append(f"return {_call(function, ReferralAnswer, '', origin=True)}")
    source = "def build(c, o, origin):\n    " + "\n    ".join(function.lines) + "\n"
    # Every text of the map enters through `names`; the lines hold names and numbers only.
    exec(compile(source, f"<map {document.id}>", "exec"), function.names)  # noqa: S102 - code made of a checked map
    build: Build = function.names["build"]
    return build


def _read_field(function: _Function, bound: BoundField) -> None:
    cells = function.cells(bound.rule.source)
    texts = [f"{cells}[{index}]" for index in bound.indices]
    value = f"v{len(function.lines)}"
    every = f"{', '.join(texts)}," if bound.many else texts[0]
    if bound.entry.kind is not Kind.TEXT:
        known = function.name("k", Remembered(_with_enum(bound)))
        function.lines.append(f"{value} = {known}[{every}]")
    elif bound.many:
        read = function.name("r", bound.read)
        function.lines.append(f"{value} = {read}(({every}))")
    else:
        # Text is read in place: a call for each text cell would cost more than all the rest.
        function.lines.append(f"{value} = {texts[0]}.strip() or None")
        if words := bound.empty - {""}:
            empty = function.name("e", words)
            function.lines.append(f"if {value} in {empty}: {value} = None")
    if bound.required:
        function.lines.append(f"if {value} is None: raise Unmappable")
    function.values.setdefault(bound.entry.name, []).append(value)


def _with_enum(bound: BoundField) -> Callable[[Any], Any]:
    enum = _ENUMS.get(bound.entry.name)
    if enum is None:
        return bound.read

    def read(text: Any) -> Any:  # noqa: ANN401 - a text or a tuple of texts
        code = bound.read(text)
        return None if code is None else enum(code)

    return read


def _fixed_values(function: _Function) -> None:
    for rule in function.document.fields:
        if rule.made_from_key:
            prefix = function.name("p", rule.prefix)
            function.values[rule.goes_to.text] = [f"({prefix} + origin.key)"]
    for constant in function.document.constants:
        entry = DICTIONARY[function.document.kind][constant.name.text]
        value: object = constant.value
        if entry.kind is Kind.CODED:
            value = Coded(constant.value, constant.value)
        function.values[entry.name] = [function.name("f", value)]


def _call(
    function: _Function,
    record: type,
    group: str,
    *,
    origin: bool = False,
    more: dict[str, str] | None = None,
) -> str:
    """Return the expression that makes one record from the fields of a group, and ``more``."""
    arguments = dict(more or {})
    for name, values in function.values.items():
        own_group, _, attribute = name.rpartition(".")
        if own_group != group:
            continue
        if name == "student.name":
            arguments |= {"family_name": f"{values[0]}[0]", "given_name": f"{values[0]}[1]"}
        else:
            arguments[attribute] = values[0]
    if origin:
        arguments["origin"] = "origin"
    return _made(function, record, arguments)


def _made(function: _Function, record: type, arguments: dict[str, str]) -> str:
    """Return the expression that makes a record; by place, since names are looked for each time."""
    known = fields(record)
    last = max(place for place, item in enumerate(known) if item.name in arguments)
    values = [
        arguments[item.name]
        if item.default is MISSING or item.name in arguments
        else function.name("d", item.default)
        for item in known[: last + 1]
    ]
    return f"{function.name('T', maker(record))}({', '.join(values)})"


def _return_referral(function: _Function) -> None:
    parts = {"student": _student(function), "origin": "origin"}
    for name, values in function.values.items():
        if "." not in name and name != "reasons":
            parts[name] = values[0]
    reasons = ", ".join(f"*({value} or ())" for value in function.values["reasons"])
    function.lines += [f"reasons = ({reasons},)", "if not reasons: raise Unmappable"]
    parts["reasons"] = "reasons"
    guardian = _optional(function, Guardian, "guardian") or _of_roster(function)
    screenings = [_optional(function, Screening, f"screening.{n}") for n in SCREENING_SLOTS]
    parts |= {"guardian": guardian} if guardian else {}
    if taken := [value for value in screenings if value]:
        function.lines.append(f"taken = ({', '.join(taken)},)")
        function.lines.append("if None in taken: taken = tuple(s for s in taken if s is not None)")
        parts["screenings"] = "taken"
    releases = [_release(function, form) for form in FORMS]
    parts["releases"] = f"({''.join(f'{value}, ' for value in releases if value)})"
    function.lines.append(f"return {_made(function, Referral, parts)}")


def _return_entry(function: _Function) -> None:
    """Write the roster's entry: a student and the guardians it names, in the order of the map."""
    named = [_optional(function, Guardian, f"guardian.{n}") for n in GUARDIAN_SLOTS]
    if listed := ", ".join(value for value in named if value):
        function.lines.append(f"guardians = tuple(g for g in ({listed},) if g is not None)")
    more = {"guardians": "guardians"} if listed else {}
    call = _call(function, Student, "student", more=more)
    function.lines.append(f"return {call}")


def _of_roster(function: _Function) -> str:
    """Write the first guardian of the joined roster, for forms that do not ask for one."""
    student = _student_of_roster(function)
    return f"({student}.guardians or (None,))[0]" if student else ""


def _return_screening(function: _Function) -> None:
    head, results, answers = [], dict[str, list[str]](), []
    # In the dictionary's order: two maps that differ in the order of lines make one record.
    for name in (known for known in DICTIONARY[MapKind.SCREENING] if known in function.values):
        values = function.values[name]
        group, _, code = name.partition(".")
        text = function.name("n", code or name)
        if not code:
            head.append(f"{text}: {values[0]}")
        elif group == "answer":
            answers.append(f"({text}, {values[0]})")
        else:
            pair = results.setdefault(code, ["None", "None"])
            pair[("score", "band").index(group)] = values[0]
    made = [f"({function.name('n', c)}, {score}, {band})" for c, (score, band) in results.items()]
    parts = f"{{{', '.join(head)}}}, [{', '.join(made)}], [{', '.join(answers)}]"
    function.lines.append(f"return {function.name('M', make_screening)}(origin, {parts})")


def _student(function: _Function) -> str:
    return _student_of_roster(function) or _call(function, Student, "student")


def _student_of_roster(function: _Function) -> str:
    for index, role in enumerate(function.joined):
        source = function.document.source(role)
        if source and source.reads_with:
            return f"o[{index}]"
    return ""


def _group(function: _Function, group: str) -> dict[str, str]:
    return {
        name: values[0]
        for name, values in function.values.items()
        if name.rpartition(".")[0] == group
    }


def _optional(function: _Function, record: type, group: str) -> str:
    """Write a part that may be left out as a whole, but not in part."""
    members = _group(function, group)
    if not members:
        return ""
    assert is_optional_group(group)  # noqa: S101 - what the caller must know
    known = DICTIONARY[function.document.kind]
    fixed = {constant.name.text for constant in function.document.constants}
    heads = [value for name, value in members.items() if known[name].required]
    result = f"g{len(function.lines)}"
    # A constant fills nothing by itself: a part nobody named in this row is left out.
    said = [value for name, value in members.items() if name not in fixed]
    every = " and ".join(f"{value} is None" for value in said)
    none = " or ".join(f"{value} is None" for value in heads)
    function.lines += [
        f"if {every}: {result} = None",
        f"elif {none}: raise Unmappable",
        f"else: {result} = {_call(function, record, group)}",
    ]
    return result


def _release(function: _Function, form: str) -> str:
    members = _group(function, f"release.{form}")
    if not members:
        return ""
    arguments = {"form": function.name("f", form)}
    for name, value in members.items():
        attribute = name.rpartition(".")[2]
        empty = " or ()" if attribute in ("elements", "statements") else ""
        arguments[attribute] = f"{value}{empty}"
    return _made(function, Release, arguments)
