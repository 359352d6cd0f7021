"""Write `build/versions.txt`: what pip is to install, for the lowest versions that pyproject.toml allows or the newest.

`python tools/versions.py lowest` pins every package that the course itself needs to the lower end of its range;
`newest` pins nothing. Any Python runs it.
"""

import re
import sys
import tomllib
from pathlib import Path

OUTPUT = Path("build", "versions.txt")


def lowest(project: dict) -> list[str]:
    """The lower ends of the ranges.

    >>> lowest({"dependencies": ["torch>=2.4,<2.14"], "optional-dependencies": {"dask": ["distributed>=2024.8"]}})
    ['torch==2.4', 'distributed==2024.8']
    """
    return [
        re.sub(r">=([\w.]+).*", r"==\1", one)
        for one in project["dependencies"] + project["optional-dependencies"]["dask"]
    ]


def main() -> None:
    if sys.argv[1:] not in (["lowest"], ["newest"]):
        sys.exit("python tools/versions.py lowest, or newest")
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text("".join(f"{line}\n" for line in (lowest(project) if sys.argv[1] == "lowest" else [])))


if __name__ == "__main__":
    main()
