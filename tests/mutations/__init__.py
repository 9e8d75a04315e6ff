"""Mutation testing: break one term of the program at a time, and see that a check notices."""
