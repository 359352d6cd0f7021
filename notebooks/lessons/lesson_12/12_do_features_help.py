# ---
# jupyter:
#   course:
#     builds: the item tower with features, and the profile of Eq. 1
#     after: ["03"]
#     minutes: 40
# ---

# %% [markdown]
# # Do features and profiles help?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A model that knows products by their ids alone cannot say anything about a product that nobody has bought. But the shop knows its category, and perhaps who the customer is. In this short lesson you add both to the towers of lesson 03, and measure for whom that helps.
#
# **Afterwards you can**
#
# 1. give a vector to a product that nobody bought (exercise 1),
# 2. say how many purchases make a product known (exercise 2),
# 3. judge features and profiles by their intervals (exercise 3).
#
# **You need** lesson 03.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
data = "online-retail"  # the real log; or "movielens", after `make data`; or "planted"

# %%
try:
    from lessons.lesson_12 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
from dataclasses import replace

import numpy as np
import torch

from lessons.lesson_12 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.runs import TrainingSettings
from mtmi_lite.training import train

torch.set_num_threads(1)  # these steps are too small to share

# %%
steps, real_steps = {"fast": (200, 600), "full": (600, 2000)}[profile]
world = datasets.planted_interests(
    num_interests=20, items_per_interest=12, num_users=2000, interests_per_user=2, seed=seed
)
features = {name: name.split(":")[0].split(" ") for name in map(str, world.log.item_names)}
hobbies = [[str(name).split(" ")[1] for name in world.interest_names[own]] for own in world.user_interests]
limits = pictures.limits_of(world.log.num_items)
known = interactions.describe(world.log, item_features=features, user_features=dict(enumerate(hobbies)))
rare = pictures.make_rare(interactions.split_users(known, seed=seed), limits, seed=seed)
counts = interactions.item_counts(rare.log, rare.train)


def train_in_world(split, with_features, purchases=1):
    """A product's own row counts from so many `purchases` on."""
    recipe = Recipe(num_towers=2, dim=16, features=with_features)
    model = recipe.model(split, seed=seed)
    if with_features:
        model.item_tower.warm[:-1] = torch.from_numpy(counts >= purchases)
    settings = TrainingSettings(steps=steps, learning_rate=1e-2, seed=seed)
    return train(model, recipe.objective, split, settings).model


# %%
without_profile = replace(rare, log=replace(rare.log, user_features=None))
models = {name: train_in_world(without_profile, name != "ids alone") for name in ("ids alone", "with features")}
item = int(np.flatnonzero(limits == 0)[0])
pictures.neighbours(
    models,
    item,
    world.log.item_names,
    world.item_interest,
    title=f"Never bought: {world.log.item_names[item]}",
)

# %% [markdown]
# The same product in two models. Below its name stand the products with the nearest vectors; ● marks those of its own interest. With its id alone, a product that nobody bought lies anywhere. Its features put it among its like.
#
# ## The item tower, with features
#
# A [cold product](glossary.md#cold-item) is one that no training user bought. It was never a [target](glossary.md#target), so nothing ever pulled its row of the table anywhere; all that moved it was being drawn as a [negative](glossary.md#negative). But the shop knows its **features**: a style, a category. The [item tower](glossary.md#item-tower) adds to the row the mean of the features' vectors, which are learned too:
#
# $$v_t = \text{row}_t + \frac{1}{|F_t|} \sum_{f \in F_t} e_f$$
#
# For a cold product it leaves out the row. (In the paper, $E_t$ holds an item's id, category, brand and title; how they become $v_t$ is left open, and this is our reading.)

# %%
rows = {"known whisk": torch.tensor([1.0, 0.0]), "cold whisk": torch.tensor([-0.7, 0.7])}
style, hobby = torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0])  # vectors of two features
mean = (style + hobby) / 2
print("known whisk, row + mean:", (rows["known whisk"] + mean).tolist())
print("cold whisk, mean alone: ", mean.tolist())

# %% [markdown]
# (1, 0) + (2, 1) = (3, 1). The cold whisk gets (2, 1), which points nearly the same way.
#
# ### Exercise 1: a product's vector
#
# Write it yourself. `row` is the product's row, `features` a list of its features' vectors, which may be empty, and `warm` says whether anyone bought it. The mean of no features is 0.
#
# <details><summary>Hint</summary>Start from zeros as long as the row. Add the row if the product is warm, and the mean if there are features.</details>


