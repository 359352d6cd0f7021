# ---
# jupyter:
#   course:
#     builds: histories, cases and metrics, and the floor that every model must beat
#     after: ["00"]
#     minutes: 65
# ---

# %% [markdown]
# # A log, honestly split
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A model is only as good as the question it is asked. You cut a real log of purchases into questions and answers, score lists with three numbers, and ask how far to trust a difference. No network is trained here. You meet the simple lists that every model must beat, and printed numbers that contradict each other.
#
# **Afterwards you can**
#
# 1. score a list by recall, hit rate and NDCG (exercises 1 and 2),
# 2. say how many test customers a comparison needs (exercise 3),
# 3. tell when a table of results is impossible (exercise 4).
#
# **You need** [lesson 00](00_see_one_customer_as_four.ipynb) and some NumPy.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" redraws more often
data = "online-retail"  # or "planted"; or "movielens", after `make data`
customer = None  # whose time line to look at: a user's label; None picks one that is easy to read

# %%
try:
    from lessons.lesson_01 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np
import torch

from lessons.lesson_01 import pictures
from mtmi_lite import interactions, metrics, models
from mtmi_lite.data import datasets

torch.set_num_threads(1)
draws = {"fast": 2000, "full": 5000}[profile]
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
if customer is None:
    row = pictures.clear_customer(log, split.test)
else:
    row = int(np.flatnonzero(log.user_labels == customer)[0])
label = log.user_labels[row]
mine = slice(log.offsets[row], log.offsets[row + 1])
cut = log.lengths[row] * 4 // 5
title = f"Customer {label}: a question and its answer"
pictures.customer_line(log.times[mine], log.items[mine], cut, log.item_names, title=title)

# %% [markdown]
# Each mark is a purchase; each stack is a [basket](glossary.md#basket), what one customer buys at one time. Blue circles are the [history](glossary.md#history), the question. Everything after the cut is the answer; green diamonds are products the customer had bought before. Point at a mark to read its name.
#
# ## What is in the log?
#
# An [interaction](glossary.md#interaction) is a customer, a product and a time. Online Retail holds one year of a gift shop's sales.

