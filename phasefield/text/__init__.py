"""Texts as they are shown: numbers, times and tables; and whatever comes from a file made harmless there."""
