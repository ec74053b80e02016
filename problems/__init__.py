"""Inverse problems y = A x + n, and the data sets they are posed on."""
