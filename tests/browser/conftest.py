"""A real JupyterLab in a real Chromium. Without Chromium these tests skip: nothing that a student runs needs it.

def test_the_panel(open_lesson, screenshot):
    panel = PanelPage(open_lesson("05_pull.ipynb"), "circle")
    panel.slider("α, share").press("ArrowRight")
    panel.shows_figure(state, figure_of(state))
    screenshot("05-panel")
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tools.notebooks import NOTEBOOKS, ROOT, find_chromium
from tools.try_binder import RUN_ALL

SCREENSHOTS = ROOT / "build" / "screenshots"
LAST_RESORT = 900
"""Seconds that anything in a page may take: a busy machine is no failure, and what stands still is ended before."""


@pytest.fixture(scope="session")
def chromium() -> str:
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium or Chrome found; install one, or name it in BROWSER_PATH, to run the browser tests")
    return path


@pytest.fixture(scope="session")
def notebook_folder(tmp_path_factory) -> Path:
    """A copy of the notebooks, because JupyterLab saves what it runs."""
    folder = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns("source", "solved", ".*", "__pycache__"))
    return folder


@pytest.fixture(scope="session")
def jupyterlab(chromium, notebook_folder, tmp_path_factory) -> Iterator[tuple[str, str]]:
    """The address and the token of a running JupyterLab that shows `notebook_folder`."""
    home = tmp_path_factory.mktemp("jupyter")
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")} | {
        f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")
    }
    news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}))

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, token = f"http://127.0.0.1:{port}", secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={notebook_folder}"),
        "--LabApp.expose_app_in_browser=True",
    ]
    log = home / "server.log"
    environment = os.environ | folders | {"OMP_NUM_THREADS": "1", "MTMI_GRADING": "0"}
    with log.open("wb") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(f"{address}/api/status?token={token}", server, log)
        yield address, token
    finally:
        server.terminate()  # which ends its kernels, too
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()


def _wait_until_up(status: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + LAST_RESORT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(status, timeout=5).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser(chromium) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # A container has neither what the sandbox wants nor much shared memory.
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


@pytest.fixture
def said() -> list[str]:
    """The errors in the browser's console; a test takes out those that it expects."""
    return []


@pytest.fixture
def page(browser, said) -> Iterator[Page]:
    """A page that may report no error in the console of the browser; only the badge's picture needs a network."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(LAST_RESORT * 1000)
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    # plotly rejects the promise of an animation that was paused, with nothing to say
    expected = ("undefined", "Failed to load resource: net::ERR_")
    assert [text for text in said if not text.startswith(expected)] == []


@pytest.fixture
def open_lesson(jupyterlab, page) -> Callable[..., Page]:
    """A function that opens a notebook, runs all its cells, and gives the page once they have run without an error.

    It evaluates `before` in the page when the notebook is open and nothing has run.
    """
    address, token = jupyterlab

    def open_and_run(name: str, before: str = "() => {}") -> Page:
        page.goto(f"{address}/lab/tree/{name}?token={token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.evaluate(before)
        page.evaluate(RUN_ALL)
        for kind in ("error", "stderr"):
            assert page.locator(f"[data-mime-type='application/vnd.jupyter.{kind}']").count() == 0
        return page

    return open_and_run


@pytest.fixture
def screenshot(page) -> Callable[[str], Path]:
    """A function that keeps what the page shows in build/screenshots."""

    def keep(name: str) -> Path:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        page.screenshot(path=path)
        return path

    return keep
