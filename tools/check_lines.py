"""Hold the package to its size: lines of code, without docstrings, comments and blank lines.

python -m tools.check_lines
"""

import ast
import io
import sys
import tokenize
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "mtmi_lite"
TAUGHT = ("towers", "models", "losses", "training", "retrieval", "metrics")
MAX_TAUGHT = 920
MAX_PACKAGE = 3_300
MAX_LESSON = 230
"""Of each file in mtmi_lite/lessons, which are not part of the package's count: a reader needs one at a time."""

_NO_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}


def code_lines(source: str) -> int:
    """The number of lines that hold code; a string that stands alone is documentation.

    >>> code_lines('''
    ... def double(x):
    ...     "Twice x."
    ...
    ...     # a sum
    ...     return x + x  # the same line
    ... ''')
    2
    """
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines.difference_update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def main() -> int:
    counts = {path.stem: code_lines(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.glob("*.py"))}
    taught = sum(counts.get(name, 0) for name in TAUGHT)
    package = sum(counts.values())
    for name, count in counts.items():
        print(f"{count:6,}  {name}{' (taught)' if name in TAUGHT else ''}")
    print(f"{taught:6,}  taught, of at most {MAX_TAUGHT:,}")
    print(f"{package:6,}  the package, of at most {MAX_PACKAGE:,}")
    lessons = [code_lines(path.read_text(encoding="utf-8")) for path in PACKAGE.glob("lessons/lesson_*.py")]
    print(f"{max(lessons, default=0):6,}  the longest of {len(lessons)} files for lessons, of at most {MAX_LESSON:,}")
    return int(taught > MAX_TAUGHT or package > MAX_PACKAGE or max(lessons, default=0) > MAX_LESSON)


if __name__ == "__main__":
    sys.exit(main())
