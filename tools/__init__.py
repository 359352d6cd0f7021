"""Tools for maintainers: the notebook pipeline, the checks of the repository, the evidence, the benchmark."""

import sys
from pathlib import Path

# the lessons, as a notebook imports them
sys.path.append(str(Path(__file__).resolve().parent.parent / "notebooks"))
