"""Independent codes: FiPy and PyBaMM solve the same equations."""
