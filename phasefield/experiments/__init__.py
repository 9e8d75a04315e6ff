"""Experiments: the result for which a run is made, from what is stored of it.

A case says `[experiment] kind = "tafel"`; each kind is one module with `evaluate` and `panels`.
"""
