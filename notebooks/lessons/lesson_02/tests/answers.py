"""Lesson 02: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import torch

from lessons.lesson_02.pictures import kept_by_the_mean

BANDS = {
    "recall_50": (0.215, 0.29, "training or metric broke: untrained about 0.05, Most Popular 0.12, no mask 0.18"),
    "recall_50_over_popular": (0.09, 0.18, "the model hardly beats the best-sellers: popular negatives lead by 0.07"),
    "touched": (0.3, 0.45, "a step teaches other rows than it looked up: a dense gradient touches all, 1.0"),
    "apart": (0.0, 1e-3, "the loop by hand is not the library's: with the target left among the negatives 0.005"),
    "buyers_in_common": (0.2, 0.32, "trained neighbours are not kin: untrained ones share 0.03"),
    "buyers_in_common_untrained": (0.015, 0.07, "the untrained vectors are not untrained: trained ones share 0.25"),
    "popular_negatives": (-0.075, -0.025, "the negatives are not drawn by popularity: drawn alike they lose 0"),
    "corrected": (-0.025, 0.03, "the correction is off: without it -0.048, with its sign turned -0.093"),
    "scarce": (0.14, 0.32, "not the scarce world: untrained 0.06, with d = 64 it is 0.65"),
    "roomy": (0.75, 1.0, "not the roomy world, or trained too little: after 100 steps 0.61"),
    "control": (0.85, 1.0, "the control does not hold: with 4 interests a customer 0.23, after 100 steps 0.26"),
    "padding_votes": (-0.5, -0.12, "forgetting the mask costs nothing: the model no longer reads it, 0"),
}


def masked_mean(embedded, mask):
    return embedded[mask].mean(dim=0)


def fuse(embedded, mask, projection, bias, *, flat=lambda e: e.flatten(1), dim=1, fill=-torch.inf, after=False):
    """The solution of exercise 2, with places to go wrong."""
    scores = flat(embedded) @ projection + bias
    weights = (scores if after else scores.masked_fill(~mask, fill)).softmax(dim=dim)
    weights = weights * mask if after else weights
    return weights, (weights[:, :, None] * embedded).sum(dim=1)


def with_vectors(vectors):
    def answer(embedded, mask, projection, bias):
        weights, _ = fuse(embedded, mask, projection, bias)
        return weights, vectors(weights, embedded)

    return answer


def all_alike(embedded, mask, projection, bias):
    weights = mask / mask.sum(dim=1, keepdim=True)
    return weights, (weights[:, :, None] * embedded).sum(dim=1)


RIGHT = {"masked_mean": masked_mean, "fuse": fuse, "dims": {2: 32, 4: 64, 8: 128}}
WRONG = {
    "masked_mean": {
        "a stub": (lambda embedded, mask: ..., "Not written yet"),
        "padding votes": (lambda embedded, mask: embedded.mean(dim=0), "the padded row is in it"),
        "divided by all slots": (
            lambda embedded, mask: (embedded * mask[:, None]).mean(dim=0),
            "still counts in the division",
        ),
        "the sum": (lambda embedded, mask: embedded[mask].sum(dim=0), "that is the sum"),
        "the mask upside down": (lambda embedded, mask: embedded[~mask].mean(dim=0), "True in the mask means"),
        "the newest left out": (
            lambda embedded, mask: embedded[mask][:-1].mean(dim=0),
            "the newest product is missing",
        ),
        "the wrong axis": (lambda embedded, mask: embedded[mask].mean(dim=1), "From [4, 2] to [2]"),
        "one number": (lambda embedded, mask: embedded[mask].mean(), "From [4, 2] to [2]"),
        "the last three": (lambda embedded, mask: embedded[-3:].mean(dim=0), "for any mask"),
    },
    "fuse": {
        "a stub": (lambda *given: None, "Not written yet"),
        "over the customers": (lambda *given: fuse(*given, dim=0, fill=-1e9), "compares customers"),
        "over the customers, no mask": (
            lambda e, m, p, b: fuse(e, torch.ones_like(m), p, b, dim=0),
            "compares customers",
        ),
        "no mask": (lambda e, m, p, b: fuse(e, torch.ones_like(m), p, b), "it must be 0"),
        "scores filled with 0": (lambda *given: fuse(*given, fill=0.0), "a score of 0 does not"),
        "the mask after the softmax": (lambda *given: fuse(*given, after=True), "mask first"),
        "no bias": (lambda e, m, p, b: fuse(e, m, p, torch.zeros(3)), "bias is missing"),
        "laid out the other way": (
            lambda *given: fuse(*given, flat=lambda e: e.transpose(1, 2).flatten(1)),
            "product by product",
        ),
        "the mean": (all_alike, "all alike"),
        "the mean of the weighted rows": (
            with_vectors(lambda weights, e: (weights[:, :, None] * e).mean(dim=1)),
            "not the mean",
        ),
        "the vectors alone": (lambda *given: fuse(*given)[1][0, 0], "Return two tensors"),
    },
    "dims": {
        "a stub": (None, "Not written yet"),
        "too few": ({2: 16, 4: 16, 8: 16}, "Go up"),
        "far too many": ({2: 256, 4: 256, 8: 256}, "Go down"),
        "the same for all": ({2: 32, 4: 32, 8: 32}, "Go up"),
        "not in the list": ({2: 30, 4: 60, 8: 120}, "choose one of"),
        "a list": ([32, 64, 128], "Give a dictionary"),
    },
}
MORE = {"dims": (kept_by_the_mean,)}
