"""Value tables of the shipped maps: CSV with the columns source and code."""
