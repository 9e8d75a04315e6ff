"""Which property made the difference between two cells: one group of inputs at a time, in all orders."""
