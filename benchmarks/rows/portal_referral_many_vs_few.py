"""What the page of one referral costs more where its district has many referrals."""

from benchmarks.portal_pages import growth_row, one_referral

ROW = growth_row("portal.referral_many_vs_few", "to show one referral", one_referral, 60)
