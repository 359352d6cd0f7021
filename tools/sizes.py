"""Print how long each part of the project is, in lines of all kinds. Nothing depends on it: a reader judges.

python -m tools.sizes
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PARTS = ("mtmi_lite", "notebooks/lessons", "tools", "tests")


def lines_of(folder: Path) -> dict[str, int]:
    """The lines of each module of a folder, by its path in it."""
    paths = [path for path in sorted(folder.rglob("*.py")) if path.stat().st_size]
    return {path.relative_to(folder).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def main() -> int:
    for part in PARTS:
        lines = lines_of(ROOT / part)
        print(f"{sum(lines.values()):7,}  {part}, {len(lines)} files")
        if part == "mtmi_lite":
            for name, count in lines.items():
                print(f"{count:7,}    {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
