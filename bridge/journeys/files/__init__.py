"""Files that come in and go out: maps, rows held for a person, reviews before anything is kept."""
