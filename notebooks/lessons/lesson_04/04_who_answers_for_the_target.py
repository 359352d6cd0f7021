# ---
# jupyter:
#   course:
#     builds: the share, in all the ways in which the field chooses it
#     after: ["03"]
#     minutes: 75
# ---

# %% [markdown]
# # Who answers for the target?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A user has K vectors, and training shows one **target**: the item that came next. Which vector should learn from it? All? The nearest? A mixture? That choice is the **share**, and it decides what the towers become. It also uses something that serving does not have: the target.
#
# **Afterwards you can**
#
# 1. give a target to one tower, by any score (exercise 1),
# 2. share it out by inverse distance, and say what α does (exercise 2),
# 3. measure what training knows and serving does not (exercise 3).
#
# **You need** lesson 03: K towers over one table.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
data = "planted"  # or "online-retail"; or "movielens", after `make data`
num_towers = 4  # K
dim = 16  # d, of every vector
alphas = [0.0, 2.0, 5.0, 20.0]  # α, of the trainings

# %%
try:
    from lessons.lesson_04 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
from dataclasses import replace

import numpy as np
import torch

from lessons.lesson_04 import pictures
from mtmi_lite import interactions, losses, metrics, towers
from mtmi_lite.data import datasets

torch.set_num_threads(1)  # these steps are too small to share
vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # three towers of one user, at 0°, 90° and 180°
target, negative = torch.tensor([0.6, 0.8]), torch.tensor([0.28, 0.96])  # at 53° and 74°
degrees = np.arange(0, 361, 3)
curves = pictures.circle_shares(vectors, negative, torch.from_numpy(np.radians(degrees)).float())
pictures.share_curves(curves, degrees, (0, 90, 180), 73.7, title="Who answers for a target, by where it lies")

# %% [markdown]
# Three vectors of one user stand on a circle. A target goes once around it, and each small picture is a **rule**: how much of the target each tower answers for. On the left all or nothing, then softly, then nearly hard again. You build each rule, then see which one finds a user's interests.
#
# ## All to one: nearest tower, smallest loss
#
# ComiRec trains only the [nearest tower](glossary.md#nearest-tower), the one most similar to the target. The paper's "minimum loss" trains the tower with the [smallest loss](glossary.md#smallest-loss). The loss also looks at a **negative**, an item drawn at random.
#
# **Predict.** The target lies at 53°, a negative at 74°. Tower 2, at 90°, is nearest to the target. Does it have the smallest loss?

# %%
my_guess = None  # "yes" or "no"

# %%
to_target, to_negative = vectors @ target, vectors @ negative  # all have length 1: these are cosines
loss = (0.5 - to_target + to_negative).relu()  # the triplet loss, Eq. 8, with a margin γ of 0.5
print("similarity to the target:  ", to_target.numpy().round(2))
print("similarity to the negative:", to_negative.numpy().round(2))
print("loss:                      ", loss.numpy().round(2))
print(f"nearest: tower {to_target.argmax() + 1}. Smallest loss: tower {loss.argmin() + 1}. You guessed {my_guess!r}.")

# %% [markdown]
# Check tower 1: 0.5 − 0.6 + 0.28 = 0.18. Tower 2 is nearer to the target, but the negative is nearer still: 0.5 − 0.8 + 0.96 = 0.66. The two rules differ, and the negative of the moment decides. In the picture, tower 2 never answers by its loss: the negative, ✕, stands beside it.
#
# The library has both in one function: all to the tower with the best **score**. The shares of a user sum to the number of their towers, so that equal shares are 1 each.

# %%
here = torch.ones(1, 3, dtype=torch.bool)  # which towers this user has: all
print("nearest: ", losses.share_to_best(to_target[None], here)[0].tolist())
print("smallest:", losses.share_to_best(-loss[None], here)[0].tolist())

# %% [markdown]
# > **Remember:** a hard rule gives the whole target to one tower; the others learn nothing from it.
#
# ### Exercise 1: all to the best
#
# One user: `score` has a number for each tower, `mask` is True where the tower exists. (MIND gives short histories fewer vectors.) Return a tensor of shares: the number of towers that exist at the best of them, 0 elsewhere. Among equals, the first.
#
# <details><summary>Hint</summary>A tower that does not exist must lose against any score, negative ones too. What score is below all others?</details>


