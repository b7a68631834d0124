"""A referral that was passed on goes no further."""

from pathlib import Path

import pytest

from bridge.errors import BridgeError
from bridge.journeys.referrals.pass_on import Hops, pass_on
from bridge.journeys.referrals.withdraw_referral import OwnNumber
from tests.bridge.journeys.test_pass_on import ONWARD, passed
from tests.bridge.journeys.test_release_register import FORM
from tests.support.worlds import COVE, HARBOR, LEA, make_world, referral


def test_what_was_passed_on_to_a_provider_goes_no_further(
    database_url: str, tmp_path: Path
) -> None:
    """The guide knows two interactions: source and intermediary, intermediary and target."""
    here = make_world(database_url, tmp_path, edit=ONWARD)
    here.refer([referral(0)])
    passed(here, FORM)
    before = here.counts()
    third = Hops(OwnNumber(LEA, COVE, "R-0"), HARBOR, "intake")
    with pytest.raises(BridgeError, match="was passed on to this party"):
        pass_on(here.bridge, third)
    assert here.counts() == before
    here.bridge.engine.dispose()
