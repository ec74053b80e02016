"""Operators that deepinv does not have."""
