# ---
# jupyter:
#   course:
#     builds: the share, by the rules that the field uses, and the gap between training and serving
#     after: ["03"]
#     minutes: 70
# ---

# %% [markdown]
# # Who answers for the target?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A user has K vectors. Training also shows you one [target](glossary.md#target): the item that came next. Which vector should learn from it: all of them, the nearest, or a mixture? How much of the target a tower answers for is its [share](glossary.md#share). The rule that sets it shapes what the towers become, and it uses something that serving doesn't have: the target.
#
# **Afterwards you can**
#
# 1. give a target to one tower, by any score (exercise 1),
# 2. share it out by inverse distance, and say what α does (exercise 2),
# 3. read from intervals which rule finds more, and what stays undecided (exercise 3),
# 4. show an item that training finds and no vector in serving does (exercise 4).
#
# **You need** lesson 03: K towers over one table.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
num_towers = 4  # K
dim = 16  # d, of every vector
alphas = [0.0, 5.0, 20.0]  # α, one run each

# %%
try:
    from lessons.lesson_04 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np
import torch

from lessons.lesson_04 import pictures
from mtmi_lite import interactions, losses, metrics, towers
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import Recipe

torch.set_num_threads(1)  # these steps are too small to share
vectors = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])  # three towers of one user, at 0°, 90° and 180°
target, negative = torch.tensor([0.6, 0.8]), torch.tensor([0.28, 0.96])  # at 53° and 74°
degrees = np.arange(0, 361, 3)
angles = torch.from_numpy(np.radians(degrees)).float()
curves = pictures.circle_shares(vectors, negative, angles)
pictures.share_curves(curves, degrees, (0, 90, 180), 73.7, title="Each tower's share, as the target goes round")

# %% [markdown]
# Three vectors of one user stand on a circle, at 0°, 90° and 180°. A target goes once round it. Each small picture is a **rule**. A user's shares sum to the number of towers, so equal shares are 1 each. (Close to its own tower a curve is flat: any distance below 0.05 counts as 0.05. Exercise 2 says why.)
#
# You'll build each rule, then see which one finds a user's interests.
#
# ## One tower, or all of them?
#
# The simplest rule gives every tower a share of 1. ComiRec, a rival, trains only the [nearest tower](glossary.md#nearest-tower), the one most similar to the target. The paper tries "minimum loss": only the tower with the [smallest loss](glossary.md#smallest-loss) learns. Its loss is the triplet, which also looks at a [negative](glossary.md#negative), an item drawn at random:
#
# $$\mathcal{L}_{triplet}(v_u, v_+, v_-) = \max\bigl(0,\; \gamma - S(v_u, v_+) + S(v_u, v_-)\bigr) \tag{8}$$
#
# **Predict.** The target lies at 53°, a negative at 74°. Tower 2, at 90°, is nearest to the target. Does it also have the smallest loss, with a margin γ of 0.5?

# %%
my_guess = None  # "yes" or "no"

# %% tags=["answer"] tells=["0.5 − 0.8 + 0.96", "tower 1 has the smallest", "Smallest loss: tower 1"]
to_target, to_negative = vectors @ target, vectors @ negative  # all have length 1: these are cosines
loss = (0.5 - to_target + to_negative).relu()  # Eq. 8
print("similarity to the target:  ", to_target.numpy().round(2))
print("similarity to the negative:", to_negative.numpy().round(2))
print("loss:                      ", loss.numpy().round(2))
print(f"Nearest: tower {to_target.argmax() + 1}. Smallest loss: tower {loss.argmin() + 1}. You guessed {my_guess!r}.")

# %% tags=["answer"] tells=["the negative, ✕, stands beside tower 2"]
hard = pictures.circle_shares(vectors, negative, angles, pictures.HARD_RULES)
pictures.share_curves(hard, degrees, (0, 90, 180), 73.7, title="Two hard rules: the nearest, and the smallest loss")

