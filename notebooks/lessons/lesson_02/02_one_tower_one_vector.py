# ---
# jupyter:
#   course:
#     builds: the two-tower model, from an embedding table to a trained recommender
#     after: ["01"]
#     minutes: 75
# ---

# %% [markdown]
# # One tower, one vector
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# How does a list of purchases become **one [vector](glossary.md#vector)** that finds the next purchase? You build it here: a table with a row for each product, a **[tower](glossary.md#tower)** that turns a history into a vector, and the training that makes the two fit. Then you ask how much one vector can hold.
#
# **Afterwards you can**
#
# 1. average a history without letting its padding vote (exercise 1),
# 2. write the paper's attention fusion (exercise 2),
# 3. say how many dimensions one vector needs for several interests (exercise 3).
#
# **You need** lesson 01, and PyTorch up to `backward()`.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" trains longer, and plants larger worlds
data = "online-retail"  # or "planted"; or "movielens", after `make data`
learning_rate = 3e-3

# %%
try:
    from lessons.lesson_02 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np
import torch

from lessons.common import figures
from lessons.lesson_02 import pictures
from mtmi_lite import interactions, losses, metrics, models, towers, training
from mtmi_lite.data import datasets
from mtmi_lite.runs import TrainingSettings

torch.set_num_threads(1)  # these steps are too small to share
log = datasets.load_log(data)
split = interactions.split_users(log, seed=seed)
validation, test = (interactions.evaluation_cases(log, users) for users in (split.validation, split.test))
counts = interactions.item_counts(log, split.train)  # how often training customers bought each product
everything = torch.arange(log.num_items)
model = models.MTMI(num_items=log.num_items, num_towers=1, seed=seed)
untrained = model.items(everything).detach().numpy()
settings = TrainingSettings(
    steps={"fast": 1000, "full": 3000}[profile], learning_rate=learning_rate, validate_every=200, seed=seed
)
objective = losses.MultiTowerLoss(share="equal", beta=0.0)  # with one tower, the pull alone


# %%
def look() -> float:
    return float(metrics.evaluate(model, validation).recall(50).mean())


def curve():
    line = (np.array(list(seen)), np.array(list(seen.values())))
    return figures.learning_curves({"one tower": line}, floor, title="Watch it learn: one tower, one vector")


def watch(step: int) -> None:
    if step % 100 == 0:
        seen[step] = look()
        pictures.show_live(curve())


floor = float(metrics.evaluate(models.MostPopular(log, split.train), validation).recall(50).mean())
seen = {0: look()}
pictures.show_live(curve())
run = training.train(model, objective, split, settings, progress=False, on_step=watch)

# %%
trained = model.items(everything).detach().numpy()
chosen = pictures.choose_products(trained, counts, 5)
near = pictures.nearest_products(trained, chosen, 8)
pictures.product_map(
    trained, chosen, near, log.item_names, title="Five products and what stands near them, once trained"
)

# %% [markdown]
# The curve grew while the cell ran. It does not start at 0: even an untrained vector lies near the products it was made from, and people buy the same thing again. The map is what it learned: **products that the same people buy got vectors that point the same way.** Nobody told the model a name. The large markers are best-sellers, the small ones the products nearest to each; point at one to read it.
#
# ## A row for each product
#
# The [embedding table](glossary.md#embedding-table) is a matrix with a row for each product. To **look a product up** is to take its row. The rows start random; training moves them. One more row, the last, is all zeros: empty slots of a history read it.
#
# **Predict.** One training step looks at 128 histories of up to 20 products, their 128 targets, and 120 other products. Which part of the table's rows gets a gradient?

# %%
my_guess = None  # a part from 0 to 1

# %%
table = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [0.0, 0.0]], requires_grad=True)  # three products, zeros
history = torch.tensor([0, 2])
rows = table[history]  # [2 products, 2 numbers]
one_hot = torch.nn.functional.one_hot(history, num_classes=4).float()
rows.sum().backward()
print("rows 0 and 2:      ", rows.tolist())
print("the same, one-hot: ", (one_hot @ table).tolist())
print("gradient, by row:  ", table.grad.tolist())

# %% [markdown]
# A lookup equals a product with a one-hot matrix, only cheaper. So the gradient lands on the rows that were looked up, and nowhere else. Now one real step:

