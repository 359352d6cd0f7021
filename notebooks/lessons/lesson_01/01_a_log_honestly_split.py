# ---
# jupyter:
#   course:
#     builds: histories, cases and metrics, and the floor that every model must beat
#     after: ["00"]
#     minutes: 60
# ---

# %% [markdown]
# # A log, honestly split
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A model is only as good as the question that it is asked. This lesson takes a real log of purchases, cuts it into questions and answers, and scores lists with three numbers. Nothing is trained here. You meet the simple lists that every later model must beat, and numbers in print that can not be true.
#
# **Afterwards you can**
#
# 1. score one list by recall and hit rate (exercise 1),
# 2. score it by NDCG, against the right ideal (exercise 2),
# 3. tell when a table of results is impossible (exercise 3).
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
draws = {"fast": 2000, "full": 20_000}[profile]
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
if customer is None:
    row = pictures.clear_customer(log, split.test)
else:
    row = int(np.flatnonzero(log.user_labels == customer)[0])
label = log.user_labels[row]
mine = slice(log.offsets[row], log.offsets[row + 1])
cut = log.lengths[row] * 4 // 5
title = f"Everything that customer {label} bought, and where the question is cut"
pictures.customer_line(log.times[mine], log.items[mine], cut, log.item_names, title=title)

# %% [markdown]
# This is where we end up: **one customer as a question and its answer.** A mark is one purchase, and a stack is a **basket**: all that one customer buys at one time, here one invoice. Blue circles are the **history**, the question. Everything after the cut is the answer. Green diamonds are things that the customer had bought before. Point at a mark to read its name.
#
# ## The log
#
# An [interaction](glossary.md#interaction) is a customer, a product and a time. Online Retail has the sales of a gift shop over one year, each product once an invoice, and many of its customers are shops themselves.

