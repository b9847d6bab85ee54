"""Benchmarks on this machine: by algorithm, by node, and compared with other engines."""
