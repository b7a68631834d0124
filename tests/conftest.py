"""What every test may ask for."""

import sys
from pathlib import Path

# The folders of tests are not installed: their shared parts are found from the project's root.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

pytest_plugins = ["tests.support.databases"]
