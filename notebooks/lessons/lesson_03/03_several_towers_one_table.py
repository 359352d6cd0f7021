# ---
# jupyter:
#   course:
#     builds: K towers as one batch, the item tower with features, and the controls
#     after: ["02"]
#     minutes: 75
# ---

# %% [markdown]
# # Several towers, one table
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# Several [towers](glossary.md#tower) often score better than one. Is it because they found several interests? In this lesson you build the whole model of the paper's Figure 1. Then you put its gain to the question.
#
# **Afterwards you can**
#
# 1. count what K towers over one table cost (exercise 1),
# 2. say what would be lost without a tower (exercise 2),
# 3. tell specialists from copies and from a dead tower (exercise 3).
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

from lessons.lesson_03 import pictures
from mtmi_lite import interactions, metrics
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import Recipe
from mtmi_lite.losses import MultiTowerLoss
from mtmi_lite.towers import AttentionPooling

torch.set_num_threads(1)  # these steps are too small to share
steps, few_steps = {"fast": (600, 200), "full": (3000, 1000)}[profile]
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
test = interactions.evaluation_cases(log, split.test)
one_tower = Recipe(num_towers=1).train(split, steps=steps, seed=seed)
several = Recipe(num_towers=num_towers).train(split, steps=steps, seed=seed)  # α = 5, β = 0.3, as in lesson 00
same_share = MultiTowerLoss(share="equal", beta=0.0)  # every tower learns from every purchase alike
equal = Recipe(num_towers=num_towers, objective=same_share).train(split, steps=steps, seed=seed)
alone, found, copies = (metrics.evaluate(run.model, test) for run in (one_tower, several, equal))

# %%
pictures.work_of_two(
    {"trained to differ": found, "trained alike": copies},
    title="Two models of K towers: who brings the hits, and how much recall@50 is lost without each",
)

# %% [markdown]
# Both models have the same towers, and were trained on the same customers. On the left, every tower of the lower model looks busy. On the right is what is lost when one goes, and there the lower model would hardly miss anyone. By the end of this lesson you can say of any model which kind it is.
#
# ## Figure 1, built
#
# The paper's model in one drawing:

# %%
pictures.one_table(num_towers)

# %% [markdown]
# Each user tower reads the same history from the same **table**, and makes a vector of its own. A product goes through the same table. In symbols, `V_u = f(E_p, E_u)` (Eq. 1): $E_u$ are the history's vectors, $E_p$ is a [profile](glossary.md#profile), which comes later. Nothing but the table is shared.
#
# **Predict.** Two towers of attention fusion read the same history, each with its own weights, not trained yet. Do they give the same vector?

# %%
my_guess = None  # "the same" or "different"

# %% [markdown]
# ### By hand
#
# Three products in two dimensions. The projections are all 0 here, so a tower's [attention](glossary.md#attention-fusion) comes from its bias alone. Tower 1 has the biases 0, 0, 0. Tower 2 has ln 2, 0, 0.

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
# Tower 1 weighs each product ⅓ and gives (8/3, 8/3). Tower 2 has weights in the ratio 2 : 1 : 1, that is ½, ¼, ¼: ½ · (4, 0) + ¼ · (0, 4) + ¼ · (4, 4) = (3, 2). The same history, two vectors.
#
# ### From a loop to an axis
#
# A loop over K modules is right, and slow. Instead, stack the weights along an axis `tower` and let one product do all. `torch.einsum` names the axes: `b` batch, `w` tower, `i` input, `s` step, `d` dim. It sums over a letter that is missing after the arrow.


# %%
def fuse_all(embedded, projections, biases):
    scores = torch.einsum("bi,wis->bws", embedded.flatten(1), projections) + biases
    return torch.einsum("bws,bsd->bwd", scores.softmax(dim=2), embedded)


towers = several.model.user_towers  # the library's, trained, with 20 steps and 64 dimensions
full = test.batch.mask.all(dim=1)  # customers without padding, so that our functions need no mask
with torch.no_grad():
    embedded = several.model.table(test.batch.history[full])
    own_weights = zip(towers.projection, towers.bias, strict=True)
    by_loop = torch.stack([fuse_one(embedded, *own) for own in own_weights], dim=1)
    by_axis = fuse_all(embedded, towers.projection, towers.bias)
    by_library = towers(embedded, test.batch.mask[full]).vectors
