"""Closed forms: flat cells, salt profiles, impedance, growth of the film."""
