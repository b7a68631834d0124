"""What people's pages need: drafts, lists kept ready, owners, notes, looks, duties left."""
