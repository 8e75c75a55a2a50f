"""Segments are predicted in batches, each of which is kept."""

from pathlib import Path

import pytest
from samples import sample, tiny_run

from mien.inference.analysis.predicting import SegmentPrediction, predict_segments
from mien.inference.recognizer import Recognizer
from mien.utterance import Sample


@pytest.fixture(scope="module")
def recognizer(tmp_path_factory: pytest.TempPathFactory, tiny_text: Path) -> Recognizer:
    return Recognizer(tiny_run(tmp_path_factory.mktemp("runs") / "run", tiny_text), device="cpu")


def segment(place: int) -> Sample | None:
    return None if place == 4 else sample(place % 7, "ta")


def predicted(recognizer: Recognizer, path: Path, count: int = 7) -> list[SegmentPrediction]:
    return predict_segments(
        recognizer, segment, count, path, batch_size=3, whole_text=None, embeddings=True
    )


def test_each_segment_is_predicted_as_by_itself_and_marked_ones_are_empty(
    recognizer: Recognizer, tmp_path: Path
) -> None:
    found = predicted(recognizer, tmp_path / "kept")
    assert found[4] == SegmentPrediction()
    for place in (0, 3, 5):
        alone = recognizer(sample(place % 7, "ta"))
        for task, answer in alone.answers.items():
            assert found[place].answers[task].scores == pytest.approx(answer.scores, abs=1e-5)
        assert found[place].embedding == pytest.approx(alone.embedding, abs=1e-5)
        assert found[place].modalities == alone.modalities


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 1.0])
def test_what_is_kept_is_not_computed_again_and_torn_lines_are(
    recognizer: Recognizer, tmp_path: Path, share: float
) -> None:
    path = tmp_path / "kept"
    whole = predicted(recognizer, path)
    content = path.read_bytes()
    path.write_bytes(content[: round(share * len(content))])
    assert predicted(recognizer, path) == whole
    assert path.read_bytes() == content


def test_all_that_is_kept_needs_no_model(recognizer: Recognizer, tmp_path: Path) -> None:
    path = tmp_path / "kept"
    whole = predicted(recognizer, path)
    again = predict_segments(
        recognizer,
        lambda place: pytest.fail("computed again"),
        7,
        path,
        batch_size=3,
        whole_text=None,
    )
    assert again == whole