# %%
starts = pictures.basket_starts(log)
repeats = 1 - len(np.unique(log.users * log.num_items + log.items)) / len(log)
heavy = np.sort(log.lengths)[::-1][: log.num_users // 10].sum() / len(log)
counts = np.bincount(log.items, minlength=log.num_items)
low, middle, high = log.lengths.min(), np.median(log.lengths), log.lengths.max()
print(f"{log.num_users:,} customers, {log.num_items:,} products, {len(log):,} purchases in {starts.sum():,} baskets")
print(f"a customer makes {middle:.0f} purchases (median), from {low} to {high:,}")
print(f"the 10% of customers who buy most make {heavy:.0%} of the purchases")
print(f"{repeats:.0%} of the purchases repeat an earlier one: same customer, same product")
print(f"a basket has {len(log) / starts.sum():.0f} lines on average")

# %%
pictures.popularity_figure(counts, log.item_names, title="A few products sell far more often than most")

# %% [markdown]
# > **Remember:** know the log before the model. Heavy buyers, repeats and baskets decide what is easy.
#
# ## A filter has an order
#
# A single purchase can't be cut into a question and an answer, and a product sold once can't be learned: both are [filtered](glossary.md#filter) out. The field's usual filter drops rare products, then customers who have too little left; once, in that order. Does the order matter? Eight rows, and 2 as the least number:

# %%
rows = [("ann", "tea"), ("ann", "jam"), ("ann", "hat"), ("ben", "tea")]
rows += [("ben", "mug"), ("cem", "jam"), ("dan", "mug"), ("dan", "fan")]


def keep_frequent(rows, column, least=2):
    values = [row[column] for row in rows]
    return [row for row in rows if values.count(row[column]) >= least]


print("products first: ", keep_frequent(keep_frequent(rows, 1), 0))
print("customers first:", keep_frequent(keep_frequent(rows, 0), 1))

whole = datasets.online_retail(filtered=False) if data == "online-retail" else log
print(f"\nunfiltered {whole.num_users:,} customers, {whole.num_items:,} products, {len(whole):,} purchases")
print(f"filtered   {log.num_users:,} customers, {log.num_items:,} products, {len(log):,} purchases")

# %% [markdown]
# Products first leaves every customer with two purchases, but `jam` with one. Customers first leaves every product with two, but Ann and Dan with one purchase each. Say which you used: ours is products first, once, at least 5.
#
# ## Who trains, and who is asked?
#
# We [split](glossary.md#split) the *customers* 8 : 1 : 1. Models learn from the first part, settings are chosen on the second, results come from the third. For a test customer, the first 80% of the purchases are history; the distinct products among the last 20% are the [relevant items](glossary.md#relevant-items). Together they make a [case](glossary.md#case). Our models read the last 20 purchases of a history.

# %%
print(f"{len(split.train):,} customers train, {len(split.validation)} choose, {len(split.test)} are tested")
test = interactions.evaluation_cases(log, split.test)
case = interactions.evaluation_cases(log, np.array([row]))
names = log.item_names[case.batch.history[0][case.batch.mask[0]]]
print(f"\ncustomer {label}: {cut} purchases before the cut, of which a model reads {len(names)}; the newest are")
for name in names[-4:]:
    print("  ", name)
print(f"and {case.num_relevant[0]} products to find, such as")
for item in case.relevant[:4]:
    print("  ", log.item_names[item])

# %% [markdown]
# ### What leaks when you split by purchase
#
# It's tempting to hide 20% of the *rows* at random instead. But then the other rows tell a model about the hidden ones: a [leak](glossary.md#leak).
#
# **Predict.** What fraction of the hidden purchases has another line of the same basket that is *not* hidden?

# %%
my_guess = None  # a fraction, from 0 to 1

# %% tags=["answer"] tells=["99%", "100%", "nearly every hidden", "almost every hidden", "whole basket"]
hidden = np.random.default_rng(seed).random(len(log)) < 0.2
basket = np.cumsum(starts)
newest_seen = np.maximum.reduceat(np.where(hidden, -1, log.times), log.offsets[:-1])
same_customer = np.isin(log.users[hidden], log.users[~hidden]).mean()
same_basket = np.isin(basket[hidden], basket[~hidden]).mean()
future = (newest_seen[log.users] > log.times)[hidden].mean()
print(f"You guessed {my_guess}. Of the purchases hidden row by row,")
print(f"{same_basket:.1%} have a line of their own basket in training,")
print(f"{same_customer:.1%} have their customer in training, and")
print(f"{future:.1%} have a later purchase of their customer in training: the future")

# %% [markdown]
# <details><summary>What you saw</summary>Nearly every hidden purchase. A basket has 21 lines on average, and for a line to stand alone, all the others would have to be hidden too. Split by customer, no purchase of a test customer is in training.</details>
#
# What is that worth? Ask a simple recommender, **Bought together**: every basket votes for its products, once for each that the customer is known to have; what the customer has is never listed. It answers for the same test customers in both ways. The third row learns from other customers only, but still sees all that is not hidden of the customer it is asked about.

# %%
position = np.arange(len(log)) - log.offsets[log.users]
early = position < (log.lengths * 4 // 5)[log.users]
others = np.isin(log.users, split.train)
asked = {
    "split by customer": dict(trained=others, known=early, wanted=~early),
    "split by row": dict(trained=~hidden, known=~hidden, wanted=hidden),
    "  trained on others": dict(trained=~hidden & others, known=~hidden, wanted=hidden),
}
by_rows = {name: pictures.recall_of_rows(log, split.test, **way) for name, way in asked.items()}
print("recall@20             best-sellers  Bought together")
for name, lists in by_rows.items():
    print(f"{name:<20}" + "".join(f"{np.nanmean(values):14.3f}" for values in lists.values()))


def compare(ours, theirs):
    both = ~np.isnan(ours - theirs)
    gain, low, high = metrics.paired_interval(ours[both], theirs[both], seed=seed)
    verdict = "better" if low > 0 else "worse" if high < 0 else "undecided"
    return f"{gain:+.3f} [{low:+.3f}, {high:+.3f}] {verdict}"


first, second, third = (lists["Bought together"] for lists in by_rows.values())
print(f"\nBought together, second row over first: {compare(second, first)}")
print(f"Bought together, second row over third: {compare(second, third)}")

# %% [markdown]
# The bracket is a 95% interval, explained below; if it holds 0, even the sign is undecided.
#
# <details><summary>What you saw</summary>On Online Retail <em>Bought together</em> gains from the first row to the second. Nothing about it has improved: the question has become easier, since it now holds the rest of the basket and the future. Training on the test customers' rows as well, the step from the third row to the second, adds little or nothing.</details>
#
# ### What still leaks: the calendar
#
# A split by customer ignores dates. The training customers go on buying after a test customer's cut.

# %%
cuts = log.offsets[test.users] + log.lengths[test.users] * 4 // 5
trained_rows = np.flatnonzero(others)[np.argsort(log.times[others], kind="stable")]
ends = np.searchsorted(log.times[trained_rows], log.times[cuts], side="right")  # not later than the cut
later = 1 - ends.mean() / len(trained_rows)
print(f"{later:.0%} of the training purchases are later than a test customer's cut, on average")

popular = metrics.evaluate(models.MostPopular(log, split.train), test)
before = [np.bincount(log.items[trained_rows[:end]], minlength=log.num_items) for end in ends]
past = np.argsort(-np.array(before), kind="stable", axis=1)[:, :50]
of_past = metrics.recall(metrics.find_hits(past, test), test.num_relevant)
print(f"best-sellers with that future over those without it, recall@50: {compare(popular.recall(50), of_past)}")

# %% [markdown]
# The paper splits this way, and so do we. All rivals see the same future, so they can be compared; but a shop that recommends today has no such future, and may do worse.
#
# > **Remember:** a split decides what leaks. Compare numbers only where the question is the same.
#
# ## Three numbers for one list
#
# A list of five products, best first. The customer later bought a jug, a hat and a pan.

# %%
ranked, wanted = ["mug", "jug", "tea", "fan", "hat"], {"jug", "hat", "pan"}
hits = [product in wanted for product in ranked]
print("hits:", hits)
print(f"recall@5   {sum(hits)} of {len(wanted)} relevant items = {sum(hits) / len(wanted):.4f}")
print(f"hit rate@5 at least one hit = {float(any(hits)):.0f}")
gained = 1 / np.log2(2 + 1) + 1 / np.log2(5 + 1)
ideal = 1 / np.log2(1 + 1) + 1 / np.log2(2 + 1) + 1 / np.log2(3 + 1)
print(f"NDCG@5     {gained:.4f} of at most {ideal:.4f} = {gained / ideal:.4f}")

# %% [markdown]
# - [Recall](glossary.md#recall)@k: the fraction of the relevant items that are among the first k.
# - [Hit rate](glossary.md#hit-rate)@k: 1 if any of them is, else 0. Over many customers, the fraction with a hit.
# - [NDCG](glossary.md#ndcg)@k: a hit at rank r counts 1 / log₂(r + 1), ranks from 1. The sum is divided by that of the **ideal** list: the best that any list with k places could do.
#
# ### Exercise 1: recall and hit rate
#
# Return `(recall, hit)` for the first `k` products of a list. A careless list may hold a product twice; it counts once.
#
# <details><summary>Hint</summary>Count the distinct hits in <code>ranked[:k]</code> first. Both numbers follow from that count.</details>


# %%
def recall_and_hit(ranked: list[str], relevant: set[str], k: int) -> tuple[float, float]:
    # BEGIN SOLUTION
    found = len(set(ranked[:k]) & relevant)
    return found / len(relevant), float(found > 0)
    # END SOLUTION


checks.recall_and_hit(recall_and_hit)

# %% [markdown]
# ### Exercise 2: NDCG
#
# Return NDCG@k of one list without repeats. The list may be shorter than `k`; the ideal list need not be.
#
# <details><summary>Hint 1</summary><code>enumerate(ranked[:k], start=1)</code> gives ranks from 1.</details>
# <details><summary>Hint 2</summary>How many hits has the ideal list? It has <code>k</code> places, and there are only <code>len(relevant)</code> products to put there.</details>


# %%
def ndcg_of_list(ranked: list[str], relevant: set[str], k: int) -> float:
    # BEGIN SOLUTION
    gained = sum(1 / np.log2(rank + 1) for rank, product in enumerate(ranked[:k], start=1) if product in relevant)
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gained / ideal
    # END SOLUTION


checks.ndcg_of_list(ndcg_of_list)

# %% [markdown]
# For many customers at once, `hits` is a table: a row for each customer, a column for each place.


# %%
def recall(hits, num_relevant):
    return hits.sum(axis=1) / num_relevant


def _gains(num):
    return 1 / np.log2(np.arange(2, num + 2))


def ndcg(hits, num_relevant):
    gains = _gains(hits.shape[1])
    best = np.concatenate([[0], np.cumsum(gains)])[np.minimum(num_relevant, hits.shape[1])]
    return hits @ gains / best


of_table = ndcg(popular.first(20), test.num_relevant).mean()
print(f"NDCG@20 of the best-sellers, {len(test)} test customers: {of_table:.4f}")
if checks.ndcg_of_list.passed:
    answers = [set(products.tolist()) for products in np.split(test.relevant, test.offsets[1:-1])]
    lists = popular.ranking.items.tolist()
    yours = [ndcg_of_list(one, answer, 20) for one, answer in zip(lists, answers, strict=True)]
    print(f"by your own function, one list at a time:    {np.mean(yours):.4f}")

# %% [markdown]
# ### One name, two measures
#
# The published code of two rivals, ComiRec and REMI, divides by another ideal: a list with as many hits as were *found*.
#
# **Predict.** A customer has 30 relevant items. One is found, at rank 1. What does each NDCG@20 say?

# %%
my_second_guess = None  # two numbers: (divided by the ideal, divided by the ideal of the found)


# %% tags=["answer"] tells=["1.000", "scores 1", "score of 1", "full marks", "0.142"]
def ndcg_of_found(hits):
    gains = _gains(hits.shape[1])
    best = np.concatenate([[1], np.cumsum(gains)])[hits.sum(axis=1)]
    return hits @ gains / best


one_hit = np.zeros((1, 20), dtype=bool)
one_hit[0, 0] = True
standard, of_found = ndcg(one_hit, np.array([30]))[0], ndcg_of_found(one_hit)[0]
print(f"You guessed {my_second_guess}. NDCG@20 is {standard:.3f}; divided by the ideal of the found, {of_found:.3f}.")
both = popular.ndcg(20).mean(), popular.ndcg_of_found(20).mean()
print(f"best-sellers, {len(test)} customers: {both[0]:.3f}; divided by the ideal of the found, {both[1]:.3f}")
flattered = popular.ndcg_of_found(20) == 1
if flattered.any():
    mean = popular.recall(20)[flattered].mean()
    print(f"{flattered.sum()} customers get 1.000 from the second, with a mean recall@20 of {mean:.3f}")

# %% [markdown]
# <details><summary>What you saw</summary>The second says 1.000, as if no list could be better. It only says that the hits come first, however many were missed. The library has it as <code>ndcg_of_found</code>, for comparison with the literature.</details>
#
# > **Remember:** ask of every NDCG which list is its ideal.
#
# ## What must a model beat?
#
# First of all, lists that need no network, the **floor**:
#
# - **Chance.** Each of N products stands among the first k of a random list with probability k / N: that is the expected recall.
# - **[Most Popular](glossary.md#most-popular)** gives everyone the best-sellers of the training customers.
# - **Own history** lists what the customer bought before, most often first, then best-sellers.
# - **[EASE](glossary.md#ease)** (Steck 2019) is one table B of weights between products. A product's score is the sum of its weights from what the customer has. X holds a 1 where a training customer bought a product:
#
# $$B = I - P \cdot \mathrm{diag}\bigl(1 / \mathrm{diag}\,P\bigr), \qquad P = (X^\top X + \lambda I)^{-1}$$
#
# In words: of all tables that let no product vote for itself, B best rebuilds each customer's purchases from their others; λ, 500 in the library, keeps the weights small. Three customers by hand:

# %%
X = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 1]])  # who bought tea, jam, mug
P = np.linalg.inv(X.T @ X + 0.5 * np.eye(3))
B = np.eye(3) - P @ np.diag(1 / np.diag(P))
print("             tea    jam    mug")
for product, weights in zip(("tea", "jam", "mug"), B.round(2) + 0.0, strict=True):
    print(f"from {product} " + "".join(f"{weight:7.2f}" for weight in weights))

