"""The bridge's errors.

BridgeError
    ├── SettingsError      the deployment's settings cannot be used
    ├── SchemaError        the database's tables are not those of this version
    ├── CopyError          a copy of the database could not be made or put in place
    ├── RefusedError       a request is understood and not carried out; carries an HTTP status
    │     ├── NotFoundError        404: not there, or not for this caller (nobody can tell which)
    │     ├── BadRequestError      400: the request itself is wrong
    │     ├── UnauthorizedError    401: no, unknown or expired credentials
    │     ├── ForbiddenError       403: the token's scope does not cover it (decided without data)
    │     ├── NotOfferedError      405 / 406 / 415: a method, an answer or a body not offered here
    │     ├── ConflictError        409 / 412 / 428: version or identifier conflict
    │     └── UnprocessableError   422: a rule of the content is broken
    └── GateError          the gate could not decide; nothing was released

Messages are written for the caller and never hold a value of a record: they name a place (a
parameter, an element path, a file and row) and what to do.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with a request: FHIR issue code, element path or parameter, and the text."""

    code: str
    text: str
    expression: str = ""


class BridgeError(Exception):
    """Any error of the bridge."""


class SettingsError(BridgeError):
    """The deployment's settings cannot be used; the message names the setting."""


class SchemaError(BridgeError):
    """The database's tables are not those of this version; the message says what to do."""


class CopyError(BridgeError):
    """A copy of the database could not be made, or not be put in place; nothing was changed."""


class GateError(BridgeError):
    """The gate could not decide. INVARIANT: nothing was released and no ledger entry stands."""


class RefusedError(BridgeError):
    """A request that is refused with an HTTP status and one or more findings."""

    status = 400

    def __init__(self, *findings: Finding) -> None:
        self.findings = findings
        super().__init__("; ".join(finding.text for finding in findings))


class BadRequestError(RefusedError):
    """400: the request cannot be understood; it was refused before any record was looked at."""


class UnauthorizedError(RefusedError):
    """401: no bearer token, or one that is unknown, expired or of a disabled client."""

    status = 401

    def __init__(self) -> None:
        super().__init__(Finding("login", "A valid access token is needed."))


class ForbiddenError(RefusedError):
    """403: the token's scope does not cover the interaction; said without looking at data."""

    status = 403

    def __init__(self) -> None:
        super().__init__(Finding("forbidden", "The token's scope does not cover this request."))


class NotFoundError(RefusedError):
    """404, always with the same text: withheld is indistinguishable from absent."""

    status = 404

    def __init__(self) -> None:
        super().__init__(Finding("not-found", "There is no such resource."))


class NotOfferedError(RefusedError):
    """405, 406 or 415: the same for everybody, said without looking at data.

    Attributes:
        allow: the methods that are offered instead (RFC 9110 15.5.6), for 405.
    """

    def __init__(self, status: int, text: str, allow: tuple[str, ...] = ()) -> None:
        self.status = status
        self.allow = allow
        super().__init__(Finding("not-supported", text))


class ConflictError(RefusedError):
    """409, 412 or 428: the caller's view of the resource is not the current one."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(Finding("conflict", text))


class UnprocessableError(RefusedError):
    """422: well-formed, but a rule of the content is broken."""

    status = 422


class TooManyError(RefusedError):
    """429: the caller has as much under way as one may have; said of its own work alone.

    Attributes:
        after: seconds until something of it ends by itself (RFC 9110 10.2.3).
    """

    status = 429

    def __init__(self, text: str, after: int) -> None:
        super().__init__(Finding("throttled", text))
        self.after = after