# %%
def item_vector(row: np.ndarray, features: list[np.ndarray], warm: bool) -> np.ndarray:
    # BEGIN SOLUTION
    vector = np.zeros(len(row))
    if warm:
        vector = vector + row
    if features:
        vector = vector + np.mean(features, axis=0)
    return vector
    # END SOLUTION


checks.item_vector(item_vector)

# %% [markdown]
# ## A world with rare products
#
# To measure this we need products that nobody bought, and users who buy them later. So we take a [planted world](glossary.md#planted-world): 20 interests of 12 products, two interests a user. Of each twelve products we let those who train buy one never, one at most once, then at most 2, 4, 8 and 16 times, and leave six alone. Test users keep all their purchases.
#
# **These features are as good as features get:** a product's two words name its interest, and an interest is all that this world is made of. A real shop's categories say less. We come to that.

# %%
for limit in (0, 1, 16, pictures.OFTEN):
    one = int(np.flatnonzero(limits == limit)[0])
    name = str(rare.log.item_names[one])
    print(f"{name:<30} features {features[name]}, bought {counts[one]} times by those who train")

# %% [markdown]
# **Predict.** Test users bought products that nobody had bought before. What fraction of those stands among 20 recommendations (of 240 products), with ids alone and with features?

# %%
my_cold_guess = None  # two numbers from 0 to 1

# %% tags=["answer"] tells=["nine in ten", "nearly all", "nearly every"]
cases = interactions.evaluation_cases(rare.log, rare.test)
by_id_cases = interactions.evaluation_cases(without_profile.log, rare.test)
results_of = {name: metrics.evaluate(model, by_id_cases, num=20) for name, model in models.items()}
cold = {name: pictures.recall_among(result, limits == 0, 20) for name, result in results_of.items()}
print(f"chance would find 20 of {len(limits)}, or {20 / len(limits):.2f}; you guessed {my_cold_guess}")
for name, found in cold.items():
    print(f"{name:>13}: {np.nanmean(found):.2f} of the products that nobody had bought")
cold_gain = pictures.compare(cold["with features"], cold["ids alone"], seed=seed)
print("features over ids: {:+.2f} [{:+.2f}, {:+.2f}]".format(*cold_gain), pictures.verdict(cold_gain))

# %% [markdown]
# <details><summary>What you saw</summary>With features nearly all of them are found, for here the features say everything that can be known. With ids alone it is about what chance would find.</details>
#
# > **Remember:** an id knows what was bought; a feature knows what was never bought.
#
# ## The first purchases
#
# As soon as one training user has bought a product, its row counts.
#
# **Predict.** With features, are products that were bought once or twice found more often than those never bought, or less?

# %%
my_first_guess = None  # "more" or "less"

# %% tags=["answer"] tells=["less often", "a dip", "noise, about as long"]
curves = {name: pictures.curve(result, limits, 20) for name, result in results_of.items()}
pictures.by_purchases(curves, 20 / len(limits), num=20, title="A dip where a few people bought")

# %% [markdown]
# <details><summary>What you saw</summary>Less often. One purchase hardly teaches a row anything, but it switches the row on: noise, about as long as a feature's vector, is added to a good direction. The more purchases, the better the row, and the line climbs again.</details>
#
# ### Exercise 2: read the curve
#
# Read it off the figure: with features, for which group of products is recall lowest? Give its limit: 0 for never, 1 for at most once, and so on.
#
# <details><summary>Hint</summary>Point at the line's lowest marker.</details>

# %%
my_dip = None  # 0, 1, 2, 4, 8 or 16
# BEGIN SOLUTION
my_dip = min(pictures.LIMITS, key=curves["with features"].get)
# END SOLUTION
checks.dip(my_dip, curves)

# %% [markdown]
# From which purchase on a row counts is up to us. Let it count from the tenth, and compare group by group. (`train_in_world` sets the item tower's `warm`.)

# %% tags=["answer"] tells=["rows that wait"]
models["rows from 10"] = train_in_world(without_profile, True, purchases=10)
results_of["rows from 10"] = metrics.evaluate(models["rows from 10"], by_id_cases, num=20)
groups = {"never": [0], "once or twice": [1, 2], "4 to 16 times": [4, 8, 16], "often": [pictures.OFTEN]}
patient = {}
for name, own in groups.items():
    ours, theirs = (
        pictures.recall_among(results_of[model], np.isin(limits, own), 20)
        for model in ("rows from 10", "with features")
    )
    patient[name] = pictures.compare(ours, theirs, seed=seed)
    print("bought {:<14} {:+.2f} [{:+.2f}, {:+.2f}]".format(name, *patient[name]), pictures.verdict(patient[name]))
