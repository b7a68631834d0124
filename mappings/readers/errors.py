"""Errors of reading a source.

SourceError
    a file that cannot be used as it is; says where and what to do, and holds no value of a record.
"""


class SourceError(Exception):
    """A file that cannot be read as the map expects.

    Attributes:
        file: name of the file, never its path.
        where: the place in it: row, column heading, byte.
        what_to_do: what is wrong and what the sender can do about it.

    INVARIANT: none of the three holds a value of a record, so the error may be shown and logged.
    """

    def __init__(self, file: str, where: str, what_to_do: str) -> None:
        self.file = file
        self.where = where
        self.what_to_do = what_to_do
        super().__init__(f"{file}: {where}: {what_to_do}")
