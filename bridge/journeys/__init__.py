"""What people and systems do with the bridge, one module a journey (verb and noun).

A journey writes; what anyone gets to see leaves through :mod:`bridge.gate`.
"""
