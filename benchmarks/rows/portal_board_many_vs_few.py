"""What a page of a school's board costs more where its district has many referrals."""

from benchmarks.portal_pages import growth_row

ROW = growth_row(
    "portal.board_many_vs_few", "to show a page of the board", "/portal/board?show=all", 60
)
