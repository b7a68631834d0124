"""HTTP for partners' systems: the FHIR server, tokens, bulk export, a school's follow-up."""
