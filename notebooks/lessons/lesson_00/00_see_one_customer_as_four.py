# ---
# jupyter:
#   course:
#     builds: the finished system on real purchases, a first look at α, β and K
#     after: []
#     minutes: 55
# ---

# %% [markdown]
# # See one customer as four
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# A shop that recommends products usually keeps **one vector** for each customer and shows the products nearest to it. But one customer buys for a kitchen, a garden and a birthday. MTMI keeps **several vectors** for each, made by *towers*. Here you train it on real purchases.
#
# **Afterwards you can**
#
# 1. find the purchases that each vector rests on (exercise 1),
# 2. merge the lists of several vectors into one, and say who brought what (exercise 2),
# 3. tell specialists from copies, which a score cannot (exercise 3).
#
# **You need** some Python and a first idea of PyTorch.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer
data = "online-retail"  # or "planted"; or "movielens", after `make data`
num_towers = 4  # K, from 1 to 8
alpha = 5.0  # α, how much more the nearest tower learns from a target
beta = 0.3  # β, how strongly the towers repel one another
customer = None  # whose vectors to look at: a row of the test customers; None picks one that is easy to read

# %%
try:
    from lessons.lesson_00 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np
import torch

from lessons.lesson_00 import pictures
from mtmi_lite import interactions, metrics, models
from mtmi_lite.data import datasets
from mtmi_lite.lab.recipes import recipe_at

torch.set_num_threads(1)  # these steps are too small to share
steps = {"fast": 1500, "full": 4000}[profile]
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
test = interactions.evaluation_cases(log, split.test)
recipe = recipe_at(num_towers=num_towers, alpha=alpha, beta=beta)
towers = recipe.train(split, steps=steps, seed=seed)
found = metrics.evaluate(towers.model, test)

# %%
overlaps = metrics.list_overlap(found.lists, 20)
full = test.batch.mask.all(dim=1).numpy()  # the model reads 20 purchases, and these customers have them
unlike = (overlaps <= np.nanquantile(overlaps, 0.1)) | (num_towers == 1)
by_hits = np.argsort(-np.where(full & unlike & (test.num_relevant <= 50), found.hits.sum(axis=1), -1), kind="stable")
customer = int(by_hits[0]) if customer is None else customer
label = log.user_labels[test.users[customer]]
vectors = torch.nn.functional.normalize(found.users.vectors[customer], dim=1).numpy()
products, nearest = pictures.product_vectors(towers.model), found.lists.items[customer, :, :12]
title = f"Customer {label} as {num_towers} vectors: {len(set(nearest.flat))} products in {nearest.size} places"
pictures.customer_map(vectors, products, nearest, log.item_names, title=title)

# %% [markdown]
# That is where this lesson leads: **one customer, several vectors, and a list of products for each.** A big marker is a vector, the small ones of its colour and shape are the 12 products nearest to it. Two vectors may fetch the same product. The map is a *PCA*, the flat shadow of 64 dimensions with the widest spread.
#
# We picked a customer whose lists differ and hold many later purchases. Set `customer` to see others.
#
# ## The course
#
# {{course}}
#
# There is a [map](course_map.md), and a [glossary](glossary.md) of words and symbols.
#
# ## A customer
#
# The model saw the last 20 things this customer bought before a cut, which comes after 80% of everything they bought.

# %%
shown = pictures.customers_of(test, [customer, *(case for case in by_hits[:6] if case != customer)], log)
us = next(iter(shown.values()))  # our customer: history, which of its places are taken, what was bought later
print(f"Customer {label}, oldest purchase first:")
for number, (item, taken) in enumerate(zip(us.history, us.taken, strict=True), start=1):
    print(f"{number:4}  {log.item_names[item] if taken else '–'}")
print(f"\n… and {len(us.later)} different products after the cut, which a good list should hold.")

# %% [markdown]
# Every product has a vector too, learned together with the towers. A customer's vector *stands for* the products that point the same way: those with the largest [cosine](glossary.md#cosine).
#
# ### By hand
#
# Three customer vectors and two products, in two dimensions. All have length 1, so a cosine is a sum of two products.

# %%
tower_vectors = np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
mug, spade = np.array([0.8, 0.6]), np.array([-0.6, 0.8])
print("cosine with the mug:  ", (tower_vectors @ mug).round(2))
print("cosine with the spade:", (tower_vectors @ spade).round(2))

