"""The lessons: a folder each. A notebook imports this before anything else, and hears what is missing."""

import importlib
import importlib.util

NEEDED = ("torch", "faiss", "sklearn", "umap", "plotly", "ipywidgets", "anywidget", "mtmi_lite")
if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
    raise ImportError(
        f"missing: {', '.join(missing)}. Close this notebook and run `make lab` or `python tools/start.py` in the "
        "project's folder: it installs everything and opens the course. In VS Code, choose the Python of .venv as the "
        "kernel. In an environment of your own: `pip install -e . -c constraints.txt`, and open this notebook "
        "where it lies, in the folder notebooks/."
    )

# before PyTorch and Faiss, which read what it sets for them when they are imported
importlib.import_module("mtmi_lite")
