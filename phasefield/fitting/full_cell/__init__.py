"""Fits of full cells: a table of rates as data, what is known of a cathode, and what other rates would show."""
