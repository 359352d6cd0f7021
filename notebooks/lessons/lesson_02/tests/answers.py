"""Lesson 02: bands, and answers to its exercises. See common/tests/test_lessons.py."""

import numpy as np
import torch

from lessons.lesson_02.pictures import kept_by_the_mean, one_vector

BANDS = {
    "recall_50": (0.215, 0.29, "training or metric broke: untrained about 0.05, Most Popular 0.12, no mask 0.18"),
    "recall_50_over_popular": (0.09, 0.18, "the model hardly beats the best-sellers: popular negatives lead by 0.07"),
    "recall_50_over_ease": (-0.09, 0.0, "EASE is no longer the highest floor: over Most Popular the tower has 0.12"),
    "touched": (0.3, 0.45, "a step teaches other rows than it looked up: a dense gradient touches all, 1.0"),
    "newest_weight": (0.25, 0.48, "the tower does not look at the newest purchase: untrained all slots have 0.05"),
    "apart": (0.0, 1e-3, "the loop by hand is not the library's: with the target left among the negatives 0.005"),
    "first_loss": (5.1, 5.7, "the first loss is not that of random vectors: with equal scores it is 4.80"),
    "buyers_in_common": (0.2, 0.32, "trained neighbours are not kin: untrained ones share 0.03"),
    "buyers_in_common_untrained": (0.015, 0.07, "the untrained vectors are not untrained: trained ones share 0.25"),
    "popular_negatives": (-0.075, -0.025, "the negatives are not drawn by popularity: drawn alike they lose 0"),
    "corrected": (-0.025, 0.03, "the correction is off: without it -0.048, with its sign turned -0.093"),
    "scarce": (0.3, 0.55, "not the scarce world: with d = 64 it is 0.78"),
    "roomy": (0.65, 0.9, "not the roomy world, or trained too little: with d = 16 it is 0.40"),
    "control": (0.85, 1.0, "the control does not hold: with 4 interests a customer 0.40"),
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


def with_weights(weights_of):
    def answer(embedded, mask, projection, bias):
        weights = weights_of(embedded.flatten(1) @ projection + bias, mask)
        return weights, (weights[:, :, None] * embedded).sum(dim=1)

    return answer


def with_vectors(vectors):
    def answer(embedded, mask, projection, bias):
        weights, _ = fuse(embedded, mask, projection, bias)
        return weights, vectors(weights, embedded, mask)

    return answer


def cleared_first(embedded, mask, projection, bias):
    """The padded rows set to zero before the history is laid end to end."""
    return fuse(embedded.masked_fill(~mask[:, :, None], 0), mask, projection, bias)


def renormalised(scores, mask):
    weights = scores.softmax(dim=1) * mask
    return weights / weights.sum(dim=1, keepdim=True)


def by_exponentials(scores, mask):
    weights = scores.exp() * mask
    return weights / weights.sum(dim=1, keepdim=True)


def one_by_one(embedded, mask, projection, bias):
    """A loop over the batch, in numpy, as lists."""
    weights, vectors = [], []
    for rows, real in zip(embedded.numpy(), mask.numpy(), strict=True):
        scores = rows.ravel() @ projection.numpy() + bias.numpy()
        parts = np.where(real, np.exp(scores - scores[real].max(), where=real, out=np.zeros_like(scores)), 0)
        weights.append((parts / parts.sum()).tolist())
        vectors.append(np.array(weights[-1]) @ rows)
    return [weights, np.array(vectors)]


def moved_up(embedded, mask, projection, bias):
    """The padding dropped first, so that the purchases no longer stand in their slots."""
    weights = torch.zeros(mask.shape)
    for index, (rows, real) in enumerate(zip(embedded, mask, strict=True)):
        moved = torch.cat([rows[real], rows[~real] * 0])
        scores = (moved.flatten() @ projection + bias)[: int(real.sum())]
        weights[index, real] = scores.softmax(dim=0)
    return weights, (weights[:, :, None] * embedded).sum(dim=1)


def for_two_histories(embedded, mask, projection, bias):
    """Right for the first example, and its sizes alone."""
    weights, _ = fuse(embedded, mask, projection, bias)
    return weights, torch.stack(
        [(weights[0, :, None] * embedded[0]).sum(0), (weights[-1, :, None] * embedded[-1]).sum(0)]
    )


def reading_the_noise(embedded, mask, projection, bias):
    """The sum with the mask left out of it, which shows where a padded slot holds something."""
    weights, vectors = fuse(embedded, mask, projection, bias)
    return weights, vectors + (embedded * ~mask[:, :, None]).sum(dim=1)


RIGHT = {
    "masked_mean": masked_mean,
    "fuse": fuse,
    "dims": {2: 32, 4: 64, 8: 128},
    "apart": {5: 80, 10: 120, 20: None},
}
ALSO_RIGHT = {
    "masked_mean": [
        lambda embedded, mask: (embedded * mask[:, None]).sum(dim=0) / mask.sum(),
        lambda embedded, mask: (mask.float() / mask.sum()) @ embedded,
        lambda embedded, mask: embedded[mask].numpy().mean(axis=0),
        lambda embedded, mask: tuple(embedded[mask].mean(dim=0).tolist()),
    ],
    "fuse": [
        cleared_first,
        one_by_one,
        with_weights(renormalised),
        with_weights(by_exponentials),
        with_weights(lambda scores, mask: torch.where(mask, scores, -torch.inf).softmax(dim=-1)),
        with_vectors(lambda weights, e, mask: torch.einsum("bs,bsd->bd", weights, e)),
        with_vectors(lambda weights, e, mask: (weights[:, None] @ e)[:, 0]),
    ],
    "dims": [
        [32, 64, 128],
        {2: np.int64(32), 4: 64.0, 8: 128},
        {"2": 32, "4": 64, "8": 128},
        [(2, 32), (4, 64), (8, 128)],
    ],
    "apart": [{5: 80.0, 10: np.int64(120), 20: "never"}, (80, 120, None)],
}
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
        "the wrong axis": (lambda embedded, mask: embedded[mask].mean(dim=1), "should have the shape [2]; it has [3]"),
        "an axis that is not there": (
            lambda embedded, mask: embedded[mask].mean(dim=2),
            "check the shape and the axis",
        ),
        "one number": (lambda embedded, mask: embedded[mask].mean(), "should have the shape [2]"),
        "the last three": (lambda embedded, mask: embedded[-3:].mean(dim=0), "for any mask"),
        "all but the first": (lambda embedded, mask: embedded[1:].mean(dim=0), "for any mask"),
        "divided by three": (lambda embedded, mask: embedded[mask].sum(dim=0) / 3, "for any mask"),
        "rows of zeros left out": (
            lambda embedded, mask: embedded[mask & (embedded[:, 0] > 0)].mean(dim=0),
            "for any mask",
        ),
    },
    "fuse": {
        "a stub": (lambda *given: None, "Not written yet"),
        "over the customers": (lambda *given: fuse(*given, dim=0, fill=-1e9), "compares customers"),
        "over the customers, no mask": (
            lambda e, m, p, b: fuse(e, torch.ones_like(m), p, b, dim=0),
            "compares customers",
        ),
        "no mask": (lambda e, m, p, b: fuse(e, torch.ones_like(m), p, b), "it must be 0"),
        "scores filled with 0": (lambda *given: fuse(*given, fill=0.0), "A score of 0 or"),
        "scores filled with -10": (lambda *given: fuse(*given, fill=-10.0), "e-06; it must be 0"),
        "a large finite number": (lambda *given: fuse(*given, fill=-1e9), "only usually the smallest"),
        "a very large finite number": (lambda *given: fuse(*given, fill=-1e30), "only usually the smallest"),
        "the mask upside down": (lambda e, m, p, b: fuse(e, ~m | m.all(1, True), p, b), "True in the mask means"),
        "the mask times infinity": (
            with_weights(lambda scores, mask: (scores + ~mask * -torch.inf).softmax(dim=1)),
            "There is a NaN",
        ),
        "the mask after the softmax": (lambda *given: fuse(*given, after=True), "mask first"),
        "a sigmoid": (with_weights(lambda scores, mask: scores.sigmoid() * mask), "That is a sigmoid"),
        "exponentials, not divided": (with_weights(lambda scores, mask: scores.exp() * mask), "must sum to 1"),
        "the highest score alone": (
            with_weights(
                lambda scores, mask: torch.nn.functional.one_hot(
                    scores.masked_fill(~mask, -torch.inf).argmax(dim=1), mask.shape[1]
                )
            ),
            "that is a maximum",
        ),
        "no bias": (lambda e, m, p, b: fuse(e, m, p, 0 * b), "bias is missing"),
        "laid out the other way": (
            lambda *given: fuse(*given, flat=lambda e: e.transpose(1, 2).flatten(1)),
            "product by product",
        ),
        "the padding dropped first": (moved_up, "the purchases move up"),
        "the mean": (with_weights(lambda scores, mask: mask / mask.sum(dim=1, keepdim=True)), "all alike"),
        "the mean of the weighted rows": (
            with_vectors(lambda weights, e, mask: (weights[:, :, None] * e).mean(dim=1)),
            "not the mean",
        ),
        "the rows without their weights": (
            with_vectors(lambda weights, e, mask: e.sum(dim=1)),
            "the sum without the weights",
        ),
        "the vectors first": (lambda *given: fuse(*given)[::-1], "You return the vectors first"),
        "the vectors alone": (lambda *given: fuse(*given)[1], "Return two tensors"),
        "a shape of its own": (lambda *given: (fuse(*given)[0].T, fuse(*given)[1]), "should have the shape [2, 3]"),
        "right for one size": (for_two_histories, "For 1 histories of"),
        "what a padded slot holds is added": (reading_the_noise, "whatever a padded slot holds"),
        "an axis that is not there": (lambda *given: fuse(*given, dim=2), "check the shape and the axis"),
    },
    "dims": {
        "a stub": (None, "Not written yet"),
        "half a stub": ({2: 32, 4: ..., 8: 128}, "Not written yet"),
        "too few": ({2: 16, 4: 16, 8: 16}, "Go up"),
        "far too many": ({2: 256, 4: 256, 8: 256}, "go down"),
        "the same for all": ({2: 32, 4: 32, 8: 32}, "4 interests you give d = 32; it keeps 72%"),
        "the last one that is not enough": ({2: 16, 4: 32, 8: 64}, "it keeps 81%"),
        "not in the list": ({2: 30, 4: 60, 8: 120}, "should be one of"),
        "what is kept": ({2: 0.999, 4: 0.949, 8: 0.935}, "should be one of"),
        "other interests": ({1: 4, 2: 32, 4: 64}, "yours has [1, 2, 4]"),
        "one number": (64, "Give a dictionary"),
    },
    "apart": {
        "a stub": (None, "Not written yet"),
        "never": ({5: None, 10: None, 20: None}, "a list of 5 is None, but"),
        "too few": ({5: 60, 10: 120, 20: None}, "there the vector still serves 10%"),
        "not the smallest": ({5: 90, 10: 120, 20: None}, "already at fewer degrees"),
        "the same for all": ({5: 80, 10: 80, 20: 80}, "still serves 40%"),
        "the end of the slider": ({5: 80, 10: 120, 20: 180}, "does it ever come to 0%"),
        "read at serving": ("never", "Give a dictionary"),
        "between two steps": ({5: 75, 10: 115, 20: None}, "should be one of"),
    },
}
MORE = {"dims": (kept_by_the_mean,), "apart": (one_vector,)}
