"""Assertions that must be taken, and those that must not, each with the reason."""

import base64
import json
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.identity.errors import Reason
from tests.support.assertions import (
    CLIENT_ID,
    NOW,
    TOKEN_URL,
    Ring,
    b64,
    ec_jwk,
    es,
    es_der,
    hs,
    ps,
    rs,
    rsa_jwk,
    unsigned,
)

JWKS_URL = "https://clinic-2.example.org/jwks.json"
Make = Callable[[Ring], str]


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: str) -> bytes:
    """A public key as bytes an attacker would take for a shared secret."""
    match form:
        case "pem":
            raw = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        case "pem body":
            pem = public(key, "pem").decode().splitlines()
            raw = "".join(pem[1:-1]).encode()
        case "der":
            raw = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        case "ssh":
            raw = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        case _:
            jwk = ec_jwk(key, "ec-1") if isinstance(key, ec.EllipticCurvePrivateKey) else None
            raw = json.dumps(jwk or rsa_jwk(key, "rsa-1")).encode()
    return bytes(raw)


def confused(kind: str, form: str, alg: str = "HS256") -> Make:
    def make(r: Ring) -> str:
        key, kid = (r.rsa, "rsa-1") if kind == "rsa" else (r.ec, "ec-1")
        return r.token(sign=hs(public(key, form), f"sha{alg[2:]}"), alg=alg, kid=kid)

    return make


def swapped(part: int, text: str) -> Make:
    def make(r: Ring) -> str:
        parts = r.token().split(".")
        parts[part] = text
        return ".".join(parts)

    return make


def other_spelling(r: Ring) -> str:
    """The same bytes of a header, spelled with stray bits in the last character."""
    raw = json.dumps(r.header | {"x": "1"}).encode()
    while len(raw) % 3 != 1:
        raw = raw[:-1] + b" }"
    top, body = b64(raw), b64(json.dumps(r.claims()).encode())
    bent = top[:-1] + chr(ord(top[-1]) + 1)
    assert base64.urlsafe_b64decode(bent + "==") == raw
    signature = b64(es(r.ec)(f"{bent}.{body}".encode()))
    return f"{bent}.{body}.{signature}"


def twice(r: Ring, name: str, first: str, second: str) -> str:
    rest = r.claims(**{name: None})
    pair = f'"{name}": {json.dumps(first)}, "{name}": {json.dumps(second)}'
    return r.token((json.dumps(rest)[:-1] + f", {pair}}}").encode())


def widened(r: Ring) -> str:
    """The right two numbers, each with a zero byte put before: a second spelling."""

    def sign(data: bytes) -> bytes:
        raw = es(r.ec)(data)
        return b"\0" + raw[:48] + b"\0" + raw[48:]

    return r.token(sign=sign)


def p256_signed(r: Ring) -> str:
    return r.token(sign=es(r.p256), kid="ec-1")


GOOD: dict[str, Make] = {
    "es384": lambda r: r.token(),
    "rs384": lambda r: r.token(sign=rs(r.rsa), alg="RS384", kid="rsa-1"),
    "audience in a list": lambda r: r.with_claims(aud=["https://other.example.org", TOKEN_URL]),
    "exp at the limit": lambda r: r.with_claims(exp=NOW + 330),
    "exp as a fraction": lambda r: r.with_claims(exp=NOW + 299.5),
    "exp in a second": lambda r: r.with_claims(exp=NOW + 1),
    "exp a little past": lambda r: r.with_claims(exp=NOW - 29),
    "nbf and iat given": lambda r: r.with_claims(nbf=NOW - 5, iat=NOW - 5),
    "iat a little ahead": lambda r: r.with_claims(iat=NOW + 30, nbf=NOW + 30),
    "the registered jku": lambda r: r.token(jku=JWKS_URL),
    "more claims": lambda r: r.with_claims(extension={"purpose": ["x"]}, amr=[]),
    "a header to be ignored": lambda r: r.token(x5t="abc"),
    "typ in small letters": lambda r: r.token(typ="jwt"),
}

