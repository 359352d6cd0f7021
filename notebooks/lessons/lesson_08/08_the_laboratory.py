# ---
# jupyter:
#   course:
#     builds: experiments over α, β and K
#     after: ["05", "06", "07"]
#     minutes: 60
# ---

# %% [markdown]
# # The laboratory: where is the peak?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# The paper tries many settings of [K](glossary.md#k), [α](glossary.md#alpha) and [β](glossary.md#beta), and names the best. Here you read such a grid with its intervals, train settings of your own beside it, and decide by a rule that you write down first. A laboratory needs few tools and some discipline.
#
# **Afterwards you can**
#
# 1. choose a setting from a grid, and say honestly what it is worth (exercise 1),
# 2. find a setting by training, with users who may choose (exercise 2),
# 3. decide between two settings at equal cost, with several seeds (exercise 3).
#
# **You need** lessons 05 to 07: α, β, the cosine between towers, and the merged list.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
data = "online-retail"  # what your own trainings read; or "planted"; or "movielens", after `make data`
grid_file = "results/grid_movielens.json"

# %%
try:
    from lessons.lesson_08 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import json
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from lessons.common.maps import load_grid
from lessons.lesson_08 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.lab.cells import Cell, run_cells
from mtmi_lite.lab.recipes import recipe_at
from mtmi_lite.runs import load_run

torch.set_num_threads(1)  # these steps are too small to share
own_steps, cell_steps = {"fast": (250, 120), "full": (1500, 1000)}[profile]
table = json.loads(Path(grid_file).read_text(encoding="utf-8"))
landscape = pictures.Landscape(table["grid"])

# %%
landscape.maps(title="MovieLens-100k, the paper's loss: recall@50 over one tower (★ chosen, P the paper's peak)")

# %% [markdown]
# That is where this lesson ends up: **no peak, but a plain with a cliff.** Each square is one training on each of two [folds](glossary.md#fold). Blue is above one tower, orange below; the colour ends at ±0.05. The paper's best setting is marked P, on the far side of the cliff.
#
# ## Read the grid
#
# The file holds the paper's own loss (triplet, raw weights, γ = 0.2, [attention fusion](glossary.md#attention-fusion)) on MovieLens-100k, the log of its Fig. 5. That log may not be distributed with the course; numbers about it may. The file says what made it:

# %%
about = table["about"]
print(
    f"{about['command']}\n{about['cells']} trainings of {about['steps']['movielens']} steps; log {about['data']['movielens']}"
)
print(
    f"one tower: α = {table['one tower']['alpha']:g} weighs its samples, chosen by the same users. {table['left out']}."
)

# %% [markdown]
# **Predict.** Of all these settings with several towers, how many lie above one tower with their *whole* [interval](glossary.md#bootstrap-interval)?

# %%
my_guess = None  # a number from 0 to 90

# %%
above, below = landscape.beyond()
print(
    f"Your guess: {my_guess}. Of {len(landscape.rows)} settings {above} lie above, {below} below, the rest can not tell."
)
pushed = {setting: row for setting, row in landscape.rows.items() if setting[2] >= 10}
best_pushed = max(pushed, key=lambda setting: pushed[setting]["over one tower"][0])
highest = pushed[best_pushed]["over one tower"]
print(
    f"The best of the {len(pushed)} with β ≥ 10 is {pictures.in_short(*best_pushed)}: {highest[0]:+.3f}, at most {highest[2]:+.3f}."
)
print("So all of them are past the useful range." if highest[2] < 0 else "So some of them may be of use.")
level = [row for row in landscape.rows.values() if row["over one tower"][2] >= 0]
copies = sum(np.mean(row["cosine"]) > 0.95 for row in level)
print(f"{len(level)} settings are not below one tower. In {copies} of them the cosine between towers is above 0.95.")

# %% [markdown]
# One in forty intervals lies above 0 by luck alone where nothing is better; of 90, about two. So even a few winners would have been no news.
#
# The plain is where β is 0 or 0.01 and α is small. A cosine near 1 means [copies](glossary.md#collapse): several towers at the price of several, doing what one does. Walk through it.

# %%
panel = landscape.panel()
panel

