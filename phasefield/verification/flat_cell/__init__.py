"""Checks of a flat cell against closed forms."""
