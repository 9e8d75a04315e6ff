"""Mesoscale lithium dendrite solver: from a case file to a rough lithium surface."""

__version__ = "0.1.0"
