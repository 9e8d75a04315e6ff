"""Checks of a rough or curved surface."""
