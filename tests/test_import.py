"""Importing the library does not import what only drawing, searching or widgets need."""

import json
import os
import subprocess
import sys

import pytest

from tools.bench import HEAVY, IMPORTED
from tools.notebooks import NOTEBOOKS, ROOT


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


# --- what is set before OpenMP starts --------------------------------------------------------------------------------


def run_without(variables: set[str], program: str, **more: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), str(NOTEBOOKS)]), **more}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


THREADS = """
from lessons.lesson_07 import checks
import faiss, threadpoolctl, torch
print(torch.get_num_threads(), faiss.omp_get_max_threads(), *{
    library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "openmp"
})
"""


def test_a_lesson_starts_openmp_with_one_thread_however_it_was_opened():
    assert run_without({"OMP_NUM_THREADS"}, THREADS) == "1 1 1"


def test_whoever_sets_the_number_of_threads_keeps_it():
    program = "import os, mtmi_lite; print(os.environ['OMP_NUM_THREADS'])"
    assert run_without(set(), program, OMP_NUM_THREADS="3") == "3"


@pytest.mark.parametrize(("system", "allowed"), [("darwin", "TRUE"), ("linux", "None")])
def test_macos_may_load_a_second_openmp(system, allowed):
    program = (
        f"import os, sys; sys.platform = {system!r}; import mtmi_lite; print(os.environ.get('KMP_DUPLICATE_LIB_OK'))"
    )
    assert run_without({"KMP_DUPLICATE_LIB_OK"}, program) == allowed
