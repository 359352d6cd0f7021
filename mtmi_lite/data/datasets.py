"""Where logs come from: one that ships with the package, one that is planted, and the four of the paper's Table 2.

`python -m mtmi_lite.data.datasets`, which is `make data`, fetches MovieLens-100k and says what there is.
"""

import hashlib
import io
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64, Int64, Shaped

from mtmi_lite.data.readers import read_interactions
from mtmi_lite.files import whole_file
from mtmi_lite.interactions import FIRST_TARGET, Interactions, describe, filter_items_first, from_columns

Array = np.ndarray
ONLINE_RETAIL = Path(__file__).with_name("online_retail.npz")
ONLINE_RETAIL_SHA256 = "339af34b1cfae908d83f454731ff4e92656f44e615aa5aceae8003a02ceb210e"
REINSTALL = "reinstall mtmi-lite, or run `git checkout -- mtmi_lite/data` in its repository"
DATA = Path(__file__).parents[2] / "data"
"""The folder for logs that may not be redistributed; git ignores it."""
MOVIELENS_LICENCE = (
    "MovieLens-100k is for research: acknowledge its use, do not redistribute it, and make no money with it unless "
    "permitted. Its terms: https://files.grouplens.org/datasets/movielens/ml-100k-README.txt. Cite: F. M. Harper and "
    "J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4), 2015, doi:10.1145/2827872."
)


GROUPLENS, GROUPLENS_SHA256 = "ml-100k.zip", "50d2a982c66986937beb9ffb3aa76efe955bf3d5c6b761f4e3a7cd717c6a3229"
GROUPLENS_URL = f"https://files.grouplens.org/datasets/movielens/{GROUPLENS}"
RECBOLE, RECBOLE_SHA256 = (
    "recbole-1.2.1-py3-none-any.whl",
    "9c9948202011f37eb0a7c6768129313f00d6403ad221ec940d5e2d5d5f33a407",
)
GENRES = (
    "unknown|Action|Adventure|Animation|Children's|Comedy|Crime|Documentary|Drama|Fantasy|Film-Noir|Horror|Musical|"
    "Mystery|Romance|Sci-Fi|Thriller|War|Western"
)
AGES = ("under 18", "18 to 24", "25 to 34", "35 to 44", "45 to 49", "50 to 55", "56 and over")
LOGS = ("online-retail", "planted", "movielens")
"""The values of a lesson's parameter `data`."""


def load_log(name: str) -> Interactions:
    """The log that a lesson's parameter `data` names, with default settings.

    Raises:
        FileNotFoundError: for "movielens" before `make data`.
        ValueError: for a name that is not one of `LOGS`.

    >>> load_log("online-retail").num_users
    4104
    """
    if name == "online-retail":
        return online_retail()
    if name == "planted":
        return planted_interests().log
    if name == "movielens":
        return movielens_100k()
    raise ValueError(f"data: {name!r} is not known; it must be one of {', '.join(map(repr, LOGS))}")


def online_retail(*, filtered: bool = True) -> Interactions:
    """Real purchases at a UK gift retailer, December 2010 to December 2011, with product names.

    One interaction for each invoice and product. Everything on one invoice has one time, in Unix seconds, and keeps
    the order of the invoice. `data/ONLINE_RETAIL.md` has the source, licence and citation.

    Args:
        filtered: keep only what passes `filter_items_first`; otherwise all 386,326 purchases.

    Raises:
        FileNotFoundError: if the file is missing.
        ValueError: if the file is cut short or changed.

    >>> log = online_retail()
    >>> log.num_users, log.num_items, len(log)
    (4104, 3181, 384757)
    >>> int(log.user_labels[0]), str(log.item_names[log.of(0)[0]])
    (12347, 'Black candelabra t-light holder')
    """
    arrays = np.load(io.BytesIO(_checked_bytes(ONLINE_RETAIL, ONLINE_RETAIL_SHA256, REINSTALL)), allow_pickle=False)
    # a customer has visits, a visit has one time and some items
    visits, visit_sizes = arrays["visits_of_customer"], arrays["items_of_visit"]
    visit_ends = np.cumsum(visit_sizes, dtype=np.int64)
    log = Interactions(
        items=arrays["items"].astype(np.int64),
        times=np.repeat(arrays["minute_of_visit"].astype(np.int64) * 60, visit_sizes),
        offsets=np.concatenate([[0], visit_ends[np.cumsum(visits, dtype=np.int64) - 1]]),
        user_labels=arrays["customers"].astype(np.int64),
        item_names=arrays["names"],
    )
    return filter_items_first(log) if filtered else log


