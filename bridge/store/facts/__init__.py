"""What decisions rest on: evidence, signed forms, guardians, agreements; the filter over them."""
