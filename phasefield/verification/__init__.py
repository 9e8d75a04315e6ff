"""Verification: every equation compared with results from outside this program."""