curves["rows from 10"] = pictures.curve(results_of["rows from 10"], limits, 20)
pictures.by_purchases(curves, 20 / len(limits), num=20, title="Rows that wait for ten purchases")

# %% [markdown]
# <details><summary>What you saw</summary>Products with one or two purchases gain a lot. It isn't free: those never bought are found less often than before. For the other groups, read the intervals. A shop with many new products will accept that, another one won't.</details>
#
# > **Remember:** when a row may speak beside the features is your decision, and worth measuring.
#
# ## See for yourself

# %%
panel = pictures.features_panel(models, rare.log.item_names, world.item_interest, limits, world.interest_names)
panel

# %% [markdown]
# **Try this.**
#
# 1. Press *Bought often, ids alone*, and lower the number of purchases step by step. When do the neighbours stop making sense?
# 2. Do the same *with features*. Where do the neighbours change most?
#
# <details><summary>What to see</summary>(1) With ids alone, neighbours of its own interest get fewer as the purchases do. (2) Between never and once. At 0 the row is left out, at many purchases it is right, and in between it is noise. Choose <em>rows from 10</em> to see the middle mended.</details>
#
# ## On a real log
#
# In the world the features were the truth. Here are real ones: the words of a product's name on Online Retail, the genres of a film on MovieLens. Half of the products are made rare in the same way. One tower will do.

# %%
log = datasets.load_log(data)
log = log if log.item_features is not None else pictures.with_words(log)
real_limits = pictures.limits_of(log.num_items, seed=seed)
real = pictures.make_rare(interactions.split_users(log, seed=seed), real_limits, seed=seed)
real = replace(real, log=replace(real.log, user_features=None))
real_cases = interactions.evaluation_cases(real.log, real.test)
print(f"{log.num_items:,} products, {len(log.item_features.names)} features, for example:")
for one in np.random.default_rng(seed).choice(log.num_items, size=3, replace=False):
    ids = log.item_features.ids[one]
    print(f"   {log.item_names[one]}: {', '.join(log.item_features.names[ids[ids >= 0]])}")
real_results = {}
for name in ("ids alone", "with features"):
    recipe = Recipe(num_towers=1, features=name != "ids alone")
    real_results[name] = metrics.evaluate(recipe.train(real, steps=real_steps, seed=seed).model, real_cases)

# %%
by_group = {}
for name, own in {**groups, "any number": [*pictures.LIMITS, pictures.OFTEN]}.items():
    found = [pictures.recall_among(result, np.isin(real_limits, own), 50) for result in real_results.values()]
    by_group[name] = pictures.compare(found[1], found[0], seed=seed)
    print(
        f"{data}, bought {name:<14} ids {np.nanmean(found[0]):.3f}, features {np.nanmean(found[1]):.3f}: "
        "{:+.3f} [{:+.3f}, {:+.3f}]".format(*by_group[name])
    )

# %% [markdown]
# These are recall@50 of the products in each group, with one split and one seed. Compare the first line with the world's: how much a feature can do depends on how much it says. The last group gains as well: users' histories hold rare products too, and with ids alone those are noise to the tower.
#
# ## The profile
#
# $E_p$ in Eq. 1 is what is known of a *user* besides the history:
#
# $$V_u = f_{user}(E_p, E_u) \tag{1}$$
#
# It has feature vectors too, with the mean $p$. Each tower adds a linear map of its own: $v_u^{(j)} + W_j\, p$. The maps start at 0, so a profile changes a vector only as far as training finds it useful. By hand: $p = (1, 2)$, $W_1 = 0$, and $W_2$ doubles. Both towers say (3, 3) without the profile.

# %%
p, vectors = torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 3.0], [3.0, 3.0]])  # [dim], [tower, dim]
maps = torch.stack([torch.zeros(2, 2), 2 * torch.eye(2)])  # [tower, dim, dim]
print((vectors + torch.einsum("d,kde->ke", p, maps)).tolist())

# %% [markdown]
# In the small world, let each user name two hobbies when they sign up: half of what there is to know about their interests. A **new user** is one of whom the models read a single purchase, the last one.
#
# **Predict.** By how much does the profile change recall@20, after one purchase and with the whole history?

# %%
my_profile_guess = None  # two numbers, such as +0.1 and +0.1

