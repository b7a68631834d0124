"""The import contracts hold, and each of them catches a violation planted in a copy of the tree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bridge", "consent", "documents", "mappings")

# planted module, the module it imports, the contract that must report it
VIOLATIONS = [
    ("consent.planted", "mappings", "know neither the bridge nor each other"),
    ("mappings.planted", "consent", "know neither the bridge nor each other"),
    ("consent.planted_up", "bridge", "know neither the bridge nor each other"),
    ("documents.planted", "consent", "documents knows nobody"),
    ("bridge.store.planted", "bridge.gate", "each layer imports only the layers below it"),
    ("bridge.journeys.planted_api", "bridge.api", "each layer imports only the layers below it"),
    ("bridge.portal.planted_api", "bridge.api", "each layer imports only the layers below it"),
    ("bridge.ledger.planted", "bridge.identity", "each layer imports only the layers below it"),
    ("bridge.journeys.planted", "bridge.store.vault", "can be read by the gate alone"),
    ("bridge.store.planted_vault", "bridge.store.vault", "can be read by the gate alone"),
    ("consent.planted_sql", "sqlalchemy", "without clock, database, network or FHIR"),
    ("consent.planted_clock", "time", "without clock, database, network or FHIR"),
    ("mappings.planted_http", "httpx", "without clock, database or network"),
    ("bridge.api.planted_jose", "jose", "in bridge.identity alone"),
    ("bridge.journeys.planted_httpx", "httpx", "go out through bridge.outbound.calls"),
    ("bridge.outbound.client", "httpx", "go out through bridge.outbound.calls"),
    ("bridge.identity.planted_httpcore", "httpcore", "go out through bridge.outbound.calls"),
    ("bridge.hub.planted_socket", "socket", "go out through bridge.outbound.calls"),
    ("bridge.store.planted_duckdb", "duckdb", "in bridge.hub alone"),
    ("bridge.api.planted_fhir", "fhir.resources", "in mappings.fhir alone"),
    ("bridge.portal.planted_pdf", "weasyprint", "in bridge.portal.pdf alone"),
    ("bridge.hub.planted_sqlite", "pysqlite3", "opened by bridge.store alone"),
    ("mappings.readers.csv_rows", "mappings.readers.excel_rows", "do not know each other"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    return subprocess.run(  # noqa: S603 - a program of ours
        command,
        cwd=folder,
        env={"COLUMNS": "400"},  # no sentence is wrapped
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def section_of(report: str, contract: str) -> str:
    """Return what the report says under the heading that holds the contract's words."""
    headings = re.split(r"^(.+)\n-{20,}$", report, flags=re.MULTILINE)
    pairs = zip(headings[1::2], headings[2::2], strict=True)
    return "".join(body for heading, body in pairs if contract in heading)


def plant(tree: Path, module: str, imported: str) -> None:
    path = tree.joinpath(*module.split(".")).with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")


@pytest.fixture(scope="module")
def copy_of_the_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tree = tmp_path_factory.mktemp("tree")
    shutil.copy(ROOT / ".importlinter", tree)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tree / package, ignore=shutil.ignore_patterns("*.pyc"))
    return tree


@pytest.fixture(scope="module")
def report_on_violations(copy_of_the_tree: Path) -> str:
    for module, imported, _ in VIOLATIONS:
        plant(copy_of_the_tree, module, imported)
    result = lint_imports(copy_of_the_tree)
    assert result.returncode == 1, result.stderr
    return result.stdout


def test_every_import_contract_holds() -> None:
    result = lint_imports(ROOT)

    assert result.returncode == 0, result.stdout[-4000:] + result.stderr
    assert "0 broken" in result.stdout


@pytest.mark.parametrize(("module", "imported", "contract"), VIOLATIONS)
def test_a_planted_import_is_reported_under_its_contract(
    report_on_violations: str, module: str, imported: str, contract: str
) -> None:
    broken = section_of(report_on_violations, contract)

    assert re.search(rf"{module} -> {imported.split('.', 1)[0]}\S* \(l\.\d+\)", broken)


def test_nothing_calls_out_through_the_standard_library() -> None:
    forbidden = re.compile(
        r"^\s*(import|from) (urllib\.request|http\.client|http import client)", re.MULTILINE
    )
    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

    assert [p.name for p in files if forbidden.search(p.read_text(encoding="utf-8"))] == []


def test_a_module_of_the_bridge_that_no_layer_names_is_reported(tmp_path: Path) -> None:
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package)
    plant(tmp_path, "bridge.planted_stray", "json")

    assert "planted_stray" in lint_imports(tmp_path).stdout
