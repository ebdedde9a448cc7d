"""Benchmarks of the local engines, each against the plain way of using its library."""
