"""Importing the library does not import what only drawing, searching or widgets need."""

import json
import subprocess
import sys

import pytest

from tools.bench import HEAVY, IMPORTED


@pytest.fixture(scope="module")
def loaded() -> list[str]:
    """The top-level modules of a fresh Python that has imported the library."""
    program = f"import json, sys, {', '.join(IMPORTED)}; json.dump(sorted(sys.modules), sys.stdout)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return json.loads(found.stdout)


@pytest.mark.parametrize("name", HEAVY)
def test_the_library_is_imported_without(name, loaded):
    assert name not in loaded


def test_the_whole_library_was_imported(loaded):
    assert {"torch", *IMPORTED} <= set(loaded)
