"""What a school does with its referrals: from entering one to closing it."""