# %%
fresh = models.MTMI(num_items=log.num_items, num_towers=1, seed=seed)
generator = torch.Generator().manual_seed(seed)
samples = interactions.TrainingSamples(log, split.train)
batch, targets = samples.draw(128, generator)
negatives = torch.randint(log.num_items, (120,), generator=generator)
terms = objective(fresh.users(batch), fresh.items(targets), fresh.items(negatives), negatives != targets[:, None])
terms["total"].backward()
moved = fresh.table.weight.grad.abs().sum(dim=1) > 0
touched = float(moved[:-1].float().mean())
print(f"You guessed {my_guess}. {int(moved.sum())} of {log.num_items} rows got a gradient: {touched:.0%}.")
print("The row of zeros:", "moved" if moved[-1] else "not moved")

# %% [markdown]
# > **Remember:** a lookup takes a row, and a step teaches only the rows that it looked up.
#
# ## Padding must not vote
#
# A batch is a rectangle: 20 slots a history. A customer with four purchases fills the last four; the other 16 are [padding](glossary.md#padding). A [mask](glossary.md#mask) says which slots are real: True for a product.
#
# **Predict.** Average three products in five slots. Which mistake turns the vector more: to divide by 5, or to let the empty slots read product 0?

# %%
my_second_guess = None  # "divide by 5" or "product 0"

# %%
items = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])  # what was bought
product_0 = torch.tensor([-1.0, 0.0])  # was not
right = items.sum(dim=0) / 3
divided_by_5 = items.sum(dim=0) / 5
with_product_0 = (items.sum(dim=0) + 2 * product_0) / 5
for name, vector in {"right": right, "divided by 5": divided_by_5, "product 0 votes": with_product_0}.items():
    print(
        f"{name:>15}: ({vector[0]:+.2f}, {vector[1]:+.2f})   cosine to the right one {losses.cosine(vector, right):.2f}"
    )

# %% [markdown]
# Check the first: (1 + 0.6 + 0) / 3 = 0.53. Dividing by 5 makes the vector shorter and leaves its direction; a cosine does not see it, though a layer with a bias would. Product 0 turns it: the vector leans towards something that was never bought.
#
# > **Remember:** padding of zeros shortens; padding that is a product lies. A mask prevents both.
#
# ### Exercise 1: a mean with a mask
#
# `embedded` has the shape `[step, dim]`, `mask` the shape `[step]`. Return the mean of the rows where the mask is True, whatever the others hold.
#
# <details><summary>Hint</summary>Indexing with a mask, <code>embedded[mask]</code>, keeps the rows that are True. Which axis is left to average over?</details>


