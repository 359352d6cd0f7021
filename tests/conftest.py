"""What several test files use."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtmi_lite import datasets
from mtmi_lite.interactions import Interactions

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def online_retail() -> Interactions:
    """The shipped log, filtered."""
    return datasets.online_retail()


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """The path of a real log that is not part of the project; the test skips where it is missing."""

    def find(name: str) -> Path:
        path = SHARED_DATA / name
        if not path.exists():
            pytest.skip(f"{name} is not beside this repository (in ../shared/data)")
        return path

    return find
