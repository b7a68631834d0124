"""A consent decision with its reason against Rego."""

from benchmarks.consent_requests import arms, ours_read, questions, rego_arm
from benchmarks.frame import Arms, Better, Row, per_cpu_second


def _open() -> Arms:
    asked = questions(300)
    return arms(lambda: ours_read(asked), rego_arm(asked), times=500)


ROW = Row(
    name="consent.decide_vs_regopy",
    unit="decisions per CPU-second",
    better=Better.HIGHER,
    goal=60.0,
    meaning=(
        "how many times more decisions, with reason and duties, our table gives than Rego "
        "(policy compiled to a bundle once, inputs made beforehand) on the same papers and cells"
    ),
    value=per_cpu_second,
    open=_open,
)
