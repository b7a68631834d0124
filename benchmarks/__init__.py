"""How fast the bridge is, each time against a reference measured in the same run."""