# %% [markdown]
# Check one: tower 1 and the mug, 1.0 · 0.8 + 0.0 · 0.6 = 0.8.
#
# > **Remember:** a vector stands for the products that point its way; several vectors can point several ways.
#
# ## One purchase more or less
#
# Where does a vector come from? A tower looks at the 20 purchases and gives each a weight, its **attention**; the weights sum to 1. The customer's vector is the weighted mean of the purchases' vectors (lesson 02). Each tower has an attention of its own.
#
# Now leave the place of the *newest* purchase empty, so that no tower can look at it, and compare each vector with what it was. We say that it has **turned** if the cosine of the two is below 0.95.
#
# **Predict.** How many of this customer's four vectors will turn?

# %%
my_guess = None  # a number from 0 to 4

# %% tags=["answer"] tells=["two of the four", "two vectors turn", "2 of 4 vectors", "two towers look at the newest"]
without_newest = pictures.turn(towers.model, test.batch, -1)  # cosines with before, of all test customers
turned = (without_newest < pictures.TURNED).sum(axis=1)
on_newest = found.users.attention[:, :, -1].mean(dim=0).numpy()
print(f"You guessed {my_guess}. Of this customer's {num_towers} vectors, {turned[customer]} turned.")
print("cosines with before:", without_newest[customer].round(2))
print("attention to the newest purchase, mean over all test customers:", on_newest.round(2))
for number, customers in enumerate(np.bincount(turned, minlength=num_towers + 1)):
    print(f"{number} of {num_towers} vectors turned: {customers} of {len(test)} test customers")

# %% [markdown]
# <details><summary>What you saw</summary>Two of the four, for this customer and for most others. One tower puts nearly all of its attention on the newest purchase, whatever it is: it stands for "what you bought last". Another puts more than half of it there. The other two look elsewhere, and hardly notice. So a tower is not an interest by itself. What it stands for has to be found out, and you have just done so by taking away what it might rest on.</details>
#
# Now do the same with any purchase. In the panel, each row is a purchase. Click its square, or use its buttons, to switch it off; its place then stays empty. (In training, no history had such a gap.) The grey strips show each tower's attention in percent, the map and the bars how far each vector moved, the lists what it fetches now: **+** is new, **✓** was bought later.

# %%
purchases = pictures.purchases_panel(towers.model, shown, log.item_names, checks.reference_merge)
purchases

# %% [markdown]
# **Try this.**
#
# 1. Press *Without the most looked-at*. Could you have told from the strips which vectors would move?
# 2. Press *Only the newest*. What happens to the four vectors, and why must it?
#
# <details><summary>Answers</summary>(1) Mostly. A vector turns if its own strip was dark at that purchase. And see where its attention goes instead. (2) All four point the same way, and their lists are equal. Each is a weighted mean of the purchases' vectors, and with one purchase left there is only one mean. Towers can differ only where there is something to choose from.</details>
#
# > **Remember:** a vector rests on what its tower looks at.
#
# ### Exercise 1: what does each vector rest on?
#
# Press *Everything*. For each tower, find the purchase that turns its vector most when it *alone* is off. The strips say where to look; the bars decide.
#
# <details><summary>Hint</summary>The darkest cell of a strip is a good first try. Where several are about equally dark, try each of them.</details>

# %%
cosines = pictures.one_less(towers.model, us)  # what the bars show, for the check
my_purchases = None  # such as {1: 12, 2: 7, …}: tower to purchase, both counted from 1
# BEGIN SOLUTION
my_purchases = {tower: int(own.argmin()) + 1 for tower, own in enumerate(cosines, start=1)}
# END SOLUTION
checks.purchases(my_purchases, cosines)

# %% [markdown]
# ## K lists, one ranking
#
# Each vector fetches a list. For the customer they are **merged**: best similarity first, each product once.
#
# ### Exercise 2: merge
#
# Each list holds pairs (product, similarity), best first. Return one list of (product, similarity, tower), best first. A product in several lists comes once, with its best similarity and the tower that had it; if two are equal, the first of these towers. Count towers from 0. Similarities may be negative.
#
# <details><summary>Hint 1</summary>Keep a dictionary from product to its best (similarity, tower) so far.</details>
# <details><summary>Hint 2</summary>Sort at the end, by <code>-similarity</code>.</details>


