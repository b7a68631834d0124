"""A folder, or a zip of one, as named parts; nothing is ever unpacked to disk.

What is refused, before a part is read: too many files, too much when unpacked, parts packed
unnaturally tight, parts behind a password, two parts of one name. Folders inside count: a district
often zips the folder and not the files.
"""

import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, TypeVar, cast

from mappings.readers.errors import SourceError

MAX_PARTS: Final = 500
MAX_UNPACKED: Final = 2_000_000_000
MAX_RATIO: Final = 200
_SMALL: Final = 1 << 20
_MAX_DEPTH: Final = 6
_Result = TypeVar("_Result")
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a folder.

    Attributes:
        name: its name without folders.
        file: what messages call it: ``roster.zip/users.csv``.
        opener: opens its bytes from the start.
    """

    name: str
    file: str
    opener: Callable[[], BinaryIO]

    @property
    def stem(self) -> str:
        """Its name in small letters without the extension."""
        return PurePosixPath(self.name).stem.casefold()


def parts_of(path: Path, endings: tuple[str, ...]) -> list[Part]:
    """Return the parts of a folder or zip whose names end so; one file alone is one part.

    Raises:
        SourceError: for anything this module's docstring refuses, or no such part.
    """
    if path.is_dir():
        found = _of_folder(path)
    elif _is_zip(path):
        found = _of_zip(path)
    else:
        return [Part(path.name, path.name, lambda: path.open("rb"))]
    wanted = [
        part
        for part in found
        if part.name.casefold().endswith(endings) and not part.name.startswith(".")
    ]
    if not wanted:
        advice = f"holds no file ending in {' or '.join(endings)}"
        raise SourceError(path.name, "the whole folder", advice)
    return sorted(wanted, key=lambda part: part.file)


def named_parts(path: Path, ending: str) -> dict[str, Part]:
    """Return the parts by name in small letters without extension.

    Raises:
        SourceError: see :func:`parts_of`; or two parts have one name.
    """
    found: dict[str, Part] = {}
    for part in parts_of(path, (ending,)):
        if part.stem in found:
            advice = f"holds {part.name} twice; send one export at a time"
            raise SourceError(path.name, "the whole folder", advice)
        found[part.stem] = part
    return found


def _is_zip(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except OSError:
        raise SourceError(path.name, "the whole file", "cannot be opened") from None


def _of_folder(path: Path) -> list[Part]:
    found: list[Part] = []
    for file in path.rglob("*"):
        inside = file.relative_to(path)
        # A link could lead out of the folder that was given.
        if len(inside.parts) > _MAX_DEPTH or file.is_symlink() or not file.is_file():
            continue
        found.append(Part(file.name, f"{path.name}/{inside.as_posix()}", _file_opener(file)))
        if len(found) > MAX_PARTS:
            raise _too_many(path.name)
    return found


def _file_opener(file: Path) -> Callable[[], BinaryIO]:
    return lambda: file.open("rb")


def _too_many(file: str) -> SourceError:
    return SourceError(file, "the whole folder", f"has more than {MAX_PARTS} files")


def _of_zip(path: Path) -> list[Part]:
    try:
        with zipfile.ZipFile(path) as archive:
            every = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        raise _damaged(path.name) from None
    if not all(member.filename for member in every):  # nor could Python tell whether it is a folder
        raise _damaged(path.name)
    members = [member for member in every if not member.is_dir()]
    if len(members) > MAX_PARTS:
        raise _too_many(path.name)
    _refuse_bomb(path.name, members)
    # What macOS adds to a zip is no export.
    wanted = [member for member in members if not member.filename.startswith("__MACOSX/")]
    return [_zip_part(path, member) for member in wanted]


def _zip_part(path: Path, member: zipfile.ZipInfo) -> Part:
    name = PurePosixPath(member.filename).name
    shown = name if name.isprintable() and len(name) < 100 else "a part"
    return Part(name, f"{path.name}/{shown}", _member_opener(path, member))


def _refuse_bomb(file: str, members: list[zipfile.ZipInfo]) -> None:
    # The declared size binds: a member gives no byte more, and one that would is found damaged.
    if sum(member.file_size for member in members) > MAX_UNPACKED:
        advice = f"unpacks to more than {MAX_UNPACKED // 1_000_000:,} MB; send it in parts"
        raise SourceError(file, "the whole file", advice)
    for member in members:
        if member.flag_bits & 0x1 or member.compress_type not in _METHODS:
            raise SourceError(file, "the whole file", "is protected by a password; zip it without")
        if member.file_size > max(_SMALL, MAX_RATIO * member.compress_size):
            raise SourceError(file, "the whole file", "is packed unnaturally tight; zip it again")


def _damaged(file: str) -> SourceError:
    return SourceError(file, "the whole file", "is a damaged zip; make it again")


def _member_opener(path: Path, member: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast("BinaryIO", _Member(path, member))


class _Member(BufferedIOBase):
    """The bytes of one part of a zip; damage becomes a :class:`SourceError`.

    A seek to the start opens the part again.
    """

    def __init__(self, path: Path, member: zipfile.ZipInfo) -> None:
        self._path, self._member = path, member
        self._archive = self._guarded(lambda: zipfile.ZipFile(path))
        self._stream = self._guarded(lambda: self._archive.open(member))

    def read(self, size: int | None = -1, /) -> bytes:
        return self._guarded(lambda: self._stream.read(-1 if size is None else size))

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._guarded(lambda: self._stream.seek(offset, whence))

    def tell(self) -> int:
        return self._stream.tell()

    def seekable(self) -> bool:
        return True

    def close(self) -> None:
        if not self.closed and hasattr(self, "_stream"):
            self._stream.close()
            self._archive.close()
        super().close()

    def _guarded(self, act: Callable[[], _Result]) -> _Result:
        try:
            return act()
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError):
            raise _damaged(self._path.name) from None
