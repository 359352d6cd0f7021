"""Set the course up in .venv, and open it in JupyterLab.

    python tools/start.py [WORD ...]      set up, and open lesson 00; the words are options of JupyterLab
    python tools/start.py install [dev]   set up only; dev: also what the tests and the other make targets need

Any Python from 3.6 on runs this file: it looks for one that the course can use, and says at once what is missing.
PYTHON names the Python to use, TORCH_INDEX one more package index. The Makefile calls this file, too.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(os.path.abspath(__file__)).parent.parent
VENV = Path(".venv")
VENV_PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
FIRST = "00_see_one_customer_as_four.ipynb"
LOCKS = ("pyproject.toml", "constraints.txt")
STAMPS = {"dask": VENV / ".installed", "dev": VENV / ".installed-dev"}
"""By the extra of pyproject.toml: a file that says from which locks it was installed."""
NEEDED_GB = 3.0
"""Free on the disk: what the packages take, and what pip takes while it unpacks them."""
CUDA_GB = 9.0
"""With the CUDA packages, which PyTorch from the Python package index brings along on Linux."""

VERSIONS = "Python 3.11, 3.12 or 3.13"
SYSTEMS = "Linux (x86-64 or Arm) with glibc 2.28 or newer, macOS 14 or newer on Apple silicon, Windows on x64"
PROBE = """
import importlib.util, json, platform, sys, sysconfig
mac, windows = sys.platform == "darwin", sys.platform == "win32"
print(json.dumps({
    "version": list(sys.version_info[:2]),
    "system": sys.platform,
    "machine": sysconfig.get_platform() if windows else platform.machine(),
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "libc": platform.libc_ver() if not (mac or windows) else ["", ""],
    "macos": platform.mac_ver()[0] if mac else "",
    "modules": [name for name in ("ensurepip", "pip", "venv") if importlib.util.find_spec(name)],
}))
"""


def probe(command: "list[str]") -> "dict | None":
    """A Python's account of itself and its system. A name on the PATH may be a shim that leads nowhere: then None."""
    environment = dict(os.environ, SYSTEM_VERSION_COMPAT="0")  # or an old Python takes macOS 14 for 10.16
    try:
        done = subprocess.run(
            [*command, "-c", PROBE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=60,
        )
        return json.loads(done.stdout.decode())
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def numbers(version: str) -> "list[int]":
    """The first two numbers of a version.

    >>> numbers("14.5.1"), numbers("15")
    ([14, 5], [15, 0])
    """
    return [int(part) if part.isdigit() else 0 for part in [*version.split("."), "0"][:2]]


def objection(python: dict) -> str:
    """Why the course cannot be installed for the Python that said this of itself; an empty text if it can."""
    if not [3, 11] <= python["version"] <= [3, 13]:
        return "it is Python {}.{}".format(*python["version"])
    machine, (libc, version) = python["machine"], python["libc"]
    known = {"linux": ("x86_64", "aarch64"), "darwin": ("arm64",), "win32": ("win-amd64",)}.get(python["system"], ())
    if machine not in known or python["bits"] != 64:
        found = f"it is a {python['bits']}-bit Python for {machine} on {python['system']}"
    elif python["system"] == "linux" and libc != "glibc":
        found = "this Linux has no glibc (Alpine, for one, has musl)"
    elif python["system"] == "linux" and numbers(version) < [2, 28]:
        found = f"this Linux has glibc {version}"
    elif python["system"] == "darwin" and numbers(python["macos"]) < [14, 0]:
        found = "this is macOS {}".format(python["macos"])
    else:
        return ""
    return f"{found}, for which not all packages exist; they do for {SYSTEMS}"


def find_python() -> "list[str]":
    """The command of a Python that the course can use; where there is none, the end, with what was found."""
    if os.environ.get("PYTHON"):
        commands = [[os.environ["PYTHON"]]]
    else:
        commands = [[sys.executable], ["python3"], ["python3.13"], ["python3.12"], ["python3.11"]]
        if os.name == "nt":
            commands += [["python"], ["py", "-3.13"], ["py", "-3.12"], ["py", "-3.11"]]
    objections = {}  # each once
    for command in commands:
        python = probe(command)
        if python is None:
            reason = "it does not run" if os.environ.get("PYTHON") else ""
        elif objection(python):
            reason = objection(python)
        elif "ensurepip" not in python["modules"] or "venv" not in python["modules"]:
            reason = "it lacks venv or ensurepip, which Debian and Ubuntu keep in python3-venv: install that"
        else:
            return command
        if reason:
            objections.setdefault(reason, " ".join(command))
    found = "\n".join(f"  {name}: {reason}" for reason, name in objections.items())
    return sys.exit(
        f"MTMI-lite needs {VERSIONS}, and found:\n{found or '  no Python'}\nName another with `make lab "
        "PYTHON=/path/to/python3.12` or, without make, start with `/path/to/python3.12 tools/start.py`. The badge in "
        "README.md opens the course on Binder, where nothing has to be installed."
    )


def install(extra: str) -> None:
    """Make .venv hold the packages of this extra, unless it does."""
    locks = "".join(Path(name).read_text(encoding="utf-8") for name in LOCKS)
    wanted = hashlib.sha256(locks.encode()).hexdigest()
    if STAMPS[extra].exists() and STAMPS[extra].read_text() == wanted:
        return
    here = probe([str(VENV_PYTHON)])
    index = os.environ.get("TORCH_INDEX")
    if here is None or objection(here) or "pip" not in here["modules"]:
        python = find_python()
        free = shutil.disk_usage(".").free / 1e9
        if free < NEEDED_GB:
            sys.exit(f"{free:.1f} GB are free on this disk, and the course needs {NEEDED_GB:g}.")
        if free < CUDA_GB and sys.platform == "linux" and not index:
            print(
                f"{free:.1f} GB are free. If PyTorch brings CUDA along, that may not do; with TORCH_INDEX="
                "https://download.pytorch.org/whl/cpu it comes without."
            )
        print("Making .venv with {}.".format(" ".join(python)), flush=True)
        if call(*python, "-m", "venv", "--clear", VENV):
            sys.exit("No .venv could be made; what stands above says why.")
    # The stamps are written last, so that an interrupted installation is taken up again. dev holds what dask does.
    stamps = [STAMPS["dask"], STAMPS[extra]]
    for stamp in stamps:
        if stamp.exists():
            stamp.unlink()
    print("Installing into .venv; the first time takes minutes.", flush=True)
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    what = ["--editable", f".[{extra}]", "--constraint", "constraints.txt"]
    if call(*pip, *what, *(["--extra-index-url", index] if index else [])):
        sys.exit("The packages were not installed; what stands above says why. The same command goes on from here.")
    for stamp in stamps:
        stamp.write_text(wanted)


def call(*command: object) -> int:
    return subprocess.call([str(word) for word in command], stdin=subprocess.DEVNULL)


def lab(options: "list[str]") -> int:
    """JupyterLab in notebooks/, until it ends. It prints the address of lesson 00, too: a container has no browser."""
    command = [str(VENV_PYTHON), "-m", "jupyterlab", "--ServerApp.root_dir=notebooks"]
    command += [f"--LabApp.default_url=/lab/tree/{FIRST}", *options]
    if os.name == "nt":
        server = subprocess.Popen(command)
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # is the server's, too, which asks whether it is meant
                pass
    if os.geteuid() == 0 and "--allow-root" not in options:
        print("You are root, so JupyterLab is started with --allow-root.", flush=True)
        command.append("--allow-root")
    return os.execv(command[0], command)


def main(words: "list[str]") -> int:
    os.chdir(str(ROOT))
    if words[:1] != ["install"]:
        install("dask")
        return lab(words)
    if words[1:] not in ([], ["dev"]):
        sys.exit("install {}: after install comes dev, or nothing".format(" ".join(words[1:])))
    install("dev" if words[1:] else "dask")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Stopped. The same command goes on from here.")