# %%
def merge_lists(lists: list[list[tuple[str, float]]]) -> list[tuple[str, float, int]]:
    # BEGIN SOLUTION
    best = {}
    for tower, one_list in enumerate(lists):
        for product, similarity in one_list:
            if product not in best or similarity > best[product][0]:
                best[product] = (similarity, tower)
    merged = [(product, similarity, tower) for product, (similarity, tower) in best.items()]
    return sorted(merged, key=lambda entry: -entry[1])
    # END SOLUTION


checks.merge_lists(merge_lists)

# %% [markdown]
# Now merge our customer's lists, with your function if it passed, otherwise with the lesson's. For comparison, train one tower alone: K = 1, everything else equal.

# %%
one = recipe_at(num_towers=1, alpha=alpha, beta=beta).train(split, steps=steps, seed=seed)
alone = metrics.evaluate(one.model, test)
mine, who = (merge_lists, "you") if checks.merge_lists.passed else (checks.reference_merge, "the lesson")
lists = pictures.read(towers.model, products, us.history, us.taken).lists
single = alone.ranking.items[customer, :10].tolist()
title = f"Customer {label}, merged by {who}: the similarity of each tower"
pictures.merge_table(lists, mine(lists)[:10], single, us.later, log.item_names, title=title)


# %%
def overlap(left, right):
    return len(set(left) & set(right)) / len(set(left) | set(right))


first, last = found.lists.items[customer, [0, -1], :20]
median_overlap = float(np.median(overlaps))
print(f"overlap of the first and the last tower's 20 products, customer {label}: {overlap(first, last):.2f}")
print(f"median over {len(test)} test customers, all pairs of towers: {median_overlap:.2f}")
hits = {f"K = {num_towers}": found.hits, "K = 1": alone.hits}
for name, hit in hits.items():
    print(f"{name}: {hit[:, :10].sum(axis=1).mean():.2f} of the first 10 bought later, on average over them")

# %% [markdown]
# ✓ marks what was bought later, bold type the tower that brings it; the last column is its place in the list of one vector. One customer decides nothing: look at the averages.
#
# The [**overlap**](glossary.md#overlap) of two lists (Jaccard's) is the number of products in both, divided by the number of different products in either: 0 for nothing in common, 1 for the same products.
#
# > **Remember:** training makes K vectors, serving makes K lists, the customer sees one.
#
# ## What does each tower do?
#
# [**Recall@50**](glossary.md#recall) is the fraction of what a customer bought later that stands among 50 recommendations. A tower's [**credit**](glossary.md#credit) is the fraction of all those hits that it brought into the merged list. Now take the tower away and merge the other lists. The loss comes with an [interval](glossary.md#bootstrap-interval): how far it could move with other customers of the same kind. Where that holds 0, there are too few customers to tell.
#
# **Predict.** Will recall@50 fall by a larger or a smaller fraction than that tower's credit?

# %%
my_second_guess = None  # "larger" or "smaller"

# %% tags=["answer"] tells=["smaller for every tower", "smaller: when", "the others fill", "falls by less than", "less than its credit", "by a smaller fraction than its"]
recall = float(found.recall(50).mean())
credit = found.tower_shares(50)
lost = []
for tower in range(num_towers):
    kept = found.recall_without(tower, 50)
    lost.append([value / recall for value in metrics.paired_interval(found.recall(50), kept, seed=seed)])
    difference, low, high = lost[-1]
    verdict = "undecided" if low <= 0 <= high else "more than chance"
    print(f"tower {tower + 1}: credit {credit[tower]:.0%}, lost {difference:+.1%} [{low:+.1%}, {high:+.1%}], {verdict}")
pictures.credit_figure(credit, lost, title="Each tower's work, over all test customers")

# %% [markdown]
# <details><summary>What you saw</summary>Smaller: when a tower is missing, the others fill its places, and much of what they bring is right as well. A loss whose interval holds 0 is undecided, however much credit the tower has: the list may be no worse, or even better, without it. That is no contradiction: the tower did bring those hits, but others bring as many in their stead. So credit alone says too much and the loss alone too little; the course shows both.</details>
#
# ## Is it worth it?
#
# A model is worth its trouble only above a floor of simple rankings: *Most Popular*, the same best-sellers for everyone; *own history*, what the customer bought most often; *EASE*, a table of weights from product to product, computed without any network. The last two read the whole history, the towers its last 20 purchases.
#
# **Predict.** Which finds most at 50: Most Popular, own history, EASE, one tower, or four?

