"""Binding a file's header to the headings a map recorded.

A heading that is missing, unknown or there twice stops the file: a column that nobody expects may
hold what nobody may send. The file's own headings are never repeated in a message, because a file
without a header shows a person's row in their place.
"""

from documents import did_you_mean
from mappings.language.document import FieldRule, SourceSpec
from mappings.language.value_tables import normal
from mappings.readers import SourceError, column_letter

_SHOWN = 12


def accepted_headings(spec: SourceSpec, rules: tuple[FieldRule, ...]) -> dict[str, str]:
    """Return every accepted spelling (normalised) and the recorded heading it stands for."""
    recorded = {normal(word.text): word.text for word in spec.headings}
    accepted = dict(recorded)
    for rule in rules:
        if rule.source != spec.role or rule.together or rule.choose:
            continue
        names = [normal(word.text) for word in rule.columns]
        known = next((recorded[name] for name in names if name in recorded), None)
        if known is not None:
            accepted |= {name: known for name in names if name not in recorded}
    return accepted


def bind_header(file: str, header: tuple[str, ...], accepted: dict[str, str]) -> dict[str, int]:
    """Return the position of each recorded heading.

    Raises:
        SourceError: a heading is missing, unknown or there twice.
    """
    places: dict[str, int] = {}
    unknown: list[int] = []
    for index, heading in enumerate(header):
        recorded = accepted.get(normal(heading))
        if recorded is None:
            unknown.append(index)
        elif recorded in places:
            both = f"{column_letter(places[recorded])} and {column_letter(index)}"
            raise SourceError(file, "row 1", f'columns {both} both are "{recorded}"; keep one')
        else:
            places[recorded] = index
    missing = [word for word in dict.fromkeys(accepted.values()) if word not in places]
    if missing or unknown:
        raise _refusal(file, header, missing, unknown, list(dict.fromkeys(accepted.values())))
    return places


def _refusal(
    file: str, header: tuple[str, ...], missing: list[str], unknown: list[int], all_: list[str]
) -> SourceError:
    parts = [_missing(word, header, unknown) for word in missing]
    if len(missing) * 2 > len(all_):
        parts = ["does not look like the header of this map (is the header row missing?)"]
    elif not missing:
        letters = ", ".join(map(column_letter, unknown))
        parts = [f"column {letters} has a heading the map does not know; add it to the map"]
    listed = ", ".join(f'"{heading}"' for heading in all_[:_SHOWN])
    if len(all_) > _SHOWN:
        listed += f" and {len(all_) - _SHOWN} more (schoolbridge map explain lists them)"
    return SourceError(file, "row 1", f"{'; '.join(parts)}; accepted headings: {listed}")


def _missing(word: str, header: tuple[str, ...], unknown: list[int]) -> str:
    for index in unknown:
        if did_you_mean(header[index], [word]):
            return f'column {column_letter(index)}: did you mean "{word}"?'
    return f'the heading "{word}" is missing'


def header_fit(header: tuple[str, ...], accepted: dict[str, str]) -> float:
    """Return which share of the accepted headings a file has, to tell sources apart."""
    found = {accepted[normal(heading)] for heading in header if normal(heading) in accepted}
    return len(found) / max(len(set(accepted.values())), 1)
