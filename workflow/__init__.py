"""What is run, scored and shown."""

import sys

if sys.argv[0] == "-m":  # a file copy.py in this folder must not take the place of Python's module
    here, packages = sys.path.pop(0), [path.endswith("-packages") for path in sys.path]
    sys.path.insert(packages.index(True) if any(packages) else len(packages), here)
