"""Helpers of checks: mistakes in code end in a sentence, and the same answer in another form is the same."""

import signal
import time

import numpy as np
import pytest
import torch

from lessons.common import checks
from lessons.common.checks import Wrong, exercise


@pytest.fixture
def verdict(capsys):
    """What an exercise that wants double(2) == 4 says of an answer."""

    @exercise
    def double(answer):
        if answer(2) != 4:
            raise Wrong("twice two?")

    def of(answer):
        double(answer)
        return capsys.readouterr().out.strip()

    return of


def test_a_right_answer_may_print(verdict):
    def double(x):
        print("working")
        return 2 * x

    assert verdict(double) == "✓ Right."


def test_a_check_remembers_whether_the_last_answer_was_right():
    @exercise
    def yes(answer):
        if not answer:
            raise Wrong("no")

    said = [yes.passed]
    for answer in (True, False):
        yes(answer)
        said.append(yes.passed)
    assert said == [False, True, False]


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN])
def interrupts(request):
    """What Ctrl-C does: usual, or nothing, as in a process that a shell has put into the background."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    assert signal.signal(signal.SIGINT, before) is request.param


@pytest.mark.usefixtures("interrupts")
def test_a_loop_that_never_ends_is_ended(verdict, monkeypatch):
    monkeypatch.setattr(checks, "SECONDS", 0.3)

    def double(x):
        while True:
            x += 1

    started = time.monotonic()
    assert "still running after 0.3 seconds" in verdict(double)
    assert time.monotonic() - started < 60
    time.sleep(0.5)  # nothing comes later


def test_a_student_who_presses_stop_is_not_told_of_a_loop(verdict):
    def double(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verdict(double)


def test_an_error_is_explained_with_the_line_where_it_happened(verdict):
    def double(x):
        values = [1, 2]
        return values[x]

    assert verdict(double) == (
        "✗ Your code stopped with IndexError: list index out of range, at `return values[x]`. Usually it asks for a "
        "place that is not there: count from 0, and check the shape and the axis."
    )


def test_an_error_inside_a_library_names_the_students_line(verdict):
    def double(x):
        return np.zeros(3).reshape(2)

    assert "at `return np.zeros(3).reshape(2)`" in verdict(double)


def test_printing_is_no_returning(verdict):
    assert verdict(lambda x: print(2 * x)) == "✗ Your function prints '4'; it should return it."


def test_a_stub_is_not_written_yet(verdict):
    for stub in (None, ..., lambda x: None, lambda x: ...):
        assert verdict(stub) == f"✗ {checks.NOT_WRITTEN}"


def test_an_answer_of_another_kind_has_not_the_form_asked_for(verdict):
    assert verdict(4) == (
        "✗ This answer cannot be read (TypeError: 'int' object is not callable). Does it have the form asked for?"
    )


@pytest.mark.parametrize("yes", [True, np.True_, torch.tensor(True), np.array([True])])
def test_true_is_true(yes):
    assert checks.boolean(yes) is True


@pytest.mark.parametrize("other", [1, "True", 0.0, torch.tensor([True, False])])
def test_what_is_neither_true_nor_false_is_turned_away(other):
    with pytest.raises(Wrong, match="Return True or False"):
        checks.boolean(other)


@pytest.mark.parametrize("half", [0.5, np.float32(0.5), torch.tensor(0.5), np.array(0.5)])
def test_a_number_is_a_number(half):
    assert checks.number(half) == 0.5


@pytest.mark.parametrize("other", ["0.5", True, [0.5], float("nan"), None])
def test_what_is_no_number_is_turned_away(other):
    with pytest.raises(Wrong):
        checks.number(other)


@pytest.mark.parametrize("pair", [[1, 2], (1, 2), np.array([1, 2]), torch.tensor([1.0, 2.0])])
def test_numbers_come_as_any_sequence(pair):
    assert checks.numbers(pair, [2]).tolist() == [1, 2]


@pytest.mark.parametrize("other", [[1], [[1, 2]], "12", [1, "a"], None])
def test_numbers_of_another_shape_are_turned_away(other):
    with pytest.raises(Wrong, match="shape"):
        checks.numbers(other, [2])


def test_a_choice_is_one_of_those_allowed():
    assert checks.choice(" Tower ", ["tower", "α"]) == "tower"
    assert checks.choice(np.int64(2), [1, 2]) == 2
    with pytest.raises(Wrong, match="one of 'tower', 'α'; it is 'beta'"):
        checks.choice("beta", ["tower", "α"])


def test_tuples_arrays_and_tensors_become_lists():
    assert checks.plain([(1, np.int64(2)), torch.tensor([3])]) == [[1, 2], [3]]
