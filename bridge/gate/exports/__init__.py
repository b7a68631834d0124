"""Bulk exports: whose records, cut into which files, decided and written a part at a time."""
