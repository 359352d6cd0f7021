"""Helpers for the checks of exercises.

A check is a function of the student's answer that raises `Wrong` with a message that teaches:

    @exercise
    def weight(answer):
        if answer(1.0, 2.0) > answer(1.0, 1.0):
            raise Wrong("A tower that is farther from the target answers for less of it: should the weight grow?")
        return "The nearer tower answers for more."

In a lesson, `checks.weight(weight)` prints one line and lets the notebook go on. Where MTMI_GRADING is 1 in the
environment, a failed check raises instead.
"""

import functools
import os
from collections.abc import Callable
from typing import Any

NOT_WRITTEN = "Not written yet: put your code where `...` stands, run the cell again, then this one."


class Wrong(Exception):
    """The answer is not right; the message says what to think about."""


def exercise(check: Callable[..., str | None]) -> Callable[..., None]:
    """Make a check print its verdict. What the check returns, if anything, is said of a right answer."""

    @functools.wraps(check)
    def verdict(answer: Any, *more: Any) -> None:
        try:
            praise = check(_written(answer), *more)
        except Wrong as wrong:
            message = str(wrong)
        except Exception as error:  # the answer is the student's code: whatever it raises is an answer, too
            message = f"Your code stopped with {type(error).__name__}: {error}"
        else:
            print(f"✓ {praise or 'Right.'}")
            return
        if os.environ.get("MTMI_GRADING") == "1":
            raise Wrong(message)
        print(f"✗ {message}")

    verdict.is_exercise = True  # type: ignore[attr-defined]
    return verdict


def _written(answer: Any) -> Any:
    """The answer, or a function that answers; a stub, which gives nothing, is turned away."""
    if answer is None or answer is ...:
        raise Wrong(NOT_WRITTEN)
    if not callable(answer):
        return answer

    @functools.wraps(answer)
    def call(*values: Any, **named: Any) -> Any:
        return _written(answer(*values, **named))

    return call
