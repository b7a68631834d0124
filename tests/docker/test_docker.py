"""The image and the compose file say what they should, checked without a container engine."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from documents import read_yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "docker" / "Dockerfile"
COMPOSE = ROOT / "docker" / "compose.yaml"
# The keys of the Compose specification this file uses; a misspelt one is not among them.
KNOWN_KEYS = {
    "build",
    "cap_drop",
    "command",
    "configs",
    "depends_on",
    "environment",
    "healthcheck",
    "image",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "tmpfs",
    "volumes",
}
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "retries", "start_period"}


def compose() -> dict[str, dict[str, dict[str, object]]]:
    read = read_yaml(COMPOSE.read_bytes(), COMPOSE.name).plain()
    assert isinstance(read, dict)
    return read


def instructions(name: str) -> list[str]:
    joined = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.removeprefix(f"{name} ") for line in joined.splitlines() if line.startswith(name)]


def hadolint(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hadolint")), str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603 - a program of ours


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    assert hadolint(DOCKERFILE).stdout == ""


def test_hadolint_finds_a_planted_fault(tmp_path: Path) -> None:
    faulty = tmp_path / "Dockerfile"
    faulty.write_text("FROM python:latest\nRUN pip install uvicorn\n", encoding="utf-8")

    assert {"DL3007", "DL3013"} <= set(re.findall(r"DL\d{4}", hadolint(faulty).stdout))


def test_the_image_runs_as_a_numbered_user_that_is_not_root() -> None:
    assert instructions("USER") == ["10001:10001"]


def test_the_image_tells_whether_it_is_healthy() -> None:
    assert "/healthz" in instructions("HEALTHCHECK")[0]


def test_every_package_in_the_image_is_checked_by_hash() -> None:
    installs = [
        command
        for run in instructions("RUN")
        for command in run.split("&&")
        if re.search(r"requirements/\S+\.txt", command)
    ]

    assert len(installs) == 2
    assert all("--require-hashes" in command for command in installs)


def test_everything_the_image_copies_is_in_the_repository() -> None:
    copied = [part for line in instructions("COPY") for part in line.split()[:-1]]
    sources = [part for part in copied if not part.startswith(("--from", "/opt"))]

    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_every_service_uses_only_keys_compose_knows() -> None:
    services = compose()["services"]

    assert {key for service in services.values() for key in service} <= KNOWN_KEYS
    for service in services.values():
        health = service.get("healthcheck", {})
        assert isinstance(health, dict)
        assert set(health) <= HEALTHCHECK_KEYS


def test_every_volume_a_service_uses_is_declared_and_none_is_a_host_folder() -> None:
    read = compose()
    used = [str(volume) for service in read["services"].values() for volume in as_list(service)]

    assert used
    assert {volume.split(":")[0] for volume in used} == set(read["volumes"])


def as_list(service: dict[str, object]) -> list[object]:
    volumes = service.get("volumes", [])
    assert isinstance(volumes, list)
    return volumes


def test_no_service_starts_without_its_secrets() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    interpolated = re.findall(r"\$\{([^}]*)\}", text)

    assert {value.split(":?")[0] for value in interpolated} == {
        "BRIDGE_PASSWORD",
        "POSTGRES_PASSWORD",
        "SCHOOLBRIDGE_BASE_URL",
        "SCHOOLBRIDGE_SECRET",
    }
    assert all(":?" in value for value in interpolated)


@pytest.mark.parametrize("path", [DOCKERFILE, COMPOSE], ids=lambda path: path.name)
def test_every_image_has_a_tag_that_is_not_latest(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    images = re.findall(r"^(?:FROM| +image:) (\S+)", text, re.MULTILINE)

    assert images
    assert all(re.fullmatch(r"[a-z]+:(?!latest)\S+", image) for image in images)
