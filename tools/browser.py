"""A real JupyterLab in a real Chromium, for the browser tests and for `make bench`."""

import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tools.notebooks import NOTEBOOKS, LessonError

LAST_RESORT = 900
"""Seconds that anything in a page may take: a busy machine is no failure, and what stands still is ended before."""

# The idle sign of JupyterLab can be there before the kernel is: wait for the session, then for the command itself.
RUN_ALL = """async () => {
    const current = window.jupyterapp.shell.currentWidget;
    await current.context.ready;
    await current.sessionContext.ready;
    await window.jupyterapp.commands.execute("notebook:run-all-cells");
}"""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A running JupyterLab: its address and token, and the folder that it shows."""

    address: str
    token: str
    folder: Path

    def open(self, page: Page, name: str) -> None:
        """Open a notebook of the folder; nothing has run yet."""
        page.goto(f"{self.address}/lab/tree/{name}?token={self.token}&reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")

    def wait_until_up(self, server: subprocess.Popen, log: Path) -> None:
        """Wait until the server answers.

        Raises:
            LessonError: if it ends before that, with the end of its log.
        """
        status, deadline = f"{self.address}/api/status?token={self.token}", time.monotonic() + LAST_RESORT
        while time.monotonic() < deadline and server.poll() is None:
            try:
                urllib.request.urlopen(status, timeout=5).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise LessonError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


def run_all(page: Page) -> None:
    """Run all cells of the notebook that the page shows, and wait until they have run."""
    page.evaluate(RUN_ALL)


def restart_kernel(page: Page) -> None:
    """Give the notebook that the page shows a fresh kernel."""
    page.evaluate("async () => await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")


def save(page: Page) -> None:
    """Save the notebook that the page shows."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")


@contextlib.contextmanager
def jupyterlab() -> Iterator[Lab]:
    """A JupyterLab with a copy of the notebooks, because it saves what it runs, and with settings of its own."""
    with tempfile.TemporaryDirectory() as temporary, socket.socket() as free:
        home = Path(temporary)
        folder = home / "notebooks"
        shutil.copytree(NOTEBOOKS, folder, ignore=shutil.ignore_patterns("tests", "solved", ".*", "__pycache__"))
        folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")} | {
            f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")
        }
        news = home / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
        news.parent.mkdir(parents=True)
        news.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True}))
        free.bind(("127.0.0.1", 0))
        port, token, log = free.getsockname()[1], secrets.token_hex(16), home / "server.log"
        free.close()
        command = [
            *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}"),
            *("--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}"),
            "--LabApp.expose_app_in_browser=True",
        ]
        environment = os.environ | folders | {"OMP_NUM_THREADS": "1", "MTMI_GRADING": "0"}
        with log.open("wb") as output:
            server = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            lab = Lab(address=f"http://127.0.0.1:{port}", token=token, folder=folder)
            lab.wait_until_up(server, log)
            yield lab
        finally:
            server.terminate()  # which ends its kernels, too
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()


@contextlib.contextmanager
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        # a container has neither what the sandbox wants nor much shared memory
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield running
        running.close()


def new_page(browser: Browser) -> Page:
    """A page of the size of a small laptop's window, in a session of its own."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.set_default_timeout(LAST_RESORT * 1000)
    return page