# %%
def masked_mean(embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    # BEGIN SOLUTION
    return embedded[mask].mean(dim=0)
    # END SOLUTION


checks.masked_mean(masked_mean)

# %% [markdown]
# ## Three ways from many rows to one vector
#
# **[Mean-pooling](glossary.md#mean-pooling)** averages, then passes the mean through a small network with one hidden layer (YouTube DNN). Order is lost.
#
# **[GRU](glossary.md#gru)** reads the products one after another and keeps a *state*. At each one, a gate z between 0 and 1 says how much of the old state stays: h ← (1 − z) · n + z · h, where n is the new proposal. (A second gate, r, shapes n; our example leaves it out.)
#
# **[Attention fusion](glossary.md#attention-fusion)** lays the history end to end, and one matrix makes a score for each slot from all of it. A softmax turns scores into weights that sum to 1 (Eq. 2), and the vector is the weighted sum (Eq. 3).
#
# Mean-pooling you have. The GRU with one number instead of a vector, z = σ(−e) and n = tanh(e):

# %%
state = torch.tensor(0.0)
for e in torch.tensor([2.0, 0.0, -1.0]):
    z, n = torch.sigmoid(-e), torch.tanh(e)
    state = (1 - z) * n + z * state
    print(f"product {e:+.0f}: the gate keeps {z:.2f} of the old state; proposal {n:+.2f}; state {state:+.3f}")

gru = towers.GRU(num_towers=1, dim=1, history_length=3, generator=torch.Generator())
with torch.no_grad():
    gru.state.zero_()
    gru.input[0] = torch.tensor([[0.0, -1.0, 1.0]])  # what the product says to the gates: reset, z, n
    library = gru(torch.tensor([[[2.0], [0.0], [-1.0]]]), torch.ones(1, 3, dtype=torch.bool)).vectors[0, 0]
print(f"the library's GRU says {library.item():+.3f}: {'the same' if library.allclose(state) else 'something else'}")

# %% [markdown]
# Attention fusion on three products, with a matrix that scores a slot by the first number of its product, and a bias for the newest:

# %%
scores = items[:, 0] + torch.tensor([0.0, 0.0, 1.0])  # 1, 0.6, and 0 + 1 for the newest
weights = scores.exp() / scores.exp().sum()
vector = (weights[:, None] * items).sum(dim=0)
print("weights:", weights.numpy().round(3), "  vector:", vector.numpy().round(3))

fusion = towers.AttentionFusion(num_towers=1, dim=2, history_length=3, generator=torch.Generator())
with torch.no_grad():
    fusion.projection.zero_()
    fusion.projection[0, [0, 2, 4], [0, 1, 2]] = 1.0  # of 3 slots × 2 numbers, the first of each → its slot's score
    fusion.bias[0] = torch.tensor([0.0, 0.0, 1.0])
    library = fusion(items[None], torch.ones(1, 3, dtype=torch.bool))
    mean_tower = towers.MeanPooling(
        num_towers=1, dim=2, history_length=3, generator=torch.Generator().manual_seed(seed)
    )
    by_hand = (right @ mean_tower.inner[0]).relu() @ mean_tower.outer[0]  # the biases start at 0
    mean_library = mean_tower(items[None], torch.ones(1, 3, dtype=torch.bool)).vectors[0, 0]
print("library, fusion:      ", "the same" if library.vectors[0, 0].allclose(vector) else "something else")
print("library, mean-pooling:", "the same" if mean_library.allclose(by_hand) else "something else")

# %% [markdown]
# > **Remember:** a tower decides how much each purchase counts: all alike, by a gate, or by a softmax.
#
# ### Exercise 2: attention fusion, for a batch
#
# Write Eq. 2–3 with a mask. Shapes: `embedded [batch, step, dim]`, `mask [batch, step]`, `projection [step · dim, step]`, `bias [step]`. Return the weights `[batch, step]` and the vectors `[batch, dim]`. Padded slots weigh exactly 0; the others sum to 1.
#
# <details><summary>Hint 1</summary><code>embedded.flatten(1)</code> lays each history end to end.</details>
# <details><summary>Hint 2</summary>A score of −∞ before the softmax becomes a weight of 0: <code>masked_fill(~mask, -torch.inf)</code>.</details>


# %%
def fuse(embedded, mask, projection, bias):
    # BEGIN SOLUTION
    scores = embedded.flatten(1) @ projection + bias
    weights = scores.masked_fill(~mask, -torch.inf).softmax(dim=1)
    return weights, (weights[:, :, None] * embedded).sum(dim=1)
    # END SOLUTION


checks.fuse(fuse)

# %% [markdown]
# ## Two towers, one score
#
# The **user tower** makes v_u from the history. The [item tower](glossary.md#item-tower) makes v_t for a product: here simply its row. The score is their [cosine](glossary.md#cosine), from −1 to 1 (Eq. 4). Both read the *same* table. This is the [two-tower model](glossary.md#two-tower-model), `MTMI(num_towers=1)`. Item vectors are made once for all customers; serving is a search for the nearest.

# %%
v_u = torch.tensor([0.8, 0.6])  # the customer
for name, v_t in zip(("mug", "jug", "spade"), items, strict=True):
    print(f"{name:>5}: {v_u @ v_t:.2f} / ({v_u.norm():.0f} · {v_t.norm():.0f}) = {losses.cosine(v_u, v_t):.2f}")
with torch.no_grad():
    v_u = model.users(test.batch[:1]).vectors[0, 0]  # [64]
    v_t = model.items(everything)  # [products, 64]
scores = losses.cosine(v_u.expand_as(v_t), v_t).numpy()
found = metrics.evaluate(model, test)
first = found.ranking.items[0, 0]
print(f"\nThe first test customer's best product of {log.num_items}, by hand: {log.item_names[scores.argmax()]}")
print("The library's search finds", "the same." if scores.argmax() == first else f"{log.item_names[first]}.")

# %% [markdown]
# ## Telling a target from others
#
# What should training want? That the product bought next, the **target**, scores higher than products that were not. Scoring every product is dear, so each step draws 120 [negatives](glossary.md#negative) at random, all products alike, and shares them over the batch. **[InfoNCE](glossary.md#infonce)** takes a softmax over target and negatives, of cosine / τ, and its loss is −log of the target's part. The [temperature](glossary.md#temperature) τ = 0.1 makes small differences count.
#
# **Predict.** The target has cosine 0.8, two negatives 0.6 and −0.2. By chance a third negative *is* the target. What does the loss do if you leave it in?

# %%
my_third_guess = None  # "rises", "falls" or "stays"

# %%
similar = torch.tensor([0.8, 0.6, -0.2])  # the target first
parts = (similar / 0.1).exp()
loss = -torch.log(parts[0] / parts.sum())
print("parts of the softmax:", (parts / parts.sum()).numpy().round(3), f"  loss {loss:.3f}")

positive, negative = torch.tensor([[0.8]]), torch.tensor([[[0.6, -0.2, 0.8]]])
for name, third in {"masked out": False, "left in": True}.items():
    kept = torch.tensor([[[True, True, third]]])
    library = losses.info_nce(positive, negative, kept, temperature=0.1)
    print(f"the library, the target among the negatives {name}: {library.item():.3f}")

# %% [markdown]
# Left in, the target fights itself: however well it scores, the loss can not fall below log 2 = 0.69. So a negative that equals the target is masked out.
#
# > **Remember:** InfoNCE is a softmax among sampled rivals; the target is not its own rival.
#
# ## Train it, one step at a time
#
# Here is everything `train` does at a step: draw, embed, compare, go back. Sixty steps of it, from the same seed as the run that you watched.

# %%
mine, generator = models.MTMI(num_items=log.num_items, num_towers=1, seed=seed), torch.Generator().manual_seed(seed)
adam = torch.optim.Adam(mine.parameters(), lr=learning_rate)
my_losses = []
for _ in range(60):
    batch, targets = samples.draw(128, generator)  # histories [128, 20], and what was bought next [128]
    negatives = torch.randint(log.num_items, (120,), generator=generator)
    user = torch.nn.functional.normalize(mine.users(batch).vectors[:, 0], dim=1)  # [128, 64]
    products = torch.nn.functional.normalize(mine.items(torch.cat([targets, negatives])), dim=1)  # [248, 64]
    positive = (user * products[:128]).sum(dim=1, keepdim=True)  # [128, 1]
    negative = (user @ products[128:].T).masked_fill(negatives == targets[:, None], -torch.inf)  # [128, 120]
    loss = -(torch.cat([positive, negative], dim=1) / 0.1).log_softmax(dim=1)[:, 0].mean()
    adam.zero_grad()
    loss.backward()
    adam.step()
    my_losses.append(loss.item())
apart = float(np.abs(my_losses - run.curve["total"][:60]).max())
print(f"loss {my_losses[0]:.3f} → {my_losses[-1]:.3f} in 60 steps; largest difference to the library's: {apart:.1e}")

# %% [markdown]
# The same losses: `train` has no secret. It also looks at the validation customers now and then and keeps the best step. Now the test customers, who chose nothing, and the products' neighbours:

# %%
popular = metrics.evaluate(models.MostPopular(log, split.train), test)
over_popular = metrics.paired_interval(found.recall(50), popular.recall(50), seed=seed)
print(f"recall@50, {len(test)} test customers: one tower {found.recall(50).mean():.3f}, "
      f"Most Popular {popular.recall(50).mean():.3f}")  # fmt: skip
print("difference {:+.3f}, interval [{:+.3f}, {:+.3f}]".format(*over_popular))
for index, (product, old) in enumerate(zip(chosen, pictures.nearest_products(untrained, chosen, 3), strict=True)):
    print(f"\n{log.item_names[product]}")
    print("   untrained:", " · ".join(log.item_names[old]))
    print("   trained:  ", " · ".join(log.item_names[near[index, :3]]))

# %% [markdown]
# Names can flatter, so count. Take the 200 best-sellers and each one's five nearest. Of the customers who bought either of a pair, how many bought both? Only customers that the model never trained on count.

# %%
held_out = np.concatenate([split.validation, split.test])
best = np.argsort(-counts, kind="stable")[:200]
in_common = {
    name: float(pictures.buyers_in_common(log, held_out, best, pictures.nearest_products(vectors, best, 5)).mean())
    for name, vectors in {"untrained": untrained, "trained": trained}.items()
}
for name, part in in_common.items():
    print(f"{name:>9}: neighbours share {part:.1%} of their buyers")

# %% [markdown]
# > **Remember:** nobody says which products are kin; shared buyers do.
#
# The tower here is attention fusion. The course's own comparison has all three on Online Retail, with the same budget of tuning:

# %%
import json
from pathlib import Path

of_models = json.loads(Path("results/models_online-retail.json").read_text(encoding="utf-8"))
tower_names = {"YouTube DNN": "mean-pooling", "GRU4Rec": "GRU", "Que2Search": "attention fusion"}
for name, tower in {**tower_names, "Most Popular": "Most Popular"}.items():
    print(f"{tower:>16}: recall@50 {of_models['models'][name]['recall_50']:.3f}")
print(f"{of_models['users']:,} test customers; each model at the best of eight settings for validation customers")

# %% [markdown]
# ## What negatives do to popularity
#
# A best-seller is often a target, and among negatives drawn alike it is as rare as any product. So training lifts its score. More exactly: with many negatives, the best score for a product is log(p / q) and a constant, where p is how likely this customer buys it, and q how likely it is drawn. Three products:

# %%
p = np.array([0.6, 0.3, 0.1])  # bought
for name, q in {"drawn alike": np.full(3, 1 / 3), "drawn as they are bought": p}.items():
    print(f"{name:>25}: p / q = {(p / q).round(2)}, best scores {np.log(p / q).round(2) + 0.0}")

# %% [markdown]
# Drawn alike, the order is that of p. Drawn as they are bought, all three tie: the scores forget popularity. The [log-frequency correction](glossary.md#log-frequency-correction) adds log q back while training.
#
# **Predict.** Train with negatives drawn as they are bought. What happens to recall@50?

# %%
my_fourth_guess = None  # "rises", "falls" or "stays"

# %%
import dataclasses

arms = {"drawn alike": found}
for name, corrected in {"as they are bought": False, "as bought, corrected": True}.items():
    told = dataclasses.replace(settings, popularity=1.0, correct_frequency=corrected)
    other = models.MTMI(num_items=log.num_items, num_towers=1, seed=seed)
    training.train(other, objective, split, told, progress=False)
    arms[name] = metrics.evaluate(other, test)
often = {name: float(counts[arm.ranking.items].mean()) for name, arm in arms.items()}
for name, arm in arms.items():
    print(
        f"{name:>20}: recall@50 {arm.recall(50).mean():.3f}; a recommended product was bought {often[name]:.0f} times"
    )
print(
    f"{'later really bought':>20}: {counts[test.relevant].mean():.0f} times, on average (counts of training customers)"
)
forgot = metrics.paired_interval(arms["as they are bought"].recall(50), found.recall(50), seed=seed)
restored = metrics.paired_interval(arms["as bought, corrected"].recall(50), found.recall(50), seed=seed)
print("\nas they are bought, over alike:   {:+.3f} [{:+.3f}, {:+.3f}]".format(*forgot))
print("as bought, corrected, over alike: {:+.3f} [{:+.3f}, {:+.3f}]".format(*restored))

# %% [markdown]
# On Online Retail the uncorrected model recommends rarer products than people buy, and finds fewer of those. Corrected, it is back near where uniform negatives stand. Those lean a little to the other side: what they recommend is more popular than what is bought.
#
# > **Remember:** scores learn p / q. What you draw often, you forget.
#
# ## What one vector can hold
#
# A customer with four interests gets one vector, about the mean of four directions. Is the mean still near each of them? And nearer than all that the customer does *not* want? With random directions you can count it without training anything.
#
# **Predict.** 200 interests in the world, 4 of them mine, 16 numbers a vector. Which part of my interests is among the 4 nearest to their mean?

# %%
my_fifth_guess = None  # a part from 0 to 1

# %%
directions = np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0], [0.96, 0.28]])
for mine, name in (([0, 1], "0 and 1, close"), ([0, 2], "0 and 2, opposite")):
    mean = directions[mine].mean(axis=0)
    print(
        f"interests {name:>17}: mean {mean.round(2)}, its inner product with each of the four {(directions @ mean).round(2)}"
    )
