"""Seeds derived from names."""

import hashlib


def seed_of(*names: object) -> int:
    """Return a 63-bit seed derived from names, identical on every machine.

    >>> seed_of("measure", "ct20", "lung1_010") == seed_of("measure", "ct20", "lung1_010")
    True
    """
    digest = hashlib.sha256("\x1f".join(map(str, names)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
