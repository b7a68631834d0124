"""The bridge's server, except that it cuts exports into files of a few rows.

What a file of many megabytes is to a partner's client, these are to it in a test.
Usage: ``python cutting_server.py HOME [serve's]``.
"""

import sys

from bridge.cli import main
from bridge.gate.exports import file_cuts

SIZE = 900

# Not below: each worker imports this module under another name.
setattr(file_cuts, "FILE_BYTES", SIZE)  # noqa: B010 - a constant is replaced on purpose

if __name__ == "__main__":
    sys.argv = ["schoolbridge", "serve", "--home", *sys.argv[1:]]
    main()