dims, sizes = (4, 8, 16, 32, 64), (60, 200)
kept = {f"{size} interests": {dim: pictures.kept_by_the_mean(size, 4, dim) for dim in dims} for size in sizes}
print(f"\nYou guessed {my_fifth_guess}. With 200 interests and d = 16: {kept['200 interests'][16]:.2f}")

# %% [markdown]
# Close interests have a mean that is near both, and near interest 3, which nobody asked for. The mean of opposite ones is zero, which is no direction at all.
#
# Now train. In the [planted world](glossary.md#planted-world) each customer has four known interests of 20 products each; an [oracle](glossary.md#oracle) that knows them sets the ceiling. The tower is [attention pooling](glossary.md#attention-pooling), a relative of fusion in which each product scores itself. The last row is a control: the same 200 interests and 16 numbers, but *one* interest a customer.


# %%
def reach(num_interests: int, interests_per_user: int, dim: int) -> tuple[float, float]:
    users, steps = {"fast": (1000, 600), "full": (2500, 3000)}[profile]
    world = datasets.planted_interests(
        num_interests=num_interests, interests_per_user=interests_per_user, num_users=users, seed=seed
    )
    worlds = interactions.split_users(world.log, seed=seed)
    cases = interactions.evaluation_cases(world.log, worlds.test)
    one = models.MTMI(num_items=world.log.num_items, num_towers=1, dim=dim, tower=towers.AttentionPooling, seed=seed)
    told = TrainingSettings(steps=steps, learning_rate=5e-3, validate_every=300, seed=seed)
    training.train(one, objective, worlds, told, progress=False)
    lists = metrics.evaluate(one, cases)
    oracle = metrics.find_hits(datasets.oracle_ranking(world, cases.users, 50), cases)
    ceiling = metrics.recall(oracle, cases.num_relevant).mean()
    own = world.user_interests[cases.users]
    served = pictures.interests_served(lists.ranking.items, world.item_interest, own).mean()
    print(f"{num_interests:>3} interests, {interests_per_user} a customer, d = {dim}: recall@50 "
          f"{lists.recall(50).mean():.3f}, oracle {ceiling:.3f}; interests with 5 products in the list {served:.0%}")  # fmt: skip
    return float(lists.recall(50).mean() / ceiling), float(served)


