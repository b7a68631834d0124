"""Public samples, unchanged. See ORIGIN.md one folder up."""
