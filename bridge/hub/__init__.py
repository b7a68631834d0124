"""The state hub: coded rows in, counts out. It never sees a name.

``rows`` loads collected NDJSON into DuckDB, ``counts`` aggregates, ``suppression`` hides small
cells. What leaves is made by :mod:`bridge.gate` from a suppressed table.
"""
