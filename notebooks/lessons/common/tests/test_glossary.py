"""The glossary names code that exists, and each lesson's words lead to it (links are followed by `make check`)."""

import dataclasses
import importlib
import pkgutil
import re

import pytest

import lessons.common
import mtmi_lite
from tools.notebooks import NOTEBOOKS

TEXT = (NOTEBOOKS / "glossary.md").read_text(encoding="utf-8")
MODULES = {
    module.name.rpartition(".")[2]: importlib.import_module(module.name)
    for package in (mtmi_lite, lessons.common)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.ispkg and ".tests." not in module.name
}


def code_names() -> list[str]:
    """The names in backticks after "In code:" and in the third column of the notation."""
    places = re.findall(r"\*In\s+code:\*(.*?)\n\n", TEXT, re.S)
    places += [line.split("|")[3] for line in TEXT.split("\n") if line.startswith("| ") and line.count("|") == 5]
    names = re.findall(r"`(?:mtmi_lite\.)?([A-Za-z]\w*(?:\.\w+)?)(?:\([^`]*\))?`", "\n".join(places))
    return sorted({name for name in names if name[0].isupper() or "_" in name or "." in name})


def exists(name: str) -> bool:
    first, _, second = name.partition(".")
    owners = [MODULES[first]] if first in MODULES else []
    owners += [getattr(module, first) for module in MODULES.values() if hasattr(module, first)]
    if not second:
        return bool(owners)
    fields = [field.name for o in owners if dataclasses.is_dataclass(o) for field in dataclasses.fields(o)]
    return second in fields or any(hasattr(owner, second) for owner in owners)


ARGUMENTS = {"log.num_users", "log.num_items", "model.table", "model.items", "batch.profile", "num_items", "num_towers"}
ARGUMENTS |= {"history_length"}


@pytest.mark.parametrize("name", [name for name in code_names() if name not in ARGUMENTS])
def test_what_the_glossary_names_exists(name):
    assert exists(name)


def test_a_name_that_is_gone_is_noticed():
    assert len(code_names()) > 40
    assert not exists("metrics.precision")
    assert not exists("Precision")
