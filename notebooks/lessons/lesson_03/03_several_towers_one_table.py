# ---
# jupyter:
#   course:
#     builds: K towers as one batch over one table, and the controls that tell an ensemble from several interests
#     after: ["02"]
#     minutes: 70
# ---

# %% [markdown]
# # Several towers, one table: an ensemble, or several interests?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# Several [towers](glossary.md#tower) often score better than one. Is that because they found several interests? In this lesson you build the K towers of the paper's Figure 1, and then ask where their gain comes from.
#
# **Afterwards you can**
#
# 1. count what K towers over one table cost (exercise 1),
# 2. say what would be lost without a tower (exercises 2 and 3),
# 3. tell specialists from copies, from redundant towers and from a dead one (exercise 4).
#
# **You need** lesson 02: the table, attention fusion, and the training of one tower.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
data = "online-retail"  # or "planted"; or "movielens", after `make data`
num_towers = 4  # K, from 2 to 8

# %%
try:
    from lessons.lesson_03 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F

from lessons.common import figures
from lessons.common.floors import floors
from lessons.lesson_03 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import Recipe, recipe_at
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.towers import AttentionPooling

torch.set_num_threads(1)  # these steps are too small to share

# %%
steps, world_steps = {"fast": (1500, 500), "full": (4000, 1500)}[profile]
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
test = interactions.evaluation_cases(log, split.test)
recipes = {
    "one tower": recipe_at(num_towers=1, alpha=5.0, beta=0.3),
    "K towers": recipe_at(num_towers=num_towers, alpha=5.0, beta=0.3),  # as in lesson 00
    "equal towers": Recipe(num_towers=num_towers, objective=MultiTowerLoss(share="equal", beta=0.0)),
}
runs = {name: recipe.train(split, steps=steps, seed=seed) for name, recipe in recipes.items()}
alone, found, copies = (metrics.evaluate(run.model, test) for run in runs.values())

# %%
pictures.work_of_two({"K towers": found, "equal towers": copies}, title="Who brings the hits, and who would be missed?")

# %% [markdown]
# Two models with the same towers, trained on the same purchases by different rules. On the left is each tower's [credit](glossary.md#credit): the fraction of the hits that it brought. In the lower model every tower looks busy. On the right is the recall that is lost when a tower goes, and the lower model would hardly miss any. By the end you can tell such models apart.
#
# ## Figure 1, built
#
# The paper's model in one drawing:

# %%
pictures.one_table(num_towers)

# %% [markdown]
# Every user tower reads the same history from the same **table**, and makes a [vector](glossary.md#vector) of its own. A product goes through the same table. In symbols:
#
# $$V_u = f_{user}(E_p, E_u) = \bigl(v_u^{(1)}, \dots, v_u^{(K)}\bigr) \tag{1}$$
#
# $E_u$ holds the table's rows for the history, one for each purchase. $E_p$ is what else is known of the user, the [profile](glossary.md#profile); lesson 12 adds it, and the features of products. The towers share the table and nothing else.
#
# ### By hand
#
# Three products in two dimensions, and two towers of [attention fusion](glossary.md#attention-fusion). Their projections are 0, so a tower's attention comes from its bias alone: 0, 0, 0 for tower 1, and ln 2, 0, 0 for tower 2.

