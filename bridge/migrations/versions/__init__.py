"""The revisions, each a file named by its number. A revision that was shipped never changes."""
