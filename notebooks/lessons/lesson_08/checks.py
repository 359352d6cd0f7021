"""The checks of lesson 08."""

import numpy as np

from lessons.common.checks import Wrong, exercise

NAMES = ("K", "alpha", "beta")
WORDS = ("better", "worse", "not worse", "undecided")


@exercise
def honest(answer, table):
    """`table` has the rows of a grid, and those of its finalists on more folds."""
    if not isinstance(answer, dict) or set(answer) != {*NAMES, "recall_50"}:
        raise Wrong("Give a dictionary with K, alpha, beta and recall_50.")
    rows, finals = ({tuple(row[name] for name in NAMES): row for row in table[part]} for part in ("grid", "finals"))
    setting, found = tuple(answer[name] for name in NAMES), answer["recall_50"]
    several = {place: row for place, row in rows.items() if place[0] > 1}
    if setting[0] == 1:
        raise Wrong("One tower is what the others are compared with. Choose among those with K of 2 or more.")
    if setting not in rows:
        raise Wrong(f"K, α, β = {setting} is not in the grid: choose among the rows of table['grid'].")
    row, most = rows[setting], max(one["validation"] for one in several.values())
    if row["validation"] < most:
        if row["recall_50"] == max(one["recall_50"] for one in several.values()):
            raise Wrong(
                "This is the best of the grid for its *test* users. If they choose, nobody is left to judge: the "
                "validation users choose."
            )
        if setting == (4, 2.0, 1000.0):
            raise Wrong(f"This is the peak that the paper names. Validation users here say {row['validation']:.3f}.")
        if np.mean(row["cosine"]) < 0.3:
            raise Wrong(
                f"A low cosine, {np.mean(row['cosine']):.2f}, is not what was asked for: these towers differ, and the "
                f"validation users give them {row['validation']:.3f} against {most:.3f}."
            )
        raise Wrong(f"The validation users give this setting {row['validation']:.4f}; another one has {most:.4f}.")
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise Wrong(f"recall_50 should be a number; yours is {found!r}.")
    final = finals[setting]
    hints = {
        "validation": "The validation users chose it, so it is too high for them by what luck gave it: the winner's "
        "curse. Ask users who chose nothing.",
        "recall_50": "These are test users, and that is right, but only those of two folds. It was tested on eight.",
    }
    if abs(found - final["recall_50"]) < 6e-4:
        return (
            f"Recall@50 {final['recall_50']:.3f} on eight folds, where the validation users of the grid say "
            f"{row['validation']:.3f}. One tower, on the same eight: "
            f"{final['recall_50'] - final['over one tower'][0]:.3f}."
        )
    for name, hint in hints.items():
        if abs(found - row[name]) < 6e-4:
            raise Wrong(f"The right setting. {hint}")
    if abs(found - final["validation"]) < 6e-4:
        raise Wrong("The right setting, and eight folds; but that is the recall of their validation users.")
    if abs(found - final["over one tower"][0]) < 6e-4:
        raise Wrong("The right setting. That is its lead over one tower; give its recall.")
    raise Wrong(f"The right setting, but {found:.4f} is not its recall@50 in the finals.")


@exercise
def part(answer, trial):
    """`trial` trains at a β, K = 4 and α = 2, and reports on validation users."""
    from lessons.lesson_08.pictures import MARGIN, compare

    if isinstance(answer, bool) or not isinstance(answer, int | float):
        raise Wrong(f"Give one number, the β that you found; yours is {answer!r}.")
    if answer < 0:
        raise Wrong("A negative β would pull the towers together: give 0 or more.")
    if answer == 0:
        raise Wrong("At β = 0 the towers are copies; it is what you compare with.")
    mine, copies = trial(float(answer)), trial(0.0)
    difference, low, high = compare(mine, copies)
    said = f"recall@50 {difference:+.3f} [{low:+.3f}, {high:+.3f}] over β = 0"
    if mine.cosine > 0.6:
        raise Wrong(f"At β = {answer:g} the cosine is {mine.cosine:.2f}, above 0.6: still nearly copies. Push more.")
    if mine.recall.mean() < copies.recall.mean() / 2:
        raise Wrong(
            f"A low cosine, {mine.cosine:.2f}, of vectors that point nowhere useful: recall@50 is "
            f"{mine.recall.mean():.3f}, less than half of {copies.recall.mean():.3f}. Push much less."
        )
    if mine.shares.max() > 0.9:
        raise Wrong(
            f"One tower brings {mine.shares.max():.0%} of the hits; cosine {mine.cosine:.2f} is that of dead towers."
        )
    if high < 0:
        raise Wrong(f"The towers differ (cosine {mine.cosine:.2f}), but it costs: {said}. Push less.")
    if low <= -MARGIN:
        raise Wrong(
            f"The towers differ (cosine {mine.cosine:.2f}), but {said}: by the rule it is undecided, as its interval "
            f"reaches below −{MARGIN:g}. A mean alone does not decide."
        )
    return f"Cosine {mine.cosine:.2f} instead of {copies.cosine:.2f}; {said}. Apart, and not worse by the rule."


