"""Commits shared by 1 thread against one commit each."""

from benchmarks.committing import row

ROW = row(threads=1, goal=0.9)
