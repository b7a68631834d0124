"""The database's tables through the versions.

A database says in ``alembic_version`` which revision its tables are; each later change of a table
is one file in ``versions``. ``make migration NAME=add_something`` writes it.

INVARIANT: a bridge opens a database only whose tables are those of its own version, and brings
older ones up only when asked to (``schoolbridge db upgrade``), all or nothing.
"""
