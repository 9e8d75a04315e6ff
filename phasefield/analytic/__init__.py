"""Closed forms: flat cells, salt profiles, impedance, a lumped cathode."""
