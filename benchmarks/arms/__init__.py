"""The programs that are compared: each is run in a process of its own and tells its CPU time."""
