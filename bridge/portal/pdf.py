"""Pages as PDF: tagged, with language and title, as PDF/UA-1 asks (ISO 14289-1).

No validator of that standard runs here, so the files are called tagged and self-checked, not
conformant. Fonts and layout come from Debian's Pango. Nothing is fetched, whatever a page says.
"""


class FetchRefusedError(ValueError):
    """A page that is to become a PDF refers to something outside of itself."""


def pdf_of(html: str) -> bytes:
    """Return a page as PDF.

    Args:
        html: a whole page with ``lang`` and a title.

    Raises:
        FetchRefusedError: it refers to a file or an address.
    """
    # Loads Pango: only where a PDF is asked for.
    from weasyprint import HTML  # noqa: PLC0415 - loads Pango: only where a PDF is asked for
    from weasyprint.urls import FatalURLFetchingError, URLFetcher  # noqa: PLC0415 - loads Pango: only where a PDF is asked for

    closed = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    try:
        made: bytes = HTML(string=html, url_fetcher=closed).write_pdf(pdf_variant="pdf/ua-1")
    except FatalURLFetchingError:
        raise FetchRefusedError("a page that becomes a PDF holds everything itself") from None
    return made