print("shape [batch, tower, dim]:", list(by_axis.shape))
print("loop and axis agree:   ", torch.allclose(by_loop, by_axis, atol=1e-5))
print("axis and library agree:", torch.allclose(by_axis, by_library, atol=1e-5))

# %% [markdown]
# > **Remember:** K towers are one module whose weights have one more axis. K = 1 is no special case.
#
# ### Exercise 1: what do K towers cost?
#
# Count the numbers that training can move. The table has a row of $d$ numbers for each of $N$ products (leave the padding row out). A tower of attention fusion maps $L \cdot d$ numbers to $L$ scores, and adds $L$ biases. With `shared=True` all towers read one table; otherwise each has a table to itself.
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

# %%
table_size = log.num_items * several.model.dim
tower_size = sum(weight.numel() for weight in towers.parameters()) // num_towers
print(f"the table has {table_size:,} numbers, one tower {tower_size:,}")
print(f"K = {num_towers}, one table: {table_size + num_towers * tower_size:,}")
print(f"K = {num_towers}, a table each: {num_towers * (table_size + tower_size):,}")

# %% [markdown]
# The table is the large part, and in a real shop it is nearly all. Sharing it also means that each row learns from all towers, and that one vector of a product is compared with all K.
#
# ## The item tower, with features
#
# A [cold product](glossary.md#cold-item) is one that no training customer bought. Its row of the table is still the noise it started from. But a shop often knows a product's **features**: its style, its category. The [item tower](glossary.md#item-tower) adds to the row the mean of the features' vectors. Of a cold product it takes the features alone.

# %%
rows = {"seen whisk": torch.tensor([1.0, 0.0]), "cold whisk": torch.tensor([-0.7, 0.7])}
style, hobby = torch.tensor([0.0, 2.0]), torch.tensor([4.0, 0.0])  # vectors of two features, learned
mean = (style + hobby) / 2
print("seen whisk, row + mean: ", (rows["seen whisk"] + mean).tolist())
print("cold whisk, mean alone: ", mean.tolist())

# %% [markdown]
# (1, 0) + (2, 1) = (3, 1). The cold whisk gets (2, 1) and points nearly the same way. Its own row would have sent it elsewhere.
#
# Now a [planted world](glossary.md#planted-world): 20 interests of 10 products, two interests a customer. Two of each ten products are taken out of all purchases but the test customers'. A product's style and hobby are its features.

# %%
small = datasets.planted_interests(
    num_interests=20, items_per_interest=10, num_users=500, interests_per_user=2, seed=seed
)
parts = interactions.split_users(small.log, seed=seed)
cold = np.arange(small.log.num_items) % 10 < 2
keep = ~cold[small.log.items] | np.isin(small.log.users, parts.test)
columns = [column[keep] for column in (small.log.users, small.log.items, small.log.times)]
thin = interactions.from_codes(*columns, user_labels=small.log.user_labels, item_names=small.log.item_names)
features = {name: name.split(":")[0].split(" ") for name in map(str, thin.item_names)}
print(features["Nordic baking: whisk"])
hobbies = [[str(name).split(" ")[1] for name in small.interest_names[own]] for own in small.user_interests]
known = interactions.describe(thin, item_features=features)
profiled = interactions.describe(thin, item_features=features, user_features=dict(enumerate(hobbies)))

# %% [markdown]
# **Predict.** With ids alone, what part of the cold products that customers bought will be among 20 recommendations of 200 products? And with features?

# %%
my_cold_guess = None  # two numbers from 0 to 1

# %%
new_cases = interactions.evaluation_cases(thin, parts.test)


def in_small_world(log, features):
    recipe = Recipe(num_towers=2, dim=16, features=features, learning_rate=1e-2)
    return recipe.train(replace(parts, log=log), steps=few_steps, seed=seed).model