# %%
from lessons.common.floors import floors

floor = floors(log, split, split.test)
chance = metrics.evaluate(models.RandomRanking(log.num_items, seed=seed), test)
print(f"{len(test)} test customers     recall@20  recall@50  hit rate@50")
for name, one in {"a random list": chance, **floor}.items():
    print(f"{name:<22}{one.recall(20).mean():9.3f}{one.recall(50).mean():11.3f}{one.hit_rate(50).mean():13.3f}")
print(f"{'k / N':<22}{20 / log.num_items:9.3f}{50 / log.num_items:11.3f}")
for num in (20, 50):
    ours, theirs = floor["EASE"].recall(num), floor["Own history"].recall(num)
    print(f"EASE over Own history, recall@{num}: {compare(ours, theirs)}")

# %% [markdown]
# The last two read the whole history; the networks of later lessons read 20 purchases. Note how kind hit rate is to a random list: many relevant items are easily hit. These rows stay in our tables of recall on a real log; lesson 09 asks which models beat them. EASE keeps a number for each *pair* of products: a million products make a million million.
#
# > **Remember:** a recall means little without its floor.
#
# ## How sure is a difference?
#
# One split of MovieLens-100k, on which the paper tests its parts, leaves about 94 test users. Is that enough? Take two rankings that are nearly alike: best-sellers by *all* purchases, and by each customer's *last 20*. Over ten [folds](glossary.md#fold), every customer is a test customer once.

