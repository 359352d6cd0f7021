# ---
# jupyter:
#   course:
#     builds: a ledger of claims
#     after: ["04", "05", "06", "07"]
#     minutes: 60
# ---

# %% [markdown]
# # Did the claims hold?
#
# [![Open this lesson on Binder](https://mybinder.org/badge_logo.svg)]({{binder}}) · {{minutes}} minutes to read and do · runs in {{seconds}} s · needs {{memory_mb}} MB
#
# {{where}}
#
# A paper makes claims. Each can be written down, with the numbers that would confirm it and those that would not. Then code reads the numbers and gives the verdict. This lesson does that for the paper (Xiong and Yu). The trainings behind it took hours; their results are files, and you read those.
#
# **Afterwards you can**
#
# 1. give a verdict by a rule that was fixed before (exercise 1),
# 2. correct for many comparisons (exercise 2),
# 3. write a claim that can fail, and test it (exercise 3).
#
# **You need** the losses of lessons 04 to 06, the merge of lesson 07, and [intervals](glossary.md#bootstrap-interval) from lesson 01.

# %% tags=["parameters"]
seed = 0
profile = "fast"  # "full" tries more false claims
level = 0.05  # of Holm's p
margin = 0.005  # in recall: what is not worse

# %% [markdown]
# **Predict.** Before you look: what will these claims come to? Write `"reproduced"`, `"partly"` or `"not reproduced"`. You compare at the end. IDW is the paper's [inverse-distance](glossary.md#inverse-distance) loss, K the number of towers.

# %%
my_guesses = {
    "Four towers beat one": None,
    "IDW beats the minimum loss": None,
    "The repel helps": None,
    "Any two-tower model gains": None,
    "MTMI beats ComiRec": None,
    "The peak is K 4, α 2, β 1000": None,
}

# %%
try:
    from lessons.lesson_09 import checks
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"{error}. Close this notebook, run `make lab` or `python tools/start.py` in the project's folder, and open it "
        "where it lies, in notebooks/."
    ) from None

# %%
import numpy as np
from IPython.display import Markdown

from lessons.common import ledger
from lessons.lesson_09 import pictures
from mtmi_lite.lab.verdicts import holm

results = ledger.read_results()
claims = ledger.read_claims()
pictures.ledger_figure(claims.values(), results, level=level, margin=margin, title="The ledger")

# %% [markdown]
# That is where this lesson ends up. A row is a claim. The large sign is its verdict over all logs; the small ones say what one log alone shows. The **planted world** is generated, so that several towers can pay. The other logs are real. Where there is no sign, the claim was not tested on that log.
#
# ## A claim that can fail
#
# "Several towers are better" can not fail: better than what, by how much, for whom? A **testable claim** names two models, a measure, the logs, and a rule that says beforehand which numbers give which **verdict**.
#
# ### By hand
#
# A difference is ours − theirs in recall@50, user by user, with a 95% interval and a p. Say **better** or **worse** when p is below the level (0.05). Otherwise say **not worse** if the interval's lower end is above −0.005, the margin, and **undecided** if not.
#
# Three differences. The first: +0.020 [+0.011, +0.029], p 0.001: better. The second: +0.001 [−0.003, +0.005], p 0.8: not worse, since −0.003 is above −0.005. The third: −0.002 [−0.012, +0.008], p 0.9: undecided. It may be a loss of 0.012, and nobody knows.
#
# The rule "better" then says: *reproduced* if all are better; *partly* if some are and at most as many are worse; otherwise *not reproduced*. Here one of three is better and none is worse: partly.


# %%
def by_rule_better(says: list[str]) -> str:
    better, worse = says.count("better"), says.count("worse")
    if better == len(says):
        return "reproduced"
    return "partly" if better > 0 and better >= worse else "not reproduced"


print(by_rule_better(["better", "not worse", "undecided"]))
agree = []
for claim in claims.values():
    says = [piece.says(level, margin) for piece in claim.pieces(results)]
    if claim.rule == "better" and says:
        agree.append(by_rule_better(says) == ledger.conclude("better", says))
print(f"By hand and the library agree on {sum(agree)} of {len(agree)} claims with this rule.")

# %% [markdown]
# Not every claim says "better". There are more rules. The ledger says which claim has which.

# %%
for rule, words in ledger.RULES.items():
    names = [claim.name for claim in claims.values() if claim.rule == rule]
    print(f"“{rule}”: {words}\n    claims: {len(names)}, such as: {names[0]}")