ids_alone, with_features = in_small_world(thin, False), in_small_world(known, True)
cold_recall = {}
for name, model in {"ids alone": ids_alone, "with features": with_features}.items():
    result = metrics.evaluate(model, new_cases, num=20)
    cold_hits = (result.hits & cold[result.ranking.items]).sum()
    cold_recall[name] = float(cold_hits / cold[new_cases.relevant].sum())
    print(f"{name:>13}: {cold_recall[name]:.2f} of the cold products found, recall@20 {result.recall(20).mean():.2f}")

# %% [markdown]
# Chance would find 20 of 200, or 0.10. Where does a cold product lie, with and without features? Here are the four products nearest to one.

# %%
whisk = int(np.flatnonzero(thin.item_names == "Nordic baking: whisk")[0])
for name, model in {"ids alone": ids_alone, "with features": with_features}.items():
    with torch.no_grad():
        directions = F.normalize(model.items(torch.arange(thin.num_items)), dim=1)
    nearest = (directions @ directions[whisk]).argsort(descending=True)[1:5]
    print(f"{name}: {', '.join(thin.item_names[nearest])}")

# %% [markdown]
# > **Remember:** an id knows what was bought, a feature knows what was never bought.
#
# ## The profile
#
# $E_p$ in Eq. 1 is what is known of a *customer* beside the history. It has feature vectors, too, with mean $p$. Each tower adds a linear map of its own of it: $v_u^{(j)} + W_j\, p$. The maps start at 0, so a profile changes a vector only as far as training finds it useful.
#
# By hand: $p = (1, 2)$, tower 1 has $W_1 = 0$, tower 2 doubles. Both towers say (3, 3) without the profile.

# %%
p, vectors = torch.tensor([1.0, 2.0]), torch.tensor([[3.0, 3.0], [3.0, 3.0]])  # [dim], [tower, dim]
maps = torch.stack([torch.zeros(2, 2), 2 * torch.eye(2)])  # [tower, dim, dim]
print((vectors + torch.einsum("d,kde->ke", p, maps)).tolist())

# %% [markdown]
# Tower 1 stays at (3, 3), tower 2 moves to (5, 7). In the small world, let each customer name their two hobbies when they sign up. We then ask about **new** customers: the models read the last purchase only.

# %%
with_profile = in_small_world(profiled, True)
newest = new_cases.batch.mask.clone()
newest[:, :-1] = False
results_of = {}
for name, model, world in (("features", with_features, known), ("features and profile", with_profile, profiled)):
    cases = interactions.evaluation_cases(world, parts.test)
    one_purchase = replace(cases, batch=replace(cases.batch, mask=newest))
    results_of[name] = metrics.evaluate(model, one_purchase, num=20)
    print(
        f"{name:>20}: recall@20 {results_of[name].recall(20).mean():.2f} after one purchase, "
        f"{metrics.evaluate(model, cases, num=20).recall(20).mean():.2f} with the whole history"
    )
profile_gain = metrics.paired_interval(*(results_of[name].recall(20) for name in reversed(results_of)), seed=seed)
print("profile, after one purchase: {:+.3f}, interval [{:+.3f}, {:+.3f}]".format(*profile_gain))

# %% [markdown]
# Once the history has told both interests, the profile has little to add.
#
# > **Remember:** features are for new products, profiles for new customers.
#
# ## An ensemble, or several interests?
#
# Now the question. An [ensemble](glossary.md#ensemble) is several models that do the same work; their mean errs less than one of them. **Specialists** do different work. Both can score better than one tower. Four **controls** tell them apart. We use them on your log, and on a planted *world*: 200 interests, four a customer, only 16 dimensions. There, several interests truly exist.

# %%
world = datasets.planted_interests(seed=seed)
world_split = interactions.split_users(world.log, seed=seed)
world_test = interactions.evaluation_cases(world.log, world_split.test)


def in_world(num_towers, **objective):
    recipe = Recipe(tower=AttentionPooling, num_towers=num_towers, dim=16, objective=MultiTowerLoss(**objective))
    run = replace(recipe, learning_rate=1e-2).train(world_split, steps=steps, seed=seed)
    return run.model, metrics.evaluate(run.model, world_test)