# %% tags=["answer"] tells=["little to add", "costs recall"]
models["with profile"] = train_in_world(rare, True)
newest = cases.batch.mask.clone()
newest[:, :-1] = False
one_purchase = replace(cases, batch=replace(cases.batch, mask=newest))
profile_gains = {}
for name, some in {"one purchase": one_purchase, "whole history": cases}.items():
    found = [metrics.evaluate(models[model], some, num=20).recall(20) for model in ("with profile", "with features")]
    profile_gains[name] = pictures.compare(*found, seed=seed)
    print(
        f"{name:>13}: recall@20 {found[1].mean():.3f} without a profile, {found[0].mean():.3f} with one, "
        "{:+.3f} [{:+.3f}, {:+.3f}]".format(*profile_gains[name])
    )

# %% [markdown]
# <details><summary>What you saw</summary>New users gain: one purchase names one interest, the profile a part of both. Once the history has told both, the profile has little to add. Read that interval as well: with so short a training it can even be a distraction that costs recall.</details>
#
# > **Remember:** features are for new products, profiles for new users.
#
# ### Exercise 3: does it help?
#
# Judge from the printed lines. For each of the four, say `"helps"`, `"hurts"`, or `"too few users to tell"`.
#
# <details><summary>Hint</summary>An interval that holds 0 does not say that nothing happens. It says that these users cannot tell.</details>

# %%
my_verdicts = {
    "features, never bought": None,  # on the real log
    "features, once or twice": None,  # on the real log
    "profile, one purchase": None,  # in the world
    "profile, whole history": None,  # in the world
}
intervals = dict(zip(my_verdicts, [by_group["never"], by_group["once or twice"], *profile_gains.values()], strict=True))
# BEGIN SOLUTION
my_verdicts = {name: pictures.verdict(intervals[name]) for name in my_verdicts}
# END SOLUTION
checks.verdicts(my_verdicts, intervals)

# %% [markdown]
# ## What you take home
#
# - The item tower adds features to a row; a cold product is its features alone.
# - Features help where the id knows nothing, and only as much as they say. When a row takes over is a decision.
# - A profile speaks for users without a history.
#
# **What the paper says** (Xiong and Yu): towers read a profile $E_p$ beside the history (Eq. 1), and an item's vector comes from its features. It doesn't show what either adds, or how cold items and new users fare.
#
# ## Five questions
#
# **1.** A product has row (2, 0) and the features (0, 4), (0, 0). Nobody bought it. What is the second number of its vector?
#
# <details><summary>Answer</summary>**2** The row is left out, and the mean of the features is (0, 2).</details>
#
# **2.** With ids alone, why can a cold product's row not be right?
#
# - (a) It was never a target, so nothing pulled it to anybody.
# - (b) It is 0.
# - (c) It was never drawn as a negative.
#
# <details><summary>Answer</summary>**(a)** Uniform negatives include it, so training did move it, but only away from users; and it began as noise, not as 0.</details>
#
# **3.** Features find more of the cold products in the planted world than on the real log. Why?
#
# - (a) The real log has fewer users.
# - (b) In the world the features are what purchases are made from.
# - (c) Words cannot be learned.
#
# <details><summary>Answer</summary>**(b)** A world's feature names the interest, and within an interest all products are alike. A word or a genre says something of a product, and leaves open who will want it.</details>
#
# **4.** Your shop's catalogue changes every week, and most products are sold fewer than ten times. What would you try first?
#
# - (a) Add features, and let a row count from the first purchase.
# - (b) Add features, and let a row count only after several purchases.
# - (c) Leave out products until they are sold.
#
# <details><summary>Answer</summary>**(b)** Rows after one purchase are noise and cover what the features say. With (c) they would never be recommended, and so hardly be sold.</details>
#
# **5.** A profile's interval with the whole history is [−0.021, +0.004]. Your colleague writes "profiles do no harm". What do you answer?
#
# <details><summary>Answer</summary>That the interval allows a loss of 0.021 as well as no change: these users are too few to tell. Show them how wide it is, and what a new user gains.</details>
#
# **Next:** back to lesson 04, if you came from lesson 03; [the map](course_map.md) shows the ways on.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "cold_ids": float(np.nanmean(cold["ids alone"])),
    "cold_features": float(np.nanmean(cold["with features"])),
    "cold_gain_low": cold_gain[1],
    "dip": min(curves["with features"][1], curves["with features"][2]),
    "patient_few": patient["once or twice"][0],
    "real_cold_gain": by_group["never"][0],
    "profile_new": profile_gains["one purchase"][0],
    "profile_whole": profile_gains["whole history"][0],
}
JSON(results)