# %%
history = torch.tensor([[[4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]])  # [batch, step, dim] = [1, 3, 2]
projections = torch.zeros(2, 3 * 2, 3)  # [tower, step · dim, step]
biases = torch.tensor([[0.0, 0.0, 0.0], [float(np.log(2)), 0.0, 0.0]])  # [tower, step]


def fuse_one(embedded, projection, bias):
    scores = embedded.flatten(1) @ projection + bias  # [batch, step]
    weights = scores.softmax(dim=1)
    return (weights[:, :, None] * embedded).sum(dim=1)  # [batch, dim]


loop = torch.stack([fuse_one(history, *own) for own in zip(projections, biases, strict=True)], dim=1)
for tower, vector in enumerate(loop[0]):
    print(f"tower {tower + 1}: {[round(x, 3) for x in vector.tolist()]}")

# %% [markdown]
# Tower 1 gives each product ⅓, and ends at (8/3, 8/3). Tower 2 gives ½, ¼, ¼: ½ · (4, 0) + ¼ · (0, 4) + ¼ · (4, 4) = (3, 2). One history, two vectors.
#
# ### From a loop to an axis
#
# A loop over K modules is slow. Stack the towers' numbers along an axis `tower` instead. `torch.einsum` names the axes, `b` batch, `w` tower, `i` input, `s` step, `d` dim, and sums over every letter that is missing after the arrow.


# %%
def fuse_all(embedded, projections, biases):
    scores = torch.einsum("bi,wis->bws", embedded.flatten(1), projections) + biases
    return torch.einsum("bws,bsd->bwd", scores.softmax(dim=2), embedded)


towers = runs["K towers"].model.user_towers  # the library's, trained
full = test.batch.mask.all(dim=1)  # users with a full history: our function has no mask
with torch.no_grad():
    embedded = runs["K towers"].model.table(test.batch.history[full])
    by_axis = fuse_all(embedded, towers.projection, towers.bias)
same = torch.allclose(by_axis, found.users.vectors[full], atol=1e-5)
print(f"shape [batch, tower, dim]: {list(by_axis.shape)}; the library's vectors: {'the same' if same else 'others'}")

# %% [markdown]
# What do the trained towers look at? Here are one test user's last purchases, and each tower's attention to them.

# %%
shown = int(np.where(full.numpy(), found.hits.sum(axis=1), -1).argmax())
pictures.looks(
    found.users.attention[shown].numpy(),
    log.item_names[test.batch.history[shown]],
    title="One history, read by every tower in its own way",
)

# %% [markdown]
# > **Remember:** K towers are one module whose numbers have one more axis. K = 1 is no special case.
#
# ### Exercise 1: what do K towers cost?
#
# Count the numbers that training can move. The table has a row of $d$ numbers for each of $N$ products (leave out the padding row). A tower of attention fusion maps $L \cdot d$ numbers to $L$ scores, and adds $L$ biases. With `shared=True` all towers read one table; otherwise each has its own.
#
# <details><summary>Hint</summary>Write down two numbers first: the size of one table, and the size of one tower.</details>


# %%
def count_parameters(num_items: int, dim: int, history_length: int, num_towers: int, shared: bool = True) -> int:
    # BEGIN SOLUTION
    table = num_items * dim
    tower = history_length * dim * history_length + history_length
    return (1 if shared else num_towers) * table + num_towers * tower
    # END SOLUTION


checks.count_parameters(count_parameters)

# %% [markdown]
# **Predict.** On this log, how many times as many numbers do K towers over one table have as one tower over its table? (N and d stand in the cell.)

# %%
my_cost_guess = None  # a number, such as 4.0

# %% tags=["answer"] tells=["a third more", "1.34"]
table_size = log.num_items * runs["K towers"].model.dim
tower_size = sum(numbers.numel() for numbers in towers.parameters()) // num_towers
cost = (table_size + num_towers * tower_size) / (table_size + tower_size)
print(f"N = {log.num_items:,}, d = {runs['K towers'].model.dim}: a table of {table_size:,}, a tower of {tower_size:,}")
print(f"You guessed {my_cost_guess}; K = {num_towers} towers have {cost:.2f} times the numbers of one.")

# %% [markdown]
# <details><summary>What you saw</summary>With four towers, about a third more: the table is the large part, and it is there once. In a shop with a million products the towers hardly count. Sharing also means that all towers train each row, and that one vector of a product is compared with all K.</details>
#
# ## How good are they?
#
# First the whole table, with its [floor](glossary.md#floor), which needs no network: the best-sellers, each user's own history, and EASE. The last two read the whole history, the towers only its last 20 products.

# %%
table = {**floors(log, split, split.test), "one tower": alone, f"K = {num_towers} towers": found}
for name, result in table.items():
    print(f"{name:>13}   recall@20 {result.recall(20).mean():.3f}   recall@50 {result.recall(50).mean():.3f}")
better = [name for name, result in table.items() if result.recall(50).mean() > found.recall(50).mean()]
print(f"above K towers at 50: {', '.join(better) or 'nothing'} (one split, one seed)")

# %% [markdown]
# A network below the floor has not earned its place in a shop, whatever its towers do. Our question is another one: the step from one tower to K.
#
# An [ensemble](glossary.md#ensemble) is several models that do the same work: together they err less than one. **Specialists** do different work. Either can beat one tower. A [control](glossary.md#control) is a model that would show the same gain if your explanation were wrong. Towers need four, and we run them on two logs: yours, and a [planted world](glossary.md#planted-world) with 60 interests, four a user, in 16 dimensions.
#
# | control | the gain without specialists | where |
# |---|---|---|
# | 1. equal towers | an ensemble's | both logs, here |
# | 2. one tower, the same weight | the loss's | both logs, from a results file |
# | 3. the mean of the K vectors | better training's | both logs, here |
# | 4. new products only | more repeats' | both logs, here |

# %%
world = datasets.planted_interests(num_interests=60, items_per_interest=20, num_users=1500, seed=seed)
world_split = interactions.split_users(world.log, seed=seed)
world_test = interactions.evaluation_cases(world.log, world_split.test)
world_models = {}
for name, (towers_there, objective) in {
    "one tower": (1, MultiTowerLoss()),
    "K towers": (num_towers, MultiTowerLoss(alpha=5.0, beta=0.0)),
    "equal towers": (num_towers, MultiTowerLoss(share="equal", beta=0.0)),
}.items():
    recipe = Recipe(tower=AttentionPooling, num_towers=towers_there, dim=16, objective=objective, learning_rate=1e-2)
    world_models[name] = recipe.train(world_split, steps=world_steps, seed=seed).model
world_alone, world_found, world_equal = (metrics.evaluate(model, world_test) for model in world_models.values())
gains = {}


def versus(name, ours, theirs):
    kept = ~np.isnan(ours)
    gains[name] = difference, low, high = metrics.paired_interval(ours[kept], theirs[kept], seed=seed)
    print(f"{name:<38} {difference:+.3f} [{low:+.3f}, {high:+.3f}]: {pictures.verdict(gains[name])}")


versus(f"{data}: K towers over one", found.recall(50), alone.recall(50))
versus("world: K towers over one", world_found.recall(50), world_alone.recall(50))

# %% [markdown]
# Each line is a difference in recall@50 with its paired interval over the test users. Where the interval holds 0, call it no gain.
#
# ### Control 1: equal towers
#
# Give every tower the same [share](glossary.md#share) of every target. Then nothing but their first numbers makes them differ, and what they gain is an ensemble's gain. Only a gain beyond theirs can mean specialists.
#
# **Predict.** In the planted world, how much of the K towers' gain do equal towers reach?

# %%
my_ensemble_guess = None  # "all", "half" or "none"

# %% tags=["answer"] tells=["little or none", "gain nothing"]
versus("world: equal towers over one", world_equal.recall(50), world_alone.recall(50))
versus("world: K towers over equal", world_found.recall(50), world_equal.recall(50))
versus(f"{data}: equal towers over one", copies.recall(50), alone.recall(50))
versus(f"{data}: K towers over equal", found.recall(50), copies.recall(50))


def cosine_of(evaluation):
    return float(metrics.pairwise_cosine(evaluation.users).mean())


print(f"\ncosine between towers, world:  equal {cosine_of(world_equal):.2f}, K towers {cosine_of(world_found):.2f}")
print(f"cosine between towers, {data}: equal {cosine_of(copies):.2f}, K towers {cosine_of(found):.2f}")

# %% [markdown]
# <details><summary>What you saw</summary>In the world, little or none: equal towers become copies of one another, and the K towers stay far ahead of them. So that gain is not an ensemble's. On the real log the steps are so small that each needs its interval; compare the verdicts.</details>
#
# A lead early in training can be gone later, so look at the curves before you compare their ends.

# %%
floor = float(table["Most Popular"].recall(50).mean())
figures.learning_curves(
    {name: (run.validation_steps, run.validation_recall) for name, run in runs.items()},
    floor,
    title="Recall while they train: still rising, slowly",
)

# %% [markdown]
# ### Control 2: one tower, the same weight
#
# In our loss a user's shares sum to the number of towers (`share="normalised"`). One tower then always has the share 1, so plain K = 1 *is* this control. The paper multiplies its [triplet](glossary.md#triplet-loss) by the raw [weight](glossary.md#weight) $1/D^\alpha$ instead (`share="raw"`), where $D$ is the distance to the target. That weight works for one tower too: samples that are already near count more. So compare the K towers with a plain triplet, and also with one tower that carries its own weight. `make results` measured these differences on several splits, after tuning each model alike.

# %%
for name in dict.fromkeys([data if data != "planted" else "planted-200-4", "planted-200-4"]):
    told = pictures.measured(f"results/arms_{name}.json", ours="IDW")
    for theirs, words in {"one tower, triplet": "plain", "one tower, weighted triplet": "weighted"}.items():
        difference, low, high = told[theirs]
        verdict = pictures.verdict(told[theirs])
        print(f"{name:>13}: K weighted over one {words:<9} {difference:+.3f} [{low:+.3f}, {high:+.3f}]: {verdict}")

# %% [markdown]
# For each log, the first row mixes two causes; the second is what is left for the towers. Who sees only the first may take the work of a weight for several interests. (The paper adds a repel; see lesson 06.)
#
# ### Control 3: the mean of the model's own vectors
#
# Replace the K vectors by one, the mean of their directions. If it does as well, the gain came from better training, and one vector is enough to serve. Anything with `users`, `items`, `similarity` and `num_items` is a model, so a wrapper will do.
#
# **Predict.** In the planted world, how much of the K towers' gain over one tower does the mean keep?

# %%
my_mean_guess = None  # "all", "half" or "none"


# %% tags=["answer"] tells=["keeps none", "between four interests"]
class Changed:
    """A model whose user vectors go through a function first."""

    def __init__(self, model, change):
        self.model, self.change, self.items = model, change, model.items
        self.similarity, self.num_items = model.similarity, model.num_items

    def users(self, batch):
        return self.change(self.model.users(batch))


def mean_of_all(users):
    mean = F.normalize(users.vectors, dim=-1).mean(dim=1, keepdim=True)  # [batch, 1, dim]
    return replace(users, vectors=mean, mask=users.mask[:, :1], attention=None)


averaged = metrics.evaluate(Changed(runs["K towers"].model, mean_of_all), test)
world_averaged = metrics.evaluate(Changed(world_models["K towers"], mean_of_all), world_test)
versus("world: mean of the K over one", world_averaged.recall(50), world_alone.recall(50))
versus("world: K towers over their mean", world_found.recall(50), world_averaged.recall(50))
versus(f"{data}: mean of the K over one", averaged.recall(50), alone.recall(50))
versus(f"{data}: K towers over their mean", found.recall(50), averaged.recall(50))

# %% [markdown]
# <details><summary>What you saw</summary>In the world the mean keeps none of the gain that these users could show: it stands between four interests, and so does the vector of a single tower. The K vectors are good only as several. On the real log, read the verdicts: the differences are small, and so many users cannot order them.</details>
#
# ### Control 4: new products only
#
# A model can gain by repeating more of a history, which takes no interests at all. So leave out of both lists everything a user had before the cut, and ask only for what is new.

# %%
repeats = {name: pictures.repeated(log, test, result) for name, result in (("K = 1", alone), ("K towers", found))}
print(", ".join(f"{name}: {part:.0%} of the hits are repeats" for name, part in repeats.items()))
new = [pictures.recall_of_new(log, split, test, runs[name].model) for name in ("K towers", "one tower")]
world_new = [
    pictures.recall_of_new(world.log, world_split, world_test, world_models[name]) for name in ("K towers", "one tower")
]
versus(f"{data}: K over one, new only", *new)
versus("world: K over one, new only", *world_new)

# %% [markdown]
# ### And the truth?
#
# In the world we know each user's interests. Call one *covered* if the first 50 products hold at least 5 of it, whichever tower brought them. (By the rule of lessons 04 and 05, an [interest found](glossary.md#interests-found), each tower finds one at most, so one tower cannot pass 0.25.)

# %% tags=["answer"] tells=["equal towers cover"]
item_interest, own_interests = world.item_interest, world.user_interests[world_test.users]
covered = {}
for name, result in {"one tower": world_alone, "equal towers": world_equal, "K towers": world_found}.items():
    covered[name] = pictures.covered(result.ranking.items, item_interest, own_interests)
    by_towers = metrics.interests_found(result.lists, item_interest, own_interests).mean()
    ceiling = result.lists.items.shape[1] / own_interests.shape[1]
    print(f"{name:>12}: {covered[name].mean():.2f} covered, {by_towers:.2f} found (at most {min(ceiling, 1):.2f})")
difference = metrics.paired_interval(covered["K towers"], covered["one tower"], seed=seed)
print("covered, K towers over one tower: {:+.2f} [{:+.2f}, {:+.2f}]".format(*difference))

# %% [markdown]
# All differences in one picture, each log on its own scale:

# %% tags=["answer"] tells=["the mean keeps"]
pictures.differences(gains, title="Filled: the interval excludes 0")

# %% [markdown]
# > **Remember:** a gain over one tower is a question. Equal towers, the same weight, the mean and new products answer it.
#
# ## Who would be missed?
#
# [Credit](glossary.md#credit) counts what a tower brought. The [recall without it](glossary.md#recall-without) merges the other lists again. The two differ when two lists hold the same product.
#
# ### Exercise 2: the recall without a tower
#
# `lists` has a list of (product, similarity) for each tower, best first. Leave out the list of `tower`, counted from 0. Merge the others as in lesson 00: best similarity first, each product once. A similarity may be negative. Take the first `num`, and return the fraction of `relevant`, a set of products, that stands there.
#
# <details><summary>Hint</summary>Do not start from the merged list of all towers. What tower 2 brought may stand in tower 3's list as well, and the list fills up again.</details>


# %%
def recall_left(lists: list[list[tuple[str, float]]], relevant: set, tower: int, num: int) -> float:
    # BEGIN SOLUTION
    best = {}
    for other, one_list in enumerate(lists):
        if other != tower:
            for product, similarity in one_list:
                best[product] = max(similarity, best.get(product, similarity))
    first = sorted(best, key=lambda product: -best[product])[:num]
    return len(relevant.intersection(first)) / len(relevant)
    # END SOLUTION


checks.recall_left(recall_left)

# %% [markdown]
# Whole recall less the recall without a tower is what is **lost**. It can be negative: that tower's products took places from better ones. A tower can have much credit and still not be missed, if the others hold the same hits. So look at the best tower by itself as well.

# %%
for name, result, one in ((data, found, alone), ("world", world_found, world_alone)):
    by_itself = pictures.recall_alone(result)
    lost, credit = pictures.lost_without(result), result.tower_shares(50)
    for tower in range(len(lost)):
        print(f"{name}, tower {tower + 1}: credit {credit[tower]:.0%}, lost without it {lost[tower]:+.3f}")
    print(f"   best tower by itself {by_itself.max():.3f}; K = 1 {one.recall(50).mean():.3f}; ", end="")
    print(f"all {len(lost)} merged {result.recall(50).mean():.3f}")

# %% [markdown]
# In the world every tower would be missed, and no tower by itself comes near all of them. On the real log, most towers would hardly be missed.
#
# <details><summary>Does that contradict control 3?</summary>No. When a tower goes, the merge falls back on another tower's list. The mean cannot: it has to stand somewhere between. So several vectors can be better than their mean although hardly any single one is needed.</details>
#
# ## What can go wrong: a dead tower
#
# Take the equal towers, and let the last one point in one direction for everybody: of 1,000 random ones, the farthest from all products.
#
# **Predict.** Does the mean cosine between towers rise or fall?

# %%
my_dead_guess = None  # "rise" or "fall"


# %% tags=["answer"] tells=["low cosine", "lower cosine", "cosine falls", "passenger"]
def last_dies(model):
    """The same model; its last tower points to one place, far from every product, whatever the history."""
    with torch.no_grad():
        products = F.normalize(model.items(torch.arange(model.num_items)), dim=1)
    many = torch.randn(1000, products.shape[1], generator=torch.Generator().manual_seed(seed))
    far = many[(F.normalize(many, dim=1) @ products.T).amax(dim=1).argmin()]  # its nearest product is the farthest
    last = torch.arange(num_towers)[:, None] == num_towers - 1
    return Changed(model, lambda users: replace(users, vectors=torch.where(last, far, users.vectors)))


dead = metrics.evaluate(last_dies(runs["equal towers"].model), test)
dead_credit, dead_lost = float(dead.tower_shares(50)[-1]), float(pictures.lost_without(dead)[-1])
print(f"mean cosine: equal towers {cosine_of(copies):.2f}, with a dead tower {cosine_of(dead):.2f}; ", end="")
print(f"the K towers have {cosine_of(found):.2f}")
print(f"recall@50: equal towers {copies.recall(50).mean():.3f}, with a dead tower {dead.recall(50).mean():.3f}")
print(f"the dead tower's credit: {dead_credit:.1%}; recall@50 lost without it: {dead_lost:+.4f}")

# %% [markdown]
# <details><summary>What you saw</summary>The cosine falls, and by that number alone this model looks as diverse as one that was trained for it. By its work it is three copies and a passenger. A low cosine says that towers point apart; only their work says whether that is good for anything.</details>
#
# > **Remember:** judge towers by their work, not by their angles.
#
# ## See for yourself: what each tower adds
#
# Four teams of towers from the planted world, A to D, join the panel: specialists, copies, a team with a dead tower, and *redundant* towers, which are two specialists, each of them twice with a little noise.

# %%
world_dead = metrics.evaluate(last_dies(world_models["K towers"]), world_test)
teams = pictures.teams(world_found, world_equal, world_dead, seed=seed)
models = {"K towers": found, "equal towers": copies, "a dead tower": dead}
panel = pictures.towers_panel(
    models, alone, log.item_names, log.user_labels[test.users], teams=teams, teams_alone=world_alone
)
panel

# %% [markdown]
# On the left are the hits that each tower brings into the merged list, on average or for one user; point at a bar to read the products. Switch towers off, and the rest are merged again. For a run of your own, add `"mine": metrics.evaluate(run.model, test)` at the front of `models`.
#
# **Try this.**
#
# 1. Press *Equal towers* and switch towers off one by one. How many do you need?
# 2. With *K towers*, leave only the strongest on. How far is it from K = 1?
#
# <details><summary>What to see</summary>(1) One: the recall hardly moves until the last one goes. (2) The title says the recall as switched; compare it with the bar K = 1. It is the best tower by itself, of the cell after exercise 2.</details>
#
# ### Exercise 3: how much do the others make up for?
#
# Press *All towers*, and read how many hits the strongest tower brings. Then press *Without the strongest*. The others bring more hits than before. What fraction of the strongest tower's hits do they make up for? Two decimals will do.
#
# <details><summary>Hint</summary>Add up the other towers' bars before and after. Divide the difference by the bar of the strongest tower before.</details>

# %%
my_made_up = None  # a number from 0 to 1
# BEGIN SOLUTION
my_made_up = pictures.made_up(found)
# END SOLUTION
checks.made_up(my_made_up, found)

# %% [markdown]
# ### Exercise 4: a diagnosis
#
# Which team is which? Use the panel. Leave towers out one at a time, then two at a time.
#
# - `"dead tower"`: one tower brings less than 3% of the hits;
# - `"specialists"`: otherwise, if every tower would be missed: without it more than 0.01 recall@50 is lost;
# - `"redundant"`: otherwise, if some pair of towers would be missed;
# - `"copies"`: not even a pair would be missed.
#
# <details><summary>Hint</summary>Copies and redundant towers look the same as long as you switch off only one. There are six pairs among four towers.</details>

# %%
my_diagnosis = {"A": None, "B": None, "C": None, "D": None}
# BEGIN SOLUTION
my_diagnosis = {name: pictures.kind_of(team) for name, team in teams.items()}
# END SOLUTION
checks.diagnosis(my_diagnosis, teams)

# %% [markdown]
# ## What you take home
#
# - K towers are one batch over one table. K = 1 is no special case.
# - A gain over one tower has several possible causes. Show the four controls beside it, each with an interval.
# - Credit says what a tower brought; what is lost without one tower, and without two, says whether anybody needs it.
#
# **What the paper says** (Xiong and Yu): towers over one table learn a user's different interests, and several beat one. Its ablations have an arm with K = 1 (Fig. 3) and one without repel (Fig. 4), but not these controls. **What we measured** is in the picture of differences, on one split and one seed; control 2 comes from several splits.
#
# ## Five questions
#
# **1.** A model with four towers beats one tower by 0.012 recall@50, with an interval from −0.001 to 0.025. What may you write?
#
# - (a) Several towers gain 0.012.
# - (b) Several towers don't help.
# - (c) These users are too few to tell.
#
# <details><summary>Answer</summary>**(c)** The interval holds 0, so neither a gain nor its absence is shown. With more users, or more splits, it may become clear.</details>
#
# **2.** Four towers over one table of 1,000 products, d = 10, L = 5, attention fusion. How many numbers can training move?
#
# <details><summary>Answer</summary>**11,020** A table of 1,000 · 10 = 10,000 numbers, once, and four towers of 5 · 10 · 5 + 5 = 255 each.</details>
#
# **3.** Two towers have credit 50% each. Without either of them, recall stays as it is. Which of these fit?
#
# - (a) They are copies of one another.
# - (b) They are specialists.
# - (c) They differ, but each one's list holds the other's hits further down.
#
# <details><summary>Answer</summary>**(a)** and **(c)**. In both cases the other list fills up with the same hits. Had each brought hits that the other's list lacks, something would be lost.</details>
#
# **4.** Equal towers beat one tower clearly, and K towers trained to differ don't beat the equal ones. Where does their gain come from?
#
# - (a) From several interests.
# - (b) From an ensemble, as far as anyone can tell.
# - (c) From the table.
#
# <details><summary>Answer</summary>**(b)** Towers that do the same work reach the same recall. The table is there in all three models, so it explains no difference.</details>
#
# **5.** The mean of a model's four vectors finds as much as the four lists merged. Is that good or bad news for someone who has to pay for the servers?
#
# <details><summary>Answer</summary>Good: one search a user will do in place of four. But then the gain is no evidence of several interests, for which several vectors would have to be used as several.</details>
#
# **Next:** lesson 04 asks who should answer for a target, so that towers become specialists at all. What a product's features and a user's profile can add is in [lesson 12](12_do_features_help.ipynb).

# %% tags=["results"]
from IPython.display import JSON

results = {
    "gain": gains[f"{data}: K towers over one"][0],
    "equal_gain": gains[f"{data}: equal towers over one"][0],
    "copies_cosine": cosine_of(copies),
    "world_gain": gains["world: K towers over one"][0],
    "world_equal_gain": gains["world: equal towers over one"][0],
    "world_over_mean": gains["world: K towers over their mean"][0],
    "world_new_gain": gains["world: K over one, new only"][0],
    "world_covered": float(covered["K towers"].mean() - covered["one tower"].mean()),
    "world_least_lost": float(pictures.lost_without(world_found).min()),
    "made_up": pictures.made_up(found),
    "most_lost": float(pictures.lost_without(found).max()),
    "dead_cosine": cosine_of(dead),
    "dead_credit": dead_credit,
    "dead_lost": dead_lost,
    "kinds": len({pictures.kind_of(team) for team in teams.values()}),
}
JSON(results)