reached = {f"{size} interests": {dim: reach(size, 4, dim)[0] for dim in (16, 64)} for size in sizes}
control, _ = reach(200, 1, 16)

# %%
pictures.holding_figure(
    kept, reached, title="One vector for four interests: room in the space, and what training reaches"
)

# %% [markdown]
# One vector is not helpless: with room to spare it reaches most of what the oracle does. It is lost when dimensions are scarce for the number of interests. The control says that neither the table nor the few steps are to blame: with one interest a customer, the same 16 numbers nearly suffice. (Longer training helps the scarce world somewhat: `profile = "full"`.) Lesson 03 gives a customer several vectors.
#
# > **Remember:** one vector is a mean; it serves several interests where the space has room for their mean.
#
# ### Exercise 3: how many numbers for how many interests?
#
# A world of 200 interests. For customers with 2, 4 and 8 of them: which is the smallest d among 4, 8, 16, 32, 64, 128, 256 at which the mean keeps at least 90%? Use `pictures.kept_by_the_mean(200, interests, d)`. Before you run it, guess the rule.
#
# <details><summary>Hint</summary>A loop over d for each number of interests; write down the first that reaches 0.9.</details>

# %%
my_dims = None  # {2: ..., 4: ..., 8: ...}
# BEGIN SOLUTION
my_dims = {
    own: next(d for d in (4, 8, 16, 32, 64, 128, 256) if pictures.kept_by_the_mean(200, own, d) >= 0.9)
    for own in (2, 4, 8)
}
# END SOLUTION
checks.dims(my_dims, pictures.kept_by_the_mean)