_, world_alone = in_world(1)
world_model, world_found = in_world(num_towers, alpha=5.0, beta=0.0)
paper_pull = dict(pull="triplet", share="raw", alpha=2.0, beta=0.0)  # the paper's loss, without its repel
_, triplet_alone = in_world(1, pull="triplet", share="equal")
_, triplet_weighted = in_world(1, **paper_pull)
_, triplet_several = in_world(num_towers, **paper_pull)

# %% [markdown]
# **Predict.** Which of these differences will be clear of 0? (a) specialists over one tower, (b) copies over one tower, (c) one tower with the paper's weight over the same without.

# %%
my_controls_guess = None  # such as "a and c"

# %%
gains = {}


def versus(name, ours, theirs):
    gains[name] = difference, low, high = metrics.paired_interval(ours.recall(50), theirs.recall(50), seed=seed)
    verdict = "can not tell" if low <= 0 <= high else "more" if difference > 0 else "less"
    print(f"{name:<42} {difference:+.3f} recall@50, interval [{low:+.3f}, {high:+.3f}]: {verdict}")


def cosine_of(evaluation):
    return float(metrics.pairwise_cosine(evaluation.users).mean())


versus(f"{data}: K towers over one", found, alone)
versus("world: K towers over one", world_found, world_alone)

# %% [markdown]
# Several towers score better. Why?
#
# ### Control 1: equal towers
#
# Give every tower the same share of every purchase. Nothing makes them differ but their first weights. What they gain is an ensemble's gain; only what K towers have over them can be more.

# %%
versus(f"{data}: equal towers over one", copies, alone)
versus(f"{data}: K towers over equal towers", found, copies)
print(f"cosine between towers: equal {cosine_of(copies):.3f}, K towers {cosine_of(found):.3f}")

# %% [markdown]
# ### Control 2: one tower, the same weight
#
# The paper's loss is a [triplet](glossary.md#triplet-loss) times $1/D^\alpha$, here with α = 2. With K = 1 that weight still works: it makes samples count more that are already near. So compare K towers not only with the plain triplet, but also with one tower that is weighted by its own $1/D^2$.

# %%
versus("world, triplet: K weighted over plain", triplet_several, triplet_alone)
versus("world, triplet: one weighted over plain", triplet_weighted, triplet_alone)
versus("world, triplet: K over one, both weighted", triplet_several, triplet_weighted)
print(f"cosine between the K towers: {cosine_of(triplet_several):.3f}")

# %% [markdown]
# Here K towers gain over a plain triplet, and a careless reader would call that several interests. But the K towers are copies of one another, and one tower gets much of that gain from the weight alone. (The paper adds a repel. Lesson 06 is about that.)
#
# ### Control 3: the mean of the model's own vectors
#
# Put one vector, the mean of the K directions, in place of the K. If it is as good, the gain came from training, and not from several vectors. Anything with `users`, `items`, `similarity` and `num_items` is a model, so a wrapper is short.


# %%
class Changed:
    """A model whose user vectors go through a function first."""

    def __init__(self, model, change):
        self.model, self.change = model, change
        self.similarity, self.num_items = model.similarity, model.num_items

    def users(self, batch):
        return self.change(self.model.users(batch))

    def items(self, ids):
        return self.model.items(ids)


def mean_of_all(users):
    mean = F.normalize(users.vectors, dim=-1).mean(dim=1, keepdim=True)  # [batch, 1, dim]
    return replace(users, vectors=mean, mask=users.mask[:, :1], attention=None)


averaged = metrics.evaluate(Changed(several.model, mean_of_all), test)
world_averaged = metrics.evaluate(Changed(world_model, mean_of_all), world_test)
versus(f"{data}: mean of the K over one tower", averaged, alone)
versus(f"{data}: K towers over their mean", found, averaged)
versus("world: mean of the K over one tower", world_averaged, world_alone)
versus("world: K towers over their mean", world_found, world_averaged)

