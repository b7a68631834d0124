"""The one way out.

decide → read under lock → minimise → write the ledger entry in the same transaction → ``Released``.

INVARIANTS
* Nothing leaves the bridge but what this package made (see :mod:`bridge.gate.released`).
* The decision is taken at the moment of sending: each page, each file, each retry asks again.
* What may not be known is filtered inside the query, before LIMIT, counts and includes; a record
  the decision in Python would deny although the query let it pass stops the whole answer.
* If the ledger entry cannot be written, nothing leaves.
* There is no off switch.
"""

from bridge.gate.accounts.replay import Replay, ReplayedElement, replay, replay_log
from bridge.gate.accounts.survey import SurveyRow
from bridge.gate.agreements import (
    CompiledAgreement,
    agreement_between,
    agreements_of,
    all_agreements,
    keep_tables,
)
from bridge.gate.authorise import Viewer
from bridge.gate.counts import release_counts
from bridge.gate.crossing import Crossed, cross_back
from bridge.gate.duties.waiting import WaitingText
from bridge.gate.exports.groups import EVERYBODY, groups_of
from bridge.gate.gate import Gate
from bridge.gate.newly_seen import (
    NotLookedAtError,
    introduced,
    is_due,
    let_due_be_seen,
    seen_anew,
)
from bridge.gate.own.own_orders import release_own_order
from bridge.gate.own.own_referrals import release_own_referrals
from bridge.gate.own.own_requests import OwnTask, own_tasks, release_own_request
from bridge.gate.own.recording import Asking, Written
from bridge.gate.people.follow_pages import CalendarOf, Wanted
from bridge.gate.people.foreseen import foreseen
from bridge.gate.people.notes import may_ever_share, release_notes
from bridge.gate.released import (
    FollowUp,
    OwnReferral,
    Placed,
    Released,
    ReleasedCounts,
    ReleasedFollowUps,
    ReleasedLines,
    ReleasedPage,
    ReleasedReferrals,
    ReleasedResource,
    Seen,
)
from bridge.gate.scope_limits import understands
from bridge.gate.shape import Shape, shaped
from bridge.gate.views import keep_views
from bridge.store.search.query import Chain, Criterion, DateMatch, Match, Missing, Order, Query

__all__ = [
    "EVERYBODY",
    "Asking",
    "CalendarOf",
    "Chain",
    "CompiledAgreement",
    "Criterion",
    "Crossed",
    "DateMatch",
    "FollowUp",
    "Gate",
    "Match",
    "Missing",
    "NotLookedAtError",
    "Order",
    "OwnReferral",
    "OwnTask",
    "Placed",
    "Query",
    "Released",
    "ReleasedCounts",
    "ReleasedFollowUps",
    "ReleasedLines",
    "ReleasedPage",
    "ReleasedReferrals",
    "ReleasedResource",
    "Replay",
    "ReplayedElement",
    "Seen",
    "Shape",
    "SurveyRow",
    "Viewer",
    "WaitingText",
    "Wanted",
    "Written",
    "agreement_between",
    "agreements_of",
    "all_agreements",
    "cross_back",
    "foreseen",
    "groups_of",
    "introduced",
    "is_due",
    "keep_tables",
    "keep_views",
    "let_due_be_seen",
    "may_ever_share",
    "own_tasks",
    "release_counts",
    "release_notes",
    "release_own_order",
    "release_own_referrals",
    "release_own_request",
    "replay",
    "replay_log",
    "seen_anew",
    "shaped",
    "understands",
]
