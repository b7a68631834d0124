"""Commits shared by 32 threads against one commit each."""

from benchmarks.committing import row

ROW = row(threads=32, goal=8.0)
