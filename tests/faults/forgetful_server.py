"""The bridge's server, except that it remembers used assertions in its own memory alone."""

import sys
from typing import Any

from bridge.cli import main
from bridge.identity import token_endpoint
from bridge.identity.errors import Reason, TokenRefused

_USED: set[str] = set()


def _use_once(_connection: object, assertion: Any) -> None:  # noqa: ANN401
    if assertion.jti in _USED:
        raise TokenRefused(Reason.REPLAYED)
    _USED.add(assertion.jti)


if __name__ == "__main__":
    token_endpoint._use_once = _use_once
    sys.argv = ["schoolbridge", "serve", "--home", sys.argv[-1]]
    main()