# %%
def all_to_best(score: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    # BEGIN SOLUTION
    share = torch.zeros_like(score)
    share[score.masked_fill(~mask, -torch.inf).argmax()] = mask.sum()
    return share
    # END SOLUTION


checks.all_to_best(all_to_best)

# %% [markdown]
# ## A mixture: label-aware attention
#
# MIND does not choose a vector. It **mixes** them for the target, by [label-aware attention](glossary.md#label-aware-attention): $\mathrm{softmax}(p \cdot V_u^\top v_t)$. The [sharpness](glossary.md#sharpness) p says how decidedly. The paper prints a power instead, $\mathrm{softmax}((V_u^\top v_t)^p)$.
#
# **Predict.** What does each formula give for a large p: everything to the nearest, or something else?

# %%
my_second_guess = None

# %%
for p in (0, 0.5, 1, 2, 5, 50):
    multiplied, printed = (p * to_target).softmax(dim=0), (to_target**p).softmax(dim=0)
    print(f"p = {p:<4} times p: {multiplied.numpy().round(2)}   to the power of p: {printed.numpy().round(2)}")

# %% [markdown]
# Multiplied, p = 0 is the mean of the vectors, and a large p the nearest. The power is **not a number** where a product is negative and p is not whole: (−0.6)^0.5. For an even p the vector that points away counts like one that points near: (−0.6)² = 0.6². And for a large p all powers of numbers below 1 vanish, so the shares become *equal*. The library multiplies.
#
# The mixture is then trained as if it were the user's only vector, by the **sampled softmax** $L_{SSM}$: the negative logarithm of the target's part among itself and the negatives.

# %%
weights = (1.0 * to_target).softmax(dim=0)  # p = 1
mixture = weights @ vectors
by_hand = -torch.stack([mixture @ target, mixture @ negative]).log_softmax(dim=0)[0]
user = towers.Users(vectors=vectors[None], mask=here, similarity="inner-product")
library = losses.LabelAwareSoftmax(sharpness=1.0)(user, target[None], negative[None], torch.tensor([[True]]))
print(f"mixture {mixture.numpy().round(2)}, L_SSM by hand {by_hand:.4f}, library {library['total']:.4f}")
print("equal" if torch.isclose(by_hand, library["total"]) else "they differ")

# %% [markdown]
# > **Remember:** label-aware attention mixes the *vectors*, and trains a mixture that exists only where the target is known.
#
# ## Softly, by inverse distance
#
# MTMI keeps the vectors apart and mixes the *losses*. A tower at [cosine](glossary.md#cosine) distance D = 1 − S from the target gets the weight $1/D^\alpha$, its [inverse distance](glossary.md#inverse-distance). Our three distances are 0.4, 0.2 and 1.6.

# %%
distances = 1 - to_target
for alpha in (0.0, 1.0, 5.0, 200.0):
    by_hand = 1 / distances.double() ** alpha
    by_hand = 3 * by_hand / by_hand.sum()  # three towers: shares that sum to 3
    library = losses.share_by_distance(to_target[None], here, alpha=alpha)[0]
    print(f"α = {alpha:>5}: {by_hand.numpy().round(3)}, library the same: {np.allclose(by_hand, library, atol=1e-4)}")
print("nearest:  ", losses.share_to_best(to_target[None], here)[0].numpy())

# %% [markdown]
# Check α = 1: the weights 2.5, 5 and 0.625 are as 4 : 8 : 1, so tower 2 gets 3 · 8/13 = 1.846. With α = 0 all are alike; as α grows, the soft share becomes the hard one. It is the same choice, made more or less decidedly, and the label makes it too. (The paper does not scale the weights of a user to a fixed sum; lesson 05 does both.)
#
# > **Remember:** α turns "all towers learn" into "only the nearest learns".
#
# ### Exercise 2: shares by inverse distance
#
# One user again: `similarity` to the target and `mask`. Shares in proportion to $1/D^\alpha$, 0 for absent towers, summing to the number of towers that exist. A distance below 0.05 counts as 0.05: otherwise a tower that reaches its target has an infinite weight.
#
# <details><summary>Hint 1</summary><code>.clamp(min=0.05)</code> is the floor. It belongs on the distance, before the power.</details>
# <details><summary>Hint 2</summary>Multiply by the mask before you take the sum.</details>


# %%
def by_distance(similarity: torch.Tensor, mask: torch.Tensor, alpha: float) -> torch.Tensor:
    # BEGIN SOLUTION
    weight = (1 - similarity).clamp(min=0.05) ** -alpha * mask
    return weight / weight.sum() * mask.sum()
    # END SOLUTION


checks.by_distance(by_distance)

# %% [markdown]
# ## Where the rivals get their vectors
#
# MIND and ComiRec have one set of weights for all K vectors. MIND's are **capsules**, made by [routing](glossary.md#routing): items share themselves out over the interests they agree with, three times over. Four items, two interests; the starting logits differ (MIND draws them at random):

# %%
items = torch.tensor([[4.0, 0.0], [3.6, 1.2], [0.0, 4.0], [1.2, 3.6]])
start = torch.tensor([[0.5, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5]])  # [interest, item]
logits = start
for iteration in (1, 2, 3):
    c = logits.softmax(dim=0)  # each item's shares sum to 1
    mixed = c @ items
    squared = mixed.square().sum(dim=1, keepdim=True)
    interests = mixed * squared.sqrt() / (1 + squared)  # squash: keep the direction, make the length less than 1
    logits = logits + interests @ items.T  # agreement
    print(f"iteration {iteration}: interest 1 takes {c[0].numpy().round(2)}, interest 2 {c[1].numpy().round(2)}")
everything = torch.ones(1, 4, dtype=torch.bool)
routed, shares = towers.route(items[None, None], start, everything, everything[:, :2])
print("library the same:", torch.allclose(shares[0], c) and torch.allclose(routed[0], interests))

# %% [markdown]
# Round by round the first two items go to interest 1, the others to interest 2. From equal logits both interests would stay equal: nothing tells them apart.
#
# ComiRec (SA) needs no rounds. Its [self-attention](glossary.md#self-attention) is $A = \mathrm{softmax}(W_2 \tanh(W_1 (H + P)))$ over the history H with places P, and the vectors are $V = A H$. The interests differ in their row of $W_2$ alone.

# %%
comirec = towers.SharedAttention(num_towers=2, dim=2, history_length=4, generator=torch.Generator().manual_seed(0))
with torch.no_grad():
    attention = (((items + comirec.place) @ comirec.inner).tanh() @ comirec.outer).softmax(dim=0).T
    same = torch.allclose(attention @ items, comirec(items[None], everything).vectors[0])
print("A, two interests over four items:", *attention.numpy().round(2), "library the same:", same)

# %% [markdown]
# ## Which rule finds the interests?
#
# Now train, in a small [planted world](glossary.md#planted-world): 100 interests, 1,200 users with 4 interests each. The towers pool by attention in 16 dimensions, and only the share differs; MIND and ComiRec come with their own vectors and inner products. All have the same steps and learning rate, the one that validation users of other worlds chose for nearly every rule.

# %%
from mtmi_lite.lab.recipes import HARD, Recipe

steps = {"fast": 400, "full": 1600}[profile]
world = datasets.planted_interests(num_interests=100, num_users=1200, seed=seed) if data == "planted" else None
log = world.log if world else datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
test = interactions.evaluation_cases(log, split.test)


def recipe(objective, tower=towers.AttentionPooling, num_towers=num_towers, similarity="cosine"):
    settings = dict(tower=tower, num_towers=num_towers, dim=dim, similarity=similarity, learning_rate=0.04)
    return Recipe(objective=objective, **settings)


def mtmi(**share):
    return losses.MultiTowerLoss(beta=0.0, **share)


label_aware = losses.LabelAwareSoftmax

# %% [markdown]
# **Predict.** Rank these by recall@50: one tower, nearest, smallest loss, α = 0, α = 5, α = 20.

# %%
my_ranking = None  # a list, best first

# %%
models = {"one tower": (recipe(mtmi(), num_towers=1), "nearest", 0.0)}  # the recipe, and the label's choice in it
for alpha in alphas:
    models[f"MTMI, α = {alpha:g}"] = (recipe(mtmi(alpha=alpha)), "inverse distance", alpha)
models["nearest"] = (recipe(mtmi(share="nearest")), "nearest", 0.0)
models["smallest loss"] = (recipe(mtmi(share="smallest")), "smallest loss", 0.0)
models["label-aware, p = 5"] = (recipe(label_aware(sharpness=5.0, temperature=0.1)), "label-aware", 5.0)
models["MIND"] = (recipe(label_aware(), towers.InterestRouting, similarity="inner-product"), "label-aware", 1.0)
models["ComiRec"] = (recipe(HARD, towers.SharedAttention, similarity="inner-product"), "nearest", 0.0)
runs = {name: how.train(split, steps=steps, seed=seed, progress=False) for name, (how, _, _) in models.items()}
found = {name: metrics.evaluate(run.model, test) for name, run in runs.items()}

# %%
interests = dict.fromkeys(found, np.nan)
if world:
    best = metrics.find_hits(datasets.oracle_ranking(world, test.users, 50), test)
    print(
        f"An oracle that knows the interests reaches recall@50 {metrics.recall(best, test.num_relevant).mean():.3f}.\n"
    )
    own = world.user_interests[test.users]
    interests = {n: metrics.interests_found(e.lists, world.item_interest, own).mean() for n, e in found.items()}
print("                     recall@50   interests found   cosine   shares of the hits")
for name, result in found.items():
    cosine = result.summary().get("cosine", np.nan)
    hits = result.tower_shares(50).round(2)
    print(f"{name:>20} {result.recall(50).mean():9.3f} {interests[name]:14.2f} {cosine:13.2f}   {hits}")

# %% [markdown]
# An interest is **found** when it is the most frequent one among the first 20 items of some tower. At α = 0 four towers are four copies: cosine near 1, and hardly more interests than one tower finds. Turn α up and they part; far up, at the hard end, recall falls again.
#
# Paired intervals over the test users, and the controls of lesson 03:

# %%
soft = max((f"MTMI, α = {alpha:g}" for alpha in alphas), key=lambda name: runs[name].validation_recall.max())
ours = found[soft].recall(50)
print(f"Validation users choose {soft}. Over each rival, in recall@50:")
for name in ("one tower", "nearest", "smallest loss", "label-aware, p = 5"):
    difference, low, high = metrics.paired_interval(ours, found[name].recall(50), seed=seed)
    print(f"  {name:>20} {difference:+.3f} [{low:+.3f}, {high:+.3f}]")
users = found[soft].users
mean = torch.nn.functional.normalize(users.vectors, dim=-1).mean(dim=1, keepdim=True)
alone = replace(found[soft], users=replace(users, vectors=mean, mask=users.mask[:, :1], attention=None))
mean_recall = pictures.measure_gap(alone, runs[soft].model, rule="nearest", sharpness=0.0).served
print(f"  {'mean of own vectors':>20} {(ours - mean_recall).mean():+.3f}")
print("without each tower:  ", [round(float(found[soft].recall_without(j, 50).mean()), 3) for j in range(num_towers)])

# %% [markdown]
# A hard rule shows each tower a quarter of the targets, so it learns more slowly. With four times the steps (`profile = "full"`) it comes nearer, and still stays behind.
#
# > **Remember:** too soft makes copies, too hard makes slow learners; the best α lies between.
#
# ## What training knows and serving does not
#
# In training the target picks who answers. In serving there is no target: K lists are merged into one. The [gap](glossary.md#train-serve-gap) between the two we define like this.
#
# - **With the label:** for each relevant item of a test user, the model's own rule picks. The nearest vector: is the item among its first 50? Label-aware attention: is it among the first 50 of the mixture? A soft share: of each tower's first 50, as much as the tower answers.
# - **Served:** is the item among the 50 of the merged list?
#
# ### Exercise 3: recall with the label's choice
#
# One user: `similarity[tower, item]` of their vectors to their relevant items, `lists[tower, place]` of item ids, and `relevant[item]`, the ids. For each relevant item, take the list of the vector nearest to it. Return the part of the relevant items that stand in *that* list.
#
# <details><summary>Hint</summary><code>similarity.argmax(axis=0)</code> is a tower for each relevant item.</details>


# %%
def recall_with_label(similarity: np.ndarray, lists: np.ndarray, relevant: np.ndarray) -> float:
    # BEGIN SOLUTION
    tower = similarity.argmax(axis=0)
    return float(np.mean([item in lists[j] for item, j in zip(relevant, tower, strict=True)]))
    # END SOLUTION


checks.recall_with_label(recall_with_label)

# %% [markdown]
# **Predict.** Whose gap is smallest: MIND's, ComiRec's, or MTMI's at α = 5? And one tower's?

# %%
my_third_guess = None

# %%
gaps = {
    name: pictures.measure_gap(found[name], runs[name].model, rule=rule, sharpness=sharpness)
    for name, (_, rule, sharpness) in models.items()
}
pictures.gap_chart(gaps, title="What the label's choice finds, and what the served list finds")

# %% [markdown]
# The gap is the line between circle and diamond. One tower has none: there is nothing to choose. But the label may look into K lists of 50, and serving has 50 places in all. So we also count an item as found if it is in **any** of the K lists in full, without the label: the upright stroke. From circle to stroke is the **price of merging**. From stroke to diamond is what **only the label** gives.

# %%
print(f"{'':>20}  {'gap':<24}  {'price of merging':<24}  only the label")
parts = {}
for name, gap in gaps.items():
    pairs = [(gap.label, gap.served), (gap.room, gap.served), (gap.label, gap.room)]
    parts[name] = [metrics.paired_interval(more, less, seed=seed) for more, less in pairs]
    print(f"{name:>20}  " + "  ".join(f"{d:+.3f} [{low:+.3f}, {high:+.3f}]" for d, low, high in parts[name]))

# %%
nearest_gap, soft_gap = gaps["nearest"], gaps[soft]
gap_of_gaps = metrics.paired_interval(
    soft_gap.label - soft_gap.served, nearest_gap.label - nearest_gap.served, seed=seed
)
print("gap of {} less that of nearest: {:+.3f} [{:+.3f}, {:+.3f}]".format(soft, *gap_of_gaps))
print("MTMI's is smaller." if gap_of_gaps[2] < 0 else "MTMI's gap is no smaller than that of the hard choice.")
for name in (soft, "nearest", "label-aware, p = 5", "MIND", "ComiRec"):
    print(f"  of what the label finds, {name} serves {gaps[name].served.mean() / gaps[name].label.mean():.0%}")

# %% [markdown]
# Read the three columns. For nearest and smallest loss, the label gives nothing that K full lists do not hold: their whole gap is the price of merging. A soft share is even below its full lists, as it counts only a part of what a tower finds. Label-aware attention is different: its mixture finds items that **none** of the user's vectors finds. That vector was trained, and serving never has it. (In longer training this part shrinks.)
#
# So the label helps in two ways. Who picks from K lists gets more room; who mixes vectors gets a vector that does not exist in serving. MTMI avoids the second, as ComiRec does. It serves more than they do because its lists find more.
#
# > **Remember:** a gap is mostly the price of one list in place of K. Ask of a training rule whether it trains a vector that serving has.
#
# ## The switch
#
# One user, one relevant item. The map (PCA of directions) shows the user's vectors, large, and the 50 served items, small, in the colour of the tower that brought them. The bars say who answers, and the item's rank in each tower's own list.

# %%
panel = pictures.switch_panel({soft: runs[soft]} | runs, test, log.item_names)
panel

# %% [markdown]
# **Try this.** (1) Press *ComiRec*, switch to *serving*, and go through users and items. How often is the item not served, though its own tower has it in the first 50? (2) Press *MTMI, α = 5*, then move α down to 0 and up to 20. At which α do the bars become one? Then set the rule to *label-aware* and watch the rank of the mixture.
#
# ## What can go wrong: the power as printed
#
# Code the formula as it stands in the paper. An objective is a function; the loop takes it like any other.


# %%
def printed_power(users, target, negatives, mask, log_odds=None, p=1.5):
    products = torch.einsum("bkd,bd->bk", users.vectors, target)
    attention = (products**p).softmax(dim=1)
    mixed = torch.einsum("bk,bkd->bd", attention, users.vectors)
    positive, negative = (mixed * target).sum(dim=1, keepdim=True), mixed @ negatives.T
    pull = losses.info_nce(positive, negative[:, None], mask[:, None], temperature=1.0)[:, 0]
    return {"share": attention, "pull": pull, "total": pull.mean()}


failure = "none"
try:
    recipe(printed_power, similarity="inner-product").train(split, steps=10, seed=seed, progress=False)
except FloatingPointError as error:
    failure = str(error)
print(failure)

# %% [markdown]
# At the first step some product in the batch is negative, its power is not a number, and the softmax spreads that over all shares of the user. The loop stops there; without that check, Adam would write it into every weight. The advice in the message does not help: the formula is at fault, not the learning rate.
#
# ## Leakage or overfitting?
#
# Label-aware attention does worse here than a soft share. The paper saw that too, and names leakage or overfitting. **Overfitting** can be measured beside the gap: recall on users the model was trained on, less that on test users.

# %%
trained_on = interactions.evaluation_cases(log, split.train[:300])
over = {}
for name, run in runs.items():
    known = metrics.evaluate(run.model, trained_on).recall(50).mean()
    over[name] = float(known - found[name].recall(50).mean())
print("\n".join(f"{name:>20}  {value:.3f} above test users" for name, value in over.items()))
more = over["label-aware, p = 5"] > over["nearest"] + 0.05
print("Label-aware attention overfits", "more than" if more else "no more than", "the nearest tower does.")

# %% [markdown]
# ## What you take home
#
# - The share decides what the towers become: all alike makes copies, all to one slow specialists. Between them lies an α.
# - Every rule here asks the label who answers.
# - The gap between training and serving has two parts: one list in place of K, and vectors that exist only with the label.
#
# **What the paper says** (Xiong and Yu): label-aware attention with a sampled softmax, put in place of their loss, makes MTMI worse, through leakage or overfitting. No figure separates the two. Their weights, it says, align training and serving better.
#
# **What we measured**, in one small planted world and few steps:

# %%
label_only, soft_only = parts["label-aware, p = 5"][2], parts[soft][2]
print(f"- Soft against hard: {soft} serves {ours.mean():.3f}, nearest {found['nearest'].recall(50).mean():.3f}.")
print(f"- Only the label finds {label_only[0]:+.3f} of recall for label-aware attention, {soft_only[0]:+.3f} for MTMI.")
print(
    f"- The whole gap: MTMI {parts[soft][0][0]:.3f}, nearest {parts['nearest'][0][0]:.3f}, MIND {parts['MIND'][0][0]:.3f}."
)
print("- By this measure MTMI is", "better" if gap_of_gaps[2] < 0 else "not better", "aligned than the nearest tower.")

# %% [markdown]
# The first line is on the paper's side, and so is the second, for mixtures: call that leakage. The last two test its claim on alignment. A small gap alone is no merit: copies have none. MIND and ComiRec are far from done after so few steps: compare their gaps here, and their recall in lesson 09.
#
# **Words.** *Share*: how much a tower answers for the target. *Label-aware attention*: a mixture of the vectors, made for the target. *Price of merging*: what is lost when K lists become one of the same length.
#
# **Next:** lesson 05, the pull itself: the paper's weights, and which way their gradient points.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "recall_50": float(ours.mean()),
    "over_one_tower": float((ours - found["one tower"].recall(50)).mean()),
    "over_nearest": float((ours - found["nearest"].recall(50)).mean()),
    "over_smallest": float((ours - found["smallest loss"].recall(50)).mean()),
    "interests_found": float(interests[soft]) if world else None,
    "copies_cosine": found[f"MTMI, α = {alphas[0]:g}"].summary().get("cosine"),
    "gap": parts[soft][0][0],
    "gap_one_tower": parts["one tower"][0][0],
    "only_the_label": label_only[0],
    "only_the_label_soft": soft_only[0],
}
JSON(results)
