"""A run in time: the loop, its steps, events, output, and how it goes on after a stop."""
