"""What does it mean? Source records, canonical records and FHIR resources, and the way between.

Pure: no clock, no database, no network. Time and identifiers come in as arguments.
"""