# %% [markdown]
# <details><summary>What you saw</summary>No: tower 1 has it. By hand, tower 1 has 0.5 − 0.6 + 0.28 = 0.18. Tower 2 is nearer to the target, but nearer still to the negative: 0.5 − 0.8 + 0.96 = 0.66. In the second figure the negative, ✕, stands beside tower 2, which therefore never has the smallest loss, wherever the target goes. With another negative it would.</details>
#
# > **Remember:** a hard rule gives the whole target to one tower; the others learn nothing from it.
#
# ### Exercise 1: all to the best
#
# Both hard rules are one function of a **score**: the similarity to the target, or minus the loss. One user: `score` holds a number for each tower; `mask` is True where the tower exists, since some models give a user with a short history fewer vectors. Return the shares: the number of towers that exist for the best of them, 0 for the others. In a tie the first tower wins.
#
# <details><summary>Hint</summary>A tower that doesn't exist must lose against any score, however low. Which score is below all others?</details>


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
# MIND, another rival, doesn't choose a vector. It **mixes** them for the target, by [label-aware attention](glossary.md#label-aware-attention). The weights of the mixture come from a softmax with a [sharpness](glossary.md#sharpness) p. MIND (Li et al., CIKM 2019, Eq. 8) prints p as a power, and the paper copies that:
#
# $$\mathrm{softmax}\bigl(\mathrm{pow}(V_u^\top v_t,\; p)\bigr)$$
#
# Our library multiplies instead: $\mathrm{softmax}(p \cdot V_u^\top v_t)$.
#
# **Predict.** The three products are 0.6, 0.8 and −0.6. What does each formula give for a large, even p: everything to the nearest, or something else?

# %%
my_second_guess = None  # two answers: for p times the product, and for its power

# %% tags=["answer"] tells=["powers of numbers below 1 vanish", "the weights become equal"]
for p in (0, 1, 2, 5, 50):
    multiplied, printed = (p * to_target).softmax(dim=0), (to_target**p).softmax(dim=0)
    print(f"p = {p:<3} times p: {multiplied.numpy().round(2)}   to the power of p: {printed.numpy().round(2)}")

# %% [markdown]
# <details><summary>What you saw</summary>Multiplied, p = 0 is the plain mean of the vectors, and a large p the nearest vector. As a power, an even p treats the vector that points away like one that points near: (−0.6)² = 0.6². For a large p the powers of numbers below 1 vanish, and the weights become equal: the opposite of a sharp choice. Li et al. say that a large p picks the best vector; with a power that needs products above 1. (And a p that isn't whole fails outright, as you'll see.)</details>
#
# The mixture is trained as if it were the user's only vector, by the [sampled softmax](glossary.md#sampled-softmax) $\mathcal{L}_{SSM}$: minus the logarithm of the target's probability among itself and the negatives.

# %%
mixture = (1.0 * to_target).softmax(dim=0) @ vectors  # p = 1
among = torch.stack([mixture @ target, mixture @ negative])
print(f"mixture {mixture.numpy().round(2)}, L_SSM {-among.log_softmax(dim=0)[0]:.4f}")

# %% [markdown]
# > **Remember:** label-aware attention mixes *vectors*, and trains a mixture that exists only where the target is known.
#
# ## Softly, by inverse distance
#
# MTMI keeps the vectors apart, gives each a loss of its own, and weights the *losses*. A tower at [cosine](glossary.md#cosine) distance D from the target gets a [weight](glossary.md#weight), its [inverse distance](glossary.md#inverse-distance):
#
# $$D(a, b) = 1 - S(a, b) \tag{5}$$
#
# $$ID(a, b) = \frac{1}{D(a, b)^{\alpha}} \tag{6}$$
#
# Divided by their sum over the towers, and times their number, the weights become shares. Our three distances are 0.4, 0.2 and 1.6.

# %%
distances = (1 - to_target).double()
for alpha in (0.0, 1.0, 5.0, 200.0):
    weight = 1 / distances**alpha
    print(f"α = {alpha:>5}: shares {(3 * weight / weight.sum()).numpy().round(3)}")

