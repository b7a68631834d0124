"""Commits shared by 8 threads against one commit each."""

from benchmarks.committing import row

ROW = row(threads=8, goal=3.0)
