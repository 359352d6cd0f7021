"""The checks of lesson 06."""

import numpy as np

from lessons.common.checks import Wrong, exercise


@exercise
def repel_by_hand(answer):
    target = np.array([1.0, 0.0])
    three = np.array([[0.8, 0.6], [0.6, 0.8], [0.0, 1.0]])
    right = np.array([0.48, 0.78, 1.2])
    found = np.asarray(answer(three, target, 0.5), dtype=float)
    if found.shape != (3,):
        raise Wrong(f"Three vectors need three numbers, one a tower; your answer has the shape {found.shape}.")

    def is_near(wrong):
        return np.allclose(found, wrong, atol=1e-6)

    if is_near(np.maximum(0, 0.5 - (three @ target)[:, None] + three @ three.T).mean(axis=1)):
        raise Wrong("The tower is among its own negatives; its cosine with itself is always 1. Leave it out.")
    if is_near(right * 2 / 3):
        raise Wrong("You divide by K. Each tower has K − 1 others.")
    if is_near(right * 2):
        raise Wrong("That is the sum over the other towers; we take the mean.")
    if is_near([0.5 + 0.78, 0.5 + 0.88, 0.5 + 0.7]):
        raise Wrong("The pull is missing: the similarity to the target is subtracted.")
    if is_near([0.66, 0.86, 1.3]):
        raise Wrong("That is the nearest sibling only; take the mean over all other towers.")
    if is_near([0.52, 0.22, 0.0]) or (found < right - 0.3).all():
        raise Wrong("Check the signs: a near sibling makes the repel larger, a near target makes it smaller.")
    if not is_near(right):
        raise Wrong(f"For the three towers above it should be {right.tolist()}, not {found.round(3).tolist()}.")
    # tower 1 meets the margin against tower 3 and misses it against tower 2
    apart = np.array([[0.8, 0.6], [0.6, 0.8], [0.6, -0.8]])
    found, expected = np.asarray(answer(apart, target, 0.5)), [(0.66 + 0.0) / 2, (0.86 + 0.0) / 2, 0.0]
    if np.allclose(found, [(0.66 - 0.3) / 2, (0.86 - 0.38) / 2, -0.24], atol=1e-6) or (found < -1e-9).any():
        raise Wrong("A sibling that is far enough counts 0, not less: the hinge max(0, …) is missing.")
    if np.allclose(found, np.maximum(0, [(0.66 - 0.3) / 2, (0.86 - 0.38) / 2, -0.24]), atol=1e-6):
        raise Wrong(
            "Take max(0, …) of each sibling first and the mean afterwards: a far one must not forgive a near one."
        )
    if not np.allclose(found, expected, atol=1e-6):
        raise Wrong(f"Where some siblings are far enough it should be {expected}, not {found.round(3).tolist()}.")
    with np.errstate(all="ignore"):
        alone = np.asarray(answer(three[:1], target, 0.5), dtype=float)
    if alone.shape != (1,) or not np.array_equal(alone, [0.0]):
        raise Wrong(f"One tower alone has no siblings, so its repel is 0, not {alone.tolist()}. Beware of 0 / 0.")
    return "The other towers are the negatives, the target pulls, and one tower alone is left in peace."


@exercise
def choose(answer, sweep, one_tower):
    """`sweep` maps β to (recall@50, cosine) on validation users; `one_tower` is the recall of one tower."""
    if not isinstance(answer, int | float) or isinstance(answer, bool) or answer not in sweep:
        raise Wrong(f"Give one of the trained β: {', '.join(f'{beta:g}' for beta in sweep)}; not {answer!r}.")
    recall, cosine = sweep[answer]
    if cosine > 0.9:
        raise Wrong(f"At β = {answer:g} the cosine is {cosine:.2f}: these are copies, an ensemble at best.")
    if cosine > 0.6:
        raise Wrong(
            f"Recall is {recall:.3f}, but the cosine {cosine:.2f} is above 0.6: the towers have not parted yet."
        )
    if recall <= one_tower / 2:
        raise Wrong(
            f"A splendid cosine, {cosine:.2f}, and recall {recall:.3f} against {one_tower:.3f} of one tower: these "
            "vectors differ, but they point nowhere useful."
        )
    if recall <= one_tower:
        raise Wrong(
            f"The towers differ (cosine {cosine:.2f}), but recall {recall:.3f} is below one tower, {one_tower:.3f}."
        )
    return (
        f"Cosine {cosine:.2f} and recall {recall:.3f} against {one_tower:.3f} of one tower. Both were needed to see it."
    )


@exercise
def hard_weights(answer):
    similarity = np.array([0.0, np.log(2.0), np.log(5.0)])
    found = np.asarray(answer(similarity.copy(), 1.0), dtype=float)
    right = np.array([0.375, 0.75, 1.875])
    if found.shape != (3,):
        raise Wrong(f"Three negatives need three weights; your answer has the shape {found.shape}.")

    def is_near(wrong):
        return np.allclose(found, wrong, atol=1e-6)

    if is_near(right / 3):
        raise Wrong("Your weights sum to 1, so all negatives together would count as one. They should average 1.")
    if is_near([1.0, 2.0, 5.0]):
        raise Wrong(
            "Divide by the mean over the negatives; otherwise harder negatives also make the loss as a whole larger."
        )
    if found[0] > found[2]:
        raise Wrong("Your easiest negative counts most. The sign of h · s is turned round.")
    if is_near(np.array([1.0, 2.0, 5.0]) / 5):
        raise Wrong("You divide by the largest. Divide by the mean.")
    if is_near(1 + similarity - similarity.mean()) or is_near(similarity / similarity.mean()):
        raise Wrong("The weights grow with exp(h · s), not with s itself.")
    if not is_near(right):
        raise Wrong(
            f"For s = [0, ln 2, ln 5] and h = 1 they should be {right.tolist()}, not {found.round(3).tolist()}."
        )
    if not np.allclose(answer(similarity.copy(), 0.0), 1.0):
        raise Wrong("With h = 0 all negatives should count 1.")
    doubled = np.asarray(answer(similarity.copy(), 2.0), dtype=float)
    if np.allclose(doubled, right, atol=1e-6) or not np.allclose(doubled, [0.1, 0.4, 2.5], atol=1e-6):
        raise Wrong(
            f"With h = 2 they should be [0.1, 0.4, 2.5], not {doubled.round(3).tolist()}: h multiplies s inside exp."
        )
    with np.errstate(all="ignore"):
        large = np.asarray(answer(np.array([0.0, 2000.0]), 1.0), dtype=float)
    if not np.allclose(large, [0.0, 2.0]):
        raise Wrong(
            "exp of a large number overflows: subtract the largest h · s before exp, which changes nothing else."
        )
    return "Harder negatives count more, and all together count as many as before."
