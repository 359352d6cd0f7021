"""Try what Binder would do, without docker and conda: build in an empty folder, start the server, run every lesson.

Usage: python -m tools.try_binder

repo2docker names the steps; a virtual environment stands in for that of conda, which has a Python and pip (see
`environment.yml`), and where root calls it an unprivileged user runs them. The lessons run in JupyterLab under
Chromium, one kernel at a time. What was measured is written to binder/measured.json: seconds of each step, size, and
the peak of the memory that server and kernel take together (proportional set size, sampled).
"""

import json
import os
import platform
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from playwright.sync_api import Page

from mtmi_lite.files import save_text
from tools import browser as real
from tools.notebooks import ROOT, LessonError, find_chromium, memory_of, sources

PYTHON = "3.11"
NOBODY = 65_534


def dockerfile(clone: Path) -> str:
    """The build that repo2docker would make of a clone."""
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


def check_dockerfile(text: str) -> None:
    """Raise LessonError unless repo2docker takes our Python, our steps and our start script."""
    wanted = [f"python={PYTHON}", "src/binder/environment.yml", "./binder/postBuild", "binder/start"]
    if missing := [step for step in wanted if step not in text]:
        raise LessonError(f"repo2docker does not take {', '.join(missing)}; see `jupyter-repo2docker --no-build .`")


class Peak(threading.Thread):
    """The largest memory of a process and its children, in MB; what two of them share counts once."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root, self.most, self.done = psutil.Process(pid), 0.0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.3):
            self.most = max(self.most, memory_of([self.root, *self.root.children(recursive=True)]) / 1e6)


def as_nobody() -> dict:
    """How subprocess starts something as a user without rights; only root can become another user."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def size_of(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def build(home: Path, environment: dict) -> dict:
    """A clone in `home`, the environment that conda would make, and binder/postBuild; what that took."""
    clone = home / "repository"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    check_dockerfile(dockerfile(clone))
    for path in (home, *home.rglob("*")):
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    started = time.perf_counter()
    python = shutil.which(f"python{PYTHON}", path="/usr/local/bin:/usr/bin") or sys.executable  # one that all may run
    subprocess.run([python, "-m", "venv", str(home / "env")], env=environment, check=True, **as_nobody())
    with (home / "build.log").open("wb") as log:
        done = subprocess.run(
            ["binder/postBuild"], cwd=clone, env=environment, stdout=log, stderr=subprocess.STDOUT, **as_nobody()
        )
    if done.returncode:
        raise LessonError("binder/postBuild failed:\n" + (home / "build.log").read_text()[-2000:])
    return {
        "build_seconds": round(time.perf_counter() - started),
        "megabytes": {"packages": round(size_of(home / "env") / 1e6), "repository": round(size_of(clone) / 1e6)},
    }


def run_lessons(page: Page, lab: real.Lab, server: int, started: float) -> dict:
    """Open and run every lesson, one kernel at a time; what each took, and when the first picture was there."""
    found: dict = {"lessons": {}}
    for source in sources():
        peak = Peak(server)
        peak.start()
        begun = time.perf_counter()
        lab.open(page, f"notebooks/{source.stem}.ipynb")
        if "first_picture_seconds" not in found:
            # the committed pictures are there at once; clear them, so that what appears is drawn by this kernel
            page.evaluate("() => window.jupyterapp.commands.execute('editmenu:clear-all')")
            page.evaluate(f"() => {{ window.ran = ({real.RUN_ALL})(); }}")
            page.wait_for_selector(".js-plotly-plot .main-svg")
            found["first_picture_seconds"] = round(time.perf_counter() - started, 1)
            page.evaluate("() => window.ran")
        else:
            real.run_all(page)
        errors = page.locator("[data-mime-type='application/vnd.jupyter.error']").count()
        if errors:
            raise LessonError(f"{source.stem}: {errors} cells end in an error")
        peak.done.set()
        peak.join()
        seconds = round(time.perf_counter() - begun, 1)
        found["lessons"][source.stem[:2]] = {"seconds": seconds, "peak_mb": round(peak.most)}
        print(f"{source.stem}: {seconds} s, server and kernel {peak.most:.0f} MB")
        page.evaluate("async () => await window.jupyterapp.serviceManager.sessions.shutdownAll()")
    return found


def main() -> int:
    chromium = find_chromium()
    if chromium is None:
        print("try_binder: no Chromium or Chrome found; install one, or name it in BROWSER_PATH", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        home.chmod(0o755)
        environment = {
            "HOME": str(home),
            "PATH": f"{home / 'env' / 'bin'}:{os.environ['PATH']}",
            "LANG": "C.UTF-8",
            **{name: value for name, value in os.environ.items() if name.startswith(("PIP_", "HTTP", "SSL"))},
        }
        measured = build(home, environment)
        print(f"built in {measured['build_seconds']} s: {measured['megabytes']} MB")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        clone, token, log = home / "repository", secrets.token_hex(16), home / "server.log"
        lab = real.Lab(address=f"http://127.0.0.1:{port}", token=token, folder=clone)
        command = [
            *(str(clone / "binder" / "start"), "jupyter", "lab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
            *(f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True"),
        ]
        started = time.perf_counter()
        with log.open("wb") as output:
            server = subprocess.Popen(command, cwd=clone, env=environment, stdout=output, stderr=output, **as_nobody())
        try:
            lab.wait_until_up(server, log)
            measured["server_seconds"] = round(time.perf_counter() - started, 1)
            with real.browser(chromium) as browser:
                measured |= run_lessons(real.new_page(browser), lab, server.pid, started)
        finally:
            server.terminate()
            server.wait(timeout=30)
    measured["about"] = {
        "command": "python -m tools.try_binder",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "python": PYTHON,
    }
    text = json.dumps(measured, indent=1)
    save_text(ROOT / "binder" / "measured.json", re.sub(r"\n   +", " ", text) + "\n")
    worst = max(lesson["peak_mb"] for lesson in measured["lessons"].values())
    return int(worst >= 1000)


if __name__ == "__main__":
    sys.exit(main())
