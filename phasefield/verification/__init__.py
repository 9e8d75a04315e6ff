"""Verification: every equation held against something that this program did not make."""