# %% [markdown]
# Click on a square, or use the sliders. On the right, the circle is the setting where you stand, the squares are its neighbours: one step away in K, α or β. The lines are 95% intervals over test users, against one tower. The word in the title is the file's: *better* or *worse* where that is sure even after 95 tries (Holm's correction), *not worse* where its lower end is above −0.005, otherwise *undecided*.
#
# **Try this.** (1) From *Chosen by validation*, move β up one step at a time. At which step do the towers part, and what does it cost? (2) Press *Sharp, and pushed*, and move β. Here some repel helps. Is the place worth having?
#
# > **Remember:** a grid without intervals has a peak; a grid with intervals has a plain.
#
# ## The best of many flatters itself
#
# By hand: three settings are equally good, 0.30 each. You measure with an error of about 0.01, and read 0.29, 0.31 and 0.30. You pick the second, and report 0.31. Nothing was wrong with the measurements, and yet the report is too high. Measure the second one again, and you read 0.30 on the mean. This is the **winner's curse**: what was picked for being high is high in part by luck.
#
# **Predict.** With 90 equal settings instead of three, by how many errors is the best one too high on the mean?

# %%
my_second_guess = None  # a number of standard deviations

# %%
draw = np.random.default_rng(seed)
for num_settings in (1, 3, 90):
    luck = draw.normal(size=(2000, num_settings)).max(axis=1).mean()
    print(f"the best of {num_settings:>2} equal settings reads {round(luck, 1) + 0:.1f} standard deviations too high")

# %% [markdown]
# A grid stays honest with two kinds of users. **Validation users** choose. **Test users** judge what was chosen, once. Nobody does both. In the file, the six settings that the validation users like best, and the paper's two, were trained on eight folds. The users who chose are not among those who judge.

# %%
finals = pictures.settings_of(table["finals"])
alone = max((row for row in table["grid"] if row["K"] == 1), key=lambda row: row["validation"])
by_test = max(landscape.rows, key=lambda setting: landscape.rows[setting]["over one tower"][0])
for name, setting in {"validation users": landscape.chosen, "test users, wrongly,": by_test}.items():
    row = landscape.rows[setting]
    print(f"the {name} like {pictures.in_short(*setting)} best. Its lead over one tower:")
    print(f"   validation users of the grid   {row['validation'] - alone['validation']:+.4f}")
    print("   test users of the grid         {:+.4f}, interval [{:+.4f}, {:+.4f}]".format(*row["over one tower"]))
    if setting in finals:
        final = finals[setting]["over one tower"]
        print("   test users of eight folds      {:+.4f}, interval [{:+.4f}, {:+.4f}]".format(*final))

# %%
shown = [setting for setting in finals if setting[0] > 1 and finals[setting]["over one tower"][0] > -0.05]
leads = {
    name: [(pictures.in_short(*setting), rows[setting]["over one tower"]) for setting in shown]
    for name, rows in {"two folds": landscape.rows, "eight folds": finals}.items()
}
pictures.forest_figure(
    leads, title="What is left of a lead when more users are asked", measure="recall@50 over one tower", dodge=0.3
)

# %% [markdown]
# Where a choice of the test users loses its lead with more users, that is the curse. Compare *leads*, not levels: a level moves with the users, and that is no curse.

# %%
one = next(row for row in table["finals"] if row["K"] == 1)
for name, early, late in (
    ("chosen", landscape.rows[landscape.chosen], finals[landscape.chosen]),
    ("one tower", alone, one),
):
    print(
        f"{name}: {early['validation']:.3f} for those who chose, {late['recall_50']:.3f} for the test users of eight folds"
    )
for setting in (pictures.PEAK, (8, 5.5, 6.0)):
    row = finals[setting]
    lead = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["over one tower"])
    print(
        f"the paper's {pictures.in_short(*setting)}: recall@50 {row['recall_50']:.3f}, over one tower {lead}: {row['verdict']}"
    )

# %% [markdown]
# The paper's peak and its defaults would lie far to the left of the picture above. Lesson 06 asks which reading of β could save them.
#
# ### Exercise 1: name it, and what it is worth
#
# Name the setting with several towers that the *validation* users of the grid choose, and the recall@50 that you would print in a report. `table["grid"]` and `table["finals"]` are lists of dictionaries; every recall that you need is in them, and several that you should not print.
#
# <details><summary>Hint</summary><code>validation</code> is the recall of those who choose, <code>recall_50</code> that of test users. More folds are more users.</details>

