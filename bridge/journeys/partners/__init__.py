"""What other systems are told, and what they keep here: subscriptions, digests, directory, hub."""
