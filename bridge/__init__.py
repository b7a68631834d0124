"""The running bridge: the only place with HTTP, SQL, time, keys and files."""
