"""Old doc."""
A = 1
