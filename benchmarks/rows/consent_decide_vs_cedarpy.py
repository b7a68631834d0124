"""A consent decision with its reason against Cedar, facts already read."""

from benchmarks.consent_requests import arms, cedar_arm, ours_read, questions
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    asked = questions(2000)
    return arms(lambda: ours_read(asked), cedar_arm(asked, ready=True), times=100)


ROW = Row(
    name="consent.decide_vs_cedarpy",
    unit="decisions per CPU-second",
    better=Better.HIGHER,
    goal=60.0,
    meaning=(
        "how many times more decisions, with reason and duties, our table gives than Cedar "
        "(policies parsed once, requests made beforehand, one batch) on the same papers and cells"
    ),
    value=per_cpu_second,
    open=_open,
    figure=1_000_000.0,
)
