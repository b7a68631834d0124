"""What people are shown: a school of its referrals, a small provider of what it was sent."""