# %% [markdown]
# Check α = 1: the weights 2.5, 5 and 0.625 are as 4 : 8 : 1, so tower 2 gets 3 · 8/13 = 1.846. At α = 0 all are alike; as α grows, the soft share becomes the hard one. (Eq. 7 uses the weights as they are, without dividing. Lesson 05 compares the two.)
#
# > **Remember:** α turns "all towers learn" into "only the nearest learns".
#
# ### Exercise 2: shares by inverse distance
#
# One user again: `similarity` to the target, and `mask`. Return shares in proportion to $1/D^\alpha$, 0 for absent towers, summing to the number of towers that exist. A distance below 0.05 counts as 0.05: without this [floor](glossary.md#distance-floor) a tower that reaches its target would have an infinite weight.
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
# ## Which rule finds the interests?
#
# Now train, in a small [planted world](glossary.md#planted-world): 100 interests, 1,200 users with 4 interests each. All models pool by attention in 16 dimensions, with the same number of steps and the same learning rate. (Of 0.01, 0.02, 0.04 and 0.08, the validation users of another such world chose 0.04 for each rule that we asked them about.) Only the rule differs. This is one world, one split and one seed.
#
# A tower [finds](glossary.md#interests-found) an interest when that is the most frequent one among its first 20 items. So a tower finds one at most: one tower cannot pass 0.25 here, and four can reach 1. To compare models with different numbers of towers, we also count the interests with at least 5 items in the merged list of 50.

# %%
steps = {"fast": 300, "full": 1600}[profile]
world = datasets.planted_interests(num_interests=100, num_users=1200, seed=seed)
split = interactions.split_users(world.log, seed=seed)
test = interactions.evaluation_cases(world.log, split.test)


def recipe(objective, num_towers=num_towers, similarity="cosine"):
    settings = dict(tower=towers.AttentionPooling, num_towers=num_towers, dim=dim, learning_rate=0.04)
    return Recipe(objective=objective, similarity=similarity, **settings)


def mtmi(**share):
    return losses.MultiTowerLoss(beta=0.0, **share)


label_aware = losses.LabelAwareSoftmax(sharpness=5.0, temperature=0.1)
models = {"one tower": (recipe(mtmi(), num_towers=1), "nearest", 0.0)}  # the recipe, its rule, and the rule's α or p
for alpha in alphas:
    models[f"MTMI, α = {alpha:g}"] = (recipe(mtmi(alpha=alpha)), "inverse distance", alpha)
models["nearest"] = (recipe(mtmi(share="nearest")), "nearest", 0.0)
models["smallest loss"] = (recipe(mtmi(share="smallest")), "smallest loss", 0.0)
models["label-aware, p = 5"] = (recipe(label_aware), "label-aware", 5.0)

# %% [markdown]
# **Predict.** Rank the seven models by recall@50.

# %%
my_ranking = None  # a list of names, best first

# %% tags=["answer"] tells=["four copies", "α = 5 finds", "best α lies between", "α = 5 serves more"]
runs = {name: how.train(split, steps=steps, seed=seed, progress=False) for name, (how, _, _) in models.items()}
found = {name: metrics.evaluate(run.model, test) for name, run in runs.items()}
own = world.user_interests[test.users]
best = metrics.find_hits(datasets.oracle_ranking(world, test.users, 50), test)
print(f"An oracle that knows the interests has recall@50 {metrics.recall(best, test.num_relevant).mean():.3f}.\n")
print("                    recall@50   found   in the list   cosine   credit of each tower")
interests = {}
for name, result in found.items():
    interests[name] = metrics.interests_found(result.lists, world.item_interest, own).mean()
    listed = pictures.interests_listed(result.ranking.items, world.item_interest, own).mean()
    cosine, credit = result.summary().get("cosine", np.nan), result.tower_shares(50).round(2)
    numbers = f"{result.recall(50).mean():9.3f} {interests[name]:7.2f} {listed:13.2f} {cosine:8.2f}"
    print(f"{name:>18} {numbers}   {credit}")

