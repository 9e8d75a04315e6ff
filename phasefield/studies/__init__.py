"""Several runs: compared, swept over inputs, and shared out among causes."""