# %%
recent = position >= (log.lengths - 20)[log.users]
by_all, by_recent = [], []
for fold in range(10):
    part = interactions.split_users(log, seed=seed, fold=fold)
    cases = interactions.evaluation_cases(log, part.test)
    trained = np.isin(log.users, part.train)
    for chosen, scores in ((trained, by_all), (trained & recent, by_recent)):
        order = np.argsort(-np.bincount(log.items[chosen], minlength=log.num_items), kind="stable")[:50]
        hits_of_fold = metrics.find_hits(np.tile(order, (len(cases), 1)), cases)
        scores.append(recall(hits_of_fold, cases.num_relevant))
differences = np.concatenate(by_recent) - np.concatenate(by_all)
print(f"last 20 over all purchases: {differences.mean():+.4f} recall@50, {len(differences):,} customers")

# %% [markdown]
# How far would that mean move with other customers of the same kind? The **bootstrap** draws as many customers as you have, *with repetition*, takes their mean, and repeats. The middle 95% of these means is the [interval](glossary.md#bootstrap-interval). It covers the choice of customers, not the luck of one training run.

# %%
generator = np.random.default_rng(seed)
means = np.array([generator.choice(differences, len(differences)).mean() for _ in range(draws)])
low, high = np.quantile(means, [0.025, 0.975])
print(f"all {len(differences):,} customers: {differences.mean():+.4f} [{low:+.4f}, {high:+.4f}]")
pictures.redrawn_figure(means, title="The same difference on redrawn customers")

