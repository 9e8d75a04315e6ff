"""Small tables as data of a fit: what a figure of a paper states of rates, or of a voltage over time."""