# %%
starts = pictures.basket_starts(log)
repeats = 1 - len(np.unique(log.users * log.num_items + log.items)) / len(log)
heavy = np.sort(log.lengths)[::-1][: log.num_users // 10].sum() / len(log)
counts = np.bincount(log.items, minlength=log.num_items)
print(f"{log.num_users:,} customers, {log.num_items:,} products, {len(log):,} purchases in {starts.sum():,} baskets")
print(
    f"a customer has {np.median(log.lengths):.0f} purchases (median), from {log.lengths.min()} to {log.lengths.max():,}"
)
print(f"the 10% of customers who buy most make {heavy:.0%} of the purchases")
print(f"{repeats:.0%} of the purchases repeat an earlier one: same customer, same product")
print(f"a basket has {len(log) / starts.sum():.0f} lines on average")

# %%
pictures.popularity_figure(
    counts, log.item_names, title="Products by how often they were bought (both scales are logs)"
)

# %% [markdown]
# > **Remember:** know the log before the model. Heavy buyers, repeats and baskets decide what is easy.
#
# ## The filter
#
# A customer with two purchases makes no question with an answer. The field's usual [filter](glossary.md#filter) drops rare items first, then customers with too little left. Once, in that order. Here are eight rows, and 2 as the least number.
#
# **Predict.** If you drop customers first and items second, do the same rows stay?

# %%
my_guess = None  # "the same" or "other rows"

# %%
rows = [("ann", "tea"), ("ann", "jam"), ("ann", "hat"), ("ben", "tea")]
rows += [("ben", "mug"), ("cem", "jam"), ("dan", "mug"), ("dan", "fan")]


def keep_frequent(rows, column, least=2):
    values = [row[column] for row in rows]
    return [row for row in rows if values.count(row[column]) >= least]


items_first = keep_frequent(keep_frequent(rows, 1), 0)
users_first = keep_frequent(keep_frequent(rows, 0), 1)
print("items first:", items_first)
print("users first:", users_first)

people, things = zip(*rows, strict=True)
tiny = interactions.from_columns(users=people, items=things, times=range(8))
kept = interactions.filter_items_first(tiny, min_count=2)
pairs = list(zip(kept.user_labels[kept.users].tolist(), kept.item_names[kept.items].tolist(), strict=True))
print("the library does the same, items first" if pairs == items_first else "the library differs")

# %% [markdown]
# Items first leaves every customer with at least two purchases, and `jam` with one. Users first leaves Ann and Dan with one each: no question and answer can be cut from that. Neither order is wrong, but counts in two papers only compare if both say which.
#
# > **Remember:** a filter has an order. Ours is items first, one pass, at least 5.

# %%
whole = datasets.online_retail(filtered=False) if data == "online-retail" else log
print(f"before the filter {whole.num_users:,} customers, {whole.num_items:,} products, {len(whole):,} purchases")
print(f"after it          {log.num_users:,} customers, {log.num_items:,} products, {len(log):,} purchases")

# %% [markdown]
# ## The split
#
# We [split](glossary.md#split) the *customers* 8 : 1 : 1. Models learn from the first part, choose settings on the second, and are judged on the third. For a test customer, the first 80% of the sequence is history; the different products of the last 20% are the [relevant items](glossary.md#relevant-items). Together they are a [case](glossary.md#case). A model reads the last 20 purchases of the history.

# %%
print(f"{len(split.train):,} customers train, {len(split.validation)} choose, {len(split.test)} are judged")
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
# It is tempting to hide 20% of the *rows* at random instead. Then information about the hidden rows stands among those that a model may use: a [leak](glossary.md#leak).
#
# **Predict.** For how many hidden purchases is another line of the same basket not hidden?

# %%
my_second_guess = None  # a part, from 0 to 1

# %%
hidden = np.random.default_rng(seed).random(len(log)) < 0.2
basket = np.cumsum(starts)
newest_seen = np.maximum.reduceat(np.where(hidden, -1, log.times), log.offsets[:-1])
same_customer = np.isin(log.users[hidden], log.users[~hidden]).mean()
same_basket = np.isin(basket[hidden], basket[~hidden]).mean()
future = (newest_seen[log.users] > log.times)[hidden].mean()
print(f"You guessed {my_second_guess}. Of the hidden purchases,")
print(f"{same_customer:.0%} have their customer among the rows that train; split by customer, none")
print(f"{same_basket:.0%} have a line of their own basket there; split by customer, none")
print(f"{future:.0%} have a later purchase of their customer there: the future")

# %% [markdown]
# What is that worth? Take a simple recommender, **Bought together**: every basket it has seen votes for its products, once for each product that it shares with what is known of the customer. It has no settings, and never lists what the customer has. We ask it about the same test customers in both ways, and score by recall@20 as in lesson 00: the part of what is wanted that is among 20 products. A third row learns from other customers only, but still sees all that is not hidden of the customer it is asked about.

# %%
position = np.arange(len(log)) - log.offsets[log.users]
early = position < (log.lengths * 4 // 5)[log.users]
others = np.isin(log.users, split.train)


def items_of_test_customers(rows):
    table = np.zeros((log.num_users, log.num_items), dtype=bool)
    table[log.users[rows], log.items[rows]] = True
    return table[split.test]


def recall_of_rows(trained, known, wanted):
    known, wanted = items_of_test_customers(known), items_of_test_customers(wanted)
    best = np.argsort(-np.bincount(log.items[trained], minlength=log.num_items), kind="stable")[:20]
    together = pictures.bought_together(log, trained, known, 20)
    asked = wanted.any(axis=1)
    lists = (np.tile(best, (len(wanted), 1)), together)
    return [np.mean(np.take_along_axis(wanted, each, 1).sum(1)[asked] / wanted.sum(1)[asked]) for each in lists]


# %%
honest = recall_of_rows(others, early, ~early)
leaky = recall_of_rows(~hidden, ~hidden, hidden)
asked_only = recall_of_rows(~hidden & others, ~hidden, hidden)
print("recall@20                                 best-sellers   Bought together")
for name, (best, together) in {
    "split by customer": honest,
    "split by row": leaky,
    "  trained on others": asked_only,
}.items():
    print(f"{name:>20} {best:30.3f} {together:17.3f}")

# %% [markdown]
# On Online Retail the best-sellers, which know no customer, hardly move. *Bought together* looks better split by row, and nothing about it has improved. The third row says where the gain sits: little is learned from the hidden customers, nearly all comes with the question, which now holds the rest of the basket and the future. A model with parameters for each customer could also learn them by heart; we have not measured one.
#
# > **Remember:** a split by row asks an easier question. Compare numbers only where the question is the same.
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
# - [Recall](glossary.md#recall)@k: the part of the relevant items among the first k.
# - [Hit rate](glossary.md#hit-rate)@k: 1 if there is any, else 0. Over many customers, the part with a hit.
# - [NDCG](glossary.md#ndcg)@k: a hit at rank r counts 1 / log₂(r + 1), ranks from 1. The sum is divided by that of the **ideal** list, which has relevant items at the top, as many as there are and fit.
#
# ### Exercise 1: recall and hit rate
#
# Return both, `(recall, hit)`, of the first `k` of a list. `relevant` is a set.
#
# <details><summary>Hint</summary>Count the hits in <code>ranked[:k]</code> first. Both numbers follow from that count.</details>


# %%
def recall_and_hit(ranked: list[str], relevant: set[str], k: int) -> tuple[float, float]:
    # BEGIN SOLUTION
    found = sum(product in relevant for product in ranked[:k])
    return found / len(relevant), float(found > 0)
    # END SOLUTION


checks.recall_and_hit(recall_and_hit)

# %% [markdown]
# ### Exercise 2: NDCG
#
# Return NDCG@k of one list.
#
# <details><summary>Hint 1</summary><code>enumerate(ranked[:k], start=1)</code> gives ranks from 1.</details>
# <details><summary>Hint 2</summary>How many hits has the ideal list? It is no longer than <code>k</code>, and there are only <code>len(relevant)</code> of them.</details>


# %%
def ndcg_of_list(ranked: list[str], relevant: set[str], k: int) -> float:
    # BEGIN SOLUTION
    gained = sum(1 / np.log2(rank + 1) for rank, product in enumerate(ranked[:k], start=1) if product in relevant)
    ideal = sum(1 / np.log2(rank + 1) for rank in range(1, min(k, len(relevant)) + 1))
    return gained / ideal
    # END SOLUTION


checks.ndcg_of_list(ndcg_of_list)

# %% [markdown]
# For many customers at once, `hits` is a table: a row for each customer, a column for each place of the list.


# %%
def recall(hits, num_relevant):
    return hits.sum(axis=1) / num_relevant


def hit_rate(hits):
    return hits.any(axis=1).astype(float)


def _gains(num):
    return 1 / np.log2(np.arange(2, num + 2))


def ndcg(hits, num_relevant):
    gains = _gains(hits.shape[1])
    best = np.concatenate([[0], np.cumsum(gains)])[np.minimum(num_relevant, hits.shape[1])]
    return hits @ gains / best


# %%
table, num_wanted = np.array([hits]), np.array([len(wanted)])
by_hand = [sum(hits) / 3, 1.0, gained / ideal]
in_arrays = [recall(table, num_wanted)[0], hit_rate(table)[0], ndcg(table, num_wanted)[0]]
print("arrays and by hand agree" if np.allclose(in_arrays, by_hand) else "they differ")

popular = metrics.evaluate(models.MostPopular(log, split.train), test)
same = np.allclose(ndcg(popular.first(20), test.num_relevant), popular.ndcg(20))
same &= np.array_equal(recall(popular.first(20), test.num_relevant), popular.recall(20))
print(f"on {len(test)} test customers, the library agrees" if same else "the library differs")

# %% [markdown]
# ## How the literature's NDCG goes wrong
#
# The published code of two rivals, ComiRec and REMI, takes another ideal: a list with as many hits as were *found*.
#
# **Predict.** A customer has 30 relevant items. One is found, at rank 1. What does each NDCG@20 say?

# %%
my_third_guess = None  # two numbers: (with the ideal of the relevant, with the ideal of the found)


# %%
def ndcg_of_found(hits):
    gains = _gains(hits.shape[1])
    best = np.concatenate([[1], np.cumsum(gains)])[hits.sum(axis=1)]
    return hits @ gains / best


one_hit = np.zeros((1, 20), dtype=bool)
one_hit[0, 0] = True
print(
    f"You guessed {my_third_guess}. NDCG {ndcg(one_hit, np.array([30]))[0]:.3f}, of found {ndcg_of_found(one_hit)[0]:.3f}"
)
flattered = popular.ndcg_of_found(20) == 1
print(
    f"best-sellers, {len(test)} customers: NDCG@20 {popular.ndcg(20).mean():.3f}, of found {popular.ndcg_of_found(20).mean():.3f}"
)
if flattered.any():
    print(f"{flattered.sum()} lists get 1.0, with a mean recall of {popular.recall(20)[flattered].mean():.3f}")

# %% [markdown]
# A score of 1.0 should mean that no list could be better. Here it means that the hits stand first, however many were missed. The library has it as `ndcg_of_found`, to compare with the literature only.
#
# > **Remember:** ask of every NDCG which list is its ideal.
#
# ## The floor
#
# Two lists need no model. **Most Popular** gives everyone the best-sellers of the training customers. A random list has recall by **chance**. That needs no run: each of N products stands among the first k with probability k / N, so k / N is the expected recall. The chance of at least one hit needs more care, as R relevant items give R chances.

# %%
chance = metrics.evaluate(models.RandomRanking(log.num_items, seed=seed), test)
print("           formula    run   Most Popular")
num_items, num_relevant = log.num_items, test.num_relevant[:, None]
for k in (20, 50):
    places = np.arange(k)  # at each of them, N − R − j of the N − j products left are a miss
    missed = (num_items - num_relevant - places).clip(min=0) / (num_items - places)
    by_formula = (1 - missed.prod(axis=1)).mean()
    print(f"recall@{k}   {k / num_items:.4f}  {chance.recall(k).mean():.4f}  {popular.recall(k).mean():.4f}")
    print(f"hit rate@{k} {by_formula:.4f}  {chance.hit_rate(k).mean():.4f}  {popular.hit_rate(k).mean():.4f}")

# %% [markdown]
# Formula and run agree up to luck. Note how kind the hit rate is to chance: a customer with many relevant items is easily hit. A hit rate means little without its chance.
#
# > **Remember:** print chance and Most Popular beside every result.
#
# ## What the cut measures
#
# The cut stands after 80% of the purchases, wherever that falls.
#
# **Predict.** For which part of the test customers does *everything* relevant lie in a basket that had begun before the cut?

# %%
my_fourth_guess = None  # a part, from 0 to 1

# %%
cuts = log.offsets[test.users] + log.lengths[test.users] * 4 // 5
last = log.offsets[test.users + 1] - 1
inside = (log.times[cuts - 1] == log.times[cuts]).mean()
begun = (log.times[cuts - 1] == log.times[last]).mean()
between = interactions.evaluation_cases(log, split.test, cut="basket")
print(f"You guessed {my_fourth_guess}. For {begun:.0%}, all that is relevant lies in a basket begun before the cut.")
print(f"For {inside:.0%}, the cut falls inside a basket.")
print(f"With the cut moved between baskets, {len(between)} of {len(test)} customers have a case.")

# %% [markdown]
# So much of the task is to *complete a basket*. `cut="basket"` moves the cut back to the start of that basket. Customers with a single basket then drop out.
#
# Four simple lists under both cuts, for the customers who have a case under both. One is new, **the history as the list**: the customer's own last 20 purchases, newest first.


# %%
def history_as_the_list(cases, num=20):
    lists = np.full((len(cases), num), -1)  # −1 is no product
    for row, (history, mask) in enumerate(zip(cases.batch.history.numpy(), cases.batch.mask.numpy(), strict=True)):
        newest_first = list(dict.fromkeys(history[mask][::-1].tolist()))[:num]  # each product once
        lists[row, : len(newest_first)] = newest_first
    return lists


def known_items(cases):
    table = np.zeros((len(cases), cases.num_items + 1), dtype=bool)
    history = np.where(cases.batch.mask, cases.batch.history, cases.num_items)  # padding goes to a column of its own
    np.put_along_axis(table, history, True, axis=1)
    return table[:, :-1]


# %%
everywhere = np.isin(test.users, between.users)
best_sellers, reached = popular.ranking.items[0], {}
for name, cases in {"cut after 80%": test, "cut moved": between}.items():
    lists = {
        "random": metrics.evaluate(models.RandomRanking(log.num_items, seed=seed), cases, num=20).ranking.items,
        "best-sellers": np.tile(best_sellers[:20], (len(cases), 1)),
        "Bought together": pictures.bought_together(log, others, known_items(cases), 20),
        "history as the list": history_as_the_list(cases),
    }
    both = everywhere if cases is test else slice(None)
    reached[name] = {
        which: metrics.recall(metrics.find_hits(ranking, cases), cases.num_relevant)[both]
        for which, ranking in lists.items()
    }
title = f"What four simple lists reach, for {len(between)} customers"
pictures.moved_by_the_cut(*reached.values(), title=title)

# %%
moves = {}
for name in ("best-sellers", "Bought together", "history as the list"):
    moves[name] = metrics.paired_interval(reached["cut moved"][name], reached["cut after 80%"][name], seed=seed)
    move, low, high = moves[name]
    print(f"{name:>20}: {move:+.3f} recall@20, interval [{low:+.3f}, {high:+.3f}]")
ahead, low, high = metrics.paired_interval(
    *(reached["cut moved"][name] for name in ("Bought together", "best-sellers")), seed=seed
)
print(f"between baskets, Bought together is {ahead:+.3f} [{low:+.3f}, {high:+.3f}] from the best-sellers")

# %% [markdown]
# On Online Retail, *Bought together* loses when it may no longer see the rest of the basket. The history as the list can not complete a basket at all, as no product stands on an invoice twice; it has its hits from reorders. And it is no weak rival: a list that learned nothing beats the best-sellers by far. Where people return to the same places, as in a log of check-ins, it finds most of what is relevant. Where nothing repeats, as with film ratings, it finds nothing.
#
# > **Remember:** on a log with repeats, the history itself is the floor.
#
# ## How sure is a difference?
#
# One split of MovieLens-100k, where the paper tests its parts, leaves about 94 test customers. Is that enough? Take two rankings that are nearly alike: best-sellers by *all* purchases, and by each customer's *last 20*, so that heavy buyers do not outvote the rest. Over ten [folds](glossary.md#fold), every customer is a test customer once.

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
print(f"the last 20 over all purchases: {differences.mean():+.4f} recall@50, {len(differences):,} customers")

# %% [markdown]
# The **bootstrap** asks how far that mean would move with other customers of the same kind. Draw as many customers as you have, *with repetition*; take the mean; repeat. The middle 95% of the means is the [interval](glossary.md#bootstrap-interval). It covers the choice of customers, not the luck of a training.
#
# **Predict.** With 94 customers, will the interval of this difference hold 0?

# %%
my_fifth_guess = None  # "yes" or "no"

# %%
generator = np.random.default_rng(seed)
few = generator.choice(differences, min(94, len(differences)), replace=False)


def redrawn_means(values):
    return np.array([generator.choice(values, len(values)).mean() for _ in range(draws)])


few_means, all_means = redrawn_means(few), redrawn_means(differences)
for values, means in ((few, few_means), (differences, all_means)):
    low, high = np.quantile(means, [0.025, 0.975])
    _, its_low, its_high = metrics.paired_interval(values, np.zeros(len(values)), seed=seed, draws=draws)
    verdict = "holds 0: can not tell" if low <= 0 <= high else "excludes 0"
    print(f"{len(values):>5} customers: {values.mean():+.4f} [{low:+.4f}, {high:+.4f}] {verdict}")
    print(f"      the library's interval [{its_low:+.4f}, {its_high:+.4f}]")

# %%
sizes = [*(size for size in (94, 200, 400, 1000, 2000) if size < len(differences)), len(differences)]
widths = pictures.half_widths(differences, sizes, seed=seed)
pictures.interval_figure(
    {f"{len(few)} customers": few_means, f"all {len(differences):,}": all_means},
    sizes,
    widths,
    title="The same small difference on few and on all customers",
)

# %%
needed = (1.96 * differences.std() / differences.mean()) ** 2
print(f"with {sizes[0]} customers the interval is ±{widths[0]:.4f}, with {sizes[-1]:,} ±{widths[-1]:.4f}")
print(f"to tell this difference, {differences.mean():+.4f}, from 0 takes about {needed:,.0f} customers")

# %% [markdown]
# Four times the customers halve the interval. Two rankings that differ more from customer to customer need more of them.
#
# > **Remember:** a difference without an interval is a rumour; widths shrink with the square root of the customers.
#
# ## Build a world
#
# A real log never says what a customer is interested in. A [planted world](glossary.md#planted-world) does: we deal out the interests, and the purchases follow. Each interest has 20 products. **Interest skew** and **item skew** make some far more popular than others. The [oracle](glossary.md#oracle) knows every user's interests, and lists the likeliest products: no model can expect to beat it.

# %%
panel = pictures.world_panel(counts, seed=seed)
panel

# %% [markdown]
# A mark on the left is an interest of a user, larger where the user bought more; orange squares are shared with another of the twelve. **Overlap**, in the title, is the part of their interests that two users share.
#
# **Try this.** (1) Press *Scarce room*, then raise the interests of a user from 1 to 8. What happens to the oracle, and why? (2) Find a world where Most Popular is level with the oracle. What do its users have in common?
#
# (On 100 users luck can lift another list a little above the oracle.)
#
# ## What can go wrong: numbers that no evaluation gives
#
# Some numbers are tied. A longer list holds all that the shorter one held. And a customer with some recall has a hit, while a recall is at most 1.
#
# ### Exercise 3: an impossible row
#
# From the recall and hit rate of the same lists at 20 and at 50, return a list of what is impossible, from these four texts: `"recall falls"`, `"hit rate falls"`, `"recall above hit rate at 20"`, `"recall above hit rate at 50"`. An empty list means that nothing is.
#
# <details><summary>Hint</summary>Four comparisons. For each, ask whether equality is possible: the extra 30 places may hold nothing.</details>


# %%
def impossible(recall_20: float, hit_20: float, recall_50: float, hit_50: float) -> list[str]:
    # BEGIN SOLUTION
    found = {
        "recall falls": recall_50 < recall_20,
        "hit rate falls": hit_50 < hit_20,
        "recall above hit rate at 20": recall_20 > hit_20,
        "recall above hit rate at 50": recall_50 > hit_50,
    }
    return [what for what, so in found.items() if so]
    # END SOLUTION


checks.impossible(impossible)

# %% [markdown]
# The paper's Table 3 has seven models on three logs, all at 20 and 50.

# %%
import csv


def read_table(number):
    with open(f"results/paper/table{number}.csv", encoding="utf-8", newline="") as file:
        columns, *rows = csv.reader(file)
    cells = [(row[0], model, row[1], value) for row in rows for model, value in zip(columns[2:], row[2:], strict=True)]
    return {(log_name, model, kind): float(value) for log_name, model, kind, value in cells}


third, fourth = read_table(3), read_table(4)

# %%
places = list(dict.fromkeys((log_name, model) for log_name, model, _ in third))
kinds = list(dict.fromkeys(kind for *_, kind in third))  # recall, hit rate and NDCG at 20, then at 50
hit_falls, recall_above, ndcg_falls = [], [], []
for place in places:
    recall_20, hit_20, ndcg_20, recall_50, hit_50, ndcg_50 = (third[*place, kind] for kind in kinds)
    where = " ".join(place)
    if hit_50 < hit_20:
        hit_falls.append(f"{where}: {hit_20} to {hit_50}")
    for k, its_recall, its_hit in ((20, recall_20, hit_20), (50, recall_50, hit_50)):
        if its_recall > its_hit:
            recall_above.append(f"{where}, at {k}: {its_recall} over {its_hit}")
    if ndcg_50 < ndcg_20:
        ndcg_falls.append(f"{where}: {ndcg_20} to {ndcg_50}")
print("a hit rate that falls as the list grows:", *hit_falls, sep="\n   ")
print("a mean recall above the hit rate of the same list:", *recall_above, sep="\n   ")
print("NDCG@50 below NDCG@20:", *ndcg_falls, sep="\n   ")

# %%
new = set(places)  # a model may stand in both tables with its own numbers; look for another's
again = [
    f"{key[0]} {key[2]} {value}: {key[1]} in Table 3, {other[1]} in Table 4"
    for key, value in third.items()
    for other, its in fourth.items()
    if value == its and key[::2] == other[::2] and other[:2] not in new and key[1].split("-")[0] != other[1]
]
print("the same four digits for another model, same log and metric:", *again, sep="\n   ")
long = test.num_relevant > 20
falls = popular.ndcg(50) < popular.ndcg(20)
print(f"standard NDCG of the best-sellers falls from 20 to 50 for {falls.sum()} of {len(test)} of our customers;")
print(f"{(falls & long).sum()} of these have more than 20 relevant items")

# %% [markdown]
# The first two kinds no evaluation can produce, whatever the model: something was mixed up or mistyped. The third is *consistent with* the NDCG of the found, which can drop as more is found. It is no proof: the standard one also falls for a customer with more than 20 relevant items, whose ideal grows with the list. The fourth may be chance, and invites a second look.
#
# > **Remember:** before you believe a table, check what ties its numbers.
#
# ## What you take home
#
# - Filter, split, cut: each is a choice that moves the numbers. Say which you made.
# - The floor is chance, Most Popular and, with repeats, the history itself.
# - Recall and hit rate are tied; an NDCG is worth its ideal; a difference is worth its interval.
#
# **What the paper says** (Xiong and Yu): users split 8 : 1 : 1, a cut after 80%, recall, hit rate and NDCG at 20 and 50. It calls gains significant, with no test and no interval. Its protocol says nothing of baskets and repeats.
#
# **What we measured**, on the log of this run:

# %%
print(f"all that is relevant in a basket already begun: {begun:.0%} of the test customers")
of_history = recall(metrics.find_hits(history_as_the_list(test), test), test.num_relevant)
print(f"history as the list, all test customers, recall@20 {of_history.mean():.3f}")
print(f"best-sellers {popular.recall(20).mean():.3f}, chance {20 / log.num_items:.4f}")
print(f"impossible in Table 3: {len(hit_falls)} hit rates that fall, {len(recall_above)} recalls above the hit rate")

# %% [markdown]
# **Words.** *Case*: a history and its relevant items. *Leak*: what a model could not know when it is asked. *Fold*: one of ten ways to choose the test customers.
#
# **Next:** lesson 02, where a first tower turns such a history into one vector, and must beat the floor.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "repeats": float(repeats),
    "begun": float(begun),
    "leak_gain": float(leaky[1] / honest[1]),
    "popular_recall_50": float(popular.recall(50).mean()),
    "chance_recall_50_over_formula": float(chance.recall(50).mean() * log.num_items / 50),
    "together_move": moves["Bought together"][0],
    "history_over_popular": float(
        (reached["cut after 80%"]["history as the list"] - reached["cut after 80%"]["best-sellers"]).mean()
    ),
    "found_over_standard_ndcg_20": float(popular.ndcg_of_found(20).mean() / popular.ndcg(20).mean()),
    "recent_over_all": float(differences.mean()),
    "half_width_94": float(widths[0]),
    "width_ratio_over_root": float(widths[0] / widths[-1] / np.sqrt(sizes[-1] / sizes[0])),
}
JSON(results)
