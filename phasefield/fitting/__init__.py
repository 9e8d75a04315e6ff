"""Electrolytes fitted to measured spectra and traces of a flat cell: what they determine, and what they do not."""
