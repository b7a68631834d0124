"""Errors of identity.

IdentityError
    TokenRefused
        an assertion does not prove its client; ``reason`` says why, for our own log only.
    KeysRefused
        a key set cannot be registered; the text tells its owner what to change.
    RegistrationRefused
        a client cannot be registered or is not known.
    SignInRefused
        a district's sign-in did not let a person in; the text is for our own log.
OAuthError
    what the token endpoint answers (RFC 6749, 5.2): ``code``, ``status``, ``description``.

No text holds a token, a key or a value from one.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why an assertion was refused. For the operator: the client learns ``invalid_client`` only."""

    TOO_LONG = "longer than 8 KB"
    SHAPE = "not a compact signed token"
    HEADER = "the header cannot be read or says what it may not"
    ALGORITHM = "not signed with RS384 or ES384"
    CRITICAL = "asks for an extension we do not know"
    KEY_SOURCE = "names a key source that was not registered"
    KEY = "no single registered key fits kid and algorithm"
    SIGNATURE = "the signature is wrong"
    CLAIMS = "the claims cannot be read"
    ISSUER = "iss and sub are not the client"
    AUDIENCE = "aud is not this token endpoint"
    EXPIRED = "expired"
    TOO_FAR = "exp lies more than five minutes ahead"
    NOT_YET = "nbf or iat lies ahead"
    IDENTIFIER = "jti is missing or unusable"
    NONCE = "nonce is not that of the sign-in"
    REPLAYED = "jti was used before"
    UNKNOWN_CLIENT = "no such client, or not active"
    UNREADABLE = "cannot be read"


class IdentityError(Exception):
    """Anything wrong with who is asking."""


class TokenRefused(IdentityError):  # noqa: N818 - reads as what happened
    """An assertion does not prove its client."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(reason.value)


class KeysRefused(IdentityError):  # noqa: N818 - reads as what happened
    """A key set cannot be registered."""


class RegistrationRefused(IdentityError):  # noqa: N818 - reads as what happened
    """A client cannot be registered, or there is none of that name."""


class SignInRefused(IdentityError):  # noqa: N818 - reads as what happened
    """A district's sign-in did not let a person in; the text holds nothing of the person."""


class OAuthError(Exception):
    """What the token endpoint answers instead of a token (RFC 6749, 5.2)."""

    def __init__(
        self, code: str, status: int, description: str, reason: Reason | None = None
    ) -> None:
        self.code = code
        self.status = status
        self.description = description
        #: For the operator's log; never sent.
        self.reason = reason
        super().__init__(f"{code}: {description}")

    def body(self) -> dict[str, str]:
        """Return the JSON object to answer with."""
        return {"error": self.code, "error_description": self.description}
