"""Frames that are observed in a thread of their own."""

import threading

import numpy as np
import pytest

from mien.inference.analysis.background import WAITING, InBackground

IMAGE = np.zeros((2, 2, 3), np.uint8)


def test_all_frames_are_observed_in_order_by_another_thread() -> None:
    seen: list[tuple[float, int]] = []
    with InBackground(lambda time, image, boxes: seen.append((time, threading.get_ident()))) as to:
        for number in range(100):
            to(float(number), IMAGE, {})
    assert [time for time, _ in seen] == list(range(100))
    assert {thread for _, thread in seen} & {threading.get_ident()} == set()


def test_few_frames_wait() -> None:
    go, ahead = threading.Event(), []

    def slow(time: float, image: np.ndarray, boxes: object) -> None:
        go.wait(10)

    with InBackground(slow) as observer:
        feeder = threading.Thread(
            target=lambda: [(observer(float(i), IMAGE, {}), ahead.append(i)) for i in range(100)]
        )
        feeder.start()
        feeder.join(0.5)
        assert len(ahead) <= WAITING + 1
        go.set()
        feeder.join()


def test_an_error_of_the_observer_is_raised() -> None:
    def fail(time: float, image: np.ndarray, boxes: object) -> None:
        raise ValueError("no face")

    with pytest.raises(ValueError, match="no face"), InBackground(fail) as observer:
        observer(0.0, IMAGE, {})


def test_an_error_elsewhere_is_not_replaced() -> None:
    with pytest.raises(KeyError), InBackground(lambda *_: None) as observer:  # noqa: PT012
        observer(0.0, IMAGE, {})
        raise KeyError
