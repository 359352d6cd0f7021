"""Follow the links inside the repository, from its Markdown files and notebooks: to files, and to headings in them.

    python -m tools.check_links

Links to other sites are left alone, so that the check needs no network and does not depend on anyone's server.
"""

import os
import re
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
PROSE = (".md", ".ipynb")
IGNORED = ("build", "data", "notebooks/solved")
"""No part of the repository, as .gitignore says; nor is a folder whose name begins with a dot."""

_HTML_LINK = re.compile(r"""<(?:a|img)\b[^>]*?\b(?:href|src)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_HTML_ANCHOR = re.compile(r"""<\w+\b[^>]*?\b(?:id|name)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)


def prose(path: Path) -> str:
    """The Markdown of a file: all of it, or the Markdown cells of a notebook."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def links(markdown: str) -> Iterator[str]:
    """The targets of the links and images in a text, Markdown or HTML; code is left out.

    >>> list(links('[a](b.md#c), `[no](code)`, ![alt](d.png), <a href="e">f</a>'))
    ['b.md#c', 'd.png', 'e']
    """
    for block in MarkdownIt().parse(markdown):
        for token in (block, *(block.children or [])):
            if target := token.attrs.get("href") or token.attrs.get("src"):
                yield str(target)
            if token.type in ("html_block", "html_inline"):
                yield from _HTML_LINK.findall(token.content)


def anchors(markdown: str) -> set[str]:
    """The names that a link may carry after `#`: as GitHub makes them from headings, as JupyterLab does, and ids.

    >>> sorted(anchors("# When do towers collapse?"))
    ['When-do-towers-collapse?', 'when-do-towers-collapse']
    """
    names = set(_HTML_ANCHOR.findall(markdown))
    tokens = MarkdownIt().parse(markdown)
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            heading = "".join(child.content for child in following.children or [])
            names.add(heading.replace(" ", "-"))
            names.add(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-"))
    return names


def broken(path: Path, root: Path = ROOT) -> list[str]:
    """The links of a file that lead nowhere in the repository, each with the reason."""
    found = []
    for link in links(prose(path)):
        parts = urlsplit(link)
        if parts.scheme or parts.netloc or link.startswith("attachment:"):
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.is_relative_to(root):
            found.append(f"{link} leaves the repository")
        elif not target.exists():
            found.append(f"{link} leads to no file")
        elif parts.fragment and target.suffix in PROSE and unquote(parts.fragment) not in anchors(prose(target)):
            found.append(f"{link} leads to no heading")
    return found


def pages(root: Path = ROOT) -> list[Path]:
    """The Markdown files and notebooks of the repository, which may be a download without git."""
    found, ignored = [], {root / name for name in IGNORED}
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(folder, name) not in ignored)
        found += [Path(folder, name) for name in sorted(names) if name.endswith(PROSE)]
    return found


def main() -> int:
    files = pages()
    wrong = [f"{path.relative_to(ROOT)}: {reason}" for path in files for reason in broken(path)]
    print("\n".join(wrong) or f"the links of {len(files)} files hold")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
