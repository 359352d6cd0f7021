"""The checks of lesson 10."""

import math
import tempfile
from pathlib import Path

import numpy as np

from lessons.common.checks import Wrong, choice, exercise, number
from mtmi_lite.data import readers

EXPORT = """1320500000000,buy,u7,lamp
1320500000000,buy,u7,mug
1320400000000,view,u7,vase
1320300000000,buy,u9,mug
"""


@exercise
def arguments(answer):
    if not isinstance(answer, dict):
        raise Wrong('Give a dictionary of arguments, such as {"user": "visitor", …}.')
    known = {"user", "item", "time", "header", "only", "newest_first", "separator", "encoding"}
    if more := set(answer) - known:
        raise Wrong(f"{sorted(more)[0]!r} is no argument of read_interactions; there are {', '.join(sorted(known))}.")
    header = answer.get("header")
    if not header:
        raise Wrong(
            "Without `header` the reader takes the first line for names, and an order is lost: name all columns."
        )
    if isinstance(header, str) or len(header) != 4:
        raise Wrong("`header` is a list with a name for each of the four columns, also for what was done.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.csv"
        path.write_text(EXPORT, encoding="utf-8")
        try:
            log = readers.read_interactions(path, **answer)
        except ValueError as error:
            raise Wrong(f"The reader says: {str(error).removeprefix(folder + '/')}") from None
    users, items = log.user_labels.tolist(), log.item_names.tolist()
    if set(users) <= {"lamp", "mug", "vase"}:
        raise Wrong("Your users are lamps and mugs: user and item are the wrong way round.")
    if users == ["buy"] or users == ["buy", "view"] or set(items) <= {"buy", "view"}:
        raise Wrong("What was done is neither the user nor the item: look at which column is which.")
    if items == ["vase"]:
        raise Wrong("These are the views. You want the purchases.")
    if users != ["u7", "u9"] or not set(items) <= {"lamp", "mug", "vase"}:
        raise Wrong(f"The users should be u7 and u9, and yours are {users}; the items are {items}.")
    if len(log) == 4:
        raise Wrong("The view of the vase is among the purchases: `only` keeps the lines with one value in a column.")
    if [items[item] for item in log.of(0)] != ["mug", "lamp"]:
        raise Wrong(
            "u7 bought lamp and mug at one time. The newest line stands first in the file, so the mug came first: "
            "say that with `newest_first`."
        )
    return "Three purchases, in the order in which they were made."


@exercise
def index(answer, megabytes, found_by):
    """`megabytes` of each kind, and the fraction `found_by` each kind with so many probes."""
    if not isinstance(answer, dict) or set(answer) != {"kind", "probes"}:
        raise Wrong('Give dict(kind="…", probes=…).')
    kind = choice(answer["kind"], list(megabytes), "kind")
    probes = choice(answer["probes"], [probes for one, probes in found_by if one == kind], "probes")
    if megabytes[kind] > 50:
        raise Wrong(f"{kind} takes {megabytes[kind]:.0f} MB; you may use 50.")
    if found_by[kind, probes] < 0.9:
        best = max(found for (one, _), found in found_by.items() if one == kind)
        if best < 0.9:
            raise Wrong(f"{kind} finds at most {best:.0%}, however many probes: what it lost, it lost in the vectors.")
        raise Wrong(f"{kind} with {probes} probes finds {found_by[kind, probes]:.1%}; you need 90%.")
    fewer = [p for (one, p), found in found_by.items() if one == kind and found >= 0.9 and p < probes]
    if fewer:
        raise Wrong(f"{probes} probes are enough, but fewer are, too, and they are quicker. Look at {min(fewer)}.")
    return f"{megabytes[kind]:.0f} MB, and {found_by[kind, probes]:.0%} of the exact list."


@exercise
def serve(answer, evidence):
    """`evidence` is a list of comparisons: the gain of several vectors, and of their mean, over one."""
    found = number(answer)
    gain, mean = ([row[kind] for row in evidence] for kind in ("recall_50", "as one vector"))
    sure = [one[1] > 0 for one in gain]
    lost = [half[0] < one[0] / 2 for one, half in zip(gain, mean, strict=True)]
    right = sum(one and other for one, other in zip(sure, lost, strict=True))
    if found == right:
        return f"{right} of {len(evidence)}. In the others one vector, or the mean, does as well for less."
    if not 0 <= found <= len(evidence):
        raise Wrong(f"There are {len(evidence)} comparisons; you give {found:g}.")
    if found == sum(sure):
        raise Wrong("So many gains lie above 0. But where the mean keeps half or more, one search gives you that.")
    if found == sum(one[0] > 0 and other for one, other in zip(gain, lost, strict=True)):
        raise Wrong("You went by the sign of the gain: the whole interval must lie above 0.")
    if found == sum(lost):
        raise Wrong("You counted where the mean keeps less than half, whether or not there is a gain to keep.")
    raise Wrong(f"You give {found:g}. Two conditions, for each row: low above 0, and the mean's gain below half.")


@exercise
def serving_cores(answer):
    cases = [(10, 3, 4.0, 0.5), (1000, 4, 2.5, 0.5), (700, 3, 1.7, 0.6)]
    expected = [math.ceil(users * towers * ms / 1000 / busy) for users, towers, ms, busy in cases]
    found = []
    for case in cases:
        found.append(number(answer(*case), f"The number of cores for {case}"))
    exact = [users * towers * ms / 1000 / busy for users, towers, ms, busy in cases]
    if found == expected:
        for case in np.random.default_rng(0).integers(1, 60, size=(50, 3)).tolist():
            want = math.ceil(case[0] * case[1] * case[2] / 1000 / 0.5)
            if (value := number(answer(*case, 0.5))) != want:
                raise Wrong(f"For {(*case, 0.5)} it should be {want}; yours is {value:g}.")
        return "K times the work, in seconds, shared by cores that are not busy all the time."

    def is_like(values) -> bool:
        return all(abs(own - value) <= 1 for own, value in zip(found[1:], values[1:], strict=True))

    if all(math.isclose(own, value) for own, value in zip(found, exact, strict=True)):
        raise Wrong("You cannot buy a fraction of a core: round up to whole ones.")
    if found == [math.floor(value) for value in exact] or found == [round(value) for value in exact]:
        raise Wrong(
            "Round up. Rounded down (or to the nearest), the last users of the second wait: 0.24 cores is 1 core."
        )
    if is_like([value * 1000 for value in exact]):
        raise Wrong(
            "A thousand times too many: `ms_a_query` is in milliseconds, and a core has 1,000 of them a second."
        )
    if is_like([value / case[1] for value, case in zip(exact, cases, strict=True)]):
        raise Wrong("This is what one vector costs. Each user asks K times.")
    if is_like([value * case[3] for value, case in zip(exact, cases, strict=True)]):
        raise Wrong("These cores would be busy all the time. Divide by the fraction of the time that they may be busy.")
    if is_like([value * case[3] ** 2 for value, case in zip(exact, cases, strict=True)]):
        raise Wrong("Multiplied by `busy`, fewer cores are needed when they may do less. Divide by it.")
    if is_like([1 / value for value in exact]):
        raise Wrong("This is how many such loads one core could bear; turn the fraction round.")
    raise Wrong(f"For {cases[1]}: {exact[1]:g} cores, so {expected[1]}; yours is {found[1]:g}.")


WHY_NOT = {
    "A": "A fits both budgets and gains nothing. There is a design that fits, too, and whose interval lies above 0.",
    "B": "B keeps 10⁸ · 4 · 64 · 4 bytes = 102.4 GB, and asks for 96 cores: neither budget allows it.",
    "C": "C fits, and needs the fewest cores of the searching ones. But its interval holds 0: what IVF misses with 16 "
    "probes may be the whole gain.",
    "E": "E is the cheapest: 20 GB and no search. But its interval holds 0: it may gain nothing, and you have room for "
    "a design that does gain.",
    "F": "F gains the most and needs 21 cores, but keeps 10⁸ · 8 · 64 · 2 bytes = 102.4 GB, more than 60.",
}


@exercise
def design(answer):
    if not isinstance(answer, str):
        raise Wrong(f"Give a letter, such as 'A'; yours is {answer!r}.")
    letter = answer.strip().upper()[:1]
    if letter in WHY_NOT:
        raise Wrong(WHY_NOT[letter])
    if letter != "D":
        raise Wrong(f"There is no design {answer!r}; give a letter from A to F.")
    return "51.2 GB, 11 cores, and the whole interval above 0."
