"""What can be told afterwards: who was given what, on which ground, and who is to forget it."""