# %%
my_third_guess = None  # "Most Popular", "own history", "EASE", "K = 1" or "K = 4"

# %% tags=["answer"] tells=["EASE finds", "EASE leads", "EASE wins", "EASE beats", "EASE is better", "below EASE", "behind EASE"]
from lessons.common.floors import floors

rows = {"chance": metrics.evaluate(models.RandomRanking(log.num_items, seed=seed), test)}
rows |= floors(log, split, split.test) | {"K = 1": alone, f"K = {num_towers}": found}
for name, result in rows.items():
    print(f"{name:>12}   recall@20 {result.recall(20).mean():.3f}   recall@50 {result.recall(50).mean():.3f}")
over = {}
for name in ("EASE", "K = 1"):
    over[name] = metrics.paired_interval(found.recall(50), rows[name].recall(50), seed=seed)
    difference, low, high = over[name]
    verdict = "undecided" if low <= 0 <= high else "better" if low > 0 else "worse"
    print(
        f"\nK = {num_towers} against {name}: {difference:+.3f} recall@50, interval [{low:+.3f}, {high:+.3f}]: {verdict}"
    )

# %% [markdown]
# <details><summary>What you saw</summary>EASE has the highest recall here, with one split and one seed; whether that is more than chance, its interval says. A table that compares networks only with one another would not have shown it.
#
# Whether four towers are better than one, their interval says.</details>
#
# Even a sure gain over one tower would not show that the towers found *interests*: copies of one tower can score better, too.
#
# ## The whole loss, as a promise
#
# In training, the model sees a history and the product that was bought next, the [**target**](glossary.md#target). The paper minimises this; by lesson 06 you will have built every part:
#
# $$\mathcal{L} = \sum_{j=1}^{K}\Bigl[\underbrace{\frac{1}{D(v_j,v_t)^{\alpha}}}_{\text{weight, Eq. 6}}\;\underbrace{\max\bigl(0,\;\gamma - S(v_j,v_t) + S(v_j,v_-)\bigr)}_{\text{pull, Eq. 8}} \;+\; \beta\;\underbrace{\frac{1}{K-1}\sum_{i\ne j}\max\bigl(0,\;\gamma - S(v_j,v_t) + S(v_j,v_i)\bigr)}_{\text{repel, Eq. 10}}\Bigr] \tag{7}$$
#
# - $v_j$ is the vector of tower $j$, $v_t$ the target's, $v_-$ that of a [negative](glossary.md#negative), a product drawn at random. $S$ is the cosine, and $D = 1 - S$ the distance. **K** is the number of towers (lesson 03).
# - The [**pull**](glossary.md#pull) draws $v_j$ to the target until it is nearer than the negative by a margin $\gamma$ (lesson 05).
# - The [**weight**](glossary.md#weight) makes the tower nearest to the target learn most from it. **α** sets by how much: at α = 0 all learn alike (lesson 05; other rules in lesson 04).
# - The [**repel**](glossary.md#repel) is the same with the customer's *other* vectors as negatives: it drives them apart. **β** says how much that counts (lesson 06).
#
# The model above has another pull (InfoNCE, lesson 02), and its weights are scaled to sum to K, as [**shares**](glossary.md#share) (lesson 04).
#
# ## Turn the knobs
#
# **Predict.** Without repel (β = 0): at small or at large α will the towers be copies of one another?

# %%
my_fourth_guess = None  # "small" or "large"

# %% tags=["answer"] tells=["copies at small", "small α the towers", "small α all", "at small α", "small α and no repel", "At the small end"]
from lessons.common.maps import load_grid
from mtmi_lite.lab.recipes import ALPHAS

grid, about = load_grid("results/00_grid.npz")  # trained beforehand on Online Retail, 1,500 steps, one seed
print(f"K = 4, β = 0; chance for the last column is {1 / 4:.0%}")
for value in ALPHAS:
    place = grid[recipe_at(num_towers=4, alpha=value, beta=0.0)]
    told = pictures.place_tells(place)
    print(f"α = {value}: cosine {place.cosine:.2f}, overlap {place.overlap:.2f}, tower guessed from the PCA {told:.0%}")

