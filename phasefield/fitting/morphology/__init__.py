"""Morphology fitted to a measured profile: surfaces as numbers, a design of runs, an emulator of it, and its answer."""