@exercise
def decide(answer, results_of):
    """`results_of` has, by name of a setting, what was measured of it, one a seed."""
    from lessons.lesson_08.pictures import word
    from mtmi_lite.metrics import paired_interval

    names = ("difference", "low", "high")
    if not isinstance(answer, dict) or set(answer) != {*names, "word"}:
        raise Wrong("Give a dictionary with difference, low, high and word.")
    if any(isinstance(answer[name], bool) or not np.isscalar(answer[name]) for name in names):
        raise Wrong("difference, low and high are one number each, the mean over users and the ends of its interval.")
    if not answer["low"] < answer["difference"] < answer["high"]:
        raise Wrong(
            "low and high are the ends of an interval around the difference; a difference alone decides nothing."
        )
    seeds = {name: np.array([one["recall_50"] for one in some]) for name, some in results_of.items()}
    mean = {name: values.mean(axis=0) for name, values in seeds.items()}
    half, full, four = "K = 8, half the steps", "K = 8", "K = 4"
    right = paired_interval(mean[half], mean[four], seed=0)
    found = np.array([float(answer[name]) for name in names])
    one = "That is one seed. It could have gone another way: average each user's recall over three seeds."
    turned = "The sign is turned round: the rule says K = 8 minus K = 4."
    more = "Here K = 8 had as many steps as K = 4, and so made twice the vectors. The rule is equal K × steps."
    pooled = "A user with three seeds is not three users: average over seeds first, or the interval is wrong."
    known = [(right, ""), ((-right[0], -right[2], -right[1]), turned)]
    known.append((paired_interval(mean[full], mean[four], seed=0), more))
    known += [(paired_interval(*pair, seed=0), one) for pair in zip(seeds[half], seeds[four], strict=True)]
    known.append((paired_interval(seeds[half].ravel(), seeds[four].ravel(), seed=0), pooled))
    off = [np.abs(found - interval).max() / (right[2] - right[1]) for interval, _ in known]
    wrong = "" if off[0] < 0.06 else known[int(np.argmin(off))][1]  # redrawing moves an interval by less
    if min(off) < 0.15 and wrong:
        raise Wrong(wrong)
    if min(off) < 0.15:
        if answer["word"] not in WORDS:
            raise Wrong(f"The numbers are right. The word is one of {', '.join(WORDS)}; yours is {answer['word']!r}.")
        if answer["word"] != word(right):
            raise Wrong(
                f"The numbers are right: [{right[1]:+.3f}, {right[2]:+.3f}]. Read the rule again, it does not say "
                f"{answer['word']!r} of them."
            )
        return f"{right[0]:+.3f} [{right[1]:+.3f}, {right[2]:+.3f}] at equal K × steps: {answer['word']}."
    if abs(found[0] - right[0]) < 0.15 * (right[2] - right[1]):
        raise Wrong(
            f"The difference is right; its interval should be about {right[2] - right[1]:.3f} wide, and yours is "
            f"{found[2] - found[1]:.3f}. Pair the users: the interval is that of the difference of each user."
        )
    raise Wrong(f"The difference in recall@50 is about {right[0]:+.3f} by the rule; yours is {found[0]:+.3f}.")