# %% tags=["answer"] tells=["α = 5 less nearest"]
soft = max((f"MTMI, α = {alpha:g}" for alpha in alphas), key=lambda name: runs[name].validation_recall.max())
print(f"Validation users choose {soft}. Differences in recall@50, with their paired intervals:")
pairs = [(soft, "nearest"), (soft, "label-aware, p = 5"), ("smallest loss", "nearest")]
pairs += [("label-aware, p = 5", "nearest"), (f"MTMI, α = {alphas[0]:g}", "one tower")]
intervals = {(a, b): metrics.paired_interval(found[a].recall(50), found[b].recall(50), seed=seed) for a, b in pairs}
for (ours, theirs), (difference, low, high) in intervals.items():
    print(f"  {ours} less {theirs}: {difference:+.3f} [{low:+.3f}, {high:+.3f}]")

# %% [markdown]
# <details><summary>What you saw</summary>At α = 0 four towers are four copies: a cosine near 1, and hardly more than one tower finds. Turn α up and they part; far up, at the hard end, recall falls again. In this world the best α lies between. Compare the two counts of interests as well: one tower can find a quarter at most, yet its list of 50 holds about twice as many of them. By the second count several towers still win, by less.</details>
#
# ### Exercise 3: what do the intervals say?
#
# The cell above prints five differences. For each pair write "better" if the first model's recall is higher and the interval says so, "worse" if it is lower and the interval says so, and "undecided" otherwise. Give a list of five words, in the order of the lines.
#
# <details><summary>Hint</summary>Only one thing matters: does the interval contain 0?</details>

# %%
my_verdicts = None
# BEGIN SOLUTION
my_verdicts = ["better" if low > 0 else "worse" if high < 0 else "undecided" for _, low, high in intervals.values()]
# END SOLUTION
checks.verdicts(my_verdicts, intervals)

# %% [markdown]
# **Predict.** A hard rule shows each tower about a quarter of the targets, so perhaps it only needs longer. Give *nearest* four times the steps. Where will it end, compared with the chosen α?

# %%
my_third_guess = None  # "below", "level" or "above"

# %% tags=["answer"] tells=["four times the steps nearest has", "slowness explains"]
longer = models["nearest"][0].train(split, steps=4 * steps, seed=seed, progress=False)
patient = metrics.evaluate(longer.model, test).recall(50)
print(f"nearest: {found['nearest'].recall(50).mean():.3f}; in four times the steps nearest has {patient.mean():.3f}")
gain = metrics.paired_interval(patient, found["nearest"].recall(50), seed=seed)
left = metrics.paired_interval(found[soft].recall(50), patient, seed=seed)
print("gained by the longer run: {:+.3f} [{:+.3f}, {:+.3f}]".format(*gain))
print("{} still ahead by:  {:+.3f} [{:+.3f}, {:+.3f}]".format(soft, *left))
print("Slowness explains", "some, and not all." if gain[1] > 0 and left[1] > 0 else "this much; the rest is undecided.")

# %% [markdown]
# <details><summary>What you saw</summary>The first interval asks whether the hard rule was slow, and it was: each tower saw few targets. The second asks whether slowness is all. After four times the steps each tower has been picked about as often as there are targets in one run; read off whether the soft share is still ahead.</details>
#
# ## What training knows and serving doesn't
#
# In training the target picks who answers. In serving there is no target: K lists are merged into one. Say two towers list three items each: tower 1 lists 1, 2, 3 and tower 2 lists 4, 5, 6, and the merged list of three is 4, 5, 1. For a relevant item 2 the label picks tower 1, which lists it. The merged list doesn't. Found with the label, lost in serving.
#
# We measure recall@50 in three ways.
#
# - **With the label:** for each relevant item the model's own rule picks. The nearest vector: is the item among its first 50? Label-aware attention: is it among the first 50 of the mixture? A soft share: each tower whose first 50 hold the item counts with its fraction.
# - **In full:** is the item in *any* of the K lists of 50?
# - **Served:** is it among the 50 of the merged list?
#
# The [gap](glossary.md#train-serve-gap) is *with the label* less *served*. Split it at *in full*: from *served* to *in full* is the **price of merging**, from *in full* to *with the label* is what **only the label** gives. A rule that picks towers can never gain by the label alone: whatever the picked tower lists, some tower lists. Only a mixture can.
#
# Each model has its own rule, and rules differ in how hard they are to satisfy. So we measure each model twice: by its own rule, and by one common rule, the nearest vector.
#
# **Predict.** Whose gap is largest by its own rule: MTMI's at the chosen α, the nearest tower's, or label-aware attention's? And is the order the same by the common rule?

