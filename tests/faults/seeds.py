"""How long the long runs are, and which seed a run has (read from the environment)."""

import os
import random
import sys

LONG = int(os.environ.get("SCHOOLBRIDGE_KILLS") or 50)  # noqa: TID251 - how long to test
GIVEN_SEED = os.environ.get("SCHOOLBRIDGE_TEST_SEED")  # noqa: TID251 - which run to repeat


def seed() -> int:
    """Return the seed asked for, or one of chance."""
    return int(GIVEN_SEED) if GIVEN_SEED else random.SystemRandom().randrange(10**6)


def told_seed() -> int:
    """Return the seed of a run and print it: pytest shows it where the run fails."""
    chosen = seed()
    sys.stdout.write(f"seed {chosen}\n")
    return chosen
