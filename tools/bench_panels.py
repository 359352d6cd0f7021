"""How long a slider of a lesson's panel takes to answer: the 95th percentile over all values of all its controls.

Usage: python -m tools.bench_panels [NN ...]

Each lesson runs as far as its panel; then every control is moved through its values, there and back. Beside the time
stands its floor, redrawing a figure of two traces, which shows how fast the machine is.
"""

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import torch

from mtmi_lite.panels import Panel
from tools import notebooks as pipeline

MAX_MILLISECONDS = 100
FEWEST = 60


def panel_of(number: str) -> Panel:
    """The panel of a lesson, made as the lesson makes it."""
    names: dict = {"display": lambda *_, **__: None}
    for cell in pipeline.student(pipeline.read_source(pipeline.sources([number])[0])).cells:
        if cell.cell_type == "code" and "panel" not in names:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(cell.source, names)
    return names["panel"]


def milliseconds_of(act: Callable, *given: object) -> float:
    started = time.perf_counter()
    act(*given)
    return 1e3 * (time.perf_counter() - started)


def answers(panel: Panel) -> list[float]:
    """Milliseconds from a control's move until its picture is sent."""
    times: list[float] = []
    while len(times) < FEWEST:
        for name, control in panel.controls.items():
            for value in (*control.values, *reversed(control.values)):
                if panel.state[name] != value:
                    times.append(milliseconds_of(panel.go_to, {name: value}))
            panel.go_to(panel.start)
    return times


def floor() -> float:
    """Milliseconds that a figure of two traces takes to be made and redrawn."""
    widget = go.FigureWidget(go.Figure([go.Scatter(y=[0, 1]), go.Scatter(y=[1, 0])]))

    def act() -> None:
        redraw(widget, go.Figure([go.Scatter(y=[0, 2]), go.Scatter(y=[2, 0])]))

    return float(np.percentile([milliseconds_of(act) for _ in range(FEWEST)], 95))


def main() -> None:
    torch.set_num_threads(1)
    os.chdir(pipeline.NOTEBOOKS)
    sys.path[:0] = [str(pipeline.NOTEBOOKS)]
    rows = {}
    for source in pipeline.sources(sys.argv[1:]):
        times, least = answers(panel_of(source.stem[:2])), floor()
        p95 = float(np.percentile(times, 95))
        rows[source.stem[:2]] = {"p95_ms": p95, "floor_ms": least, "moves": len(times), "ok": p95 < MAX_MILLISECONDS}
        verdict = "" if p95 < MAX_MILLISECONDS else f"  MISSES {MAX_MILLISECONDS} ms"
        print(f"lesson {source.stem[:2]}: p95 {p95:5.1f} ms of {len(times)} moves, floor {least:4.1f} ms{verdict}")
    path = pipeline.ROOT / "build" / "bench_panels.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
