"""What a family decides: forms, signatures, guardians, withdrawals, and what follows from them."""