# %% [markdown]
# ## Interests on a circle
#
# The same question where you can see it. Each interest is five products (a colour), grey dots are what others buy. The arrow is the one vector that is best: for **training**, InfoNCE over all products, or for **serving**, the part of your purchases among the nearest products. Filled marks are in the list.

# %%
panel = pictures.circle_panel()
panel

# %% [markdown]
# **Try this.** (1) Press *Two neighbours* and move *degrees apart* up. When does the vector stop serving either? (2) Press *Two opposites*, then switch to *serving*. What does the arrow do, and who loses?
#
# Training wants the vector near *every* purchase, so it settles between interests, where it may serve none. The best vector for serving picks a side. The products are pinned here; in training they move as well, and 64 dimensions have far more room than a circle.
#
# ## What can go wrong: padding that votes
#
# Back to the mask, on the trained model. In our batches a padded slot holds a 0, and 0 is also a product. Forget the mask, and every short history ends up full of it. Nothing crashes.

# %%
unmasked = interactions.Batch(history=test.batch.history, mask=torch.ones_like(test.batch.mask))  # the bug
voted = metrics.evaluate(model, dataclasses.replace(test, batch=unmasked))
lengths = test.batch.mask.sum(dim=1).numpy()
short = int(lengths.argmin())
same = float(losses.cosine(found.users.vectors[short, 0], voted.users.vectors[short, 0]))
print(
    f"A customer with {lengths[short]} purchases:",
    *log.item_names[test.batch.history[short, -lengths[short] :]],
    sep="\n   ",
)
for name, result in {"with the mask": found, "product 0 votes": voted}.items():
    print(f"first recommendations, {name}:", *log.item_names[result.ranking.items[short, :3]], sep="\n   ")
