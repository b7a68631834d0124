"""Searches: what can be looked for, where its values stand, and how a question becomes SQL."""