# %% [markdown]
# > **Remember:** a claim is testable when numbers that would refute it are named before they are seen.
#
# ### Exercise 1: your verdict
#
# A: +0.012 [+0.004, +0.020], p 0.004. B: +0.006 [−0.003, +0.015], p 0.19. C: −0.009 [−0.016, −0.002], p 0.03. What does each say, and what does the rule "better" make of the three?
#
# <details><summary>Hint</summary>For B look at the interval's lower end. For the claim count what is better and what is worse.</details>

# %%
my_reading = None  # {"A": …, "B": …, "C": …, "claim": …}
# BEGIN SOLUTION
my_reading = {"A": "better", "B": "not worse", "C": "worse", "claim": "partly"}
# END SOLUTION
checks.verdict(my_reading)

# %% [markdown]
# ## Many comparisons
#
# A table compares fifteen pairs. At p below 0.05, a pair with no true difference still says "better" or "worse" once in twenty.
#
# **Predict.** Fifteen pairs, none truly different. How often does *at least one* of them say "better" or "worse"?

# %%
my_second_guess = None  # from 0 to 1

# %%
tables_made_up = {"fast": 5_000, "full": 100_000}[profile]
p = np.random.default_rng(seed).uniform(size=(tables_made_up, 15))  # no true difference: every p is as likely
false_alarms = float((p < level).any(axis=1).mean())
with_holm = float(np.mean([min(holm(one.tolist())) < level for one in p[:5_000]]))
print(f"Your guess: {my_second_guess}. At least one of 15, as they are: {false_alarms:.0%}. By hand: 1 − 0.95¹⁵ = 54%.")
print(f"After Holm's correction: {with_holm:.1%}")

# %% [markdown]
# **Holm's correction** sorts the m values of p. The smallest is multiplied by m, the next by m − 1, and so on. None may fall below the one before it, and none exceeds 1. By hand, for 0.01, 0.04, 0.03: sorted 0.01 · 3 = 0.03, 0.03 · 2 = 0.06, 0.04 · 1 = 0.04. The last is below the one before, so it becomes 0.06. In the given order: 0.03, 0.06, 0.06.
#
# ### Exercise 2: Holm's correction
#
# From a list of p, return the corrected ones in the *given* order.
#
# <details><summary>Hint</summary>Walk through the places in the order of p (<code>sorted(range(m), key=…)</code>), and keep the largest product so far.</details>


# %%
def correct(p: list[float]) -> list[float]:
    # BEGIN SOLUTION
    result, largest = [0.0] * len(p), 0.0
    for rank, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        largest = max(largest, p[place] * (len(p) - rank))
        result[place] = min(largest, 1.0)
    return result
    # END SOLUTION


checks.correct(correct)

# %% [markdown]
# > **Remember:** the more you compare, the smaller a p must be; Holm keeps the chance of even one false word at the level.
#
# ## The loss: Figures 3 and 4
#
# The paper's ablations are on MovieLens-100k. We run the same arms there and on other logs. Each arm is tuned: eight settings, chosen by validation users. **IDW** is the [inverse-distance](glossary.md#inverse-distance) weight with the triplet, α tuned, no [repel](glossary.md#repel).

# %%
arms = [claim for claim in claims.values() if claim.kinds == ("arms",) and claim.test == "over"]
ablations = [piece for claim in arms for piece in claim.pieces(results)]
title = "Figures 3 and 4, run again: differences in recall@50"
pictures.by_log(ablations, title=title, labels=pictures.costs(results, "arms"), level=level)

# %%
parts = {}
for claim in claims.values():
    parts.setdefault(claim.part, []).append(claim)
Markdown(pictures.ledger_table(parts["Several towers"] + parts["The loss"], results, level, margin))

# %% [markdown]
# How to read it. The first row alone proves little: four towers also train more weights, and the weight alone changes what a sample counts. The two **controls**, one tower with the same weight and four equal towers, say how much of a gain is left for several *interests*.
#
# A [cosine](glossary.md#cosine) that falls is no evidence of interests. So beside it stand each tower's [credit](glossary.md#credit) and the [recall without it](glossary.md#recall-without):

# %%
for log, table in ledger.tables(results, "arms").items():
    for arm in ("IDW", "IDW + repel"):
        row = table["models"][arm]
        smallest = np.mean([min(shares) for shares in row["shares of the hits"]])
        lost = np.mean(row["recall_50 by run"]) - np.mean([max(one) for one in row["recall_50 without each"]])
        print(f"{pictures.name_of(log)}, {arm}: cosine {np.mean(row['cosine']):.2f},", end=" ")
        print(f"smallest share of the hits {smallest:.0%}, recall@50 lost without the least missed tower {lost:.3f}")

# %% [markdown]
# And how much of a gain is left if items that a user has had are left out of the lists, or if the model's vectors are averaged into one before the search:

# %%
for name in ("Four towers beat one", "Several vectors beat one", "Any two-tower model gains"):
    print(name)
    for measure in ledger.MEASURES:
        pieces = claims[name].pieces(results, measure)
        says = pictures.counted([piece.says(level, margin) for piece in pieces])
        print(f"    {measure}: {claims[name].verdict(pieces, level, margin)} ({says})")

# %% [markdown]
# > **Remember:** a gain of several towers means something only beside its controls.
#
# ## Training and serving
#
# Lesson 04 measured the [gap](glossary.md#train-serve-gap): recall@50 where the label chooses the tower, less that of the merged list. The paper says that its loss aligns the two, and that label-aware attention falls back because of leakage or overfitting. These are two claims, so we test two: *leakage* is the gap, *overfitting* is a best validation step that comes early.

# %%
Markdown(pictures.ledger_table(parts["Training and serving"], results, level, margin))

# %% [markdown]
# A warning: towers that are copies have no gap, because there is nothing to choose. A small gap is worth something beside a cosine that is not 1.
#
# ## Tables 3 and 4
#
# First the numbers as the paper prints them, on its own data sets, with no interval. Then ours, on our logs: smaller stand-ins under names of their own. The two are never mixed.

# %%
printed = claims["Every cell is a gain"].pieces(results)
pictures.by_log(printed, title="The paper's cells, as printed: MTMI less its base or rival, six metrics each")

# %%
pieces = [piece for claim in parts["The tables"] for piece in claim.pieces(results)]
pictures.by_log(pieces, title="Ours: differences in recall@50", labels=pictures.costs(results, "models"), level=level)

# %%
Markdown(pictures.ledger_table(parts["The tables"], results, level, margin))

# %% [markdown]
# The paper prints cells without intervals. Counted in the same careless way, all six metrics:

# %%
metric_names = [f"{name}_{num}" for name in ("recall", "hit_rate", "ndcg") for num in (20, 50)]
over_bases = [piece.difference > 0 for piece in printed if not piece.what.endswith(("MIND", "ComiRec"))]
our_cells = [
    table["models"][ours][metric] > table["models"][theirs][metric]
    for table in ledger.tables(results, "models").values()
    for ours, theirs in claims["Any two-tower model gains"].models
    for metric in metric_names
]
print(f"MTMI above its base: in {sum(over_bases)} of {len(over_bases)} printed cells of Table 3,", end=" ")
print(f"in {sum(our_cells)} of {len(our_cells)} of ours")

# %% [markdown]
# And what it costs: vectors to store and search for each user, seconds of one training, seconds of all trainings that chose the settings.

# %%
Markdown(pictures.cost_table(results))

# %% [markdown]
# > **Remember:** a baseline that is tuned as long as the new model is a rival; one left at its defaults is scenery.
#
# ## Settings, and the tables themselves
#
# The grid is lesson 08's: the paper's loss on MovieLens-100k, with margin γ = 0.2, since the paper prints none. Its six best settings and the paper's two were tested on eight folds.

# %%
Markdown(pictures.ledger_table(parts["Settings"] + parts["The printed tables"], results, level, margin))

# %%
third, fourth = results["table3"], results["table4"]
for log in dict.fromkeys(log for log, *_ in fourth):
    cells = [m for name, model, m in fourth if (name, model) == (log, "MIND")]
    above = sum(fourth[log, "MTMI-DNN", m] > max(fourth[log, "MIND", m], fourth[log, "ComiRec", m]) for m in cells)
    print(f"Table 4, {log}: above both rivals in {above} of {len(cells)} cells")
same = sum(value == third[key] for key, value in fourth.items() if key[1] == "MTMI-DNN")
print(f"Table 4's caption and the text name MTMI-GRU; its column equals Table 3's MTMI-DNN in {same} of 18 cells")
for piece in claims["The numbers are possible"].pieces(results):
    if piece.says() == "worse":
        print(f"impossible, {piece.log}, {piece.what}: {piece.difference:+.4f}")

# %% [markdown]
# A hit rate can not fall as the list grows, and a mean recall can not exceed the hit rate of the same list: lesson 01 finds these. It finds five NDCG that fall too, which fits the literature's NDCG of the found and proves nothing. More that does not fit together:

# %%
second = ledger.read_rows("results", "table2")
comirec_taobao = ["976779", "1708530", "85384110"]  # users, items, interactions, as ComiRec's paper prints them
grid_betas, default_beta, peak_beta = {1, 10, 100, 1000}, 6, 1000
gowalla = next(row for row in second if row[0] == "Gowalla")
print(f"Table 2's Gowalla row is the Taobao row of ComiRec's paper: {gowalla[1:4] == comirec_taobao}")
print(f"MTMI-DNN's HR@50 on Gowalla, {third['Gowalla', 'MTMI-DNN', 'HR@50']}, is ComiRec's to four digits:", end=" ")
print(third["Gowalla", "MTMI-DNN", "HR@50"] == fourth["Gowalla", "ComiRec", "HR@50"])
print(
    f"the default β is on the grid that chose it: {default_beta in grid_betas}; it is the peak's: {default_beta == peak_beta}"
)
print(f'"three industrial datasets": Table 2 has {len(second) - 1}, all of them public')

# %% [markdown]
# Such things happen when tables are typed by hand. They do not refute a method; they mean that a number has to be measured again before it is believed.
#
# ## Does any of this come out again?
#
# Yes, by anyone, from the shipped and generated logs. Take one cell of a table and train it now.
#
# **Predict.** Same settings, same seed, perhaps another machine. Will recall@50 be the same to three digits, close, or something else?

# %%
my_third_guess = None  # "the same", "close" or "else"

# %%
import torch

from mtmi_lite.lab.cells import Cell, measure
from mtmi_lite.lab.recipes import POPULAR, Baseline, Recipe
from mtmi_lite.losses import MultiTowerLoss

torch.set_num_threads(1)
log, arm = "planted-200-4", "one tower, triplet"
table = results[f"arms_{log}"]
row, steps, (fold, run_seed) = table["models"][arm], table["about"]["steps"][log], table["about"]["runs"][log][0]
chosen = {name: value for name, value in row["chosen"].items() if name != "objective"}
objective = {name: value for name, value in row["chosen"]["objective"].items() if name != "name"}
recipe = Recipe(**chosen, objective=MultiTowerLoss(**objective))
in_file = row["recall_50 by run"][0]
again = measure(Cell(log=log, recipe=recipe, steps=steps, fold=fold, seed=run_seed))["recall_50"].mean()
print(f"{arm}, fold {fold}: {again:.4f} now, {in_file:.4f} in the file")
popular = measure(Cell(log=log, recipe=Baseline(), steps=steps, fold=fold))["recall_50"].mean()
print(f"{POPULAR}, fold {fold}: {popular:.4f} now, {table['models'][POPULAR]['recall_50 by run'][0]:.4f} in the file")

# %% [markdown]
# `python -m tools.evidence` makes all files again; each says in its `about` which command, versions, seeds and data made it.
#
# ## Does MTMI win?
#
# The paper says that it does not yet beat the strongest models. So we ask whether any version does. The rule was written before a version was chosen:

# %%
version = results.get("version")
if version is None:
    print("The table of this question is not there yet.")
else:
    print(version["rule"])
    print("\nchosen:", " + ".join(version["version"]) or "the base")
    tries = {name: row["mean over the base"] for name, row in version["tries"].items() if name != "the base"}
    for name, gained in sorted(tries.items(), key=lambda one: -one[1]):
        print(f"    {gained:+.4f} on validation users: {name}")
    print("it wins:", version["wins"])
    if version["chosen"].get("objective", {}).get("share") == "equal":
        print("Validation chose equal towers: an ensemble, with nobody in particular to answer for the target.")

# %%
for log, judged in ledger.tables(results, "version").items():
    print(f"{pictures.name_of(log)}, {judged['users']:,} test users: wins {judged['wins']}")
    for kind, before in (("differences", ""), ("controls", "control, ")):
        for row in judged[kind]:
            numbers = "{:+.3f} [{:+.3f}, {:+.3f}]".format(*row["recall_50"])
            print(f"    {before}over {row['theirs']}: {numbers} {row['verdict']}")
Markdown(pictures.ledger_table(parts["Beyond the paper"], results, level, margin))

# %% [markdown]
# ## The ledger, with the mouse

# %%
panel = pictures.ledger_panel(pictures.Ledger(claims, results))
panel

# %% [markdown]
# **Try this.** (1) Choose *The repel helps* and go through the logs one by one. Where does it help? (2) On *Several vectors beat one*, change *recall@50 of* to *its mean as one vector*. How much of the gain is left without the K lists? Then press *Strict* and *Lenient*, and look for claims whose verdict depends on the level.
#
# ## What can go wrong: choosing the log afterwards
#
# Suppose that we had kept, for each claim, the one log that suits us. Here is what we could have printed, both ways, from the same files:

# %%
tested = [claim for claim in claims.values() if claim.rule == "better" and claim.pieces(results)]
alone = {
    claim.name: {
        claim.verdict([piece for piece in claim.pieces(results) if piece.log == log], level, margin)
        for log in {piece.log for piece in claim.pieces(results)}
    }
    for claim in tested
}
fair = [claim.verdict(claim.pieces(results), level, margin) for claim in tested]
kind = sum("reproduced" in verdicts for verdicts in alone.values())
unkind = sum("not reproduced" in verdicts for verdicts in alone.values())
print(f'{len(tested)} claims of the rule "better". On all logs: {fair.count("reproduced")} reproduced,', end=" ")
print(f"{fair.count('not reproduced')} not.")
print(f"One log each, chosen kindly: {kind} reproduced. Chosen unkindly: {unkind} not reproduced.")

# %% [markdown]
# Every one of these would be a true number. The lie would be the choice. So the logs, the measure and the rule stand before the result.
#
# > **Remember:** what is chosen after the result is part of the result.
#
# ### Exercise 3: a claim of your own
#
# The files hold pairs that the ledger does not use:

# %%
used = {pair for claim in claims.values() for pair in claim.models}
stored = {kind: ledger.tables(results, kind) for kind in ("arms", "models")}
spare = {
    (row["ours"], row["theirs"])
    for kind in stored.values()
    for table in kind.values()
    for row in table["differences"]
    if (row["ours"], row["theirs"]) not in used
}
print(*(f"{ours} over {theirs}" for ours, theirs in sorted(spare)), sep="\n")

# %% [markdown]
# Choose one. Write `my_rule`: from a list of differences (difference, low, high), one a log, it returns "reproduced", "partly" or "not reproduced". It must be able to say both the first and the last, look at the intervals, and look at all logs.
#
# <details><summary>Hint</summary>A difference is better if <code>low > 0</code>, worse if <code>high < 0</code>. Count.</details>


# %%
def my_rule(differences: list[tuple[float, float, float]]) -> str:
    # BEGIN SOLUTION
    better = sum(low > 0 for _, low, _ in differences)
    worse = sum(high < 0 for _, _, high in differences)
    if better == len(differences):
        return "reproduced"
    return "partly" if better > worse else "not reproduced"
    # END SOLUTION


my_pair = ("one tower, InfoNCE", "one tower, triplet")  # ours, theirs: choose another
checks.own_claim(my_rule, my_pair, results, used)

# %% [markdown]
# ## What you take home

# %%
verdicts = {claim.name: claim.verdict(claim.pieces(results), level, margin) for claim in claims.values()}
counts = {verdict: list(verdicts.values()).count(verdict) for verdict in pictures.VERDICTS}
print(f"{len(claims)} claims:", ", ".join(f"{number} {verdict}" for verdict, number in counts.items()))
for name, guess in my_guesses.items():
    print(f"{name}: you guessed {guess}; it is {verdicts[name]}")
for verdict in ("reproduced", "partly", "not reproduced"):
    print(f"\n{verdict}:")
    for name in (name for name, one in verdicts.items() if one == verdict):
        says = [piece.says(level, margin) for piece in claims[name].pieces(results)]
        print(f"    {name} ({pictures.counted(says)})")

# %% [markdown]
# - A verdict needs a rule that was there before the number.
# - Compare with rivals at their best, beside controls, on every log that you have.
# - Not reproduced is not refuted. Look behind the verdict: *worse* refutes, *undecided* means that these users can not tell.
#
# **What the paper says** (Xiong and Yu): its towers beat two-tower models, MIND and ComiRec, clearly; weight and repel both help; it is not yet ahead of the strongest models. It prints no interval and no test.
#
# **What we measured** is the ledger. It holds for our logs, our sizes and our tuning: eight settings a model, trainings of minutes. Stand-ins are not the paper's data sets. A claim that did not come out here may come out there.
#
# **Words.** *Claim*, *verdict*, *ledger*: what is said, what it comes to, the list of both. *Control*: a model that has all but the thing in question. *Holm's correction*: p for many comparisons.
#
# **Next:** lesson 10, your own log, at scale.

# %% tags=["results"]
from IPython.display import JSON

results_of_lesson = {
    "claims": len(claims),
    "testable": sum(verdict != ledger.UNTESTABLE for verdict in verdicts.values()),
    "untested": counts[ledger.UNTESTED],
    "by_hand_agrees": float(np.mean(agree)),
    "false_alarms": false_alarms,
    "with_holm": with_holm,
    "printed_gains": sum(over_bases),
    "impossible": sum(piece.says() == "worse" for piece in claims["The numbers are possible"].pieces(results)),
    "again": float(again - in_file),
    "alone_less_together": kind - fair.count("reproduced"),
}
JSON(results_of_lesson)
