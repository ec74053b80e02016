"""What is run, scored and shown."""

import sys

if sys.argv[0] == "-m":  # a file copy.py in this folder must not take the place of Python's module
    sys.path.append(sys.path.pop(0))
