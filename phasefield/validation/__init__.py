"""The experiments of the two founding papers, simulated, and set beside what was measured."""
