"""Taking the parts out of a located YAML node, noting every problem instead of stopping."""

from collections.abc import Iterator

from documents import Located, Position, Problem, did_you_mean
from mappings.language.document import Word

NOTHING = Located("text", Position(1, 1))


class Outline:
    """Reads nodes of one document and collects what is wrong with them."""

    def __init__(self, document: str) -> None:
        self.document = document
        self.problems: list[Problem] = []

    def problem(self, where: Position, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.document, where.line, where.column, text))

    def section(self, node: Located, allowed: tuple[str, ...], what: str) -> Located:
        """Return the node if it is a mapping; note every key that means nothing here."""
        if node.kind != "mapping":
            self.problem(node.position, f"{what} must be written as keys and values")
            return Located("mapping", node.position)
        for key, position in node.key_positions.items():
            if key not in allowed:
                hint = did_you_mean(key, allowed) or f"; known here: {', '.join(allowed)}"
                self.problem(position, f'{what} has no "{key}"{hint}')
        return node

    def text(self, node: Located, key: str, *, needed: bool = False) -> Word:
        """Return the text behind a key; empty when it is left out."""
        value = node.entries.get(key)
        if value is None or value.empty or (needed and value.quoted and not value.text.strip()):
            if needed:
                self.problem(node.position, f'"{key}" is missing')
            return Word("", value.position if value else node.position)
        if value.kind != "text":
            self.problem(value.position, f'"{key}" must be one text')
            return Word("", value.position)
        return Word(value.text, value.position)

    def one_of(self, node: Located, key: str, allowed: tuple[str, ...], default: str) -> str:
        """Return the text behind a key, which must be one of the allowed ones."""
        word = self.text(node, key)
        if not word.text:
            return default
        if word.text not in allowed:
            hint = did_you_mean(word.text, allowed) or f"; write one of: {', '.join(allowed)}"
            self.problem(word.position, f'"{key}" cannot be "{word.text}"{hint}')
            return default
        return word.text

    def yes(self, node: Located, key: str) -> bool:
        """Return whether ``yes`` stands behind a key; left out means no."""
        return self.one_of(node, key, ("yes", "no"), "no") == "yes"

    def words(self, node: Located, key: str) -> tuple[Word, ...]:
        """Return the texts behind a key: one text or a list of texts."""
        value = node.entries.get(key, NOTHING)
        if value.kind == "text":
            return () if value.empty else (Word(value.text, value.position),)
        found = [Word(item.text, item.position) for item in value.items if item.kind == "text"]
        if value.kind != "list" or len(found) != len(value.items):
            self.problem(value.position, f'"{key}" must be a text or a list of texts')
        for number, word in enumerate(found):
            if any(word.text == before.text for before in found[:number]):
                self.problem(word.position, f'"{word.text}" stands twice behind "{key}"')
        return tuple(found)

    def texts(self, node: Located, key: str) -> tuple[str, ...]:
        """Return the texts behind a key without their positions."""
        return tuple(word.text for word in self.words(node, key))

    def items(self, node: Located, key: str) -> tuple[Located, ...]:
        """Return the list behind a key; empty when it is left out."""
        value = node.entries.get(key, NOTHING)
        if value.kind == "text" and value.empty:
            return ()
        if value.kind != "list":
            self.problem(value.position, f'"{key}" must be a list')
        return value.items

    def pairs(self, node: Located, key: str) -> Iterator[tuple[Word, Located]]:
        """Yield the entries of the mapping behind a key."""
        value = node.entries.get(key, NOTHING)
        if value.kind == "text" and value.empty:
            return
        if value.kind != "mapping":
            self.problem(value.position, f'"{key}" must be written as keys and values')
        for name, entry in value.entries.items():
            yield Word(name, value.key_positions[name]), entry
