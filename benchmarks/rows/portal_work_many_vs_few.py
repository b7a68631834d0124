"""What a provider's list of what was sent to it costs more where much was sent."""

from benchmarks.portal_pages import growth_row

ROW = growth_row(
    "portal.work_many_vs_few", "to show a page of what was sent to a provider", "/portal/work", 60
)
