"""Texts that ride with a release: one file per notice and language (``p2.notice.en.txt``)."""