# %% [markdown]
# Suppose these customers are all there are. You draw 94, compute the interval, and call the difference *found* if the interval lies above 0.
#
# **Predict.** You repeat this experiment 1,000 times. How many of the 1,000 find the difference?

# %%
my_third_guess = None  # a whole number, from 0 to 1000

# %% tags=["answer"] tells=["one in eight", "one in six", "most experiments miss", "13%", "far too few"]
sizes = [94, 200, 300, 400, 600, 800, 1000, 1200, 1500, 2000, 3000]
# an interval is the mean ± 1.96 standard errors here: nearly the bootstrap's, and much quicker
found = pictures.found_in(differences, sizes, seed=seed, experiments=draws)
few = generator.choice(differences, 94)
_, few_low, few_high = metrics.paired_interval(few, np.zeros(94), seed=seed)
print(f"You guessed {my_third_guess}; about {1000 * found[0]:.0f} of 1,000 find it.")
print(f"One of them: {few.mean():+.4f} [{few_low:+.4f}, {few_high:+.4f}]")
pictures.found_figure(sizes, found, title="How many experiments find the difference")

# %% [markdown]
# <details><summary>What you saw</summary>With 94 customers most experiments miss a difference that is there: their intervals hold 0. That is no evidence against it. “Undecided” means too few customers to tell. Four times the customers only halve the interval.</details>
#
# ### Exercise 3: how many customers?
#
# The fraction of experiments that find a difference is their [power](glossary.md#power). Read the plot above: what is the least number of test customers with which about 80% of the experiments find this difference?
#
# <details><summary>Hint</summary>Follow the dashed line at 80% to the curve, then go down. Numbers between the marks are fine.</details>