BAD: dict[str, tuple[Make, Reason]] = {
    # Algorithms
    "alg none": (lambda r: r.token(sign=unsigned, alg="none"), Reason.SHAPE),
    "alg none with a signature": (lambda r: r.token(alg="none"), Reason.ALGORITHM),
    "alg None": (lambda r: r.token(alg="None"), Reason.ALGORITHM),
    "alg missing": (lambda r: r.token(alg=None), Reason.ALGORITHM),
    "alg empty": (lambda r: r.token(alg=""), Reason.ALGORITHM),
    "alg in small letters": (lambda r: r.token(alg="es384"), Reason.ALGORITHM),
    "alg a list": (lambda r: r.token(alg=["ES384"]), Reason.ALGORITHM),
    "alg a number": (lambda r: r.token(alg=384), Reason.ALGORITHM),
    "alg twice": (
        lambda r: r.token(raw_header=b'{"alg":"none","alg":"ES384","kid":"ec-1","typ":"JWT"}'),
        Reason.HEADER,
    ),
    "RS256": (
        lambda r: r.token(sign=rs(r.rsa, hashes.SHA256()), alg="RS256", kid="rsa-1"),
        Reason.ALGORITHM,
    ),
    "RS512": (
        lambda r: r.token(sign=rs(r.rsa, hashes.SHA512()), alg="RS512", kid="rsa-1"),
        Reason.ALGORITHM,
    ),
    "PS384": (lambda r: r.token(sign=ps(r.rsa), alg="PS384", kid="rsa-1"), Reason.ALGORITHM),
    "ES256": (
        lambda r: r.token(sign=es(r.p256, hashes.SHA256()), alg="ES256"),
        Reason.ALGORITHM,
    ),
    "PSS signature called RS384": (
        lambda r: r.token(sign=ps(r.rsa), alg="RS384", kid="rsa-1"),
        Reason.SIGNATURE,
    ),
    "RS384 over the wrong hash": (
        lambda r: r.token(sign=rs(r.rsa, hashes.SHA256()), alg="RS384", kid="rsa-1"),
        Reason.SIGNATURE,
    ),
    "ES384 over the wrong hash": (
        lambda r: r.token(sign=es(r.ec, hashes.SHA256())),
        Reason.SIGNATURE,
    ),
    # A public key taken for a shared secret
    "HS256 with the EC key as DER": (confused("ec", "der"), Reason.ALGORITHM),
    "HS256 with the EC key as PEM": (confused("ec", "pem"), Reason.ALGORITHM),
    "HS256 with the EC key as PEM body": (confused("ec", "pem body"), Reason.ALGORITHM),
    "HS256 with the EC key as JWK": (confused("ec", "jwk"), Reason.ALGORITHM),
    "HS256 with the EC key as SSH": (confused("ec", "ssh"), Reason.ALGORITHM),
    "HS256 with the RSA key as DER": (confused("rsa", "der"), Reason.ALGORITHM),
    "HS256 with the RSA key as PEM": (confused("rsa", "pem"), Reason.ALGORITHM),
    "HS256 with the RSA key as PEM body": (confused("rsa", "pem body"), Reason.ALGORITHM),
    "HS256 with the RSA key as JWK": (confused("rsa", "jwk"), Reason.ALGORITHM),
    "HS384 with the EC key as DER": (confused("ec", "der", "HS384"), Reason.ALGORITHM),
    "HS512 with the RSA key as DER": (confused("rsa", "der", "HS512"), Reason.ALGORITHM),
    "HMAC called ES384": (
        lambda r: r.token(sign=hs(public(r.ec, "der"), "sha384")),
        Reason.SIGNATURE,
    ),
    # Keys
    "a stranger's EC key": (lambda r: r.token(sign=es(r.other_ec)), Reason.SIGNATURE),
    "a stranger's RSA key": (
        lambda r: r.token(sign=rs(r.other_rsa), alg="RS384", kid="rsa-1"),
        Reason.SIGNATURE,
    ),
    "a key of another curve": (p256_signed, Reason.SIGNATURE),
    "kid missing": (lambda r: r.token(kid=None), Reason.KEY),
    "kid empty": (lambda r: r.token(kid=""), Reason.KEY),
    "kid unknown": (lambda r: r.token(kid="ec-2"), Reason.KEY),
    "kid a number": (lambda r: r.token(kid=1), Reason.KEY),
    "kid a list": (lambda r: r.token(kid=["ec-1"]), Reason.KEY),
    "kid a path": (lambda r: r.token(kid="../../../../dev/null"), Reason.KEY),
    "kid with SQL": (lambda r: r.token(kid="ec-1' OR '1'='1"), Reason.KEY),
    "kid of the key of the other type": (lambda r: r.token(kid="rsa-1"), Reason.KEY),
    "kid of the EC key for RS384": (
        lambda r: r.token(sign=rs(r.rsa), alg="RS384", kid="ec-1"),
        Reason.KEY,
    ),
    "jku of a stranger": (
        lambda r: r.token(sign=es(r.other_ec), jku="https://evil.example.org/jwks.json"),
        Reason.KEY_SOURCE,
    ),
    "jku of a stranger, well signed": (
        lambda r: r.token(jku="https://clinic-2.example.org.evil.example/jwks.json"),
        Reason.KEY_SOURCE,
    ),
    "an embedded key": (
        lambda r: r.token(sign=es(r.other_ec), jwk=ec_jwk(r.other_ec, "ec-1")),
        Reason.KEY_SOURCE,
    ),
    "x5u": (lambda r: r.token(x5u="https://evil.example.org/cert.pem"), Reason.KEY_SOURCE),
    "x5c": (lambda r: r.token(x5c=["MIIB"]), Reason.KEY_SOURCE),
    # Header
    "crit unknown": (lambda r: r.token(crit=["x"], x=1), Reason.CRITICAL),
    "crit empty": (lambda r: r.token(crit=[]), Reason.CRITICAL),
    "crit exp": (lambda r: r.token(crit=["exp"], exp=NOW + 100), Reason.CRITICAL),
    "b64 false": (lambda r: r.token(b64=False, crit=["b64"]), Reason.CRITICAL),
    "b64 without crit": (lambda r: r.token(b64=False), Reason.CRITICAL),
    "typ missing": (lambda r: r.token(typ=None), Reason.HEADER),
    "typ of another token": (lambda r: r.token(typ="at+jwt"), Reason.HEADER),
    "typ a list": (lambda r: r.token(typ=["JWT"]), Reason.HEADER),
    "nested": (lambda r: r.token(r.token().encode(), cty="JWT"), Reason.HEADER),
    "compressed": (lambda r: r.token(zip="DEF"), Reason.HEADER),
    "encrypted": (lambda r: r.token(alg="dir", enc="A256GCM"), Reason.ALGORITHM),
    "header an array": (lambda r: r.token(raw_header=b"[]"), Reason.HEADER),
    "header no JSON": (lambda r: r.token(raw_header=b"{"), Reason.HEADER),
    "header not UTF-8": (lambda r: r.token(raw_header=b'{"alg":"\xff"}'), Reason.HEADER),
    "header deep": (lambda r: r.token(raw_header=b"[" * 5000), Reason.UNREADABLE),
    # Shape
    "empty": (lambda r: "", Reason.SHAPE),
    "one part": (lambda r: "abc", Reason.SHAPE),
    "two parts": (lambda r: r.token().rsplit(".", 1)[0], Reason.SHAPE),
    "four parts": (lambda r: r.token() + ".AAAA", Reason.SHAPE),
    "five parts": (lambda r: "e30.AA.AA.AA.AA", Reason.SHAPE),
    "signature empty": (swapped(2, ""), Reason.SHAPE),
    "signature of zeros": (swapped(2, b64(bytes(96))), Reason.SIGNATURE),
    "signature short": (swapped(2, b64(bytes(8))), Reason.SIGNATURE),
    "signature in DER": (lambda r: r.token(sign=es_der(r.ec)), Reason.SIGNATURE),
    "signature spelled wider": (widened, Reason.SIGNATURE),
    "signature of one number only": (
        lambda r: r.token(sign=lambda data: es(r.ec)(data)[:48]),
        Reason.SIGNATURE,
    ),
    "padding": (lambda r: r.token() + "=", Reason.SHAPE),
    "a line break": (lambda r: r.token() + "\n", Reason.SHAPE),
    "a space": (lambda r: " " + r.token(), Reason.SHAPE),
    "a letter from elsewhere": (lambda r: "\u0435" + r.token()[1:], Reason.SHAPE),
    "the standard alphabet": (swapped(2, "+/" * 64), Reason.SHAPE),
    "stray bits": (other_spelling, Reason.SHAPE),
    "JSON serialization": (lambda r: json.dumps({"payload": r.token()}), Reason.SHAPE),
    "more than 8 KB": (lambda r: r.with_claims(filler="x" * 9000), Reason.TOO_LONG),
    "a megabyte of dots": (lambda r: "." * 1_000_000, Reason.TOO_LONG),
    # Claims
    "claims changed after signing": (
        swapped(1, b64(json.dumps({"iss": CLIENT_ID, "sub": CLIENT_ID}).encode())),
        Reason.SIGNATURE,
    ),
    "claims an array": (lambda r: r.token(b"[]"), Reason.CLAIMS),
    "claims no JSON": (lambda r: r.token(b"{"), Reason.CLAIMS),
    "claims deep": (lambda r: r.token(b'{"a":' * 1000 + b"1" + b"}" * 1000), Reason.UNREADABLE),
    "iss missing": (lambda r: r.with_claims(iss=None), Reason.ISSUER),
    "sub missing": (lambda r: r.with_claims(sub=None), Reason.ISSUER),
    "iss and sub missing": (lambda r: r.with_claims(iss=None, sub=None), Reason.ISSUER),
    "iss of another": (lambda r: r.with_claims(iss="clinic-3"), Reason.ISSUER),
    "sub of another": (lambda r: r.with_claims(sub="clinic-3"), Reason.ISSUER),
    "iss and sub of another": (
        lambda r: r.with_claims(iss="clinic-3", sub="clinic-3"),
        Reason.ISSUER,
    ),
    "iss a list": (lambda r: r.with_claims(iss=[CLIENT_ID]), Reason.ISSUER),
    "iss twice": (lambda r: twice(r, "iss", "clinic-3", CLIENT_ID), Reason.CLAIMS),
    "aud missing": (lambda r: r.with_claims(aud=None), Reason.AUDIENCE),
    "aud empty": (lambda r: r.with_claims(aud=[]), Reason.AUDIENCE),
    "aud of another": (
        lambda r: r.with_claims(aud="https://other.example.org/auth/token"),
        Reason.AUDIENCE,
    ),
    "aud a part of ours": (lambda r: r.with_claims(aud=TOKEN_URL[:-1]), Reason.AUDIENCE),
    "aud longer than ours": (lambda r: r.with_claims(aud=TOKEN_URL + "/"), Reason.AUDIENCE),
    "aud a mapping": (lambda r: r.with_claims(aud={TOKEN_URL: 1}), Reason.AUDIENCE),
    "aud a mixed list": (lambda r: r.with_claims(aud=[TOKEN_URL, 7]), Reason.AUDIENCE),
    "aud twice": (lambda r: twice(r, "aud", "https://x.example", TOKEN_URL), Reason.CLAIMS),
    "exp missing": (lambda r: r.with_claims(exp=None), Reason.CLAIMS),
    "exp past the leeway": (lambda r: r.with_claims(exp=NOW - 30), Reason.EXPIRED),
    "exp past": (lambda r: r.with_claims(exp=NOW - 3600), Reason.EXPIRED),
    "exp zero": (lambda r: r.with_claims(exp=0), Reason.EXPIRED),
    "exp negative": (lambda r: r.with_claims(exp=-1), Reason.TOO_FAR),
    "exp over the limit": (lambda r: r.with_claims(exp=NOW + 331), Reason.TOO_FAR),
    "exp in a year": (lambda r: r.with_claims(exp=NOW + 31_536_000), Reason.TOO_FAR),
    "exp in all eternity": (lambda r: r.with_claims(exp=10**30), Reason.TOO_FAR),
    "exp text": (lambda r: r.with_claims(exp=str(NOW + 240)), Reason.CLAIMS),
    "exp true": (lambda r: r.with_claims(exp=True), Reason.CLAIMS),
    "exp infinite": (
        lambda r: r.token(json.dumps(r.claims(exp=float("inf"))).encode()),
        Reason.CLAIMS,
    ),
    "exp not a number": (
        lambda r: r.token(json.dumps(r.claims(exp=float("nan"))).encode()),
        Reason.CLAIMS,
    ),
    "exp overflowing": (
        lambda r: r.token(json.dumps(r.claims(exp=0)).replace('"exp": 0', '"exp": 1e999').encode()),
        Reason.TOO_FAR,
    ),
    "exp twice": (lambda r: twice(r, "exp", "1", "2"), Reason.CLAIMS),
    "nbf ahead": (lambda r: r.with_claims(nbf=NOW + 31), Reason.NOT_YET),
    "nbf text": (lambda r: r.with_claims(nbf="soon"), Reason.CLAIMS),
    "iat ahead": (lambda r: r.with_claims(iat=NOW + 31), Reason.NOT_YET),
    "iat text": (lambda r: r.with_claims(iat="soon"), Reason.CLAIMS),
    "jti missing": (lambda r: r.with_claims(jti=None), Reason.IDENTIFIER),
    "jti empty": (lambda r: r.with_claims(jti=""), Reason.IDENTIFIER),
    "jti a number": (lambda r: r.with_claims(jti=7), Reason.IDENTIFIER),
    "jti a list": (lambda r: r.with_claims(jti=["a"]), Reason.IDENTIFIER),
    "jti endless": (lambda r: r.with_claims(jti="x" * 1001), Reason.IDENTIFIER),
    "jti twice": (lambda r: twice(r, "jti", "a", "b"), Reason.CLAIMS),
}
