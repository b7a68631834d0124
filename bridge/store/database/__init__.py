"""The database itself: how it is opened, written to, copied, and told from broken."""