# %% [markdown]
# In the planted world the mean is a poor vector: it stands between four interests and near none. So that gain comes from several vectors, used as several. There we also know the truth: which part of a customer's interests do the lists find?

# %%
item_interest, own_interests = world.item_interest, world.user_interests[world_test.users]
interests = {
    name: float(metrics.interests_found(result.lists, item_interest, own_interests).mean())
    for name, result in {"one tower": world_alone, "K towers": world_found, "triplet, K": triplet_several}.items()
}
print(", ".join(f"{name}: {part:.2f} of the interests" for name, part in interests.items()))

# %% [markdown]
# ### Control 4: who would be missed?
#
# A tower's [share of the hits](glossary.md#tower-share) counts what it brought. The [recall without it](glossary.md#recall-without) merges the other lists again. They differ when two lists hold the same product.
#
# ### Exercise 2: the recall without a tower
#
# `lists` has a list of (product, similarity) for each tower, best first. Leave out the list of `tower`, counted from 0. Merge the others as in lesson 00: best similarity first, each product once. Take the first `num`, and return the part of `relevant`, a set of products, that stands there.
#
# <details><summary>Hint</summary>Do not start from the merged list of all towers. What tower 2 brought may stand in tower 3's list as well, and the list fills up again.</details>


# %%
def recall_left(lists: list[list[tuple[str, float]]], relevant: set, tower: int, num: int) -> float:
    # BEGIN SOLUTION
    best = {}
    for other, one_list in enumerate(lists):
        if other != tower:
            for product, similarity in one_list:
                best[product] = max(similarity, best.get(product, -1.0))
    first = sorted(best, key=lambda product: -best[product])[:num]
    return len(relevant.intersection(first)) / len(relevant)
    # END SOLUTION


checks.recall_left(recall_left)

# %%
pictures.work_of_two({f"{data}": found, "world": world_found}, title="Two logs, two kinds of team")

# %% [markdown]
# In the planted world every tower would be missed. On Online Retail one tower would be missed far more than the rest, and some hardly at all. The cosine shows towers that differ, the merge does better than one tower, and yet these are not four specialists. That is a result, too.
#
# ## All differences in one picture

# %%
pictures.differences(gains, title="Whose gain is it? Filled: the interval excludes 0")

# %% [markdown]
# ## What can go wrong: a dead tower
#
# Take the copies and replace the last tower's vector by one direction, the same for everyone: of 1,000 random ones, the one farthest from all products. It has nothing to say to anybody.
#
# **Predict.** Does the mean cosine between towers become better (lower) or worse?

# %%
my_dead_guess = None  # "lower" or "higher"

# %%
with torch.no_grad():
    products = F.normalize(equal.model.items(torch.arange(log.num_items)), dim=1)
many = torch.randn(1000, products.shape[1], generator=torch.Generator().manual_seed(seed))
far = many[(F.normalize(many, dim=1) @ products.T).amax(dim=1).argmin()]  # its nearest product is the farthest


def last_dies(users):
    vectors = users.vectors.clone()
    vectors[:, -1] = far
    return replace(users, vectors=vectors)


dead = metrics.evaluate(Changed(equal.model, last_dies), test)
dead_share, dead_loss = float(dead.tower_shares(50)[-1]), float(pictures.lost_without(dead)[-1])
print(f"mean cosine: copies {cosine_of(copies):.2f}, with a dead tower {cosine_of(dead):.2f}, ")
print(f"             and for comparison the K trained to differ {cosine_of(found):.2f}")
print(f"recall@50: copies {copies.recall(50).mean():.3f}, with a dead tower {dead.recall(50).mean():.3f}")
print(f"the dead tower's share of the hits: {dead_share:.1%}; recall@50 lost without it: {dead_loss:+.4f}")

# %% [markdown]
# By the cosine alone this model looks at least as diverse as the one trained for it. By its work it is some copies and a passenger. Leave the passenger out, and the list gets no worse: its products only take places from better ones.
#
# > **Remember:** a low cosine says that towers point apart. Only their work says whether that is good for anything.
#
# ## See for yourself: what each tower adds

