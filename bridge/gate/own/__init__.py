"""What a party wrote itself: what it may write about, and what of it is given back to it."""
