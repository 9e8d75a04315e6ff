"""Checks of order, grid and balances."""