# %% [markdown]
# <details><summary>What you saw</summary>Small: there the towers learn from the same targets with nearly the same weight, so they learn the same thing. As α grows, the nearest tower gets more and more of each target, and they part.</details>

# %%
from lessons.common.maps import portray
from lessons.common.panels import knobs_panel

validation = interactions.evaluation_cases(log, split.validation)
if data != "online-retail":  # the grid is of another log; start from what we have
    grid = {recipe: portray(towers.model, validation)}


def train_and_portray(recipe, on_step):
    run = recipe.train(split, steps=steps, seed=seed, progress=False, on_step=on_step)
    return portray(run.model, validation, seed=seed)


start = recipe if recipe in grid else next(iter(grid))
panel = knobs_panel(grid, start=start, train=train_and_portray, steps=steps)
panel

# %% [markdown]
# Each point is one vector of a validation customer, coloured by tower; the black circles are all vectors of one of them. **UMAP** keeps neighbours together and nothing else: its gaps and distances mean nothing. The **cosine** in the title is measured in all 64 dimensions, and is what counts. Positions you see at once were trained beforehand, for 1,500 steps; *Train these* trains the others.
#
# **Try this.**
#
# 1. Press *Copies*, then move α up step by step. Which shows that the towers part, the colours in the PCA or the cosine?
# 2. Press *Specialists*, then move β to 1000, the paper's best. What happens to recall@50? Then set K to 2. Did repel push the towers apart?
#
# <details><summary>Answers</summary>(1) The cosine. The colours never part: the last column above says how seldom a vector's place on the map tells its tower, little more often than a guess. (2) It falls to about a third. And at K = 2 the cosine is near 1, for an odd reason: with so much repel, recall on the validation customers was never again as high as before the first step, so the model that was kept is the untrained one. Compare its numbers with the next cell.</details>

# %%
first_split = interactions.split_users(log, seed=0)  # of the positions that were trained beforehand
model = recipe_at(num_towers=2, alpha=alpha, beta=beta).model(first_split, seed=0)
untrained = metrics.evaluate(model, interactions.evaluation_cases(log, first_split.validation))
cosine = metrics.pairwise_cosine(untrained.users).mean()
print(f"K = 2, no step of training: recall@50 {untrained.recall(50).mean():.3f}, mean pairwise cosine {cosine:.2f}")

# %% [markdown]
# > **Remember:** α and β decide whether towers differ, the cosine shows it, and too much repel costs recall.
#
# ## What can go wrong: a score that looks right
#
# The first failure to recognise, live: the end of α that you now know, without repel.

