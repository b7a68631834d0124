"""A consent decision against Cedar, facts read from dict records."""

from benchmarks.consent_requests import arms, cedar_arm, ours_records, questions
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    asked = questions(2000)
    return arms(lambda: ours_records(asked), cedar_arm(asked, ready=False), times=50)


ROW = Row(
    name="consent.records_vs_cedarpy",
    unit="decisions per CPU-second",
    better=Better.HIGHER,
    goal=40.0,
    meaning=(
        "the same, with the facts of each decision read from a dict by name, unknown ones "
        "told from false ones; Cedar is handed the dict as it is"
    ),
    value=per_cpu_second,
    open=_open,
    figure=500_000.0,
)
