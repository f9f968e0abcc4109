"""How far the words of a sensor are known, when its history is looked up."""

from datetime import timedelta

from occupancy.device_fold import Watch
from occupancy.model import Clock, DeviceId
from occupancy.page import Before
from occupancy.recent import newest_words
from occupancy.step import fold_all
from tests.support.small_town import state

WATCH = Watch(timedelta(hours=3), timedelta(hours=2), Clock.LIVE)
A, B, C = DeviceId("a"), DeviceId("b"), DeviceId("c")


def test_the_newest_word_is_the_folded_one_or_one_of_the_batch() -> None:
    folds = {}
    for device_id in (A, B, C):
        fold, _, _ = fold_all(None, [state(device_id, 5, 60.0, True)], WATCH)
        assert fold is not None
        folds[device_id] = fold
    late, ahead = state(A, 3, 40.0, False), state(B, 9, 90.0, False)
    reopened = {A: Before(key=late.key), B: Before(), C: None, DeviceId("new"): Before()}

    newest = newest_words(folds, reopened, [late, ahead, state("other", 7, 80.0, True)])

    assert newest == {A: folds[A].key, B: ahead.key}  # not C: it is folded anew from its first word on
