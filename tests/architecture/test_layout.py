"""Sizes, names and places: what keeps the tree readable and free of what may not be in it."""

import ast
import fnmatch
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bridge", "consent", "documents", "mappings")
NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
NAMES_THAT_SAY_NOTHING |= {"service", "services", "core", "base", "lib", "stuff"}
# Where any error whatever becomes an answer, or goes to whom it belongs; ruff's BLE001 guards the
# others.
MAY_CATCH_EVERYTHING = {
    "bridge/api/hot_writes.py",  # hands it to who sent
    "bridge/api/problems.py",
    "bridge/identity/jose_guard.py",
    "bridge/gate/hot/together.py",  # hands it to who asked
    "bridge/store/database/group_commit.py",  # raises it again in the thread it belongs to
    "consent/decide.py",
}
FOLDERS_WITH_A_README = (*PACKAGES, "benchmarks", "docker", "docs", "tests")
# Spelt with brackets so that this file does not match itself.
REGISTRY = re.compile(
    r'"resolve[d]": *"http|inde[x]-url *[= ]|fin[d]-links *[= ]|^registr[y] *='
    r"|https?://[^ \"]+/(?:simpl[e]|package[s])/",
    re.MULTILINE,
)
MACHINE_PATH = re.compile(r"(?:^|[\s\"'`=(])/(?:home|root|Users|work|mnt|media)/")


def tracked_files() -> list[Path]:
    """Return every file that is, or is about to be, in version control."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 - a program of ours
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in files if path.is_file()]


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Yield place and length of each function of a module, its docstring not counted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node, clean=False)
            prose = documented.count("\n") + 1 if documented else 0
            yield f"{path}:{node.lineno}", (node.end_lineno or 0) - node.lineno + 1 - prose


def texts() -> Iterator[tuple[str, str]]:
    for path in tracked_files():
        try:
            yield named(path), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def catches_everything(path: Path) -> bool:
    handlers = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
    ]
    caught = [ast.unparse(handler.type) if handler.type else "" for handler in handlers]
    return any(name in {"", "Exception", "BaseException"} for name in caught)


@pytest.mark.parametrize(
    ("folders", "longest"),
    [((*PACKAGES, "benchmarks"), 35), (("tests",), 60)],
    ids=["code", "tests"],
)
def test_no_function_is_longer_than_its_budget(folders: tuple[str, ...], longest: int) -> None:
    sizes = [size for path in modules(*folders) for size in functions(path)]

    assert sizes
    assert [place for place, lines in sizes if lines > longest] == []


def test_no_file_is_longer_than_350_lines() -> None:
    files = modules(*PACKAGES, "benchmarks", "tests")
    lengths = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}

    assert {name: lines for name, lines in lengths.items() if lines > 350} == {}


def test_every_module_has_a_name_that_says_something() -> None:
    files = modules(*PACKAGES, "benchmarks", "tests")

    assert [named(path) for path in files if path.stem in NAMES_THAT_SAY_NOTHING] == []


@pytest.mark.parametrize("folder", FOLDERS_WITH_A_README)
def test_the_folder_explains_itself_in_a_readme(folder: str) -> None:
    assert (ROOT / folder / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_no_tracked_file_names_a_package_registry() -> None:
    assert [name for name, text in texts() if REGISTRY.search(text)] == []


def test_no_tracked_file_holds_a_path_of_one_machine() -> None:
    assert [name for name, text in texts() if MACHINE_PATH.search(text)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (REGISTRY, "pip install --extra-inde" + "x-url https://example.org/"),
        (REGISTRY, "https://example.org/simpl" + "e/uvicorn/"),
        (MACHINE_PATH, 'open("/hom' + 'e/me/file")'),
    ],
)
def test_the_searches_find_what_they_look_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


def test_no_lock_that_writes_addresses_is_tracked() -> None:
    names = [path.name for path in tracked_files()]

    assert [name for name in names if re.fullmatch(r"uv\.lock|pylock.*\.toml", name)] == []


def test_every_requirement_is_pinned_by_hash() -> None:
    for wanted in (ROOT / "requirements").glob("*.in"):
        entries = re.split(r"\n(?=\S)", wanted.with_suffix(".txt").read_text(encoding="utf-8"))
        packages = [entry for entry in entries if '"never"' not in entry]  # overrides.txt
        assert packages
        assert [entry for entry in packages if "--hash=sha256:" not in entry] == []


def test_everything_is_caught_only_where_an_error_becomes_an_answer() -> None:
    catching = {named(path) for path in modules(*PACKAGES) if catches_everything(path)}

    assert catching <= MAY_CATCH_EVERYTHING


def test_every_data_file_of_a_package_is_packaged() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    globs = settings["tool"]["setuptools"]["package-data"]["*"]
    data = [
        path
        for path in tracked_files()
        if named(path).split("/")[0] in PACKAGES and path.suffix != ".py"
    ]

    assert data
    assert [named(p) for p in data if not any(fnmatch.fnmatch(p.name, g) for g in globs)] == []
