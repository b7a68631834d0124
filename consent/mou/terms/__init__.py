"""The terms of a memorandum, one file per block of the document.

To add a term: a file here with a frozen dataclass and a ``read_...`` function, a line in
:mod:`consent.mou.template` (and in :mod:`consent.mou.agreement` if a child may change it).
"""
