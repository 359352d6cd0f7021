"""Lesson 06's computations, figures and panel."""

import numpy as np
import pytest
import torch

from lessons.common.panels import WIDTH
from lessons.lesson_06 import pictures
from mtmi_lite import interactions
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.losses import MultiTowerLoss


@pytest.fixture(scope="module")
def world():
    return datasets.planted_interests(num_interests=20, items_per_interest=5, num_users=200, interests_per_user=3)


@pytest.fixture(scope="module")
def watched(world):
    split = interactions.split_users(world.log, seed=0)
    loss = dict(pull="triplet", share="raw", alpha=2.0)
    return {
        name: pictures.watch(
            Recipe(dim=8, num_towers=3, objective=MultiTowerLoss(beta=beta, **loss), learning_rate=1e-2),
            world,
            split,
            steps=40,
            seed=0,
            looks=4,
        )
        for name, beta in {"none": 0.0, "far too much": 1000.0}.items()
    }


def test_a_training_is_watched_from_before_its_first_step_to_its_last(watched):
    none, much = watched.values()
    assert none.steps.tolist() == [0, 10, 20, 30, 40]
    assert none.vectors.shape == (5, 20, 3, 8)
    assert np.allclose(np.linalg.norm(none.vectors, axis=-1), 1, atol=1e-5)
    assert np.array_equal(none.vectors[0], much.vectors[0])  # the same fresh towers
    assert much.cosine[-1] < 0.6 < 0.8 < none.cosine[-1]
    # what is written down is what the training itself measured on the same users
    assert none.recall[[0, -1]] == pytest.approx(none.run.validation_recall)


def test_the_centre_of_an_interest_is_the_middle_of_its_items(watched, world):
    one = watched["none"]
    assert one.run.best_step == 40  # so the model is as it was at the last look
    with torch.no_grad():
        items = torch.nn.functional.normalize(one.run.model.items(torch.arange(world.log.num_items)), dim=1).numpy()
    middle = items[world.item_interest == 7].mean(axis=0)
    assert one.centres[-1, 7] == pytest.approx(middle / np.linalg.norm(middle), abs=1e-5)


def test_the_push_alone_pulls_and_parts_and_stops_at_the_margin():
    angles = torch.deg2rad(torch.tensor([100.0, 180.0]))
    target = torch.tensor([1.0, 0.0])
    path = pictures.push_alone(torch.stack([angles.cos(), angles.sin()], dim=1), target, margin=0.5, rounds=150)
    start, end = path[0], path[-1]
    assert (end @ target > start @ target).all()
    assert end[0] @ end[1] < start[0] @ start[1]
    assert (0.5 - end @ target + end[0] @ end[1] <= 0).all()
    assert torch.equal(path[-1], path[-2])


def test_the_figures_show_the_numbers(watched):
    paths = pictures.paths_figure(watched, title="paths")
    assert paths.data[0].y.tolist() == watched["none"].cosine.round(3).tolist()
    assert f"{watched['far too much'].recall[-1]:.3f}" in paths.layout.meta["alt"]
    sweep = pictures.sweep_figure([0.0, 0.25], {"recall@50": [0.1, 0.2]}, 0.15, title="sweep")
    assert sweep.data[0].x == ("0", "0.25")
    assert sweep.data[-1].y == (0.15, 0.15)
    circle = pictures.circle_figure(torch.eye(2).expand(3, 2, 2), torch.tensor([0.0, 1.0]), title="circle")
    assert circle.layout.meta["alt"].startswith("Vectors on a circle, target at 90°: tower 1 from 0° to 0°;")


def test_two_rows_hold_the_pca_at_one_scale(watched):
    layouts = np.stack([np.full((6, 2), 1.0), np.full((6, 2), 3.0)]).astype(np.float32)
    figure = pictures.two_rows(layouts, layouts, np.repeat([0, 1], 3), ["before", "after"], title="rows")
    assert figure.layout.xaxis.range == figure.layout.xaxis2.range == figure.layout.yaxis2.range
    assert figure.layout.xaxis3.range is None
    assert [trace.name for trace in figure.data[:2]] == ["Tower 1", "Tower 2"]


def test_a_frame_is_what_was_seen_at_its_step(watched, world):
    one = watched["none"]
    figure = pictures.time_lapse(one, world, name="none", followed=2)
    assert [frame.name for frame in figure.frames] == ["0", "10", "20", "30", "40"]
    assert figure.frames[1].layout.title.text.startswith(f"none · step 10 · cosine {one.cosine[1]:.2f} · ")
    assert figure.layout.title.text == figure.frames[-1].layout.title.text
    everyone, followed = figure.frames[1].data[1:4], figure.frames[1].data[-1]
    assert [trace.x[2] for trace in everyone] == list(followed.x)  # the third user, large
    likes = world.interest_names[world.user_interests[one.shown[2]]]
    assert list(figure.data[-2].text) == list(likes)
    assert len(figure.layout.sliders[0].steps) == 5
    assert [button.label for button in figure.layout.updatemenus[0].buttons] == ["▶ Play", "❚❚ Pause"]
    # the legs of a user begin in the middle of the three vectors, and a gap ends them
    legs = figure.frames[4].data[0]
    middle = np.mean([trace.x[0] for trace in figure.frames[4].data[1:4]])
    assert legs.x[0] == pytest.approx(middle, abs=0.011)
    assert np.isnan(legs.x[6])
    assert legs.x.dtype == np.float32  # sent as it is, in half the bytes of double precision


def test_all_frames_share_their_axes(watched, world):
    one = watched["none"]
    figure = pictures.time_lapse(one, world, name="none", followed=0)
    # a straight shadow shortens every distance and lengthens none
    first, last = (np.stack([figure.frames[look].data[1].x, figure.frames[look].data[1].y], axis=1) for look in (0, 4))
    shadow = np.linalg.norm(first - last, axis=1)
    assert (shadow <= np.linalg.norm(one.vectors[0, :, 0] - one.vectors[4, :, 0], axis=1) + 0.03).all()
    assert shadow.max() > 0.1


def test_the_panel_plays_the_training_and_follows_the_user(watched, world):
    panel = pictures.time_lapse_panel(watched, world, {"Ruin": {"training": "far too much"}})
    assert panel.state == {"training": "none", "follow": f"user {watched['none'].shown[0]}"}
    panel.go_to({"training": "far too much", "follow": f"user {watched['none'].shown[3]}"})
    expected = pictures.time_lapse(watched["far too much"], world, name="far too much", followed=3)
    assert panel.figure == expected.update_layout(width=WIDTH)
    assert panel.message.value == expected.layout.meta["alt"]