# %%
my_fourth_guess = None  # a name, and "same" or "different"

# %% tags=["answer"] tells=["label-aware attention's gap is", "largest gap", "the order turns"]
gaps, common = {}, {}
for name, (_, rule, sharpness) in models.items():
    gaps[name] = pictures.measure_gap(found[name], runs[name].model, rule=rule, sharpness=sharpness)
    common[name] = pictures.measure_gap(found[name], runs[name].model, rule="nearest", sharpness=0.0)
pictures.gap_chart(gaps, title="Three recalls, each by its own rule")

# %% tags=["answer"] tells=["served of label"]


def interval(more, less):
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*metrics.paired_interval(more, less, seed=seed))


print(f"{'':>18}  {'gap, own rule':<24}  {'gap, nearest for all':<24}  served of label, own rule")
for name, gap in gaps.items():
    both = f"{interval(gap.label, gap.served):<24}  {interval(common[name].label, gap.served):<24}"
    print(f"{name:>18}  {both}  {gap.served.mean() / gap.label.mean():.0%}")
mixed = gaps["label-aware, p = 5"]
only_label = metrics.paired_interval(mixed.label, mixed.room, seed=seed)
print("\nlabel-aware: price of merging", interval(mixed.room, mixed.served))
print("             only the label  ", interval(mixed.label, mixed.room))

# %% tags=["answer"] tells=["its gap is larger", "its gap is smaller"]
differences = {}
for rule, by in (("own rule", gaps), ("nearest for all", common)):
    print(f"{soft}'s gap less another's, by {rule}:")
    for name in ("nearest", "smallest loss", "label-aware, p = 5"):
        mine, theirs = by[soft].label - by[soft].served, by[name].label - by[name].served
        differences[rule, name] = metrics.paired_interval(mine, theirs, seed=seed)
        _, low, high = differences[rule, name]
        word = "its gap is smaller" if high < 0 else "its gap is larger" if low > 0 else "undecided"
        print("  {:>18}: {:+.3f} [{:+.3f}, {:+.3f}]".format(name, *differences[rule, name]), word)
fraction = pictures.fraction_interval(gaps[soft], gaps["nearest"], seed=seed)
print("fraction served of label, {} less nearest: {:+.2f} [{:+.2f}, {:+.2f}]".format(soft, *fraction))

# %% [markdown]
# <details><summary>What you saw</summary>By its own rule, label-aware attention's gap is the largest: beside the price of merging it has a part that only the label gives, items that the mixture finds and none of the user's vectors does. By the common rule that part is gone, and with it MTMI's advantage; in some runs the order even turns round. Against the nearest tower the answer depends on the rule, and on the run: MTMI's gap is smaller at most by its own rule, and longer training left even that undecided when we tried (<code>steps = 400</code>). Yet MTMI <i>serves a larger fraction</i> of what it finds with the label (the last line). Both are true: a gap is a difference, and lists that find more have more to lose in a merge. So "better aligned" depends on the rule you measure by, and on whether you subtract or divide: name both. Copies, and a single tower, have next to no gap; a small gap alone is no merit. (The negative gap of α = 0: each copy's 50 items count by a quarter, and the merge of four slightly different lists finds more than one of them.)</details>
#
# > **Remember:** ask of a training rule whether it trains a vector that serving has, and of a gap by which rule it was measured.
#
# ## The switch
#
# One user, one relevant item. The map (PCA of directions) shows the user's vectors, large, and the 50 served items, small, in the colour of the tower that brought them. The bars say who answers, and the item's rank in each tower's own list.