# %%
my_choice = None  # dict(K=..., alpha=..., beta=..., recall_50=...)
# BEGIN SOLUTION
chosen = max((row for row in table["grid"] if row["K"] > 1), key=lambda row: row["validation"])
names = ("K", "alpha", "beta")
[final] = [row for row in table["finals"] if all(row[name] == chosen[name] for name in names)]
my_choice = {name: final[name] for name in (*names, "recall_50")}
# END SOLUTION
checks.honest(my_choice, table)

# %% [markdown]
# ## A batch of trainings that can be stopped
#
# A grid is many trainings, and they take hours. `run_cells` keeps each finished one in a file. A **cell** is a recipe, a fold and a seed on a log; its file's name is made from all of them. Here are ten on the [planted world](glossary.md#planted-world), short ones: one setting with three seeds, its neighbour, and K = 8 twice.

# %%
folder = tempfile.TemporaryDirectory()


def cell(num_towers, beta, steps, seed):
    recipe = replace(recipe_at(num_towers=num_towers, alpha=5.0, beta=beta, learning_rate=2e-2), dim=16)
    return Cell(log="planted-200-4", recipe=recipe, steps=steps, seed=seed)


seeds = [seed, seed + 1, seed + 2]
arms = {
    "K = 4": [cell(4, 0.1, cell_steps, s) for s in seeds],
    "K = 4, neighbour": [cell(4, 0.3, cell_steps, seed)],
    "K = 8, half the steps": [cell(8, 0.1, cell_steps // 2, s) for s in seeds],
    "K = 8": [cell(8, 0.1, cell_steps, s) for s in seeds],
}
every = [one for cells in arms.values() for one in cells]

# %%
started = time.perf_counter()
first_four = run_cells(every[:4], folder.name)  # and now suppose the power fails
stopped = time.perf_counter()
kept = {one.file: (Path(folder.name) / one.file).stat().st_mtime_ns for one in every[:4]}
print(f"four cells: {stopped - started:.1f} s")

# %%
again = time.perf_counter()
measured = run_cells(every, folder.name)
finished = time.perf_counter()
measured = run_cells(every, folder.name)
print(
    f"All ten, started again: {finished - again:.1f} s, for the other six. Once more: {time.perf_counter() - finished:.2f} s"
)
untouched = all((Path(folder.name) / file).stat().st_mtime_ns == written for file, written in kept.items())
print("The first four files were not written again." if untouched else "A cell was trained twice.")

# %% [markdown]
# > **Remember:** one training, one file, named by everything that made it. Then nothing is lost, and nothing is done twice.
#
# ## Two kinds of chance
#
# The interval says how a difference could move with *other users*. It does not know that the training itself could have gone another way: other starting weights, other samples. That is the **seed**.
#
# **Predict.** Three seeds of one setting: will they lie nearer together than this setting and its neighbour, β = 0.3 instead of 0.1?

# %%
my_third_guess = None  # "yes" or "no"

# %%
recalls = {name: [measured[one]["recall_50"].mean() for one in cells] for name, cells in arms.items()}
dots = {
    f"seed {s}": [(name, [values[at]] * 3) for name, values in recalls.items() if at < len(values)]
    for at, s in enumerate(seeds)
}
pictures.forest_figure(
    dots, title="Ten short trainings in the planted world", measure="recall@50, mean over test users"
)

# %%
spread = float(np.ptp(recalls["K = 4"]))
step = float(abs(recalls["K = 4, neighbour"][0] - recalls["K = 4"][0]))
print(f"three seeds of one setting spread over {spread:.4f}; the neighbour, same seed, is {step:.4f} away")
print(
    "Seeds differ more than neighbours do here." if spread > step else "The neighbours differ more than the seeds do."
)

# %% [markdown]
# So one training a setting, as in most grids, can not rank neighbours. Before you look at a difference, know the spread over seeds.
#
# > **Remember:** an interval over users is not an interval over trainings. Take several seeds, and average them for each user first.
#
# ## Your laboratory
#
# Now real purchases. The map is lesson 00's grid on Online Retail (InfoNCE, normalised weights, 1,500 steps). Its leads over one tower are means of validation customers; no interval was kept. Your own trainings are short, and stand beside it with intervals against your own one tower, on the same customers.

# %%
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
portraits, _ = load_grid("results/00_grid.npz")
laboratory = pictures.Laboratory(portraits if data == "online-retail" else {}, split, steps=own_steps, seed=seed)
laboratory.trial(recipe_at(num_towers=4, alpha=2.0, beta=0.0), seed)
bench = laboratory.panel()
bench

# %% [markdown]
# *Train these* trains at the sliders' place, from the seed in the list, in a few seconds; *Cancel* stops it. Everything you see is measured on **validation** customers, so that you may choose by it.
#
# **Try this.** (1) Train *Copies* from two more seeds. How far apart do they land? (2) Train *Many, pushed*. Does your short training agree with the map?
#
# ### Exercise 2: apart, and no worse
#
# Keep K = 4 and α = 2. At β = 0 the towers are copies. Find a β at which the cosine is at most 0.6 and recall@50 is **not worse** than at β = 0. The rule is fixed before you look: the lower end of the paired interval over validation customers is above −0.01. Train in the panel, or with `trial`.
#
# <details><summary>Hint</summary>The map's row α = 2 shows where the cliff is. The check trains at your β, from the lesson's seed.</details>


# %%
def trial(beta):
    return laboratory.trial(recipe_at(num_towers=4, alpha=2.0, beta=beta), seed)


my_beta = None  # a number
# BEGIN SOLUTION
my_beta = 1.0
# END SOLUTION
checks.part(my_beta, trial)

# %% [markdown]
# ## Keep a run, compare two
#
# What you trained can be saved, and read again: numbers and text in one file, no code.

# %%
apart = trial(1.0)
key = recipe_at(num_towers=4, alpha=2.0, beta=1.0), seed
path = Path(folder.name) / "apart.npz"
laboratory.runs[key].save(path)
loaded = load_run(path)
same = np.array_equal(pictures.report(loaded.model, laboratory.validation).recall, apart.recall)
print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB, best step {loaded.best_step}, objective {loaded.objective}")
print("It recommends as before." if same else "It does not recommend as before.")

# %% [markdown]
# To compare two runs, measure both on the *same* users and take the difference of each user. The choice is made, so now, once, the test customers are asked.

# %%
test = interactions.evaluation_cases(log, split.test)
pair = {"β = 0": recipe_at(num_towers=4, alpha=2.0, beta=0.0), "β = 1": recipe_at(num_towers=4, alpha=2.0, beta=1.0)}
tested = {name: pictures.report(laboratory.runs[recipe, seed].model, test) for name, recipe in pair.items()}
for name, one in tested.items():
    print(f"{name}: recall@50 {one.recall.mean():.3f}, as one vector {one.as_one.mean():.3f}, cosine {one.cosine:.2f}")
    print(f"       shares of the hits {one.shares.round(2)}, recall without each {one.without.round(3)}")
difference = pictures.compare(tested["β = 1"], tested["β = 0"], seed=seed)
print("β = 1 over β = 0: {:+.3f}, interval [{:+.3f}, {:+.3f}]".format(*difference), "→", pictures.word(difference))
early = [laboratory.reports[pair[name], seed].recall.mean() for name in pair]
late = [portraits[recipe].recall_50 for recipe in pair.values()]
print(
    f"validation customers: {early[1] - early[0]:+.3f} here; lesson 00's grid on Online Retail, trained longer, {late[1] - late[0]:+.3f}"
)

# %% [markdown]
# Do not stop at the word. It is that of one seed, one split, and a short training: a lead early on may be no more than a faster start, and the repel holds a pull (lesson 06). Before you call it a gain, train both longer, and from two more seeds.
#
# Then the rest. The cosine says that the vectors differ. *As one vector* is the mean of a customer's own vectors, used alone: what it keeps of recall needed no merge. The shares and the recall without each tower say whether all are at work.
#
# What `compare` refuses: reports of different users. Their difference is no difference of models.

# %%
try:
    pictures.compare(tested["β = 1"], trial(0.0))
except ValueError as error:
    print(error)

# %% [markdown]
# ## What can go wrong: a number of a model that never learned
#
# In lesson 00's grid, K = 2 with β = 1000 shows a cosine of nearly 1, as if a huge repel made copies. Train it, and ask which step was kept.

# %%
place = recipe_at(num_towers=2, alpha=2.0, beta=1000.0)
ruined, run = laboratory.trial(place, seed), laboratory.runs[place, seed]
print(f"cosine {ruined.cosine:.2f}, recall@50 {ruined.recall.mean():.3f}; the step that was kept: {run.best_step}")
for look, value in zip(run.validation_steps, run.validation_recall, strict=True):
    print(f"   recall@50 of the validation customers at step {look}: {value:.3f}")
print("This is the untrained model." if run.best_step == 0 else "This model was trained, and is hardly better for it.")

# %% [markdown]
# A training keeps the step that the validation users like best. If that is step 0, every number is one of a model that never learned, its cosine too: fresh attention fusion makes copies (lesson 06). Look at `best_step` before you explain a surprising number.
#
# ## A rule before the result
#
# Is K = 8 better than K = 4? *At equal cost*, you should ask, and say which cost. Per step, K = 8 makes twice as many vectors; in serving it makes twice as many searches, whatever you do. Here, let the cost be the vectors made in training: K × steps. So K = 8 gets half the steps.
#
# The rule, written before anything is read:
#
# 1. test users judge, the same for both; each user's recall@50 is averaged over three seeds first;
# 2. the difference is K = 8 minus K = 4, with its paired interval;
# 3. the word is *better* if the interval lies above 0, *worse* if below; *not worse* if its lower end is above −0.01, otherwise *undecided*.
#
# **Predict** the word.

# %%
my_fourth_guess = None  # "better", "worse", "not worse" or "undecided"

# %% [markdown]
# ### Exercise 3: decide
#
# The trainings are done: `results_of[name]` is a list of what `run_cells` measured, one a seed; `["recall_50"]` is an array over test users, the same users in the same order everywhere. Report the difference, both ends of its interval, and the word.
#
# <details><summary>Hint</summary><code>np.mean([…], axis=0)</code> averages seeds for each user; <code>metrics.paired_interval(ours, theirs, seed=seed)</code> gives three numbers; <code>pictures.word</code> knows the rule.</details>

# %%
results_of = {name: [measured[one] for one in cells] for name, cells in arms.items()}
my_report = None  # dict(difference=..., low=..., high=..., word=...)
# BEGIN SOLUTION
eight, four = (
    np.mean([one["recall_50"] for one in results_of[name]], axis=0) for name in ("K = 8, half the steps", "K = 4")
)
interval = metrics.paired_interval(eight, four, seed=seed)
my_report = dict(zip(("difference", "low", "high"), interval, strict=True), word=pictures.word(interval))
# END SOLUTION
checks.decide(my_report, results_of)

# %%
over_seeds = {name: np.mean([one["recall_50"] for one in some], axis=0) for name, some in results_of.items()}
verdicts = {}
for cost, name in {"K × steps": "K = 8, half the steps", "steps": "K = 8"}.items():
    verdicts[cost] = metrics.paired_interval(over_seeds[name], over_seeds["K = 4"], seed=seed)
    print(f"equal {cost:<9}  {{:+.3f}} [{{:+.3f}}, {{:+.3f}}]  ".format(*verdicts[cost]), pictures.word(verdicts[cost]))

# %% [markdown]
# Two costs, and two questions. Neither answer is the true one, and a comparison without its cost is not finished. These trainings are short, and far from where they end; `profile = "full"` asks the same question later in training.
#
# > **Remember:** write the rule, the users, the seeds and the cost down before you look.
#
# ## What you take home
#
# - A grid is read with intervals. Settings within each other's intervals are a plain, not a ranking.
# - Validation users choose; test users judge once; what chose can not judge.
# - Users and seeds are two kinds of chance. Average over seeds for each user, then pair.
# - Keep each training in a file of its own.
#
# **What the paper says.** On MovieLens-100k, recall peaks at K = 4, α = 2, β = 1000 (Fig. 5), over K of 2 to 8, α of 0.5 to 6 and β of 1 to 1000.
#
# **What we measured.** With the paper's loss as we read it, on the same log, that place is far below one tower, and so is everything with β ≥ 10. The best settings are copies, level with one tower. On Online Retail, with InfoNCE, the useful range of β is longer. There a β exists that parts the towers at no cost that the validation customers could notice. Whether it is a gain, one short training can not say.
#
# **Words.** Winner's curse, [fold](glossary.md#fold), [validation users](glossary.md#split), [bootstrap interval](glossary.md#bootstrap-interval), cell, seed.
#
# **Next:** lesson 09 does this for every claim of the paper, with a ledger.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "above_one_tower": above,
    "best_of_strong_repel": highest[2],
    "seed_spread": spread,
    "kept": float(untouched),
    "apart_cosine": tested["β = 1"].cosine,
    "apart_over_copies": difference[0],
    "loaded": float(same),
    "ruined_50": float(ruined.recall.mean()),
    "equal_cost": verdicts["K × steps"][0],
    "equal_steps": verdicts["steps"][0],
}
folder.cleanup()
JSON(results)