def _checked_bytes(path: Path, expected: str, cure: str) -> bytes:
    if not path.exists():
        raise FileNotFoundError(f"{path}: the file is missing; {cure}")
    content = path.read_bytes()
    if (found := _sha256(content)) != expected:
        raise ValueError(
            f"{path}: the file was cut short or changed: its SHA-256 is {found} ({len(content):,} bytes), and it must "
            f"be {expected}; {cure}"
        )
    return content


def movielens_100k(folder: Path | str = DATA, *, filtered: bool = True) -> Interactions:
    """MovieLens-100k: ratings of films as implicit interactions, with titles, genres and who the users are.

    Filtered, it has the 943 users, 1,349 items and 99,287 interactions of Table 2. Item features are genres; user
    features are gender, occupation, and the age groups of the later MovieLens sets. 76% of the ratings share their
    second with another one of the same user; those keep the order of the file.

    Args:
        folder: where `fetch_movielens` put the archive.
        filtered: keep only what passes `filter_items_first`; otherwise all 100,000 ratings.

    Raises:
        FileNotFoundError: if it is not there; `make data` fetches it.
        ValueError: if the archive is cut short or changed.
    """
    folder = Path(folder)
    cure = f"delete it and run `make data`. {MOVIELENS_LICENCE}"
    if (folder / GROUPLENS).exists():
        archive = zipfile.ZipFile(io.BytesIO(_checked_bytes(folder / GROUPLENS, GROUPLENS_SHA256, cure)))
        ratings, films, people = (
            archive.read(f"ml-100k/u.{kind}").decode("latin-1") for kind in ("data", "item", "user")
        )
        rows = [line.split("|") for line in films.splitlines()]
        names = {film: title.removesuffix(" (V)") for film, title, *_ in rows}
        genres = {
            row[0]: [genre for genre, has in zip(GENRES.split("|"), row[5:], strict=True) if has == "1"] for row in rows
        }
        users = [line.split("|") for line in people.splitlines()]
    elif (folder / RECBOLE).exists():
        archive = zipfile.ZipFile(io.BytesIO(_checked_bytes(folder / RECBOLE, RECBOLE_SHA256, cure)))
        where = "recbole/dataset_example/ml-100k/ml-100k"
        ratings, films, people = (
            archive.read(f"{where}.{kind}").decode().partition("\n")[2] for kind in ("inter", "item", "user")
        )
        rows = [line.split("\t") for line in films.splitlines()]
        names = {film: f"{title} ({year})" if year.isdigit() else title for film, title, year, _ in rows}
        names["267"] = "unknown"  # mistyped there
        genres = {film: text.split() for film, _, _, text in rows}
        users = [line.split("\t") for line in people.splitlines()]
    else:
        raise FileNotFoundError(
            f"{folder / GROUPLENS}: MovieLens-100k is not there, and {RECBOLE} is not either; run `make data`, which "
            f"fetches one of them. {MOVIELENS_LICENCE}"
        )
    columns = np.array([line.split("\t") for line in ratings.splitlines()])
    log = from_columns(users=columns[:, 0], items=columns[:, 1], times=columns[:, 3].astype(np.int64))
    log = filter_items_first(log) if filtered else log
    about = {
        user: [f"age: {AGES[bisect([18, 25, 35, 45, 50, 56], int(age))]}", f"gender: {gender}", f"occupation: {job}"]
        for user, age, gender, job, _ in users
    }
    return describe(log, item_names=names, item_features=genres, user_features=about)


