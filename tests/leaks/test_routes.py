"""Every route has a row, and no module of routes can answer with what the gate did not release."""

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import StreamingResponse

from bridge.api import replies
from bridge.gate import Released, ReleasedFollowUps, ReleasedLines, ReleasedPage, ReleasedResource
from bridge.journeys.files.export_follow_up import (
    follow_up_lines,
    follow_up_table,
    follow_up_workbook,
)
from bridge.portal.board import board_page
from bridge.portal.meeting import meeting_page, meeting_paper
from tests.leaks.route_table import ROUTES, Found, pairs, walk
from tests.support.worlds import make_world

BRIDGE = Path(replies.__file__).parents[1]
ROUTE_FILES = sorted([*(BRIDGE / "api").glob("*.py"), *(BRIDGE / "portal").glob("*.py")])
WITHHELD_FROM_ROUTES = ("bridge.store.vault", "bridge.store.tables", "sqlalchemy", "sqlmodel")
# Where an HTTP response may be made: from a Reply, a page, a fixed text, or released rows.
RESPONSES = {
    ("replies", "response"),
    ("replies", "ndjson_response"),
    ("oauth", "_told"),
    ("problems", "_oauth"),
    ("school", "follow_up"),
    ("school", "follow_up_csv"),
    ("visits", "page"),
    ("visits", "go"),
    ("assets", "static"),
    ("refer", "paper"),
    ("meeting", "paper"),
    ("board", "board_csv"),
    ("board", "board_xlsx"),
    ("session_page", "_left"),
    ("import_page", "held_rows"),  # a person's own file, as that person gave it
    ("sign_in", "begin"),
    ("family", "paper"),
    ("staff_forms", "blank"),
    ("notices", "notice"),
    ("bulk", "file"),
    ("metrics", "metrics"),  # for the operator: counts, see test_metrics
}
# Where a reply may be made from a document: capabilities, configuration, a manifest.
DOCUMENTS = {
    ("fhir", "metadata"),
    ("fhir", "openapi"),
    ("oauth", "configuration"),
    ("oauth", "keys"),
    ("bulk", "manifest"),
    ("groups", "_searched"),
    ("groups", "read_group"),
    ("terminology", "_answer"),
    # A client's own subscriptions, and references to what the gate released.
    ("subscriptions", "_reply"),
    ("subscriptions", "_set"),
    ("subscriptions", "_events"),
}
# Where a reply may be made from bytes: of released resources, of outcomes, or none.
BYTES = {
    ("replies", "resource_reply"),
    ("replies", "bundle_reply"),
    ("replies", "count_reply"),
    ("replies", "history_reply"),
    ("replies", "outcome_reply"),
    ("replies", "document_reply"),
    ("batch", "_answered"),
    ("batch", "_alone"),
    ("validation", "validate"),
    ("bulk", "_begin"),
    ("bulk", "cancel"),
    ("subscriptions", "_reply"),
    ("subscriptions", "delete"),
    ("interactions", "read_reply"),
    ("problems", "_http"),
    ("problems", "answer_to"),
    ("problems", "_later"),
}
PLACES = {
    "Response": RESPONSES,
    "StreamingResponse": RESPONSES,
    "RedirectResponse": RESPONSES,
    "HTMLResponse": set(),
    "JSONResponse": set(),
    "PlainTextResponse": set(),
    "FileResponse": set(),
    "document_reply": DOCUMENTS,
    "Reply": BYTES,
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    made = make_world(f"sqlite:///{tmp_path / 'bridge.db'}", tmp_path)
    yield made.app
    made.bridge.engine.dispose()


def missing(found: list[Found]) -> list[tuple[str, str]]:
    """Return the routes that stand on one side only."""
    return sorted(set(pairs(found)) ^ set(pairs(ROUTES)))


def made_in(tree: ast.Module, module: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield (constructor, (module, function)) of every reply a module makes."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Call):
                    name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                    if name in PLACES:
                        yield name, (module, function.name)


def imports_of(tree: ast.Module) -> set[str]:
    """Return every module and name a module imports, as dotted names."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def strangers(tree: ast.Module, module: str) -> list[str]:
    """Return the replies a module makes where none may be made."""
    return [
        f"{m}.{f}: {name}" for name, (m, f) in made_in(tree, module) if (m, f) not in PLACES[name]
    ]


def test_every_route_has_a_row_and_every_row_a_route(app: FastAPI) -> None:
    found = list(walk(app.routes))

    assert len(found) > 15
    assert missing(found) == []


@pytest.mark.parametrize("deep", [0, 1, 2])
def test_a_new_route_without_a_row_is_noticed_however_deep_it_stands(
    app: FastAPI, deep: int
) -> None:
    router: Any = app
    for level in range(deep):
        inner = APIRouter()
        router.include_router(inner, prefix=f"/new{level}")
        router = inner

    @router.get("/patients")
    def patients() -> Response:
        return Response(b"everyone")

    assert len(missing(list(walk(app.routes)))) == 1


def test_a_route_that_went_away_is_noticed(app: FastAPI) -> None:
    found = [one for one in walk(app.routes) if one.path != "/fhir/$export"]

    assert missing(found) == [("GET", "/fhir/$export"), ("POST", "/fhir/$export")]


def test_every_row_names_a_part_of_the_sweep_that_exists() -> None:
    from tests.leaks import sweep  # noqa: PLC0415 - the sweep reads the same table

    assert {row.sweep for row in ROUTES} == set(sweep.PARTS)


def test_every_route_returns_a_finished_response(app: FastAPI) -> None:
    for found in walk(app.routes):
        returned = get_type_hints(found.endpoint)["return"]
        assert returned in (Response, StreamingResponse), found.path


def test_what_carries_records_into_a_reply_takes_only_what_the_gate_released() -> None:
    def first(function: Any) -> Any:  # noqa: ANN401 - an annotation
        return next(iter(inspect.signature(function).parameters.values())).annotation

    assert first(replies.resource_reply) is ReleasedResource
    assert first(replies.bundle_reply) is Released
    assert first(replies.ndjson_response).__args__ == (ReleasedLines,)
    assert first(board_page) is ReleasedPage
    assert first(meeting_page) is ReleasedPage
    assert first(meeting_paper) is ReleasedPage
    assert first(follow_up_table) is ReleasedFollowUps
    assert first(follow_up_lines).__args__ == (ReleasedFollowUps,)
    assert first(follow_up_workbook).__args__ == (ReleasedFollowUps,)


def test_responses_are_made_in_the_listed_places_alone() -> None:
    made = [place for path in ROUTE_FILES for place in made_in(parsed(path), path.stem)]

    assert len(made) > 15
    assert [s for path in ROUTE_FILES for s in strangers(parsed(path), path.stem)] == []
    assert {place for _, place in made} == RESPONSES | DOCUMENTS | BYTES


def test_a_response_made_elsewhere_is_noticed() -> None:
    source = "def export(call):\n    return Response(call.bridge.engine.everything())\n"

    assert strangers(ast.parse(source), "bulk") == ["bulk.export: Response"]


def test_no_module_of_routes_reads_records_itself() -> None:
    assert len(ROUTE_FILES) > 10
    for path in ROUTE_FILES:
        assert not imports_of(parsed(path)) & set(WITHHELD_FROM_ROUTES), path.name


def test_an_import_past_the_gate_is_noticed() -> None:
    for source in ("from bridge.store.vault import find", "from bridge.store import vault"):
        assert imports_of(ast.parse(source)) & set(WITHHELD_FROM_ROUTES)


def test_only_the_gate_holds_the_mark_of_the_gate() -> None:
    holders = {
        path.relative_to(BRIDGE).parts[0]
        for path in BRIDGE.rglob("*.py")
        if "GATE_MARK" in path.read_text(encoding="utf-8")
    }

    assert holders == {"gate"}


@pytest.mark.parametrize("mark", [None, object(), "GATE_MARK"])
def test_nobody_else_can_make_a_release(mark: object) -> None:
    with pytest.raises(TypeError):
        Released((), mark=mark)
    with pytest.raises(TypeError):
        ReleasedFollowUps((), mark)
