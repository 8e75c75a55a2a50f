"""References: which other clips of a speaker are given to the model, and which never are."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from samples import sample, store, utterance

from mien.dataset.references import TRAINING_COUNTS, ReferenceChoice, draw_references
from mien.dataset.speakers import SpeakerRows
from mien.dataset.store import Store
from mien.dataset.torch_dataset import BatchDataset
from mien.errors import MienError
from mien.modality import Modality
from mien.models.encoders.pretrained_reader import WaveformReader
from mien.utterance import Utterance

AUDIO = Modality.AUDIO


def people(number: int = 40) -> list[Utterance]:
    """Utterances of four speakers and three emotions; of every tenth the speaker is not known."""
    return [utterance(n, person=None) if n % 10 == 9 else utterance(n) for n in range(number)]


def test_choices_are_read_and_written() -> None:
    assert ReferenceChoice.parse("10") == ReferenceChoice(10)
    assert ReferenceChoice.parse("neutral:2") == ReferenceChoice(2, "neutral")
    for text in ("0", "10", "neutral:2", "sad:100"):
        assert str(ReferenceChoice.parse(text)) == text
    for text in ("", "ten", "-1", "101", "neutral", "neutral:", "cheerful:2", "1.5", "²"):
        with pytest.raises(MienError) as raised:
            ReferenceChoice.parse(text)
        assert raised.value.parameter == "references"


def test_references_are_other_clips_of_the_speaker_among_the_rows() -> None:
    utterances = people()
    speakers = SpeakerRows(utterances, range(20))
    for row in range(40):
        others = speakers.others(row)
        assert row not in others
        if utterances[row].person is None:
            assert others == []
            continue
        assert {utterances[other].person for other in others} == {utterances[row].person}
        assert all(other < 20 for other in others)
        assert len(others) >= 3
        chosen = ReferenceChoice(2).rows(row, speakers)
        assert chosen == others[:2]
        assert ReferenceChoice().rows(row, speakers) == []
        sad = ReferenceChoice(100, "sad").rows(row, speakers)
        assert sad == [other for other in others if utterances[other].emotions == ("sad",)]


def test_their_order_does_not_depend_on_that_of_the_data() -> None:
    utterances = people()
    backwards = utterances[::-1]
    there = SpeakerRows(utterances, range(40))
    back = SpeakerRows(backwards, range(40))
    for row in (0, 7, 21):
        ids = [utterances[other].id for other in there.others(row)]
        assert [backwards[other].id for other in back.others(39 - row)] == ids
    # and it is not that of their numbers, so that the first ones are no block of a recording
    assert sorted(there.others(0)) != there.others(0)


def test_training_draws_any_number_of_them_and_often_none() -> None:
    utterances = people(400)
    speakers = SpeakerRows(utterances, range(400))
    random = np.random.default_rng(0)
    drawn = [draw_references(0, speakers, random) for _ in range(1_200)]
    counts = Counter(map(len, drawn))
    assert set(counts) == set(TRAINING_COUNTS)
    assert 340 < counts[0] < 460  # a third of them
    assert all(len(set(rows)) == len(rows) and 0 not in rows for rows in drawn)
    alone = SpeakerRows(utterances, [0])
    assert draw_references(0, alone, random) == []
    few = SpeakerRows(utterances, [0, 4, 8])
    assert set(map(len, (draw_references(0, few, random) for _ in range(60)))) == {0, 1, 2}


def dataset(data: Store, rows: list[int], **options: Any) -> BatchDataset:
    readers = {AUDIO: WaveformReader(2)}
    return BatchDataset(data, rows, readers, [], referring=[AUDIO], **options)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Sixteen utterances of four speakers; one has no audio, and of one the speaker is unknown."""
    made = [
        sample(n, "tv" if n == 4 else "ta", seconds=0.3 + 0.01 * n, person=f"P{n % 4}")
        for n in range(15)
    ]
    last = sample(15, "ta", seconds=0.5, person=None)
    return store(tmp_path_factory.mktemp("references") / "data", [*made, last])


def rows_of(data: Store, references: Any) -> list[int]:
    """Which utterances references are, by the lengths of their audio."""
    lengths = [
        len(data[row].waveform) if data[row].waveform is not None else 0 for row in range(16)
    ]
    return [lengths.index(int(count)) for count in references.clips.counts]


def test_a_batch_has_the_references_of_its_utterances(data: Store) -> None:
    batch = dataset(data, list(range(12)), references=ReferenceChoice(10))[0, [0, 1, 5]]
    found = batch.references[AUDIO]
    assert found.weights.tolist() == [1.0] * len(found)
    by_place: dict[int, set[int]] = {0: set(), 1: set(), 2: set()}
    for place, row in zip(found.rows.tolist(), rows_of(data, found), strict=True):
        by_place[place].add(row)
    # of 0 also 4, which has no audio; of all only those among the first twelve
    assert by_place == {0: {8}, 1: {5, 9}, 2: {1, 9}}


def test_references_come_from_the_pool_alone(data: Store) -> None:
    some = dataset(data, [1, 15], references=ReferenceChoice(10), pool=[1, 5, 14, 15])
    found = some[0, [0, 1]].references[AUDIO]
    assert rows_of(data, found) == [5]
    assert found.rows.tolist() == [0]


def test_a_batch_without_references_has_none(data: Store) -> None:
    assert dataset(data, [15], references=ReferenceChoice(10))[0, [0]].references == {}
    assert dataset(data, [0, 1, 2, 3], references=ReferenceChoice(10))[0, [0, 1]].references == {}
    assert dataset(data, list(range(12)), references=ReferenceChoice())[0, [0]].references == {}


def test_training_draws_them_anew_in_each_epoch_and_the_same_by_seed(data: Store) -> None:
    def drawn(seed: int, epoch: int) -> list[tuple[int, int]]:
        found = dataset(data, list(range(12)), references=None, draw_seed=seed)
        given = found[epoch, list(range(12))].references.get(AUDIO)
        return (
            []
            if given is None
            else list(zip(given.rows.tolist(), rows_of(data, given), strict=True))
        )

    epochs = [drawn(0, epoch) for epoch in range(4)]
    assert epochs == [drawn(0, epoch) for epoch in range(4)]
    assert len(set(map(str, epochs))) == 4
    assert epochs != [drawn(1, epoch) for epoch in range(4)]
    for place, row in (pair for epoch in epochs for pair in epoch):
        assert row != place
        assert row % 4 == place % 4
        assert row < 12


def test_references_have_the_acoustics_of_their_utterance(data: Store) -> None:
    """An augmented copy is compared with augmented copies, a clean one with clean ones."""
    some = dataset(data, list(range(12)), references=None, augment_seed=0)
    kinds = set()
    for epoch in range(6):
        batch = some[epoch, list(range(12))]
        if AUDIO not in batch.references:
            continue
        found = batch.references[AUDIO]
        clean = [
            len(row) == len(data[place].waveform)
            and np.array_equal((row * 32768).short().numpy(), data[place].waveform)
            for place, row in enumerate(batch.inputs[AUDIO].split())
            if len(row)
        ]
        clean.insert(4, True)  # it has no audio
        waves = {data[row].waveform.tobytes() for row in range(12) if row != 4}
        for place, clip in zip(found.rows.tolist(), found.clips.split(), strict=True):
            as_recorded = (clip * 32768).short().numpy().tobytes() in waves
            if place != 4:
                assert as_recorded == clean[place]
                kinds.add(as_recorded)
    assert kinds == {True, False}
