"""Where records, evidence and the search index are kept.

``vault`` reads content and is importable by :mod:`bridge.gate` alone; ``intake`` writes content and
never returns any; ``evidence`` keeps the facts a decision reads; ``directory`` keeps organisations,
agreements and students. No function commits: the caller owns the transaction.
"""
