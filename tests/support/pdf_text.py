"""What a PDF says: the letters it paints, by the tables that its fonts carry (ToUnicode)."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO

import pikepdf

_PAIRS = re.compile(rb"<([0-9A-Fa-f]{4})>\s*<([0-9A-Fa-f]+)>")


def text_of(content: bytes) -> str:
    """Return the text of every page, words apart."""
    with pikepdf.open(BytesIO(content)) as made:
        return " ".join("".join(_painted(page)).strip() for page in made.pages)


def _painted(page: pikepdf.Page) -> Iterator[str]:
    fonts = {name: _letters(font) for name, font in page.Resources.Font.items()}
    letters: Mapping[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "Tf":
                letters = fonts[str(operands[0])]
            case "TJ":
                yield from (_read(each, letters) for each in operands[0])
            case "Tj":
                yield _read(operands[0], letters)
            case "ET":
                yield " "


def _read(shown: object, letters: Mapping[int, str]) -> str:
    if not isinstance(shown, pikepdf.String):
        return ""  # a space between letters, as a number
    raw = bytes(shown)
    codes = (int.from_bytes(raw[n : n + 2]) for n in range(0, len(raw), 2))
    return "".join(letters.get(code, "?") for code in codes)


def _letters(font: pikepdf.Object) -> dict[int, str]:
    table = font.ToUnicode.read_bytes()
    pairs = ((int(code, 16), bytes.fromhex(text.decode())) for code, text in _PAIRS.findall(table))
    return {code: text.decode("utf-16-be") for code, text in pairs}
