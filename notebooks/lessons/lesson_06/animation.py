"""Draw the picture at the top of the README: the user vectors of two trainings, side by side, through time.

Usage: PYTHONPATH=notebooks python -m lessons.lesson_06.animation   (needs Chromium; writes images/divergence.gif)

Both trainings are lesson 06's: the paper's own loss without its repel, and attention pooling with normalised weights.
"""

import io
import sys

import plotly.graph_objects as go
import torch
from PIL import Image
from plotly.subplots import make_subplots

from lessons.common.figures import finished
from lessons.lesson_06.pictures import Watched, time_lapse, watch
from mtmi_lite.data.datasets import planted_interests
from mtmi_lite.interactions import split_users
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.towers import AttentionPooling
from tools.notebooks import NOTEBOOKS, find_chromium, paint_with

TARGET = NOTEBOOKS / "images" / "divergence.gif"
MAX_BYTES = 1_000_000
PAPER = MultiTowerLoss(pull="triplet", share="raw", alpha=2.0, beta=0.0)
TRAININGS = {
    "The paper's weights, no repel: copies": Recipe(objective=PAPER, dim=16, learning_rate=8e-3),
    "Attention pooling, α = 5: specialists": Recipe(
        tower=AttentionPooling, objective=MultiTowerLoss(alpha=5.0, beta=0.0), dim=16, learning_rate=8e-3
    ),
}


def trainings(*, steps: int = 400, looks: int = 20, seed: int = 0) -> dict[str, tuple[go.Figure, Watched]]:
    """The time-lapse of each training, and what it was drawn from."""
    world = planted_interests(items_per_interest=10, seed=seed)
    split = split_users(world.log, seed=seed)
    found = {}
    for name, recipe in TRAININGS.items():
        watched = watch(recipe, world, split, steps=steps, seed=seed, looks=looks)
        found[name] = time_lapse(watched, world, name=name, followed=0), watched
    return found


def frame(lapses: dict[str, tuple[go.Figure, Watched]], look: int) -> go.Figure:
    """One moment of all trainings."""
    titles = [
        f"{name}<br>cosine {watched.cosine[look]:.2f} · recall@50 {watched.recall[look]:.2f}"
        for name, (_, watched) in lapses.items()
    ]
    figure = make_subplots(cols=len(lapses), subplot_titles=titles, horizontal_spacing=0.03)
    for column, (lapse, _) in enumerate(lapses.values(), start=1):
        for trace, moved in zip(lapse.data, lapse.frames[look].data, strict=True):
            figure.add_trace(go.Scatter(trace).update(x=moved.x, y=moved.y, showlegend=False), row=1, col=column)
    axis = dict(range=(-1.05, 1.05), showticklabels=False, zeroline=False)
    figure.update_xaxes(axis).update_yaxes(axis)
    _, first = next(iter(lapses.values()))
    title = f"Four vectors a user, after {first.steps[look]} training steps"
    return finished(figure, title=title, alt=title, height=430).update_layout(margin_t=95, title_y=0.97)


def main() -> int:
    chromium = find_chromium()
    if chromium is None:
        print("no Chromium or Chrome found; install one, or name it in BROWSER_PATH", file=sys.stderr)
        return 1
    torch.set_num_threads(1)
    lapses = trainings()
    looks = len(next(iter(lapses.values()))[1].steps)
    pictures = paint_with(chromium)([frame(lapses, look).to_plotly_json() for look in range(looks)], "png")
    images = [Image.open(io.BytesIO(picture)).convert("P", palette=Image.Palette.ADAPTIVE) for picture in pictures]
    milliseconds = [350] * (looks - 1) + [3000]
    images[0].save(
        TARGET, save_all=True, append_images=images[1:], duration=milliseconds, loop=0, optimize=True, disposal=1
    )
    size = TARGET.stat().st_size
    print(f"{TARGET.name}: {looks} frames, {size / 1e3:.0f} kB")
    return int(size > MAX_BYTES)


if __name__ == "__main__":
    sys.exit(main())
