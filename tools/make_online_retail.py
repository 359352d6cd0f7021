"""Make mtmi_lite/data/online_retail.npz from the tab-separated purchases and product names.

Usage: python tools/make_online_retail.py online-retail.inter online-retail.item mtmi_lite/data/online_retail.npz

The same input gives the same bytes (with the same version of zlib). The last line printed is the SHA-256 that belongs
in mtmi_lite/data/datasets.py and mtmi_lite/data/ONLINE_RETAIL.md.
"""

import argparse
import csv
import hashlib
from collections import Counter
from pathlib import Path

import numpy as np

from mtmi_lite.files import save_arrays
from mtmi_lite.interactions import Interactions, from_columns


def read_columns(path: Path) -> list[tuple[str, ...]]:
    """The columns of a tab-separated file, without its header."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(rows)
        return list(zip(*rows, strict=True))


def readable_names(codes: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str]:
    """Product names in sentence case; a name that several products share is followed by the stock code."""
    products = Counter(name.capitalize() for name in names)
    return {
        code: name.capitalize() if products[name.capitalize()] == 1 else f"{name.capitalize()} ({code})"
        for code, name in zip(codes, names, strict=True)
    }


def encode(log: Interactions) -> dict[str, np.ndarray]:
    """The log as small integers: a customer has visits, a visit has one time and some items."""
    new_visit = np.ones(len(log), dtype=bool)
    new_visit[1:] = np.diff(log.times) != 0
    new_visit[log.offsets[:-1]] = True
    starts = np.flatnonzero(new_visit)
    return {
        "customers": log.user_labels.astype(np.uint16),
        "visits_of_customer": np.bincount(log.users[starts]).astype(np.uint16),
        "minute_of_visit": (log.times[starts] // 60).astype(np.uint32),  # Unix time in minutes
        "items_of_visit": np.diff(starts, append=len(log)).astype(np.uint16),
        "items": log.items.astype(np.uint16),
        "names": log.item_names,
    }


def decode(arrays: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Customer, time and item of each purchase: what `encode` must not lose."""
    customer_of_visit = np.repeat(arrays["customers"].astype(np.int64), arrays["visits_of_customer"])
    customers = np.repeat(customer_of_visit, arrays["items_of_visit"])
    times = np.repeat(arrays["minute_of_visit"].astype(np.int64) * 60, arrays["items_of_visit"])
    return customers, times, arrays["items"].astype(np.int64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("purchases", type=Path, help="customer, stock code and Unix time of each purchase (.inter)")
    parser.add_argument("products", type=Path, help="stock code and name of each product (.item)")
    parser.add_argument("out", type=Path, help="the .npz to write")
    args = parser.parse_args()

    customers, codes, seconds = read_columns(args.purchases)
    log = from_columns(
        users=np.array(customers, dtype=np.int64),
        items=np.array(codes),
        times=np.array(seconds, dtype=np.int64),
        item_names=readable_names(*read_columns(args.products)),
    )
    arrays = encode(log)
    # a number too large for its small type, or a time that is no whole minute, would be changed without a word
    for found, expected in zip(decode(arrays), (log.user_labels[log.users], log.times, log.items), strict=True):
        if not np.array_equal(found, expected):
            raise ValueError(f"{args.purchases.name}: does not fit the compact arrays; widen the types in encode()")

    save_arrays(args.out, arrays, compressed=True)
    print(f"{len(log):,} purchases, {log.num_users:,} customers, {log.num_items:,} products")
    print(f"{args.out.name}: {args.out.stat().st_size:,} bytes")
    print(f"SHA-256 {hashlib.sha256(args.out.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
