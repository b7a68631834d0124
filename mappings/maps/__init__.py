"""Shipped maps: one YAML file a source, named after its id; value tables in ``values``."""
