"""May this leave? Memorandum of understanding + signed releases + law, compiled to a decision.

Pure: no clock, no database, no network, no FHIR library. Time comes in as an argument.
"""
