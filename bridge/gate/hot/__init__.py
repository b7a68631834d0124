"""Reads and searches answered many at a time, from what was decided before and still stands."""