def fetch_movielens(folder: Path | str = DATA, *, say: Callable[[str], None] = lambda text: None) -> Path:
    """Fetch MovieLens-100k from GroupLens or, where that fails, in the RecBole wheel from Python's package index.

    An archive is written whole or not at all, and only with the right checksum. One that is there is not fetched
    again, unless it is damaged: then it goes.

    Args:
        say: is told the licence, before anything is fetched, and then what happens.

    Raises:
        OSError: if neither can be fetched.
    """
    say(MOVIELENS_LICENCE)
    sources = ((GROUPLENS, GROUPLENS_SHA256, _download), (RECBOLE, RECBOLE_SHA256, _download_wheel))
    for name, sha256, _ in sources:
        path = Path(folder) / name
        if path.exists() and _sha256(path.read_bytes()) == sha256:
            return path
        path.unlink(missing_ok=True)
    for name, sha256, download in sources:
        say(f"Fetching {name}.")
        try:
            content = download()
            if _sha256(content) != sha256:
                raise OSError(f"what came has the SHA-256 {_sha256(content)}, and it must be {sha256}")
        except (OSError, HTTPException, subprocess.SubprocessError) as error:
            say(f"{name} cannot be fetched: {error}.")
            continue
        with whole_file(Path(folder) / name) as file:
            file.write(content)
        return Path(folder) / name
    raise OSError(f"MovieLens-100k: cannot be fetched; try again with a network, or put {GROUPLENS_URL} into {folder}")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _download() -> bytes:
    with urllib.request.urlopen(GROUPLENS_URL, timeout=10) as answer:
        return answer.read()