# %%
panel = pictures.switch_panel({soft: runs[soft]} | runs, test, world.log.item_names)
panel

# %% [markdown]
# **Try this.**
#
# 1. Press *Nearest*, switch to *serving*, and go through users and items. Can an item stand in the first 50 of its own tower and not be served?
# 2. Press *MTMI, α = 5*, then move α down to 0 and up to 20. Which α gives one bar, which gives four equal ones?
#
# <details><summary>Answers</summary>(1) Yes, quite often: four towers compete for 50 places. (2) At 0 the bars are equal, whatever the item; at 20 nearly everything goes to one tower. The vectors don't move, since you change the rule and not the training.</details>
#
# ### Exercise 4: found by nobody but the mixture
#
# Press *Label-aware, p = 5* and go through users and items. Find one that the mixture has among its first 50 (see the title) while **no** tower does (see the bars). Answer with the two numbers, `(user, item)`.
#
# <details><summary>Hint</summary>The mixture lies between vectors. Look for items whose bars are shared by two towers. If you find none, try the other users: there are 48 places in all.</details>

# %%
my_case = None
panel_ranks = pictures.panel_ranks(runs["label-aware, p = 5"], test, rule="label-aware", sharpness=5.0)
# BEGIN SOLUTION
my_case = next((place for place, (mixed, best, _) in panel_ranks.items() if mixed <= 50 < best), "none")
# END SOLUTION
checks.only_the_mixture(my_case, panel_ranks)

# %% [markdown]
# ## What can go wrong: the power as printed
#
# Code the formula as it is printed, with p = 1.5. An objective is a function; the training loop takes it like any other.


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
# At the first step some product in the batch is negative, and (−0.6)^1.5 is not a number. The softmax spreads it over all of that user's weights. The loop stops; without its check Adam would write NaN into every parameter. A smaller learning rate would not help: the formula is at fault.
#
# ## Leakage or overfitting?
#
# The paper put label-aware attention in place of its own loss, saw recall fall, and named two suspects: leakage of the label, or overfitting. You have measured the first. The second is recall on users the model was trained on, less recall on test users.

# %%
trained_on = interactions.evaluation_cases(world.log, split.train[:300])
known = {n: metrics.evaluate(runs[n].model, trained_on).recall(50) for n in (soft, "nearest", "label-aware, p = 5")}
excess = {name: pictures.excess_interval(recall, found[name].recall(50), seed=seed) for name, recall in known.items()}
for name, three in excess.items():
    print("{:>18}: {:+.3f} [{:+.3f}, {:+.3f}] on users it was trained on".format(name, *three))
name = "label-aware, p = 5"
more = pictures.excess_interval(known[name] - known[soft], found[name].recall(50) - found[soft].recall(50), seed=seed)
print("label-aware attention's excess over MTMI's: {:+.3f} [{:+.3f}, {:+.3f}]".format(*more))
word = "more than" if more[1] > 0 else "less than" if more[2] < 0 else "not decidedly more or less than"
print(f"Label-aware attention overfits {word} MTMI.")

# %% [markdown]
# These intervals draw the known users and the new ones anew. The paper compares with its own loss, and so does the last line. Look at the nearest tower too before you call overfitting a fault of mixtures.
#
# ## What you take home
#
# <details><summary>Open this after the predictions</summary><ul><li>The share decides what the towers become: all alike makes copies, all to one makes slow specialists, and in this world an α between them found most.</li><li>Every rule here but α = 0 asks the label who answers.</li><li>A gap has two parts: one list in place of K, and vectors that exist only with the label. Only mixtures have the second.</li></ul></details>
#
# **What the paper says** (Xiong and Yu). Label-aware attention with a sampled softmax, in place of its loss, makes MTMI worse, through leakage or overfitting; no figure separates the two. Its weights, it says, align training and serving better.
#
# **What we measured**, in one small planted world and few steps:

# %% tags=["answer"] tells=["Soft against hard:"]
over_label_aware = intervals[soft, "label-aware, p = 5"]
print("- Soft against hard: {} less nearest {:+.3f} [{:+.3f}, {:+.3f}].".format(soft, *intervals[soft, "nearest"]))
print("- Less label-aware attention: {:+.3f} [{:+.3f}, {:+.3f}].".format(*over_label_aware))
print("- Only the label gives label-aware attention {:+.3f} [{:+.3f}, {:+.3f}].".format(*only_label))
for rule in ("own rule", "nearest for all"):
    smaller = differences[rule, "nearest"][2] < 0
    print(f"- By {rule}, MTMI's gap is", "" if smaller else "not shown to be", "smaller than the nearest tower's.")

# %% [markdown]
# Where the first two intervals are above 0, they are on the paper's side. So is the third: call that leakage. The last two test the claim on alignment, and only a claim that names its rule can pass or fail.
#
# **Words.** [Share](glossary.md#share), [label-aware attention](glossary.md#label-aware-attention), [train-serve gap](glossary.md#train-serve-gap), [price of merging](glossary.md#price-of-merging).
#
# **Next:** lesson 05, the pull itself: the paper's weights, and which way their gradient points. Lesson 11 takes MIND, ComiRec and REMI apart.
#
# ## Five questions
#
# **1.** Three towers have cosines 0.5, 0.9 and 0 with the target. Shares sum to 3. With α = 1, what is the share of tower 2?
#
# <details><summary>Answer</summary>**2.31** The distances are 0.5, 0.1 and 1, the weights 2, 10 and 1; tower 2 has 3 · 10/13.</details>
#
# **2.** A tower that doesn't exist must lose in exercise 1. Which value for its score is always right?
#
# - (a) 0
# - (b) −1, the least cosine
# - (c) −10⁹
# - (d) −∞
#
# <details><summary>Answer</summary>**(d)** A score may be minus a loss or an inner product, and has no least value. (b) would do for cosines only.</details>
#
# **3.** Which of these rules train a vector that serving never searches with?
#
# - (a) the nearest tower
# - (b) inverse distance with α = 5
# - (c) label-aware attention with p = 1
# - (d) all towers alike
#
# <details><summary>Answer</summary>**(c)** The mixture is made for the target. All the others compute a loss for each vector as it is; only how much it counts depends on the label.</details>
#
# **4.** Model A finds 0.80 of the relevant items with the label and serves 0.60. Model B finds 0.50 and serves 0.35. Which statements are true?
#
# - (a) A's gap is larger
# - (b) A serves a larger fraction of what it finds
# - (c) B is better aligned, whatever the measure
# - (d) A's recall@50 is higher
#
# <details><summary>Answer</summary>**(a) (b) (d)** The gaps are 0.20 and 0.15; the fractions 75% and 70%. So (c) fails: by division A is ahead.</details>
#
# **5.** A colleague reports: "our rule has a train-serve gap of zero, so it is well aligned". Name two models of this lesson that have next to no gap without being any good.
#
# <details><summary>Answer</summary>One tower, which has nothing to choose from, and α = 0, whose towers are copies: their lists are nearly the same, so merging costs nothing. Ask for recall and cosine beside the gap.</details>

# %% tags=["results"]
from IPython.display import JSON

ours = found[soft].recall(50)
results = {
    "recall_50": float(ours.mean()),
    "over_one_tower": float((ours - found["one tower"].recall(50)).mean()),
    "over_nearest": intervals[soft, "nearest"][0],
    "over_label_aware": over_label_aware[0],
    "over_smallest": float((ours - found["smallest loss"].recall(50)).mean()),
    "over_patient_nearest": left[0],
    "interests_found": float(interests[soft]),
    "copies_cosine": found[f"MTMI, α = {alphas[0]:g}"].summary().get("cosine"),
    "gap": float((gaps[soft].label - gaps[soft].served).mean()),
    "gap_one_tower": float((gaps["one tower"].label - gaps["one tower"].served).mean()),
    "only_the_label": only_label[0],
    "only_the_label_soft": float((gaps[soft].label - gaps[soft].room).mean()),
}
JSON(results)
