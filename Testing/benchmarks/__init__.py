"""Measurements, each a script of its own; the tables they made lie in results/."""
