"""What encoders take out of samples."""

import pickle

import numpy as np
import pytest
import torch
from samples import sample, tiny

from mien.modality import Modality
from mien.models import preset
from mien.models.encoders.face_reader import FaceReader
from mien.resize import resize_faces
from mien.utterance import Sample


@pytest.mark.parametrize("size", [24, 48, 64, 96, 144])
def test_crops_of_any_size_come_out_at_the_encoders(size: int) -> None:
    random = np.random.default_rng(size)
    faces = random.integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    one = Sample(utterance=sample().utterance, faces=faces)
    read = FaceReader(48).read(one)
    assert (read.shape, read.dtype) == ((3, 3, 48, 48), torch.uint8)
    if size == 48:
        assert np.array_equal(read.permute(0, 2, 3, 1).numpy(), faces), "untouched"
    elif size % 48 == 0:
        n = size // 48
        means = faces.reshape(3, 48, n, 48, n, 3).mean(axis=(2, 4))
        assert abs(read.permute(0, 2, 3, 1).numpy() - means).max() <= 0.5
    assert resize_faces(faces, size) is faces


def test_what_is_missing_has_no_steps() -> None:
    nothing = Sample(utterance=sample(text=None).utterance)
    for config in (tiny(), preset("lf-rnn"), preset("lf-transformer")):
        for modality, reader in config.readers().items():
            steps = reader.read(nothing)
            assert len(steps) == 0, modality
            assert len(reader.collate([steps, steps])) == 2


def test_readers_go_to_the_processes_that_load_data() -> None:
    readers = pickle.loads(pickle.dumps(tiny().readers()))
    assert set(readers) == set(Modality)
    assert readers[Modality.VIDEO].size == 48
