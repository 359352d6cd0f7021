"""How quickly the panels answer in a real page, and what they take on the wire; and whether they always appear.

Usage: python -m tools.bench_panels [NN ...]     each panel of these lessons, moved through all its values
       python -m tools.bench_panels --loads 20   as many loads of a panel, eight busy processes on the browser's core

A time is from the event in the page (a key, a choice in a list, a press of a button) to the end of the redraw. Beside
it stands how fast the machine is just now (`notebooks.yardstick`): the bars are those of a machine of the usual speed.
"""

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

import nbformat
import numpy as np
import psutil
from playwright.sync_api import Locator, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tools import browser as real
from tools import notebooks as pipeline

MEDIAN, P95 = 100, 150
"""Milliseconds from an event to the redraw that the course promises on a quiet machine."""
MOST_BYTES = 200_000
"""The most a panel may send over the wire."""
FEWEST = 40
NO_REDRAW = 1500
"""Milliseconds after which a move has changed no figure: nobody has trained that position yet."""
BUSY, PATIENCE = 8, 60
LOADED = "from lessons.lesson_02.pictures import circle_panel\n\ncircle_panel()"
WATCH = """panel => {
    const stamp = () => { window.asked = performance.now(); };
    for (const kind of ["keydown", "change", "click"]) panel.addEventListener(kind, stamp, true);
    panel.addEventListener("drawn", () => { window.drawn?.(performance.now() - window.asked); });
}"""
AWAIT = """patience => {
    window.redrawn = new Promise((drawn) => { window.drawn = drawn; setTimeout(drawn, patience, null); });
}"""
REDRAWN = "async () => await window.redrawn"


def moves(panel: Locator) -> Iterator[tuple[Locator, str]]:
    """Every control there and back: what to act on, and the key to press or the option to choose."""
    for slider in panel.locator("[role=slider]:visible").all():
        low, high = (float(slider.get_attribute(f"aria-value{end}") or 0) for end in ("min", "max"))
        steps = round(high - low)
        for key in ["ArrowLeft"] * steps + ["ArrowRight"] * steps:
            yield slider, key
    for choice in panel.locator("select").all():
        for option in choice.locator("option").all_inner_texts():
            yield choice, option
    for button in panel.locator(".widget-toggle-button").all():
        yield button, ""


def answers(page: Page, panel: Locator) -> list[float]:
    """Milliseconds from each event to its redraw; a move to a figure that nobody has trained yet counts for nothing."""
    panel.evaluate(WATCH)
    times: list[float] = []
    for _ in range(8):
        for place, what in moves(panel):
            if place.is_disabled() or place.get_attribute("disabled") is not None:
                continue
            page.evaluate(AWAIT, NO_REDRAW)
            if place.get_attribute("role") == "slider":
                place.press(what)
            elif what:
                place.select_option(label=what)
            else:
                place.click()
            if taken := page.evaluate(REDRAWN):
                times.append(taken)
            if len(times) >= 2 * FEWEST:
                return times
        if len(times) >= FEWEST:
            break
    return times


def bytes_of(page: Page, panel: Locator, sizes: list[int]) -> int:
    """Count what the page receives when the cell of this panel runs again, now that everything else is there."""
    cell = panel.evaluate(
        """panel => {
            const all = window.jupyterapp.shell.currentWidget.content.widgets;
            return all.findIndex((cell) => cell.node.contains(panel));
        }"""
    )
    sizes.clear()
    page.evaluate(
        """async (index) => {
            window.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
            await window.jupyterapp.commands.execute("notebook:run-cell");
        }""",
        cell,
    )
    page.locator(f".jp-Notebook .jp-Cell[data-windowed-list-index='{cell}'] .mtmi-drawn").wait_for()
    return sum(sizes)


