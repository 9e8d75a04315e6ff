"""Kernels: arrays and numbers in, arrays out; numpy, numba and math only, and never a case.

A kernel takes its output first, allocates no more than a few rows, neither raises nor branches on a setting, and runs
plain loops with `prange` on the outermost axis. Every kernel is compiled through `_jit`.
"""
