"""What several test files use; what will be skipped; the order of the files; the end of a test that stands still."""

import contextlib
import faulthandler
import os
import re
import signal
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

# before torch is imported, here and in every process that a test starts: sums come out the same to the bit, however
# many cores there are, and processes that share two of them do not get in each other's way
os.environ["OMP_NUM_THREADS"] = "1"

import jaxtyping
import numpy as np
import psutil
import pytest
import pytest_timeout
import torch
from hypothesis import HealthCheck, settings

from mtmi_lite.data import datasets
from mtmi_lite.interactions import Interactions, evaluation_cases, from_columns, split_users
from mtmi_lite.lab.recipes import recipe_at
from mtmi_lite.metrics import Evaluation, evaluate
from mtmi_lite.models import MTMI
from tools.notebooks import LESSONS, NOTEBOOKS, find_chromium
from tools.standstill import Standstill, family, processor_seconds

# hypothesis would time each example, and how fast they come
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# shapes are checked in what lessons compute and draw, too; not in their tests, where pytest would miss the fixtures
drawn = [path.relative_to(NOTEBOOKS).with_suffix("") for path in LESSONS.glob("*/[a-z]*.py")]
jaxtyping.install_import_hook([".".join(path.parts) for path in drawn], "typechecker.check")

SHARED_DATA = Path(__file__).parents[1] / "shared" / "data"
LOOK_SECONDS = 10
collect_ignore = ["tests/keep_trainings.py"]  # which changes `train` where it is imported
collect_ignore_glob = ["notebooks/lessons/*/[0-9]*.py"]  # the sources of the notebooks
PLACES = {"/test_lessons.py::": -1, "/test_screen.py::": 1, "/test_panel.py::": 2, ".ipynb::": 3}
"""Where the lessons train, and after all else, at 0, where they run again with what that has left
(`tests/keep_trainings.py`): long files before short ones, so that no process is left alone with one at the end."""
NOT_THE_LIBRARY = r"tools|.*\.ipynb|test_(binder|evidence.*|pipeline|readme|workflow|panel|screen|lessons|results)\.py"


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


@pytest.fixture(scope="session")
def small_shop() -> Interactions:
    """12 products and 20 customers."""
    rng = np.random.default_rng(0)
    items = np.concatenate([np.arange(12), rng.integers(12, size=188)])
    return from_columns(users=np.arange(200) % 20, items=items, times=np.arange(200))


@pytest.fixture(scope="session")
def random_log(tmp_path_factory) -> Callable[[int], str]:
    """Writes a log, "small", of so many users who each took 20 of 70 items at random, and says where."""

    def write(num_users: int) -> str:
        items = np.random.default_rng(0).integers(70, size=(num_users, 20))
        rows = [f"u{user}\ti{item}\t{step}" for user, own in enumerate(items) for step, item in enumerate(own)]
        path = tmp_path_factory.mktemp("log") / "small.inter"
        path.write_text("user_id:token\titem_id:token\ttimestamp:float\n" + "\n".join(rows) + "\n")
        return str(path)

    return write


@pytest.fixture(scope="session", params=[1, 3])
def small_shop_learned(small_shop, request) -> tuple[MTMI, Evaluation]:
    """A model of the small shop with one tower, then with three, and its evaluation."""
    split = split_users(small_shop, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = recipe_at(num_towers=request.param, alpha=5.0, beta=0.3).train(split, steps=5, progress=False).model
    return model, evaluate(model, evaluation_cases(small_shop, split.train))


@pytest.fixture
def unchecked():
    """Without the type checks that the tests switch on, which would catch a mistake before the library can name it."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)


# ---- what runs, and in which order


def not_there() -> list[str]:
    """What this machine lacks, what therefore does not run, and the cure."""
    lacks = []
    if find_chromium() is None:
        lacks.append(
            "the browser tests, for there is no Chromium or Chrome: install one (Debian, Ubuntu: apt-get install "
            "chromium), or name it in BROWSER_PATH"
        )
    if not SHARED_DATA.is_dir():
        lacks.append("the tests on whole public logs, which are not in ../shared/data")
    if not any((datasets.DATA / name).exists() for name in (datasets.GROUPLENS, datasets.RECBOLE)):
        lacks.append("the tests on MovieLens-100k, which is not in data/: `make data` fetches it")
    if find_spec("distributed") is None:
        lacks.append('the test on a Dask cluster: `pip install -e ".[dask]"` brings Dask')
    if not torch.cuda.is_available():
        lacks.append("the tests of training on a GPU, for there is none with CUDA")
    return lacks


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--library", action="store_true", help="no test that runs a lesson, a browser or a tool")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    wanted = not config.getoption("--library") or not re.fullmatch(NOT_THE_LIBRARY, collection_path.name)
    return None if wanted else True


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # the workers have it from the process that starts them
        folder = tempfile.TemporaryDirectory(prefix="mtmi-")
        config.add_cleanup(folder.cleanup)
        startup = Path(folder.name, "profile_default", "startup")
        startup.mkdir(parents=True)
        run = f"__import__('runpy').run_path({str(Path(__file__).with_name('tests') / 'keep_trainings.py')!r})"
        (startup / "start.py").write_text(run)  # among no names of the notebook
        os.environ |= {"IPYTHONDIR": folder.name, "MTMI_KEPT_TRAININGS": folder.name}


def pytest_report_header() -> list[str]:
    return [f"will be skipped: {what}" for what in not_there()]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: sum(place for name, place in PLACES.items() if name in item.nodeid))
    for item in items:
        if hasattr(item, "output_timeout"):  # of nbval: five seconds in which a busy machine may not get round to it
            item.output_timeout = item.config.option.nbval_cell_timeout


# ---- a test that stands still

DONE = pytest.StashKey[threading.Event]()
STOP = getattr(signal, "SIGALRM", None)  # Windows has no signal to spare


def pytest_timeout_set_timer(item: pytest.Item, settings: pytest_timeout.Settings) -> bool:
    """pytest-timeout asks here how to time a test: not by the clock."""
    done, found = threading.Event(), []
    item.stash[DONE] = done
    if STOP is not None:
        signal.signal(STOP, lambda *_: pytest.fail(found[0]))
    threading.Thread(target=end_what_stands_still, args=(settings.timeout, done, found), daemon=True).start()
    return True


def pytest_timeout_cancel_timer(item: pytest.Item) -> bool:
    if DONE in item.stash:
        item.stash[DONE].set()
    return True


def end_what_stands_still(still: float, done: threading.Event, found: list[str]) -> None:
    """End the processes that a test has started, and let it fail where it stands; or this process, if nothing helps."""
    me, look = psutil.Process(), Standstill(every=LOOK_SECONDS, still=still)
    while not done.wait(LOOK_SECONDS):
        trouble = look.trouble(processor_seconds(family(me)))
        if trouble is None or pytest_timeout.is_debugging():
            continue
        if found or STOP is None:
            faulthandler.dump_traceback(sys.__stderr__)
            os._exit(1)
        found.append(trouble)
        for process in family(me)[1:]:
            with contextlib.suppress(psutil.Error):
                process.kill()
        signal.pthread_kill(threading.main_thread().ident, STOP)  # which ends its waiting, too
        look = Standstill(every=LOOK_SECONDS, still=still)