print(f"cosine of the two vectors {same:.2f}; product 0 is: {log.item_names[0]}")
few = lengths <= np.quantile(lengths, 0.1)
drop = metrics.paired_interval(voted.recall(50)[few], found.recall(50)[few], seed=seed)
print(f"\nrecall@50 of the {few.sum()} shortest histories: {found.recall(50)[few].mean():.3f} with the mask, "
      f"{voted.recall(50)[few].mean():.3f} without: {drop[0]:+.3f} [{drop[1]:+.3f}, {drop[2]:+.3f}]")  # fmt: skip
print(f"recall@50 of all: {found.recall(50).mean():.3f} and {voted.recall(50).mean():.3f}; "
      f"Most Popular has {popular.recall(50).mean():.3f}")  # fmt: skip

# %% [markdown]
# Most histories here are full, so the mean over all customers hides most of it: the model looks mediocre, not broken. Look at short histories apart. (A log without short histories, such as MovieLens, hardly shows it.)
#
# ## What you take home
#
# - A tower turns the rows of a history into one vector; a mask keeps padding out.
# - Training pulls it towards the target and away from sampled others. How others are drawn decides what is learned of popularity.
# - One vector serves several interests only where the space has room.
#
# **What the paper says** (Xiong and Yu): its basic tower is attention fusion (Eq. 2–3), compared by cosine (Eq. 4) and trained with a triplet loss on drawn negatives. **What we measured** is another pull, InfoNCE; lesson 05 compares the two. The paper does not say what a padded slot does; ours weighs 0.
#
# **Words.** *Embedding table*: a row of numbers a product. *Mask*: which slots are real. *Negative*: a product drawn to be scored below the target. *InfoNCE*: −log of the target's part in a softmax.
#
# **Next:** lesson 03, several towers over the same table.

# %% tags=["results"]
from IPython.display import JSON

results = {
    "recall_50": float(found.recall(50).mean()),
    "recall_50_over_popular": over_popular[0],
    "touched": touched,
    "apart": apart,
    "buyers_in_common": in_common["trained"],
    "buyers_in_common_untrained": in_common["untrained"],
    "popular_negatives": forgot[0],
    "corrected": restored[0],
    "scarce": reached["200 interests"][16],
    "roomy": reached["60 interests"][64],
    "control": control,
    "padding_votes": drop[0],
}
JSON(results)
