"""Run tests against one mutant, in a child process that imports it in place of the module."""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from types import ModuleType

import hypothesis
import pytest
import sqlmodel  # noqa: F401 loaded once for every child
import yaml  # noqa: F401 loaded once for every child
import z3  # noqa: F401 loaded once for every child

hypothesis.settings.register_profile(
    "no-shrinking",
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    database=None,
)
ROOT = Path(__file__).parents[3]
SECONDS = 90
OPTIONS = (
    *("-x", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"),
    *("--hypothesis-seed=0", "--assert=plain", "-m", "not faults and not slow"),
)


class _Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a syntax tree."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self._module, self._tree = module, tree
        self._path = str(path_of(module))

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self._module:
            return None
        return importlib.util.spec_from_file_location(name, self._path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._tree, self._path, "exec"), module.__dict__)  # noqa: S102 our own text


def path_of(module: str) -> Path:
    return (ROOT / module.replace(".", "/")).with_suffix(".py")


def stale(module: str) -> set[str]:
    """Return the loaded modules that know a module, by whatever way, and all tests."""
    found = {module}
    while more := {name for name, known in _imports() if known & found} - found:
        found |= more
    return {name for name in sys.modules if name in found or name.split(".")[0] == "tests"}


@cache
def _imports() -> tuple[tuple[str, frozenset[str]], ...]:
    """Return what each module of the consent package imports of it."""
    files = sorted((ROOT / "consent").rglob("*.py"))
    return tuple((_module(path), frozenset(_imported(path))) for path in files)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def killed(module: str, tree: ast.Module, tests: Sequence[str]) -> bool:
    """Whether some test fails, or runs for ever, with a module replaced."""
    child = os.fork()
    if child == 0:
        _be_the_child(module, tree, tests)
    _, status = os.waitpid(child, 0)
    return status != 0


def _be_the_child(module: str, tree: ast.Module, tests: Sequence[str]) -> None:
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        _be_silent()
        for name in [
            n for n in sys.modules if n.split(".")[0] in {"consent", "tests", "documents"}
        ]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Planted(module, tree))
        code = int(pytest.main([*OPTIONS, *(str(ROOT / test) for test in tests)]))
    finally:
        os._exit(code)


def _be_silent() -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
