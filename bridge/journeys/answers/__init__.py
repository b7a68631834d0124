"""What a provider does with a referral it was sent: answers, and sessions."""