# %%
my_customers = None  # a whole number
# BEGIN SOLUTION
my_customers = round(float(np.interp(0.8, found, sizes)))
# END SOLUTION
checks.customers_needed(my_customers, sizes, found)

# %% [markdown]
# > **Remember:** a difference without an interval is a rumour, and an interval that holds 0 settles nothing.
#
# ## What does the cut measure?
#
# The cut stands after 80% of the purchases, wherever that falls.
#
# **Predict.** For what fraction of the test customers does *everything* relevant lie in a basket that had begun before the cut?

# %%
my_fourth_guess = None  # a fraction, from 0 to 1

# %% tags=["answer"] tells=["66%", "two thirds", "two in three", "most of the task", "half of the relevant"]
last = log.offsets[test.users + 1] - 1
inside = (log.times[cuts - 1] == log.times[cuts]).mean()
begun = (log.times[cuts - 1] == log.times[last]).mean()
after = ~early & np.isin(log.users, test.users)
of_begun = (log.times == log.times[log.offsets[log.users] + log.lengths[log.users] * 4 // 5 - 1])[after].mean()
print(
    f"You guessed {my_fourth_guess}. For {begun:.0%} of the test customers, everything relevant lies in such a basket."
)
print(f"For {inside:.0%}, the cut falls inside a basket.")
print(f"Of all their purchases after the cut, {of_begun:.0%} belong to a basket already begun.")

# %% [markdown]
# <details><summary>What you saw</summary>For about two in three test customers of Online Retail, the whole question is: complete this basket.</details>
#
# `cut="basket"` moves the cut back to the start of its basket. Customers with a single basket then have no case; for the others, the same lists under both cuts:


# %%
from mtmi_lite.baselines import ease
from mtmi_lite.retrieval import memory_of

between = interactions.evaluation_cases(log, split.test, cut="basket", history_length=int(log.lengths.max()))
memory = memory_of(log, between.users, between.cuts, weight=1e9)  # more than any count of purchases
best_sellers = models.MostPopular(log, split.train)
moved = {
    "Most Popular": metrics.evaluate(best_sellers, between),
    "Own history": metrics.evaluate(best_sellers, between, memory=memory),
    "EASE": metrics.evaluate(ease(log, split.train), between),
}
everywhere = np.isin(test.users, between.users)
at_80 = {name: one.recall(50)[everywhere] for name, one in floor.items()}
at_basket = {name: one.recall(50) for name, one in moved.items()}
title = f"Two cuts, the same {len(between)} customers"
pictures.moved_by_the_cut(at_80, at_basket, title=title)

# %%
print("recall@50, cut moved over cut after 80%")
for name in moved:
    print(f"{name:>14}: {compare(at_basket[name], at_80[name])}")
print("\nEASE over Own history, recall@50")
these = f"these {len(between)}"
print(f"cut after 80%, all customers: {compare(floor['EASE'].recall(50), floor['Own history'].recall(50))}")
print(f"cut after 80%, {these:>13}: {compare(at_80['EASE'], at_80['Own history'])}")
print(f"cut moved,     {these:>13}: {compare(at_basket['EASE'], at_basket['Own history'])}")

# %% [markdown]
# On Online Retail EASE loses when it may no longer see the rest of the basket. And which list wins depends on whom you ask and where you cut. Here the larger step, from the first of the last three lines to the second, comes from *whom*: it leaves out the customers with a single basket, whose history cannot hold what they still need, as a basket hardly ever holds a product twice.
#
# Later lessons keep the cut after 80%: it is the paper's, so numbers compare, and every test customer has a case. The price: recall on Online Retail mixes two tasks, completing a begun basket and foreseeing later ones, and a gain may lie in either.
#
# ## Build a world
#
# A real log never says what a customer is interested in. In a [planted world](glossary.md#planted-world) we deal out the interests, and purchases follow. Each interest has 20 products; the skews make some interests and items far more popular than others. The [oracle](glossary.md#oracle) knows every user's interests and lists their likeliest products; no model can expect to beat it.

# %%
panel = pictures.world_panel(counts, seed=seed)
panel

# %% [markdown]
# Each mark on the left is an interest of a user, larger where the user bought more; orange squares are shared with another of the twelve.
#
# **Try this.**
#
# 1. Press *Scarce room*, then raise the interests of a user from 1 to 8. What happens to the oracle, and why?
# 2. Find a world where Most Popular is level with the oracle. What do its users have in common?
#
# <details><summary>What you should see</summary>(1) It falls as 1 / n: from 1 at one interest to about a half at two, a quarter at four, an eighth at eight. With n interests, 20 n products are equally likely, and the list has 20 places. (2) <em>Everyone alike</em> is one; interest skew 3 without item skew is another. The users have nearly the same interests, so one list serves all. With 100 test users, luck can lift another list a little above the oracle.</details>
#
# ## What can go wrong: numbers that contradict each other
#
# Some numbers are tied. A longer list holds all that the shorter one held. And a customer with any recall has a hit, while recall is at most 1. The paper's Table 3 has seven models on three logs:

# %%
import csv


def read_table(number):
    with open(f"results/paper/table{number}.csv", encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    cells = [(row[0], model, row[1], value) for row in rows for model, value in zip(columns[2:], row[2:], strict=True)]
    return {(log_name, model, kind): float(value) for log_name, model, kind, value in cells}


table_3 = read_table(3)
places = list(dict.fromkeys((log_name, model) for log_name, model, _ in table_3))
kinds = list(dict.fromkeys(kind for *_, kind in table_3))  # recall, hit rate and NDCG at 20, then at 50
print(f"{'':<27}" + "".join(f"{kind:>8}" for kind in kinds))
for place in places:
    print("{:<14}{:<13}".format(*place) + "".join(f"{table_3[*place, kind]:8.4f}" for kind in kinds))

# %% [markdown]
# ### Exercise 4: the impossible rows
#
# Which rows cannot all be averages over users of the same lists? Give them as `(log, model)` pairs, read off the table or found by code in `table_3`.
#
# <details><summary>Hint</summary>Compare recall and hit rate at 20 with the same at 50, and recall with the hit rate of the same list. Is NDCG tied in the same way? A larger k also makes the ideal larger.</details>

# %%
my_rows = None  # [("Books", "Pop"), ...]
# BEGIN SOLUTION
my_rows = [
    place
    for place in places
    if table_3[*place, "R@50"] < table_3[*place, "R@20"]
    or table_3[*place, "HR@50"] < table_3[*place, "HR@20"]
    or any(table_3[*place, f"R@{k}"] > table_3[*place, f"HR@{k}"] for k in (20, 50))
]
# END SOLUTION
checks.impossible_rows(my_rows, table_3)

# %% tags=["answer"] tells=["RetailRocket Que2Search", "two rows", "five rows", "Retail Rocket alone"]
for place in places:
    recall_20, hit_20, ndcg_20, recall_50, hit_50, ndcg_50 = (table_3[*place, kind] for kind in kinds)
    where = " ".join(place)
    if hit_50 < hit_20:
        print(f"{where}: the hit rate falls as the list grows, {hit_20} to {hit_50}")
    for k, its_recall, its_hit in ((20, recall_20, hit_20), (50, recall_50, hit_50)):
        if its_recall > its_hit:
            print(f"{where}: mean recall@{k} above the hit rate, {its_recall} over {its_hit}")
    if ndcg_50 < ndcg_20:
        print(f"{where}: NDCG falls, {ndcg_20} to {ndcg_50}: possible")
falls, long = popular.ndcg(50) < popular.ndcg(20), test.num_relevant > 20
print(f"standard NDCG of our best-sellers falls from 20 to 50 for {falls.sum()} of {len(test)} customers;")
print(f"{(falls & long).sum()} of these have more than 20 relevant items, so a larger ideal at 50")

# %% [markdown]
# <details><summary>What you saw</summary>Two rows, both on Retail Rocket, fail twice each. No evaluation of the same lists, averaged over users, gives such numbers. Pooled recall (all hits over all relevant items) could exceed a hit rate, and a best step picked for each metric could let a hit rate fall; the paper says neither. NDCG falls in five rows. That is consistent with the NDCG of the found, which can drop as more is found, but the standard one can fall too.</details>
#
# > **Remember:** before you believe a table, check what ties its numbers.
#
# ## What you take home
#
# - Filter, split and cut are choices that move the numbers. Say which you made.
# - The floor is chance, Most Popular, own history and EASE.
# - No difference without its interval.
#
# **What the paper says** (Xiong and Yu): users split 8 : 1 : 1, a cut after 80%, recall, hit rate and NDCG at 20 and 50. It calls gains significant without a test or an interval, and mentions neither baskets nor repeats.
#
# **What we measured** comes from one log and, except for the ten folds, one split. Change `seed` to see what moves.
#
# **Next:** in lesson 02 a first tower turns a history into one vector, and must beat the floor.
#
# ## Five questions
#
# **1.** On the same 400 test customers, model A has recall@50 of 0.262 and model B 0.255; the paired interval of A − B is [−0.004, +0.018]. What may you write?
#
# - (a) A is better by 0.007.
# - (b) A and B are equally good.
# - (c) These customers can't tell A from B.
#
# <details><summary>Answer</summary>**(c)** The interval holds 0, so the sign is undecided. Equality, (b), isn't shown either: a gain of 0.018 fits as well as a loss of 0.004.</details>
#
# **2.** With 1,000 test customers, 80% of experiments find a difference. About how many would it take if the difference were half as large and varied as much from customer to customer?
#
# <details><summary>Answer</summary>**4000** The interval must be half as wide, and widths shrink with the square root of the number of customers.</details>
#
# **3.** A customer has 50 relevant items. A list of 20 holds 20 of them. What is its recall@20?
#
# <details><summary>Answer</summary>**0.4** 20 of 50, though no list of 20 could do better; its NDCG@20 is 1. Recall at a small k can be far from 1 for the best list there is.</details>
#
# **4.** Which of these may a split by customer still let a model use?
#
# - (a) Purchases of the test customer after the cut.
# - (b) What training customers bought after the test customer's cut.
# - (c) The rest of the basket in which the cut falls, as far as it lies after the cut.
#
# <details><summary>Answer</summary>**(b)** The calendar is not split. (a) and (c) are both hidden: what lies after the cut is the answer.</details>
#
# **5.** A new model beats Most Popular by far on a log with many repeats. Why is that not yet news?
#
# <details><summary>Answer</summary>Because a list that copies the customer's own history does so too, without learning anything. Ask for the rows of Own history and EASE, with an interval of the difference.</details>

# %% tags=["results"]
from IPython.display import JSON

results = {
    "repeats": float(repeats),
    "later": float(later),
    "begun": float(begun),
    "leak_gain": float(np.nanmean(second) / np.nanmean(first)),
    "popular_recall_50": float(popular.recall(50).mean()),
    "chance_recall_50_over_formula": float(chance.recall(50).mean() * log.num_items / 50),
    "ease_over_popular_50": float((floor["EASE"].recall(50) - floor["Most Popular"].recall(50)).mean()),
    "own_over_popular_20": float((floor["Own history"].recall(20) - floor["Most Popular"].recall(20)).mean()),
    "ease_move": float((at_basket["EASE"] - at_80["EASE"]).mean()),
    "found_over_standard_ndcg_20": float(popular.ndcg_of_found(20).mean() / popular.ndcg(20).mean()),
    "recent_over_all": float(differences.mean()),
    "found_by_94": float(found[0]),
    "found_by_3000": float(found[-1]),
}
JSON(results)
