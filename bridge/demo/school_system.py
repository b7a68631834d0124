"""A district's system and a counsellor's browser, played."""

from datetime import UTC, datetime
from pathlib import Path

import httpx

from bridge.identity.signing import SigningKey

CLIENT_ID = "millbrook-sis"


def fetch_follow_up(base_url: str, key: SigningKey, out: Path) -> int:
    """Fetch the follow-up as JSON and CSV into a folder; returns the number of referrals."""
    with httpx.Client(trust_env=False, timeout=30.0, base_url=base_url) as http:
        place = http.get("/fhir/.well-known/smart-configuration").json()["token_endpoint"]
        now = datetime.now(UTC)  # noqa: TID251 - a system of its own has its own clock
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": key.assertion(CLIENT_ID, place, now),
        }
        token = http.post(place, data=form).raise_for_status().json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        out.mkdir(parents=True, exist_ok=True)
        found = http.get("/school/follow-up").raise_for_status()
        (out / "follow-up.json").write_bytes(found.content)
        table = http.get("/school/follow-up.csv").raise_for_status()
        (out / "follow-up.csv").write_bytes(table.content)
        return len(found.json()["referrals"])


def fetch_board(base_url: str, code: str, out: Path) -> None:
    """Sign in as a counsellor and keep the status board as the browser got it."""
    with httpx.Client(trust_env=False, timeout=30.0, base_url=base_url) as http:
        answer = http.post("/portal/sign-in", data={"code": code})
        if answer.status_code != 303:
            raise RuntimeError(f"sign-in failed: status {answer.status_code}")
        page = http.get("/portal/board").raise_for_status()
        (out / "board.html").write_bytes(page.content)
