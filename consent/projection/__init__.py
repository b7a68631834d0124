"""Tables of what may leave, one per view; :mod:`consent.projections` reads them."""
