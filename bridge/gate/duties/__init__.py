"""What a decision asks besides: what rides with a release, what waits, what is owed."""
