"""Run tests in child processes of one waiting pytest session, with a module replaced or as it is.

Importing pytest, hypothesis and the engine's own dependencies takes longer than most tests do: the
session is begun once, and each child of it loads only the engine and the tests anew.
"""

import ast
import functools
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import pickle
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import hypothesis
import pytest
import sqlmodel  # noqa: F401 loaded once for every child
import yaml  # noqa: F401 loaded once for every child
import z3  # noqa: F401 loaded once for every child

import documents
import mappings.fhir  # noqa: F401 loaded once for every child

_T = TypeVar("_T")
ROOT = Path(__file__).parents[3]
OPTIONS = (
    *("-q", "-p", "no:randomly", "-p", "no:cacheprovider", "--capture=no"),
    *("--hypothesis-seed=0", "--hypothesis-profile=no-shrinking", "--assert=plain"),
    *("-m", "not faults and not slow", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
# Seconds of processor time: whoever takes longer runs for ever.
_TO_COLLECT, _TO_BEGIN, _TIMES_AS_LONG = 10.0, 3.0, 5.0

hypothesis.settings.register_profile(
    "no-shrinking",
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    database=None,
    deadline=None,
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


@dataclass
class _Work:
    """A plugin that does its work where pytest would collect the tests, and collects none."""

    work: Callable[[pytest.Session], Any]
    result: Any = field(default=None)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool:
        self.result = self.work(session)
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool:
        return True


def path_of(module: str) -> Path:
    place = ROOT / module.replace(".", "/")
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def in_session(work: Callable[[pytest.Session], _T]) -> _T:
    """Return what some work comes to, done in a pytest session of a process of its own."""

    def begun() -> _T:
        plugin = _Work(work)
        _keep_what_is_read()
        pytest.main([*OPTIONS, str(ROOT / "tests/consent")], plugins=[plugin])
        return plugin.result  # type: ignore[no-any-return] # of our own plugin

    result = in_child(begun)
    if result is None:
        raise AssertionError("the session of the mutants did not end well")
    return result


def _keep_what_is_read() -> None:
    """Read each shipped document once for every child. Reading YAML is no part of the engine."""
    documents.read_yaml = functools.cache(documents.read_yaml)
    forget()
    mou = importlib.import_module("consent.mou")
    for name in mou.shipped_ids():
        mou.shipped_bound(name)
    mou.shipped_template()
    mou.shipped_agreement()


def in_child(work: Callable[[], _T]) -> _T | None:
    """Return what some work comes to in a child process; None if it fails or is stopped."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _be_the_child(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    return pickle.loads(told) if status == 0 and told else None  # noqa: S301 our own child's


def _be_the_child(work: Callable[[], object], writing: int) -> None:
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        told = pickle.dumps(work())
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(told)
        code = 0
    finally:
        os._exit(code)


def forget() -> None:
    """Unload the engine and the tests, but for this folder."""
    for name in [name for name in sys.modules if name.split(".")[0] in {"consent", "tests"}]:
        if not name.startswith(__package__ or ""):
            del sys.modules[name]


def collected(session: pytest.Session, file: str) -> Sequence[pytest.Item]:
    """Return the tests of a file.

    Raises:
        pytest.UsageError: if it cannot be loaded.
    """
    stop_after(_TO_COLLECT)
    found = session.perform_collect([str(ROOT / file)])
    if session.testsfailed:
        raise pytest.UsageError("the file cannot be loaded")
    return found


def stop_after(seconds: float) -> None:
    """End this process when it has used so much more processor time; 0 lets it run on."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def passes(session: pytest.Session, item: pytest.Item) -> bool:
    """Run a test and say whether it, its set-up and its clearing away passed."""
    session.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
    return not session.testsfailed


def noticed(
    session: pytest.Session,
    replaced: tuple[str, ast.Module],
    files: Sequence[str],
    seconds: Mapping[str, float],
    first: Collection[str],
) -> bool:
    """Whether some test fails, or runs for ever, with a module replaced; in a child of its own.

    Args:
        session: which waits.
        replaced: the module's name and what is loaded in its place.
        files: of tests, in the order in which they are tried.
        seconds: each test takes, as far as it is known.
        first: the tests of each file that are tried before the others of it.
    """

    def all_pass() -> bool:
        forget()
        sys.meta_path.insert(0, _Planted(*replaced))
        for file in files:
            for item in sorted(
                collected(session, file),
                key=lambda item: (item.nodeid not in first, seconds.get(item.nodeid, 0.0)),
            ):
                stop_after(_TO_BEGIN + _TIMES_AS_LONG * seconds.get(item.nodeid, _TO_COLLECT))
                if not passes(session, item):
                    return False
        return True

    return not in_child(all_pass)
