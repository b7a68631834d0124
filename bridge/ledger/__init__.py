"""The disclosure ledger: what was released, refused and revoked, in an order nobody can rewrite.

One log per agreement, each an RFC 6962 Merkle tree. The entry of a release is written in the same
transaction as the read it tells of. ``append`` writes, ``lookup`` reads back, ``proofs`` and
``notes`` hand evidence to others, ``check`` recomputes everything, and ``verifier`` (which imports
nothing of the bridge) lets anyone check that evidence without us.

What it proves is what was logged; that nothing passes it by is the gate's promise, not this one.
Until the other party has countersigned a head, the latest entries could be rewritten.
"""
