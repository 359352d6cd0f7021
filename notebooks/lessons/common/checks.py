"""Helpers for the checks of exercises.

A check is a function of the student's answer that raises `Wrong` with a message that teaches:

    @exercise
    def weight(answer):
        if answer(1.0, 2.0) > answer(1.0, 1.0):
            raise Wrong("A tower that is farther from the target answers for less of it: should the weight grow?")
        return "The nearer tower answers for more."

In a lesson, `checks.weight(weight)` prints one line and lets the notebook go on; `checks.weight.passed` then says
whether the answer was right, so that the lesson can use the student's own function. Where MTMI_GRADING is 1 in the
environment, a failed check raises instead. A call of a student's function ends after a few seconds, whatever it does.
"""

import _thread
import contextlib
import functools
import io
import linecache
import math
import os
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch

NOT_WRITTEN = "Not written yet: put your code where `...` stands, run the cell again, then this one."
SECONDS = 5.0
"""So long may one call of a student's function take; a right answer needs milliseconds."""

LIKELY = {
    IndexError: "it asks for a place that is not there: count from 0, and check the shape and the axis",
    KeyError: "the dictionary has no such key: look before you read, or use .get",
    NameError: "this name is not defined inside the function: a typing error, or a line left out",
    ZeroDivisionError: "a value can be 0 that should not be",
    AttributeError: "this kind of object has no such method: numpy's and torch's names differ",
    TypeError: "an argument is of another kind, or one is missing",
    ValueError: "a value or a shape does not fit",
    RecursionError: "the function calls itself and never stops",
    RuntimeError: "the shapes may not fit: print them",
    AssertionError: "an assert of yours does not hold",
}
"""What usually lies behind an error, in words."""


class Wrong(Exception):
    """The answer is not right; the message says what to think about."""


class Stopped(Wrong):
    """The student's function raised an error, which is kept in `error` for a check that knows better why."""

    def __init__(self, error: Exception) -> None:
        super().__init__(_explain(error))
        self.error = error


def exercise(check: Callable[..., str | None]) -> Callable[..., None]:
    """Make a check print its verdict. What the check returns, if anything, is said of a right answer."""

    @functools.wraps(check)
    def verdict(answer: Any, *more: Any) -> None:
        verdict.passed = False  # type: ignore[attr-defined]
        try:
            praise = check(_written(answer), *more)
        except Wrong as wrong:
            message = str(wrong)
        except Exception as error:  # an answer of a kind that the check cannot read
            message = f"This answer cannot be read ({type(error).__name__}: {error}). Does it have the form asked for?"
        else:
            verdict.passed = True  # type: ignore[attr-defined]
            print(f"✓ {praise or 'Right.'}")
            return
        if os.environ.get("MTMI_GRADING") == "1":
            raise Wrong(message)
        print(f"✗ {message}")

    verdict.is_exercise, verdict.passed = True, False  # type: ignore[attr-defined]
    return verdict


def _written(answer: Any) -> Any:
    """The answer, or a function that answers within `SECONDS`; a stub, which gives nothing, is turned away."""
    if answer is None or answer is ...:
        raise Wrong(NOT_WRITTEN)
    if not callable(answer):
        return answer

    @functools.wraps(answer)
    def call(*values: Any, **named: Any) -> Any:
        printed = io.StringIO()
        try:
            with _time_limit(), contextlib.redirect_stdout(printed):
                found = answer(*values, **named)
        except Wrong:
            raise
        except Exception as error:
            raise Stopped(error) from error
        if found is None and printed.getvalue().strip():
            raise Wrong(f"Your function prints {_short(printed.getvalue().strip())}; it should return it.")
        return _written(found)

    return call


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    """Stop what runs in the main thread after `SECONDS`, by the same signal as the notebook's Stop button."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    running, lock = [True], threading.Lock()

    def stop() -> None:
        with lock:
            if running:
                running.clear()
                _thread.interrupt_main()

    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:  # as in a process that a shell has put into the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(SECONDS, stop)
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if running:  # the student's own Stop
            raise
        raise Wrong(
            f"Your function was still running after {SECONDS:g} seconds. Is there a loop that never ends, because "
            "what it waits for cannot come?"
        ) from None
    finally:
        timer.cancel()
        with lock:
            running.clear()
        if before is signal.SIG_IGN:
            signal.signal(signal.SIGINT, before)


def _explain(error: Exception) -> str:
    """Where a student's function stopped, and what usually lies behind that."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is this file's
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    line = linecache.getline(own[-1].filename, own[-1].lineno or 0).strip() if own else ""
    where = f", at `{line}`" if line else ""
    likely = next((words for kind, words in LIKELY.items() if isinstance(error, kind)), "")
    said = str(error).split("\n")[0] or "no message"
    return f"Your code stopped with {type(error).__name__}: {said}{where}." + (f" Usually {likely}." if likely else "")


def _short(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[: most - 1] + "…")


# ---- kinds of answers, generous about form


def boolean(answer: Any) -> bool:
    """True or False, from Python, numpy or torch.

    Raises:
        Wrong: if it is something else.
    """
    found = np.asarray(plain(answer))
    if found.dtype == bool and found.size == 1:
        return bool(found.item())
    raise Wrong(f"Return True or False; your function gave {_short(str(answer))}.")


def number(answer: Any, what: str = "Your answer") -> float:
    """A number, from Python, numpy or torch.

    Raises:
        Wrong: if it is something else, or not finite.
    """
    if isinstance(answer, bool | np.bool_ | str) or np.ndim(plain(answer)) != 0:
        raise Wrong(f"{what} should be one number; it is {_short(str(answer))}.")
    try:
        value = float(answer)
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be one number; it is {_short(str(answer))}.") from None
    if not math.isfinite(value):
        raise Wrong(f"{what} is {value}, which is no number to go on with.")
    return value


def numbers(answer: Any, shape: Sequence[int], what: str = "Your answer") -> np.ndarray:
    """Numbers of a shape: a list, a tuple, an array or a tensor.

    Raises:
        Wrong: if they are something else, or of another shape.
    """
    try:
        values = np.asarray(plain(answer), dtype=float)
    except (TypeError, ValueError):
        raise Wrong(f"{what} should be numbers of shape {list(shape)}; it is {_short(str(answer))}.") from None
    if values.shape != tuple(shape):
        raise Wrong(f"{what} should have the shape {list(shape)}; it has {list(values.shape)}.")
    return values


def choice(answer: Any, allowed: Sequence[Any], what: str = "Your answer") -> Any:
    """One of the values that are allowed; case and spaces around a text do not matter.

    Raises:
        Wrong: naming what is allowed.
    """

    def same(value: Any) -> Any:
        return value.strip().casefold() if isinstance(value, str) else value

    for value in allowed:
        if isinstance(answer, str | int | float | np.generic) and same(answer) == same(value):
            return value
    shown = ", ".join(repr(value) for value in allowed)
    raise Wrong(f"{what} should be one of {shown}; it is {_short(str(answer))}.")


def plain(answer: Any) -> Any:
    """Tensors and arrays as nested lists and tuples as lists, so that equal answers compare equal."""
    if isinstance(answer, torch.Tensor):
        return answer.detach().cpu().tolist()
    if isinstance(answer, np.ndarray | np.generic):
        return answer.tolist()
    if isinstance(answer, list | tuple):
        return [plain(one) for one in answer]
    return answer
