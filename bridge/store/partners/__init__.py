"""What is kept of exchanges under way: exports, subscriptions, digests, recalls, requests."""
