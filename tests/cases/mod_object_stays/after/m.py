"""New doc."""
A = 2
