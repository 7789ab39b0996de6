"""Faces are described in another process: the same answers, whatever becomes of it."""

import os
import signal
import time
from functools import partial

import numpy as np
import pytest

from recognition import describing


def slowly(crops, seconds=0.0):
    """Describe crops; other processes must be able to import this."""
    time.sleep(seconds)
    return crops.mean((1, 2)).astype(np.float32)


def shout(crops):
    os.kill(os.getpid(), signal.SIGKILL)


def ask(describer, index, taken_at):
    describer.ask("key", np.full((1, 4, 4, 3), index, np.uint8), index)
    return [describer.take(when) for when in taken_at]


def test_another_process_answers_after_its_lag_however_long_it_took():
    with describing.open_describer(partial(slowly, seconds=0.2), lag=3) as describer:
        assert isinstance(describer, describing.Beside)
        for index in (0, 5):
            none, still, answers = ask(describer, index, (index, index + 2, index + 3))
            assert (none, still) == ([], [])
            assert answers[0][0] == "key"
            assert answers[0][1].tolist() == [[index] * 3]
            assert not describer.busy


def test_live_answers_are_taken_when_they_come():
    with describing.open_describer(partial(slowly, seconds=0.1)) as describer:
        began = time.monotonic()
        describer.ask("key", np.zeros((1, 4, 4, 3), np.uint8), 0)
        assert describer.busy
        assert time.monotonic() - began < 0.1
        while not (answers := describer.take(0)):
            assert time.monotonic() - began < 20
            time.sleep(0.01)
        assert answers[0][1].shape == (1, 3)


def test_without_the_other_process_answers_still_come():
    if not hasattr(signal, "SIGKILL"):
        pytest.skip("processes are killed in another way on Windows")
    describer = describing.Beside(shout, lag=1)
    describer._describe = slowly  # in this process it works
    with describer:
        for index in range(3):
            assert ask(describer, 9 * index, (9 * index + 1,))[0][0][1].tolist() == [[9 * index] * 3]


def test_what_cannot_be_sent_is_done_here():
    with describing.open_describer(lambda crops: slowly(crops)) as describer:
        assert type(describer) is describing.Here
        assert ask(describer, 4, (4,))[0][0][1].tolist() == [[4, 4, 4]]
