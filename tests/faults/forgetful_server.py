"""The bridge's server, except that it remembers used assertions in its own memory alone."""

import sys

from bridge.cli import main
from bridge.identity import token_endpoint
from bridge.identity.errors import Reason, TokenRefused

_USED: set[str] = set()


def use_once(_connection: object, _issuer: str, name: str, _expires_at: object) -> None:
    if name in _USED:
        raise TokenRefused(Reason.REPLAYED)
    _USED.add(name)


if __name__ == "__main__":
    token_endpoint.use_once = use_once
    sys.argv = ["schoolbridge", "serve", "--home", sys.argv[-1]]
    main()