def _download_wheel() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--disable-pip-version-check"]
        command = [*pip, "--dest", folder, "recbole==1.2.1"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise OSError(done.stderr.strip().rpartition("\n")[2])
        return (Path(folder) / RECBOLE).read_bytes()


def retail_rocket(path: Path | str, *, filtered: bool = True) -> Interactions:
    """Retail Rocket's `events.csv`: the views, not carts and purchases, as in the paper. Times are milliseconds.

    Table 2 has 33,708 users, 81,635 items and 356,840 interactions; the file cannot be redistributed, and we have not
    checked this against it.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`.
    """
    log = read_interactions(path, user="visitorid", item="itemid", time="timestamp", only=("event", "view"))
    return filter_items_first(log) if filtered else log


def amazon_books(
    path: Path | str, *, layout: Literal["ratings-2014", "ratings-2018", "reviews"], filtered: bool = True
) -> Interactions:
    """Amazon Books, ratings or reviews. Table 2 has 603,668 users, 367,982 items and 8,898,041 interactions.

    The two editions of the ratings have no header and other orders of columns, which the file does not tell. We have
    not checked the counts against the files, which cannot be redistributed.

    Args:
        layout: "ratings-2014" is `ratings_Books.csv`, lines of user, item, rating, time; "ratings-2018" is `Books.csv`,
            lines of item, user, rating, time; "reviews" are JSON lines with `reviewerID`, `asin`, `unixReviewTime`.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`; also for an unknown `layout`.
    """
    if layout == "reviews":
        log = read_interactions(path, user="reviewerID", item="asin", time="unixReviewTime")
    elif layout in ("ratings-2014", "ratings-2018"):
        first = ["user_id", "item_id"] if layout == "ratings-2014" else ["item_id", "user_id"]
        log = read_interactions(path, header=[*first, "rating", "timestamp"])
    else:
        raise ValueError(f"layout: {layout!r} is not known; it must be 'ratings-2014', 'ratings-2018' or 'reviews'")
    return filter_items_first(log) if filtered else log


def gowalla(path: Path | str, *, filtered: bool = True) -> Interactions:
    """Gowalla's check-ins, SNAP's `loc-gowalla_totalCheckins.txt`, plain or gzipped; repeats kept.

    Table 2 says 976,779 users, 1,708,530 items and 85,384,110 interactions, but that is the Taobao row of ComiRec's
    paper. REMI's Gowalla has 174,605 items (5-core), or 57,445 items and 2,061,264 interactions (10-core). We have not
    checked these against the file.

    The file is newest first, so check-ins of one second are taken from the end.

    Raises:
        FileNotFoundError, ValueError: as `read_interactions`.
    """
    header = ["user_id", "timestamp", "latitude", "longitude", "item_id"]
    log = read_interactions(path, header=header, newest_first=True)
    return filter_items_first(log) if filtered else log


@dataclass(frozen=True, kw_only=True, eq=False)
class PlantedWorld:
    """A log made from known interests, and the truth it was made from.

    Args:
        log: what the users did. Its users and items are those of the other fields; a filter would renumber them.
        item_interest: the interest that each item belongs to.
        item_weight: how likely each item is within its interest.
        user_interests: the interests of each user, distinct and in rising order.
        interest_names: a name for each interest.

    >>> world = planted_interests(num_interests=3, items_per_interest=2, num_users=5, interests_per_user=2)
    >>> [str(name) for name in world.interest_names[world.user_interests[0]]]
    ['Coastal fishing', 'Alpine gardening']
    >>> world.oracle_scores(np.array([0])).tolist()  # 2 interests of 2 items: each item with probability 1/4
    [[0.0, 0.0, 0.25, 0.25, 0.25, 0.25]]
    """

    log: Interactions
    item_interest: Int64[Array, " item"]
    item_weight: Float64[Array, " item"]
    user_interests: Int64[Array, "user own"]
    interest_names: Shaped[Array, " interest"]

    def oracle_scores(self, users: Int64[Array, " case"]) -> Float64[Array, "case item"]:
        """The probability that the next interaction of each user is each item: what a model that knows all would say.

        Raises:
            ValueError: for a user that the world does not have.
        """
        num_users = len(self.user_interests)
        bad = users[(users < 0) | (users >= num_users)]
        if len(bad):
            raise ValueError(f"users: {bad[0]} is not a user of this world; ids must be 0 to {num_users - 1}")
        has = np.zeros((len(users), len(self.interest_names)), dtype=bool)
        np.put_along_axis(has, self.user_interests[users], True, axis=1)
        return has[:, self.item_interest] * self.item_weight / self.user_interests.shape[1]


def oracle_ranking(world: PlantedWorld, users: Int64[Array, " case"], n: int) -> Int64[Array, "case n"]:
    """The `n` most probable items of each user, best first, equal ones by item id: no model can expect to do better.

    Score it with the metrics that score a model, on the same cases, and it is the ceiling of that number.

    Raises:
        ValueError: if `n` is out of range, or for a user that the world does not have.

    >>> world = planted_interests(num_interests=3, items_per_interest=2, num_users=5, interests_per_user=2)
    >>> oracle_ranking(world, np.array([0]), 3).tolist()
    [[2, 3, 4]]
    """
    if not 1 <= n <= world.log.num_items:
        raise ValueError(f"n: {n} is out of range; it must be 1 to {world.log.num_items}, the number of items")
    return np.argsort(-world.oracle_scores(users), axis=1, kind="stable")[:, :n]


def planted_interests(
    *,
    num_interests: int = 200,
    items_per_interest: int = 20,
    num_users: int = 2500,
    interests_per_user: int = 4,
    min_length: int = 20,
    max_length: int = 49,
    interest_skew: float = 0.0,
    item_skew: float = 0.0,
    seed: int = 0,
) -> PlantedWorld:
    """A world in which "did the towers find the interests?" has a true answer.

    Each user has `interests_per_user` distinct interests. Each interaction picks one of them uniformly, then one of
    its items, with repetition. Interests share no item. Every interaction has a time of its own, in seconds.

    Args:
        min_length, max_length: the number of interactions of a user, uniform between the two.
        interest_skew, item_skew: 0 makes all interests (all items of an interest) equally likely; with s > 0 the
            r-th has a weight of 1 / r^s, and the first is the most popular.
        seed: the same settings and seed give the same world.

    Raises:
        ValueError: for a setting that is out of range.

    >>> world = planted_interests(num_users=3, min_length=5, max_length=5)
    >>> world.log.lengths.tolist(), world.log.num_items
    ([5, 5, 5], 4000)
    >>> [str(name) for name in world.log.item_names[:2]]
    ['Nordic baking: rolling pin', 'Nordic baking: whisk']
    """
    _at_least("num_interests", num_interests, 1)
    _at_least("items_per_interest", items_per_interest, 1)
    _at_least("num_users", num_users, 1)
    _at_least("interests_per_user", interests_per_user, 1)
    if interests_per_user > num_interests:
        raise ValueError(
            f"interests_per_user: {interests_per_user} is out of range; it must be 1 to {num_interests} "
            "(num_interests): lower it, or raise num_interests"
        )
    _at_least("min_length", min_length, FIRST_TARGET + 1)
    if max_length < min_length:
        raise ValueError(
            f"max_length: {max_length} is out of range; it must be at least {min_length} (min_length): "
            "raise it, or lower min_length"
        )
    _at_least("interest_skew", interest_skew, 0)
    _at_least("item_skew", item_skew, 0)
    _at_least("seed", seed, 0)

    rng = np.random.default_rng(seed)
    # the largest of log-weight + Gumbel noise are a draw by weight without replacement
    noisy = np.log(_popularity(num_interests, interest_skew)) + rng.gumbel(size=(num_users, num_interests))
    user_interests = np.sort(np.argsort(-noisy, axis=1)[:, :interests_per_user], axis=1)

    lengths = rng.integers(min_length, max_length + 1, size=num_users)
    user = np.repeat(np.arange(num_users), lengths)
    interest = user_interests[user, rng.integers(interests_per_user, size=len(user))]
    item_popularity = _popularity(items_per_interest, item_skew)
    item = interest * items_per_interest + rng.choice(items_per_interest, size=len(user), p=item_popularity)

    offsets = np.concatenate([[0], np.cumsum(lengths)])
    steps = 60 + rng.exponential(3 * 24 * 3600, size=len(user)).astype(np.int64)  # one every three days or so
    steps[offsets[:-1]] += FIRST_DAY + rng.integers(90 * 24 * 3600, size=num_users)
    elapsed = np.cumsum(steps)
    times = elapsed - np.repeat(elapsed[offsets[:-1]] - steps[offsets[:-1]], lengths)

    interest_names, item_names = _names(num_interests, items_per_interest)
    return PlantedWorld(
        log=Interactions(
            items=item, times=times, offsets=offsets, user_labels=np.arange(num_users), item_names=item_names
        ),
        item_interest=np.repeat(np.arange(num_interests), items_per_interest),
        item_weight=np.tile(item_popularity, num_interests),
        user_interests=user_interests,
        interest_names=interest_names,
    )


def _at_least(field: str, value: int | float, least: int) -> None:
    if not least <= value < float("inf"):  # also refuses NaN
        raise ValueError(
            f"{field}: {value} is out of range; it must be at least {least} and finite; give {field} such a value"
        )


def _popularity(num: int, skew: float) -> Float64[Array, " num"]:
    weights = np.arange(1, num + 1, dtype=np.float64) ** -skew
    return weights / weights.sum()


FIRST_DAY = 1_704_067_200
"""2024-01-01 in Unix seconds; the planted users arrive in the three months after it."""

_STYLES = [
    *("Nordic", "Coastal", "Alpine", "Tuscan", "Celtic", "Baltic", "Andean", "Persian", "Japanese", "Moroccan"),
    *("Indian", "Korean", "Mexican", "Catalan", "Turkish", "Creole", "Rustic", "Vintage", "Modern", "Miniature"),
]
_HOBBIES = {
    "baking": "rolling pin, whisk, cake tin, flour sieve, pastry brush, mixing bowl, muffin tray, oven glove, scales, "
    "piping bag, dough scraper, cooling rack, loaf tin, cookie cutter, spatula, apron, timer, sugar, yeast, cookbook",
    "fishing": "rod, reel, line, hook, float, net, lure, waders, tackle box, bait, sinker, stool, hat, knife, pliers, "
    "rod rest, bite alarm, keepnet, gloves, map",
    "gardening": "spade, trowel, rake, watering can, gloves, seeds, bulbs, plant pot, compost, hose, shears, trellis, "
    "twine, kneeler, bird feeder, lantern, bench, wheelbarrow, labels, almanac",
    "knitting": "needles, wool, pattern, stitch marker, row counter, crochet hook, tape measure, scissors, buttons, "
    "yarn bowl, swift, darning needle, blocking mat, cable needle, pompom maker, bag, thread, beads, mohair, magazine",
    "camping": "tent, sleeping bag, stove, lantern, mat, rucksack, water bottle, kettle, mug, hammock, rope, "
    "tarpaulin, compass, torch, cool box, folding chair, mallet, pegs, first-aid kit, guidebook",
    "painting": "easel, canvas, brush, palette, oil paints, watercolours, varnish, sketchbook, charcoal, pastels, "
    "frame, turpentine, palette knife, masking tape, gesso, sponge, apron, ink, pencils, manual",
    "pottery": "clay, wheel, kiln, glaze, wire cutter, loop tool, rib, sponge, banding wheel, slip, stamp, calipers, "
    "needle tool, mould, apron, bat, kiln shelf, engobe, extruder, handbook",
    "music": "guitar, flute, drum, violin, music stand, tuner, metronome, strings, bow, rosin, songbook, harmonica, "
    "capo, plectrum, amplifier, headphones, tambourine, keyboard, strap, record",
    "tea": "teapot, cup, saucer, strainer, kettle, caddy, infuser, tray, honey dipper, milk jug, sugar bowl, "
    "green tea, black tea, herbal tea, oolong, tea cosy, spoon, biscuit tin, cake stand, tasting book",
    "woodwork": "saw, chisel, plane, mallet, clamp, drill, sandpaper, square, marking gauge, glue, dowel, vice, "
    "workbench, screws, wood oil, rasp, spokeshave, pencil, goggles, plan",
}


def _names(num_interests: int, items_per_interest: int) -> tuple[Array, Array]:
    """Distinct names of interests and items; past the end of the lists they get a counter."""
    hobbies = list(_HOBBIES)
    interest_names, item_names = [], []
    for interest in range(num_interests):
        # a diagonal walk, so that the first few differ in style and in hobby
        again, place = divmod(interest, len(hobbies) * len(_STYLES))
        row, column = divmod(place, len(hobbies))
        style = _STYLES[(row + column) % len(_STYLES)]
        name = _numbered(f"{style} {hobbies[column]}", again)
        things = _HOBBIES[hobbies[column]].split(", ")
        interest_names.append(name)
        for item in range(items_per_interest):
            again, thing = divmod(item, len(things))
            item_names.append(_numbered(f"{name}: {things[thing]}", again))
    return np.array(interest_names), np.array(item_names)


def _numbered(name: str, again: int) -> str:
    return f"{name} {again + 1}" if again else name


def main(folder: Path | str = DATA) -> int:
    """Fetch MovieLens-100k, and print which logs there are; 1 if it could not be fetched."""
    try:
        path = fetch_movielens(folder, say=lambda text: print(text, flush=True))
        movielens = f"is in {path.name}: {_counts(movielens_100k(folder), 'users', 'films', 'ratings')}"
    except OSError as error:
        path, movielens = None, f"is not there: {error}"
    counts = _counts(online_retail(), "customers", "products", "purchases")
    print(f"online-retail  ships with the package: {counts} (licence and citation: mtmi_lite/data/ONLINE_RETAIL.md)")
    print("planted        is generated when a lesson asks for it")
    print(f"movielens      {movielens}")
    return int(path is None)


def _counts(log: Interactions, users: str, items: str, interactions: str) -> str:
    return f"{log.num_users:,} {users}, {log.num_items:,} {items}, {len(log):,} {interactions}"


if __name__ == "__main__":
    sys.exit(main())
