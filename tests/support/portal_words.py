"""Every text of the portal that wants a translation, read from its templates and its code.

``python -m tests.support.portal_words`` prints entries for what no Spanish catalogue has yet.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import write_po

from bridge.portal import languages

PORTAL = Path(languages.__file__).parent
_IN_TEMPLATES = {"_": None, "gettext": None, "ngettext": (1, 2)}
_JINJA = {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


@dataclass(frozen=True)
class Text:
    """One text, or the two forms of one that counts, and where it stands."""

    id: str | tuple[str, ...]
    place: str


def texts() -> list[Text]:
    """Return every text in use."""
    found = []
    for path in sorted([*PORTAL.rglob("*.py"), *PORTAL.rglob("*.html")]):
        python = path.suffix == ".py"
        how = "python" if python else "jinja2.ext:babel_extract"
        keywords, options = ({"say": None}, {}) if python else (_IN_TEMPLATES, _JINJA)
        entries = extract_from_file(how, path, keywords=keywords, options=options)
        found += [Text(text, f"{path.name}:{line}") for line, text, _, _ in entries]
    return [text for text in found if text.id]


def main() -> None:
    """Print what is missing."""
    known = {message.id for _, one in languages.catalogues("es") for message in one}
    missing = Catalog(locale="es")
    for text in texts():
        if text.id not in known:
            missing.add(text.id, locations=[(text.place.partition(":")[0], 1)])
    write_po(sys.stdout.buffer, missing, omit_header=True, width=96)


if __name__ == "__main__":
    main()