# %%
models = {"K towers": found, "copies": copies, "a dead tower": dead}
panel = pictures.towers_panel(models, alone, log.item_names, log.user_labels[test.users])
panel

# %% [markdown]
# Bars on the left are the hits that each tower brings into the merged list; point at one, with a customer chosen, to read the products. Switch towers off: the merge is made again from those left. For a training of your own, put `"mine": metrics.evaluate(run.model, test)` first in `models`.
#
# **Try this.** (1) Press *Without the strongest*. How much of its work do the others make up for? Now leave only the strongest on, and compare it with K = 1. (2) Press *Copies* and switch towers off one by one. How many do you need?
#
# ### Exercise 3: a diagnosis
#
# Write `diagnose(cosine, shares, lost)`: the mean cosine, the share of the hits of each tower, and the recall@50 lost without each. Return one of four words:
#
# - `"dead tower"`: some tower does nothing, whatever the others are;
# - `"copies"`: otherwise, if nobody would be missed;
# - `"one strong"`: exactly one would be missed;
# - `"specialists"`: at least two would be missed.
#
# A tower does nothing if it brings less than 3% of the hits. A tower is missed if more than 0.005 is lost without it. Ask yourself which of the three numbers you do not need.
#
# <details><summary>Hint</summary>Count the towers with <code>lost</code> above 0.005, after you looked for a dead one.</details>


# %%
def diagnose(cosine: float, shares: list[float], lost: list[float]) -> str:
    # BEGIN SOLUTION
    if min(shares) < 0.03:
        return "dead tower"
    missed = sum(loss > 0.005 for loss in lost)
    return "copies" if missed == 0 else "one strong" if missed == 1 else "specialists"
    # END SOLUTION


checks.diagnose(diagnose)

# %%
for name, result in {**models, "world": world_found, "world, triplet": triplet_several}.items():
    shares, lost = result.tower_shares(50), pictures.lost_without(result)
    verdict = diagnose(cosine_of(result), shares.tolist(), lost.tolist())
    print(
        f"{name:>16}: cosine {cosine_of(result):.2f}, least share {shares.min():.2f}, most lost {lost.max():.3f}: {verdict or '?'}"
    )

# %% [markdown]
# ## What you take home
#
# - K towers are one batch over one table. Features find cold products, a profile helps new customers.
# - A gain over one tower has several possible reasons. Show equal towers, one tower with the same weight, and the mean of the K vectors beside it.
# - A cosine says that towers differ. The share of the hits and the recall without a tower say whether it matters.
#
# **What the paper says** (Xiong and Yu): towers with own weights over one table learn a customer's different interests, and several beat one. Its ablations have an arm with K = 1 (Fig. 3) and one without repel (Fig. 4). Equal towers, the mean of the vectors, and each tower's work are not shown.
#
# **What we measured**, with one split and short trainings: in the planted world, K towers beat one tower and their own mean by far, find most of the interests, and each would be missed. On Online Retail the gain is small, the mean of the K vectors keeps little of it, and mostly one tower would be missed. With the paper's triplet and no repel the K towers were copies, and one tower with the same weight came a good part of the way.
#
# **Words.** *Cold product*: never seen in training. *Ensemble*: several models at the same work. *Dead tower*: one that brings nothing.
#
# **Next:** lesson 04 asks who should answer for a target, so that towers become specialists at all.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "cold_with_features": cold_recall["with features"],
    "profile_gain": profile_gain[0],
    "gain": gains[f"{data}: K towers over one"][0],
    "copies_cosine": cosine_of(copies),
    "world_gain": gains["world: K towers over one"][0],
    "world_over_mean": gains["world: K towers over their mean"][0],
    "world_least_lost": float(pictures.lost_without(world_found).min()),
    "weight_gain": gains["world, triplet: one weighted over plain"][0],
    "triplet_cosine": cosine_of(triplet_several),
    "most_lost": float(pictures.lost_without(found).max()),
    "dead_cosine": cosine_of(dead),
    "dead_share": dead_share,
    "dead_lost": dead_loss,
}
JSON(results)
