"""Reading what a bridge says of its work."""

from dataclasses import replace

from prometheus_client.parser import text_string_to_metric_families

from bridge.app import create_app
from bridge.context import Bridge
from bridge.measures import measured_by
from bridge.prometheus import Prometheus
from tests.support.worlds import Web

TOKEN = "a-word-for-the-one-who-watches-" * 2
Figures = dict[tuple[str, tuple[tuple[str, str], ...]], float]
"""Values by name and labels."""


def measured(bridge: Bridge) -> Web:
    """Return a bridge's application that counts, as it answers whoever watches."""
    settings, counted = replace(bridge.settings, metrics_token=TOKEN), Prometheus()
    measured_by(bridge.engine, counted)
    return Web(create_app(replace(bridge, settings=settings, measures=counted)), TOKEN)


def figures_in(text: str) -> Figures:
    """Read every value."""
    families = text_string_to_metric_families(text)
    samples = [sample for family in families for sample in family.samples]
    return {(s.name, tuple(sorted(s.labels.items()))): float(s.value) for s in samples}


def figures(watching: Web) -> Figures:
    """Ask for every value; that it was asked for is not among them yet."""
    answer = watching.get("/metrics")
    assert answer.status_code == 200, answer.text
    return figures_in(answer.text)


def total(found: Figures, name: str, **labels: str) -> float:
    """Add up the values of a name that have some labels."""
    wanted = set(labels.items())
    return sum(v for (n, said), v in found.items() if n == name and wanted <= set(said))
