"""What several test files use."""

import pytest

from mtmi_lite import datasets
from mtmi_lite.interactions import Interactions


@pytest.fixture(scope="session")
def online_retail() -> Interactions:
    """The shipped log, filtered."""
    return datasets.online_retail()
