"""What the machine gives: memory, processes, threads, and a place for compiled kernels."""
