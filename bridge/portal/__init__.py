"""Pages for people. They render what the gate released, and nothing else."""