# %% tags=["answer"] tells=["copies at small", "small α and no repel"]
alike = recipe_at(num_towers=max(num_towers, 2), alpha=1.0, beta=0.0)
collapsed = alike.train(split, steps=steps // 5, seed=seed)
copies = metrics.evaluate(collapsed.model, test)
copies_cosine = float(metrics.pairwise_cosine(copies.users).mean())
copies_overlap = float(np.median(metrics.list_overlap(copies.lists, 20)))
print(f"after {steps // 5} steps: mean cosine between towers {copies_cosine:.3f}, median overlap {copies_overlap:.2f}")
print(f"recall@50 {copies.recall(50).mean():.3f}; Most Popular has {rows['Most Popular'].recall(50).mean():.3f}")

# %% [markdown]
# <details><summary>What you saw</summary>Copies. All towers learned from the same targets with nearly the same weight. Recall is far above the best-sellers, and nothing in it looks wrong; you pay for several towers and get one. Only the cosine and the overlap tell.</details>
#
# ### Exercise 3: one score, two kinds of towers
#
# In the panel of α, β and K (on Online Retail), find two places with the same K of 2 or more: **copies**, with a mean cosine of at least 0.95, and **specialists**, with at most 0.6. Both must score above one tower, and their recall@50 may differ by 0.005 at most.
#
# <details><summary>Hint</summary>Press <em>One vector</em> to read the score to beat, then <em>Copies</em> and <em>Specialists</em>. The box below the figure shows the state to copy.</details>

# %%
my_places = None  # dict(copies=dict(num_towers=…, alpha=…, beta=…), specialists=dict(…))
# BEGIN SOLUTION
four = dict(num_towers=4, alpha=1.0, beta=0.0)
my_places = dict(copies=four, specialists=dict(num_towers=4, alpha=5.0, beta=0.3))
# END SOLUTION
checks.same_score(my_places, load_grid("results/00_grid.npz")[0])

# %% [markdown]
# ## What you take home
#
# - K [towers](glossary.md#tower) give each customer K vectors; each fetches a list, and the lists are [merged](glossary.md#merge).
# - A vector rests on what its tower looks at; take that away to find out what it stands for.
# - Whether towers are [specialists](glossary.md#specialist) or have [collapsed](glossary.md#collapse) to copies is measured: by cosine, overlap, each tower's credit, and the recall without it. Never by one of them alone.
# - A better recall is no proof of several interests, and it needs a floor beside it.
#
# **What the paper says** (Xiong and Yu, *Multi-Tower Multi-Interest Recommendation with User Representation Repel*): several towers with inverse-distance weights and repel beat one tower, best at K = 4, α = 2, β = 1000. **What we measured**, on another log and with another pull, is in the grid:

# %%
shipped = load_grid("results/00_grid.npz")[0]
best = max(shipped, key=lambda recipe: shipped[recipe].recall_50)
settings = {"one tower": recipe_at(num_towers=1, alpha=0.0, beta=0.0), "best of our grid": best}
settings["the paper's best"] = recipe_at(num_towers=4, alpha=2.0, beta=1000.0)
for name, place in settings.items():
    knobs = f"K {place.num_towers}, α {place.objective.alpha}, β {place.objective.beta}"
    knobs = "K 1; there is nothing for α and β to do" if place.num_towers == 1 else knobs
    print(f"{name:>17}: recall@50 {shipped[place].recall_50:.3f}   ({knobs})")

# %% [markdown]
# The best of a grid, read off the customers that chose it, flatters itself. Lesson 06 asks where a large β could make sense; lesson 09 weighs the paper's claims.
#
# ## Five questions
#
# **1.** A history holds one purchase. What do four towers with four different attentions make of it?
#
# - (a) Four different vectors.
# - (b) Four vectors that point the same way.
# - (c) One vector; three towers have none.
#
# <details><summary>Answer</summary>**(b)** Each vector is a weighted mean of the purchases' vectors, and one purchase leaves one mean, whatever the towers' parameters; every tower still makes its vector.</details>
#
# **2.** Three towers fetch 10 products each. Four products stand in two of the lists, none in all three. How long is the merged list?
#
# <details><summary>Answer</summary>**26** There are 30 places, and each of the four products gives one of its two up.</details>
#
# **3.** Two towers have the distances 0.5 and 0.25 to the target, and α = 2. How many times the weight of the farther tower has the nearer one?
#
# <details><summary>Answer</summary>**4** The weights are 1 / 0.25 = 4 and 1 / 0.0625 = 16. At α = 1 it would be twice, at α = 0 the same.</details>
#
# **4.** Four towers score 0.011 above one, with an interval from −0.002 to 0.024. What may you say?
#
# - (a) The customers have about four interests each.
# - (b) Four towers are better, whether or not they stand for interests.
# - (c) It is undecided, and even a sure gain would not show interests.
#
# <details><summary>Answer</summary>**(c)** The interval holds 0, so these customers do not decide it; and copies can score above one tower as well, so that a gain alone says nothing about interests.</details>
#
# **5.** A tower brings 12% of the hits, and without it recall does not fall. Which readings fit?
#
# - (a) Other towers list the same products lower down.
# - (b) The tower is dead.
# - (c) What moves up in their place is as often right.
#
# <details><summary>Answer</summary>**(a) and (c)** Both can be at work: its hits may stand in the other lists too, and products that move up into the freed places may be hits. A dead tower brings none.</details>
#
# **Next:** lesson 01, where these purchases come from, and how to split them without fooling yourself.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "recall_20": float(found.recall(20).mean()),
    "recall_50": recall,
    "recall_50_over_popular": recall - float(rows["Most Popular"].recall(50).mean()),
    "recall_50_over_one_tower": over["K = 1"][0],
    "recall_50_over_ease": over["EASE"][0],
    "median_overlap": median_overlap,
    "least_credit": float(credit.min()),
    "cosine": float(np.mean(metrics.pairwise_cosine(found.users))),
    "copies_cosine": copies_cosine,
    "most_on_newest": float(on_newest.max()),
    "two_turn": float((turned[:-1] == 2).mean()),
}
JSON(results)
