"""Operators that deepinv lacks."""