def measure(number: str, page: Page, lab: real.Lab, sizes: list[int]) -> dict[str, dict]:
    """The times and the bytes of each panel of a lesson, by its name."""
    lab.open(page, f"{pipeline.sources([number])[0].stem}.ipynb")
    real.run_all(page)
    page.locator(".mtmi-panel .mtmi-drawn").first.wait_for()
    rows = {}
    for index in range(page.locator(".mtmi-panel").count()):
        panel = page.locator(".mtmi-panel").nth(index)
        panel.scroll_into_view_if_needed()
        classes = (panel.get_attribute("class") or "").split()
        name = next(text[5:] for text in classes if text.startswith("mtmi-") and text != "mtmi-panel")
        speed = [pipeline.yardstick()]
        times = answers(page, panel)
        speed.append(pipeline.yardstick())
        median, p95 = np.percentile(times, [50, 95])
        size = bytes_of(page, panel, sizes)
        slower = float(np.mean(speed)) / pipeline.USUAL_YARDSTICK
        ok = bool(median / slower < MEDIAN and p95 / slower < P95 and size < MOST_BYTES)
        measured = {"median_ms": median, "p95_ms": p95, "moves": len(times), "bytes": size}
        rows[name] = measured | {"slower": slower, "ok": ok}
        verdict = "" if ok else f"  MISSES {MEDIAN} ms, {P95} ms or {MOST_BYTES // 1000} kB"
        print(
            f"lesson {number}, {name:>12}: from event to redraw, median {median:4.0f} ms, p95 {p95:4.0f} ms of "
            f"{len(times)} moves, on a machine {slower:.1f} times slower than usual: {median / slower:.0f} and "
            f"{p95 / slower:.0f} ms; {size / 1e3:.0f} kB{verdict}",
            flush=True,
        )
    page.evaluate("async () => await window.jupyterapp.serviceManager.sessions.shutdownAll()")
    return rows


def spin() -> None:
    while True:
        pass


def shows_and_answers(page: Page) -> float | None:
    """Seconds until the panel has its figure and has redrawn it after a key; None if either takes over a minute."""
    started = time.monotonic()
    panel = page.locator(".mtmi-panel")
    try:
        panel.locator(".mtmi-drawn .gtitle").wait_for(timeout=PATIENCE * 1000)
        panel.evaluate(WATCH)
        page.evaluate(AWAIT, PATIENCE * 1000)
        panel.locator("[role=slider]").nth(1).press("ArrowRight")
        if page.evaluate(REDRAWN):
            return time.monotonic() - started
    except PlaywrightTimeout:
        pass
    picture = pipeline.ROOT / "build" / "screenshots" / "load.png"
    page.screenshot(path=picture)
    print(f"no figure, or no answer: {picture} shows the page")
    return None


def loads(count: int, chromium: str) -> int:
    """Load a panel again and again, its browser on one core with busy processes: first, after a restart, a reload."""
    with real.jupyterlab() as lab, real.browser(chromium) as browser:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LOADED)])
        notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
        nbformat.write(notebook, lab.folder / "panel.ipynb")
        core = max(os.sched_getaffinity(0))
        for process in psutil.Process().children(recursive=True):
            if "chrom" in process.name():
                process.cpu_affinity([core])
        busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(BUSY)]
        for process in busy:
            process.start()
            psutil.Process(process.pid).cpu_affinity([core])
        good, worst = 0, 0.0
        for load in range(count):
            page, seconds = real.new_page(browser), []
            lab.open(page, "panel.ipynb")
            real.run_all(page)
            seconds.append(shows_and_answers(page))
            real.restart_kernel(page)
            real.run_all(page)
            seconds.append(shows_and_answers(page))
            real.save(page)
            page.reload()
            seconds.append(shows_and_answers(page))
            page.context.close()
            good += None not in seconds
            worst = max([worst, *(second for second in seconds if second is not None)])
            told = ", ".join("never" if second is None else f"{second:.1f} s" for second in seconds)
            print(f"load {load + 1}: figure and answer after {told} (first, restart, reload)", flush=True)
        print(f"{good} of {count} loads, {BUSY} busy processes on the browser's core; the slowest {worst:.1f} s")
        for process in busy:
            process.kill()
    return 0 if good == count else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("lesson", nargs="*", help="numbers of lessons, such as 00; all of them if none is given")
    parser.add_argument("--loads", type=int, help="load a panel this often beside busy processes, and do nothing else")
    arguments = parser.parse_args()
    chromium = pipeline.find_chromium()
    if chromium is None:
        print("No Chromium or Chrome found, so the panels are not measured; install one, or name it in BROWSER_PATH.")
        return 0
    if arguments.loads:
        return loads(arguments.loads, chromium)
    rows = {}
    with real.jupyterlab() as lab, real.browser(chromium) as browser:
        for source in pipeline.sources(arguments.lesson):
            sizes: list[int] = []
            page = real.new_page(browser)
            page.on("websocket", lambda socket, to=sizes: socket.on("framereceived", lambda text: to.append(len(text))))
            rows[source.stem[:2]] = measure(source.stem[:2], page, lab, sizes)
            page.context.close()
    path = pipeline.ROOT / "build" / "bench_panels.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
