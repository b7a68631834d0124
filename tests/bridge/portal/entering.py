"""A referral entered page by page over HTTP, as a browser without scripts does it."""

import re
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from bridge.identity import Party, Standing, form_token, open_session
from bridge.store.database.engine import write
from tests.support.worlds import LEA, World

ANSWERS: dict[str, dict[str, str | list[str]]] = {
    "find": {"local_id": "1007"},
    "student": {
        "given_name": "Ana",
        "family_name": "Winterbourne",
        "birth_date-month": "3",
        "birth_date-day": "4",
        "birth_date-year": "2012",
        "school": "north-middle",
    },
    "family": {
        "guardian": "Max Winterbourne",
        "relationship": "FTH",
        "phone": "555-0100",
        "home_language": "es",
        "interpreter": "yes",
    },
    "why": {"concerns": ["anxiety", "sleep"], "description": "Cries in class."},
    "urgency": {"urgency": "urgent"},
    "provider": {"provider": "harbor"},
    "release": {
        "signed": "yes",
        "signer": "Max Winterbourne",
        "signer_relationship": "FTH",
        "signed_on-month": "9",
        "signed_on-day": "1",
        "signed_on-year": "2026",
        "expires_on-month": "6",
        "expires_on-day": "30",
        "expires_on-year": "2027",
        "back": "yes",
    },
}
PENDING = {"release": {"signed": "pending"}}


@dataclass
class Visitor:
    """Somebody who is signed in."""

    world: World
    token: str

    @classmethod
    def signed_in(
        cls, world: World, handle: str = "one", district: str = LEA, role: str = "counselor"
    ) -> "Visitor":
        standing = Standing(Party.LEA, district, "", role, ("follow",))
        with write(world.bridge.engine) as connection:
            return cls(world, open_session(connection, handle, standing, world.clock).token)

    def get(self, path: str) -> httpx.Response:
        return self.world.anonymous.get(path, headers=self._cookie())

    def post(self, path: str, **answers: str | list[str]) -> httpx.Response:
        body = urlencode({"page_key": form_token(self.token), **answers}, doseq=True)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.world.anonymous.send("POST", path, content=body, headers=self._cookie() | kind)

    def send(self, place: str) -> httpx.Response:
        """Send a referral as its last page shows it."""
        page = self.get(f"{place}/check").text
        shown = re.search(r'name="shown" value="([^"]+)"', page)
        return self.post(f"{place}/check", shown=shown.group(1) if shown else "")

    def send_file(self, path: str, content: bytes, name: str, **answers: str) -> httpx.Response:
        fields = {"page_key": form_token(self.token), **answers}
        sent = {"file": (name, content)}
        return self.world.anonymous.send(
            "POST", path, data=fields, files=sent, headers=self._cookie()
        )

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": f"schoolbridge_session={self.token}"}

    def begun(self) -> str:
        """Begin a referral; return the address its pages begin with."""
        answer = self.post("/portal/refer")
        assert answer.status_code == 303
        return answer.headers["location"].removesuffix("/find")

    def answered(self, **changes: dict[str, str | list[str]]) -> str:
        """Answer every page; return the address of the referral's pages."""
        place = self.begun()
        for step, answers in {**ANSWERS, **changes}.items():
            answer = self.post(f"{place}/{step}", **answers)
            assert answer.status_code == 303, re.sub("<[^>]+>", " ", answer.text)
        assert answer.headers["location"] == f"{place}/check"
        return place


def words(page: httpx.Response) -> str:
    """Return what a page says, without its marks."""
    return " ".join(re.sub("<[^>]+>", " ", page.text).split())
