"""The whole text of each notice, for people: the same for everybody, and about nobody."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from bridge.errors import NotFoundError
from bridge.gate.duties.riding import notice_of

router = APIRouter(prefix="/fhir/notices")

NoticeId = Annotated[str, Path(pattern=r"^[a-z0-9.]{1,40}$")]


@router.get("/{notice_id}")
def notice(notice_id: NoticeId) -> Response:
    """Return a notice in every language it is written in, with its source."""
    try:
        found = notice_of(notice_id)
    except LookupError:
        raise NotFoundError from None
    text = "\n\n".join((found.cite, *(text for _, text in found.texts))) + "\n"
    languages = {"Content-Language": ", ".join(language for language, _ in found.texts)}
    return Response(text, 200, languages, media_type="text/plain; charset=utf-8")
