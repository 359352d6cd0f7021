# ---
# jupyter:
#   course:
#     builds: the loss of the paper, and its gradient in three parts
#     after: ["04"]
#     minutes: 75
# ---

# %% [markdown]
# # Pull: inverse-distance weights
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A user's towers are all [pulled](glossary.md#pull) towards the item bought next, the **target**. MTMI makes the near towers count more, by a **[weight](glossary.md#weight)** of 1/D^α, where D is a tower's distance to the target. The power [α](glossary.md#alpha) decides whether the towers become [copies](glossary.md#collapse) or [specialists](glossary.md#specialist). And one choice that the paper leaves open decides whether a tower comes to its target or flees from it.
#
# **Afterwards you can**
#
# 1. turn distances into shares that do not blow up (exercise 1),
# 2. tell from four numbers whether a tower flees its target (exercise 2),
# 3. choose a margin under which hardly any does, and say what runs on real purchases show (exercises 3 and 4).
#
# **You need** lessons 02 to 04, and gradients.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer, in a larger world
data = "online-retail"  # for the last part; or "movielens", after `make data`
alphas = [1.0, 2.0, 4.0, 8.0]  # α, tried in a planted world

# %%
try:
    from lessons.lesson_05 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import json
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from lessons.common.floors import floors
from lessons.lesson_05 import pictures
from mtmi_lite import interactions, losses, metrics, models, training
from mtmi_lite.data import datasets
from mtmi_lite.runs import TrainingSettings
from mtmi_lite.towers import AttentionPooling, Users

torch.set_num_threads(1)  # these steps are too small to divide among cores
world = datasets.planted_interests(num_interests=60, num_users={"fast": 1000, "full": 2500}[profile], seed=seed)
world_split = interactions.split_users(world.log, seed=seed, num_folds=5)
world_test = interactions.evaluation_cases(world.log, world_split.test)


# %%
def fresh(num_towers=4):
    return models.MTMI(num_items=world.log.num_items, num_towers=num_towers, dim=16, tower=AttentionPooling, seed=seed)


def train_in_world(objective, num_towers=4):
    settings = TrainingSettings(steps={"fast": 200, "full": 800}[profile], learning_rate=2e-2, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the best step may be the start
        run = training.train(fresh(num_towers), objective, world_split, settings, progress=False)
    return run, metrics.evaluate(run.model, world_test)


def found_by(evaluation):  # the fraction of a user's interests that some tower found
    own = world.user_interests[evaluation.cases.users]
    return float(metrics.interests_found(evaluation.lists, world.item_interest, own).mean())


# %%
_, one = train_in_world(losses.MultiTowerLoss(share="equal", beta=0.0), num_towers=1)
sweep = {alpha: train_in_world(losses.MultiTowerLoss(alpha=alpha, beta=0.0)) for alpha in alphas}
lines = {
    "cosine of the towers": np.array([metrics.pairwise_cosine(found.users).mean() for _, found in sweep.values()]),
    "interests found": np.array([found_by(found) for _, found in sweep.values()]),
    "recall@50": np.array([found.recall(50).mean() for _, found in sweep.values()]),
}
levels = {"recall@50, one tower": float(one.recall(50).mean()), "most that one vector can find": 0.25}
pictures.sweep_figure(np.array(alphas), lines, levels, title="What α does to four towers, in a planted world")

# %% [markdown]
# Five short runs. Those with four towers differ in α only. Users of this [planted world](glossary.md#planted-world) have four [interests](glossary.md#interest) each, out of 60, and a vector has 16 numbers. One vector finds one interest at most: 0.25 of them.
#
# At the smallest α the [cosine](glossary.md#cosine) of the towers is near 1: they are copies, and together find about what one vector finds. Farther right they are specialists, and find most interests. At the right end the cosine goes on falling, and recall falls with it.

# %%
small, large = alphas[0], alphas[2]
for alpha in (small, large):
    run, found = sweep[alpha]
    rivals = {"one tower": one.recall(50), "the mean of its own vectors": pictures.mean_vector_recall(found, run.model)}
    for name, rival in rivals.items():
        gain, low, high = metrics.paired_interval(found.recall(50), rival, seed=seed)
        verdict = "more" if low > 0 else "less" if high < 0 else "undecided"
        print(f"α {alpha:g}, four towers over {name:>27}: {gain:+.3f} recall@50 [{low:+.3f}, {high:+.3f}], {verdict}")

# %% [markdown]
# These are two controls of lesson 03. Copies have next to nothing over their own mean: what they have over one tower is the small gain of an [ensemble](glossary.md#ensemble). Specialists lose their whole lead when one mean vector serves in their place.
#
# ## The loss on one line
#
# Training has a target v_t and some items drawn at random, the [negatives](glossary.md#negative) v₋. For tower j with the vector v_j, the paper defines similarity, distance, [inverse distance](glossary.md#inverse-distance), and the [triplet](glossary.md#triplet-loss) with its [margin](glossary.md#margin) γ:
#
# $$S(a, b) = \frac{a \cdot b}{\lVert a \rVert\,\lVert b \rVert} \tag{4}$$
#
# $$D(a, b) = 1 - S(a, b) \tag{5}$$
#
# $$\mathit{ID}(a, b) = \frac{1}{D(a, b)^{\alpha}} \tag{6}$$
#
# $$T(v, v_+, v_-) = \max\bigl(0,\; \gamma - S(v, v_+) + S(v, v_-)\bigr) \tag{8}$$
#
# $$v_+ = v_t \tag{9}$$
#
# The whole loss:
#
# $$\mathcal{L} = \sum_{j=1}^{K}\Bigl[\underbrace{\frac{1}{D(v_j,v_t)^{\alpha}}}_{\text{weight, Eq. 6}}\;\underbrace{\max\bigl(0,\;\gamma - S(v_j,v_t) + S(v_j,v_-)\bigr)}_{\text{pull, Eq. 8}} \;+\; \beta\;\underbrace{\frac{1}{K-1}\sum_{i\ne j}\max\bigl(0,\;\gamma - S(v_j,v_t) + S(v_j,v_i)\bigr)}_{\text{repel, Eq. 10}}\Bigr] \tag{7}$$
#
# The repel takes the user's other towers as negatives (Eq. 10). It belongs to lesson 06; here β = 0. Two slips in print: the target has two names, v_{i+} and v_t, which Eq. 9 makes one; and Eq. 7 sums its second term over i but writes j inside.
#
# **Predict.** Two towers have cosines 0.8 and 0.6 to the target. At α = 2, how many times the farther one's weight is the nearer one's?

# %%
my_guess = None  # a number

# %% tags=["answer"] tells=["four times", "4 times"]
alpha, beta, margin = 2.0, 0.0, 0.5
v_t, v_negative = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
V = torch.tensor([[0.8, 0.6], [0.6, 0.8]])  # two towers; all vectors have length 1
S, S_negative, S_between = V @ v_t, V @ v_negative, V[0] @ V[1]  # Eq. 4
D = 1 - S  # Eq. 5
weight = 1 / D**alpha  # Eq. 6
pull = (margin - S + S_negative).clamp(min=0)  # Eq. 8, where v₊ is v_t, Eq. 9
repel = (margin - S + S_between).clamp(min=0)  # Eq. 10: of two towers, each has one other
loss = (weight * pull + beta * repel).sum()  # Eq. 7
for tower in range(2):
    print(f"tower {tower + 1}: D {D[tower]:.1f}   weight {weight[tower]:5.2f}   pull {pull[tower]:.1f}")
print(f"The nearer tower's weight is {weight[0] / weight[1]:.0f} times as large; you guessed {my_guess}.")

users = Users(vectors=V[None], mask=torch.tensor([[True, True]]))
paper = losses.MultiTowerLoss(pull="triplet", share="raw", alpha=alpha, beta=beta, margin=margin)
library = paper(users, v_t[None], v_negative[None], torch.tensor([[True]]))["total"]
print(f"Loss {loss:.3f}; the library, which takes the mean over towers: {library:.3f}, half of it.")

# %% [markdown]
# <details><summary>What you saw</summary>Four times. The nearer tower has half the distance, 0.2 against 0.4, and α = 2 squares the ratio.</details>
#
# > **Remember:** the pull says where to go, the weight says who goes.
#
# ### Exercise 1: shares
#
# Weights have no upper limit. [Shares](glossary.md#share) divide a target among a user's towers. `similarity` holds cosines to the target, one row for each user, one column for each tower. Return shares of the same shape, in proportion to 1/D^α. A D below `floor` counts as `floor`. Each user's shares sum to the number of towers, so equal towers have 1 each.
#
# <details><summary>Hint</summary><code>D.clamp(min=floor)</code> comes before the power, and <code>sum(dim=1, keepdim=True)</code> is the sum of each row.</details>


# %%
def soft_shares(similarity: torch.Tensor, alpha: float, floor: float) -> torch.Tensor:
    # BEGIN SOLUTION
    inverse = (1 - similarity).clamp(min=floor) ** -alpha
    return inverse / inverse.sum(dim=1, keepdim=True) * similarity.shape[1]
    # END SOLUTION


checks.soft_shares(soft_shares)


# %% [markdown]
# From here on the lesson uses your function if it passed, and the library's if not. Three towers at D = 0.2, 0.4 and 1.0:


# %%
def library_shares(similarity, alpha, floor):
    return losses.share_by_distance(similarity, torch.ones_like(similarity, dtype=torch.bool), alpha=alpha, floor=floor)


mine = soft_shares if checks.soft_shares.passed else library_shares
for alpha in [0.0, *alphas]:
    shares = torch.as_tensor(mine(1 - torch.tensor([[0.2, 0.4, 1.0]]), alpha, 0.05))[0]
    print(f"α {alpha:g}   " + "   ".join(f"{share:.2f}" for share in shares))

# %% [markdown]
# At α = 1 every tower learns from every target, and the same lessons make copies. At α = 8 the nearest tower has nearly everything, and the others hardly learn; the [nearest tower](glossary.md#nearest-tower) of lesson 04 is the limit.
#
# ## One user's numbers, end to end
#
# Six training samples of the planted world, and the loss in the order in which it is computed. The last chart shows what a step of gradient descent does to S⁺, with S⁻ held: up is nearer to the target, down is away. You will need its striped bars later. β is lesson 06's; leave it at 0.

# %%
batch, targets = interactions.TrainingSamples(world.log, world_split.train).draw(
    128, torch.Generator().manual_seed(seed)
)
drawn = torch.randperm(world.log.num_items, generator=torch.Generator().manual_seed(seed))[:120]


@torch.no_grad()
def moments(model):
    vectors, wanted = model.users(batch).vectors, model.items(targets)
    others = [model.items(drawn[drawn != target]) for target in targets[:6]]
    rows = zip(vectors, wanted, others, strict=False)
    return [pictures.Moment(vectors=v, target=t, negatives=n) for v, t, n in rows]


stages = {"before training": fresh(), "copies": sweep[small][0].model, "specialists": sweep[large][0].model}
pictures.chain_panel({name: moments(model) for name, model in stages.items()})

# %% [markdown]
# **Try this.** (1) Press *Copies* and move α to 8. Does one tower take over? (2) Press *Specialists* and go through the users. Is it always the same tower that has the largest weight? (3) User 1, α = 4: which tower has the largest pull, which the largest loss?
#
# <details><summary>Answers</summary>(1) No. Towers at equal distances divide the target about equally, whatever α: no share exceeds 1.4 of 4. (2) No: it is tower 2, 4, 1, 1, 3 and 2. Each specialist answers for targets of its own. (3) The farthest tower has the largest pull, and the nearest, with the smallest pull, has the largest loss by far: the weight turns the order round.</details>
#
# ## Weights or shares?
#
# The first picture used [InfoNCE](glossary.md#infonce) as the pull, and shares. Now take the paper's triplet at α = 4: once with your shares, once with raw weights, as in Eq. 7. Here is the loss with your shares:


# %%
def own_loss(users, target, negatives, mask, log_odds=None):
    units = F.normalize(users.vectors, dim=-1)
    positive = (units * F.normalize(target, dim=-1)[:, None]).sum(dim=-1)  # [128 samples, 4 towers]
    negative = units @ F.normalize(negatives, dim=-1).T
    pull = losses.triplet(positive, negative, mask[:, None], margin=0.5)
    share = torch.as_tensor(mine(positive.detach().clone(), large, 0.05))
    return {"share": share, "pull": pull, "total": (share * pull).mean()}


# %% [markdown]
# **Predict.** Which of the two has the higher recall@50, or are they about alike?

# %%
my_second_guess = None  # "shares", "weights" or "alike"

# %% tags=["answer"] tells=["little above an untrained", "ruin", "weights fail", "raw weights lose"]
raw_loss = losses.MultiTowerLoss(pull="triplet", share="raw", alpha=large, beta=0.0)
(_, normalised), (raw_run, raw) = train_in_world(own_loss), train_in_world(raw_loss)
print(f"You guessed {my_second_guess}. The triplet at α = {large:g}, four towers:")
for name, found in {"untrained": metrics.evaluate(fresh(), world_test), "weights": raw, "shares": normalised}.items():
    recall, cosine = found.recall(50).mean(), metrics.pairwise_cosine(found.users).mean()
    print(f"{name:>12}   recall@50 {recall:.3f}   cosine {cosine:.2f}   interests found {found_by(found):.2f}")
difference, low, high = metrics.paired_interval(normalised.recall(50), raw.recall(50), seed=seed)
print(f"shares over weights: {difference:+.3f} recall@50 [{low:+.3f}, {high:+.3f}]")
print(f"Of the run with weights, the best step was {raw_run.best_step}; step 0 is untrained.")

# %% tags=["answer"] tells=["the easiest tenth has", "have least to learn"]
with torch.no_grad():
    model = sweep[small][0].model
    vectors, wanted = model.users(batch).vectors, model.items(targets)
    positive = losses.cosine(vectors, wanted[:, None].expand_as(vectors))  # [128 samples, 4 towers]
easiest = positive.mean(dim=1).argsort(descending=True)[:13]  # a tenth of the samples, nearest to their targets
print(f"Mean D of the easiest tenth {1 - positive[easiest].mean():.2f}, of all samples {1 - positive.mean():.2f}")
tenth = {}
for alpha in alphas:
    weight = losses.inverse_distance(positive, alpha=alpha)
    tenth[alpha] = float(weight[easiest].sum() / weight.sum())
    print(f"α {alpha:g}: mean weight {weight.mean():12,.1f}, the easiest tenth has {tenth[alpha]:.0%} of the total")

# %% [markdown]
# <details><summary>What you saw</summary>At this α raw weights end little above an untrained model, whatever the cosine of their towers. The two losses differ by one factor for each sample: the sum of its weights. The second table shows what grows with α. First the mean weight; <a href="https://arxiv.org/abs/1412.6980">Adam</a> divides a gradient by its own usual size, so it forgives a constant factor. Second, the fraction of all weight that lies on the easiest samples, whose towers have least to learn. No optimiser evens that out: the other samples are hardly heard.</details>
#
# > **Remember:** weights choose among towers *and* among samples; shares choose among towers only.
#
# ## Towards the target, or away?
#
# Now the choice that the paper leaves open. The weight depends on D, and D on the tower. Is the weight a constant for the gradient, [detached](glossary.md#detached-weight)? Or does the gradient **flow** through it? So far it was detached. Where it flows, a tower that moves away changes the loss twice: its weight falls, its triplet rises. Which of the two wins? Here both at α = 2, γ = 0.5 and S⁻ = 0.

# %%
pictures.trade_figure(alpha=2.0, margin=0.5, title="Moving away: weight falls, triplet rises")

# %% [markdown]
# **Predict.** The loss is the product. At which D is it largest? Descent takes a tower beyond that point farther away.

# %%
my_third_guess = None  # a D, from 0.4 to 2

# %% tags=["answer"] tells=["largest at D = 1", "peak at D = 1", "Beyond D = 1"]
print(f"You guessed {my_third_guess}.")
pictures.trade_figure(alpha=2.0, margin=0.5, product=True, title="The loss is largest at D = 1")

# %% [markdown]
# <details><summary>What you saw</summary>At D = 1, a right angle. Nearer than that, the triplet wins, and descent leads to the target. Farther away the weight wins, if only just, and descent leads away.</details>
#
# Now the algebra. Take L = D^−α · T and hold S⁻ fixed. While T is above 0 (*active*), T = γ − 1 + D + S⁻. Derive dL/dD before you open this.
#
# <details><summary>dL/dD</summary>By the product rule, with dT/dD = 1: D^−α − α · D^(−α−1) · T = D^(−α−1) · (D − αT). Below 0, a larger D means a smaller loss, so the tower goes away: where αT > D. At D = 1 and S⁻ = 0, T is γ, and that reads αγ > 1.</details>
#
# > **Remember:** with a flowing gradient, weight and pull together drive a tower away where T > D/α.
#
# ### Exercise 2: does it flee?
#
# `positive` is a tower's cosine to its target, `negative` that to one negative; `alpha` and `margin` are numbers. Return True where weight and pull together drive the tower away, S⁻ held fixed. D is above 0, and there is no floor. An inactive triplet moves nothing.
#
# <details><summary>Hint</summary>First D, then T with its max, then compare.</details>


# %%
def flees(positive: float, negative: float, alpha: float, margin: float) -> bool:
    # BEGIN SOLUTION
    distance = 1 - positive
    triplet = max(0.0, margin - positive + negative)
    return triplet > distance / alpha
    # END SOLUTION


checks.flees(flees)

# %% [markdown]
# ## The region of flight
#
# Real purchases, and four attention-fusion towers, untrained. Each of 128 samples has 4 towers and 120 negatives. A pair of a tower and a negative is a point with two coordinates, D and S⁻.

# %%
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
generator = torch.Generator().manual_seed(seed)
seen, wanted = interactions.TrainingSamples(log, split.train).draw(1000, generator)
untrained = models.MTMI(num_items=log.num_items, seed=seed)
negatives = torch.randint(log.num_items, (120,), generator=generator)


@torch.no_grad()
def distances(model):  # of each tower to its target, [1000 samples, 4 towers]
    vectors, items = model.users(seen).vectors, model.items(wanted)
    return 1 - losses.cosine(vectors, items[:, None].expand_as(vectors))


with torch.no_grad():
    units = F.normalize(untrained.users(seen).vectors[:128], dim=-1)
    to_negatives = units @ F.normalize(untrained.items(negatives), dim=-1).T  # [128 samples, 4 towers, 120 negatives]
pairs = pictures.pairs_of(distances(untrained)[:128], to_negatives, negatives != wanted[:128, None])

# %% [markdown]
# **Predict.** The paper's grid is best at α = 2, which makes αγ = 1 at γ = 0.5. What fraction of these pairs lies where the tower flees?

# %%
my_fourth_guess = None  # a fraction, from 0 to 1

# %% tags=["answer"] tells=["nearly half", "about half", "47%", "48%"]
at_border = float(pairs.fleeing(alpha=2.0, margin=0.5).mean())
beyond = float((distances(untrained) > 1).float().mean())
print(f"You guessed {my_fourth_guess}. At α = 2 and γ = 0.5, {at_border:.1%} of {len(pairs.distance):,} pairs flee.")
print(f"{beyond:.1%} of the untrained towers are farther from their target than D = 1.")

# %% [markdown]
# <details><summary>What you saw</summary>Nearly half. Put α = 2 and γ = 0.5 into T − D/α: it is (D − 1)/2 + S⁻, which is above 0 on one side of the point D = 1, S⁻ = 0. Random vectors in 64 dimensions are nearly at right angles, so this is just where untrained towers stand, and nearly half of them stand beyond D = 1.</details>
#
# The panel shades the **[region of flight](glossary.md#region-of-flight)**, T > D/α.

# %%
pictures.region_panel(pairs)

# %% [markdown]
# **Try this.** (1) Raise γ to 0.5. Where does the border run? (2) Set γ to 0.2 and try all α. Is there one at which no point of the plane is shaded? (3) Go back to the panel of one user: what do the striped bars say of specialists at α = 4?
#
# <details><summary>Answers</summary>(1) Through the middle of the cloud. (2) No. Above α = 1 the border falls to the right, below it rises. On the line S⁻ = 0 you can be safe: with T = γ − 1 + D, and D = 2 the worst case, αγ ≤ 2 − α keeps every tower (for α ≥ 1). But a negative that is nearer than the target makes T larger than γ, and near the target D/α is small: at the upper left some tower always flees. A detached weight is safe everywhere. (3) All are below 0 for user 1: with a flowing gradient even its specialists would leave.</details>
#
# ### Exercise 3: how wide may the margin be?
#
# Keep α = 2. What is the largest γ, in steps of 0.05, at which at most 1% of these pairs flee? Read it off the panel, or compute it.
#
# <details><summary>Hint</summary>The title of the panel has the percentage. <code>pairs.fleeing(alpha=2.0, margin=0.5).mean()</code> is the same number as a fraction; <code>pairs.distance</code> and <code>pairs.negative</code> are arrays, for a loop over your <code>flees</code>.</details>

# %%
my_margin = None  # γ
# BEGIN SOLUTION
my_margin = max(margin for margin in pictures.MARGINS if pairs.fleeing(alpha=2.0, margin=margin).mean() <= 0.01)
# END SOLUTION
checks.widest_margin(my_margin, pairs)

# %% [markdown]
# ## Turn the tower
#
# S⁻ is not really held: it changes as the tower turns. So the gradient has **three parts**. On a circle with the target at 0°, the negative at φ, the tower at θ and T active, dL/dθ is the sum of
#
# - weight: −α D^(−α−1) T sin θ
# - pull: D^−α sin θ
# - negative: −D^−α sin(θ − φ)
#
# The first two make D^(−α−1) (D − αT) sin θ: your result, times dD/dθ = sin θ. With a detached weight, the first part is missing. Autograd says the same:

# %%
alpha, margin = 2.0, 0.5
theta, phi = torch.tensor(np.radians(90.0), requires_grad=True), torch.tensor(np.radians(40.0))
with torch.no_grad():
    D, T = 1 - theta.cos(), margin - theta.cos() + (theta - phi).cos()
    parts = {"weight": -alpha * D ** (-alpha - 1) * T * theta.sin(), "pull": D**-alpha * theta.sin(),
             "negative": -(D**-alpha) * (theta - phi).sin()}  # fmt: skip
slopes = {}
for flowing in (False, True):
    loss = losses.MultiTowerLoss(
        pull="triplet", share="raw", alpha=alpha, beta=0.0, margin=margin, through_weight=flowing
    )
    users = Users(vectors=torch.stack([theta.cos(), theta.sin()])[None, None], mask=torch.tensor([[True]]))
    places = torch.stack([phi.new_tensor([1.0, 0.0]), torch.stack([phi.cos(), phi.sin()])])
    total = loss(users, places[:1], places[1:], torch.tensor([[True]]))["total"]
    slopes[flowing] = float(torch.autograd.grad(total, theta)[0])
print("   ".join(f"{name} {part:+.3f}" for name, part in parts.items()))
print(f"pull + negative {parts['pull'] + parts['negative']:+.3f}, autograd, detached {slopes[False]:+.3f}")
print(f"all three       {sum(parts.values()):+.3f}, autograd, flowing  {slopes[True]:+.3f}")

# %% [markdown]
# Descent goes *against* the gradient: at an angle between 0° and 180°, a negative part turns the tower away from 0°.
#
# Arrows show where each part takes the tower; the black one is their sum. On the right is the loss at every angle: the gradient is the slope of the black curve. *Held* means that the weight stays what it is where the tower stands. Click on the circle to move what the list *a click moves* names.

# %%
panel = pictures.circle_panel()
panel

# %% [markdown]
# **Try this.** (1) Press *Detached*, then switch *through the weight* on. On the right, why does downhill lead away? (2) Press *Below αγ = 1* and raise γ until the line below the controls says that pull and weight, together, go away. What was αγ just before? (3) Press *At the floor*. Which part is missing? Lower the floor to 0.01.
#
# <details><summary>Answers</summary>(1) The black curve is now the one with the weight in it, and beyond its steep side it falls towards 180°. (2) At γ = 0.5 the two cancel: "nowhere". αγ is 1 there, and at 0.55 they go away. (3) The weight's: below the floor the weight is a constant. With the lower floor it is back.</details>
#
# ## On real purchases
#
# The circle has one negative; training has 120, and T is their mean. Four attention-fusion towers, triplet, raw weights, α = 2, three times: detached at γ = 0.5; flowing at γ = 0.5; flowing at γ = 0.2.


# %%
def train_paper(through_weight, margin):
    objective = losses.MultiTowerLoss(
        pull="triplet", share="raw", alpha=2.0, beta=0.0, margin=margin, through_weight=through_weight
    )
    settings = TrainingSettings(
        steps={"fast": 300, "full": 1500}[profile], learning_rate=3e-3, validate_every=100, seed=seed
    )
    model, far = models.MTMI(num_items=log.num_items, seed=seed), {0: beyond}

    def watch(step):
        if step % 50 == 0:
            far[step] = float((distances(model) > 1).float().mean())

    return training.train(model, objective, split, settings, progress=False, on_step=watch), far


held_out = np.concatenate([split.validation, split.test])
floor = {name: found.recall(50) for name, found in floors(log, split, held_out).items()}  # validation, then test

# %% [markdown]
# **Predict.** Where does the second run end: near the first, near the best-sellers, or near zero?

# %%
my_fifth_guess = None  # "first", "best-sellers" or "zero"

# %% tags=["answer"] tells=["stops learning", "turn away from their targets", "ever more of them"]
runs = {
    "detached, γ 0.5": train_paper(False, 0.5),
    "flowing, γ 0.5": train_paper(True, 0.5),
    "flowing, γ 0.2": train_paper(True, 0.2),
}
pictures.flight_figure(
    {name: (run.validation_steps, run.validation_recall) for name, (run, _) in runs.items()},
    {name: float(recall[: len(split.validation)].mean()) for name, recall in floor.items()},
    {name: far for name, (_, far) in runs.items()},
    title="Detached, or flowing?",
)

# %% tags=["answer"] tells=["has the lower loss", "lower loss of the two"]
test = interactions.evaluation_cases(log, split.test)
recalls = {name: recall[len(split.validation) :] for name, recall in floor.items()}
recalls |= {name: metrics.evaluate(run.model, test).recall(50) for name, (run, _) in runs.items()}
for name, recall in recalls.items():
    print(f"{name:>16}: recall@50 {recall.mean():.3f}")
questions = {"a": ("detached, γ 0.5", "flowing, γ 0.5"), "b": ("detached, γ 0.5", "flowing, γ 0.2"),
             "c": ("flowing, γ 0.5", "Most Popular"), "d": ("detached, γ 0.5", "EASE")}  # fmt: skip
gaps = {}
for letter, (ours, theirs) in questions.items():
    gaps[letter] = gap, low, high = metrics.paired_interval(recalls[ours], recalls[theirs], seed=seed)
    print(f"({letter}) {ours} over {theirs}: {gap:+.3f} [{low:+.3f}, {high:+.3f}]")
ends = {name: float(run.curve["total"][-20:].mean()) for name, (run, _) in runs.items()}
print(f"You guessed {my_fifth_guess}. The loss at the end: " + ", ".join(f"{n} {e:.2f}" for n, e in ends.items()))

# %% [markdown]
# <details><summary>What you saw</summary>At γ = 0.5 the flowing run soon stops learning, and ends near the best-sellers. On the right you see the flight: first the towers come nearer, then ever more of them turn away from their targets. At γ = 0.2 the same switch does no such harm. The loss gives no warning: it is one formula, detached or not, and of the two runs at γ = 0.5 the worse one has the lower loss. Only the flowing gradient follows that formula downhill; that is not what you want from it. After so few steps no run comes near EASE. One seed, one split.</details>
#
# ### Exercise 4: what do the runs show?
#
# By the intervals above, is each sentence "shown", "refuted" or "undecided"?
#
# - (a) The detached run has a higher recall@50 than the flowing one at γ = 0.5.
# - (b) The detached run at γ = 0.5 has a higher recall@50 than the flowing one at γ = 0.2.
# - (c) The flowing run at γ = 0.5 has a higher recall@50 than Most Popular.
# - (d) The detached run has a higher recall@50 than EASE.
#
# <details><summary>Hint</summary>An interval that holds 0 decides nothing, whichever side its middle is on.</details>

# %%
my_verdicts = None  # dict(a=..., b=..., c=..., d=...)
# BEGIN SOLUTION
my_verdicts = {
    letter: "shown" if low > 0 else "refuted" if high < 0 else "undecided" for letter, (_, low, high) in gaps.items()
}
# END SOLUTION
checks.verdicts(my_verdicts, gaps)

# %% [markdown]
# ## What can go wrong: no floor
#
# The paper has no [floor](glossary.md#floor). A tower that looks at a single item of the history stands on its target if that item is bought again: D = 0, up to rounding. What is its loss at the paper's default, α = 5.5?

# %%
towers = torch.randn(1000, 64, generator=torch.Generator().manual_seed(seed))
S = losses.cosine(towers, towers)  # of each tower to a target where it stands: 1, up to rounding
D = 1 - S
pull = (margin - S).clamp(min=0)  # Eq. 8, with S⁻ = 0
print(f"D is 0 for {int((D == 0).sum())} of 1,000 towers, and below 0 for {int((D < 0).sum())}.")
for least in (None, 0.05):
    weight = 1 / (D if least is None else D.clamp(min=least)) ** 5.5
    loss = weight * pull
    print(f"floor {least}: largest weight {weight.nan_to_num(posinf=torch.inf).max():,.0f}, "
          f"{int(loss.isfinite().sum())} losses are numbers")  # fmt: skip

# %% [markdown]
# The pull is 0, and yet weight · pull is no number: rounding makes some D 0, or even negative. With a floor the weight is large, but finite.
#
# ## What you take home
#
# - Loss = weight · pull, summed over towers. α says how sharply a target is divided: small makes copies, large makes specialists.
# - Three choices are open in print: weights or shares, a floor or none, detached or flowing. You have seen what each does.
# - With a flowing gradient a tower flees where T > D/α. How many stand there depends on γ, which the paper does not give.
#
# **What the paper says** (Xiong and Yu): raw weights with a triplet; by default α = 5.5, and its grid is best at α = 2. **What was measured** with that loss on MovieLens-100k, all 848 users as test users, settings chosen on validation users:

# %%
measured = json.loads(Path("results/arms_movielens.json").read_text(encoding="utf-8"))
arms = ("IDW + repel", "IDW + repel, gradient through the weight")
[row] = [row for row in measured["differences"] if (row["ours"], row["theirs"]) == arms]
gap, low, high = row["recall_50"]
print(
    f"detached over flowing: {gap:+.3f} recall@50 [{low:+.3f}, {high:+.3f}], p {row['p']:.2f}, {row['holm']:.2f} after"
)
print(f"Holm's correction: {row['verdict']}")
chosen = measured["models"][arms[1]]["chosen"]["objective"]
print(
    f"chosen for the flowing gradient: α {chosen['alpha']}, γ {chosen['margin']}, αγ {chosen['alpha'] * chosen['margin']:g}"
)

# %% [markdown]
# So a failure at one γ is no law: choose γ with care, or detach.
#
# The symbols are in the [notation table](glossary.md#notation).
#
# **Next:** lesson 06, the other half of the loss: towers that repel one another.
#
# ## Five questions
#
# **1.** Three towers have D = 0.25, 0.5 and 1, and α = 1. What is the share of the nearest one? Two decimals.
#
# <details><summary>Answer</summary>**1.71** The weights are 4, 2 and 1, which sum to 7; 4/7 of the target, times three towers.</details>
#
# **2.** A flowing gradient, α = 4, γ = 0.4; the tower is at D = 1.2, and S⁻ = −0.1. What do weight and pull together do to it?
#
# - (a) They bring it nearer to the target.
# - (b) They drive it away.
# - (c) Nothing: the triplet is inactive.
#
# <details><summary>Answer</summary>**(b)** T = 0.4 − 1 + 1.2 − 0.1 = 0.5, which is above D/α = 0.3. For (c), T would have to be 0.</details>
#
# **3.** α = 1.5, and all negatives have S⁻ = 0. What is the largest γ at which no tower flees, at any D? Two decimals.
#
# <details><summary>Answer</summary>**0.33** The worst case is D = 2, where T = γ + 1 must not exceed 2 / 1.5. That is αγ ≤ 2 − α = 0.5. αγ < 1 is enough only at D = 1.</details>
#
# **4.** A model has one tower. Do weights and shares train it alike?
#
# - (a) Yes, for there is nothing to divide among towers.
# - (b) No, weights still choose among samples.
# - (c) No, its share would be 0.
#
# <details><summary>Answer</summary>**(b)** Its share is 1 for every sample, so shares leave the plain triplet. Its weight is 1/D^α, and differs from sample to sample: near ones count more.</details>
#
# **5.** Two runs differ only in whether the gradient flows through the weight. Which of these tells you that towers flee?
#
# - (a) The loss of the flowing run is higher.
# - (b) The loss of the flowing run is lower.
# - (c) In the flowing run the number of towers with D > 1 grows.
# - (d) The cosine of the towers is near 1.
#
# <details><summary>Answer</summary>**(c)** Flight is movement away from the target, so measure the distance. The loss falls for towers that come and for towers that flee, and (d) is about copies.</details>

# %% tags=["results"]
from IPython.display import JSON

results = {
    "cosine_small_alpha": float(lines["cosine of the towers"][0]),
    "cosine_large_alpha": float(lines["cosine of the towers"][2]),
    "found_large_alpha": float(lines["interests found"][2]),
    "recall_large_over_small_alpha": float(lines["recall@50"][2] - lines["recall@50"][0]),
    "recall_largest_over_large_alpha": float(lines["recall@50"][3] - lines["recall@50"][2]),
    "normalised_over_raw": difference,
    "easiest_tenth_large_alpha": tenth[large],
    "fleeing_at_the_border": at_border,
    "slope_flowing": slopes[True],
    "far_flowing": list(runs["flowing, γ 0.5"][1].values())[-1],
    "detached_over_flowing": gaps["a"][0],
    "small_margin_over_flowing": float((recalls["flowing, γ 0.2"] - recalls["flowing, γ 0.5"]).mean()),
}
JSON(results)
