"""Files of the user that a parameter of a problem may name, such as a mask.

Imports nothing heavy, because Snakemake calls this each time it reads the configuration.
"""

import re
from typing import Any


def is_file(value: Any) -> bool:
    """Whether the value of a parameter is a path: text with an ending, such as mask.png.

    A job on the problem depends on what is in the file, and not on where it lies.
    """
    return isinstance(value, str) and re.search(r"\.[A-Za-z]\w*$", value) is not None
