"""Two clips of one person or of two, and who may say so."""

from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from mien.gallery import UNKNOWN, Enrolment, Gallery
from mien.identity.comparison import compare
from mien.identity.embedder import SHIPPED, Threshold
from mien.identity.resemblyzer import Voiceprint


class Angles:
    """A synthetic encoder: a file holds the cosine of its vector and the first axis."""

    fingerprint = "angles"

    def embed(self, clip: str | Path, warn=print) -> np.ndarray:
        share = float(Path(clip).read_text())
        if share < 0:
            warn("half of it is left out")
        return np.array([share, (1 - share**2) ** 0.5])


@pytest.fixture
def clips(tmp_path: Path) -> tuple[Path, Path]:
    for name, share in (("one", 1.0), ("other", 0.6)):
        (tmp_path / name).write_text(str(share))
    return tmp_path / "one", tmp_path / "other"


def test_an_encoder_that_was_not_measured_gives_no_verdict(clips: tuple[Path, Path]) -> None:
    answer = compare(Angles(), *clips)
    assert answer.cosine == pytest.approx(0.6)
    assert (answer.same_person, answer.threshold) == (None, None)
    assert "no threshold was measured for this encoder" in answer.notes[0]
    assert answer.table().startswith("not calibrated: no verdict (cosine 0.600)\nnote: ")


@pytest.mark.parametrize(("above", "same"), [(-1, True), (0, True), (1, False)])
def test_a_cosine_equal_to_the_threshold_is_the_same_person(
    clips: tuple[Path, Path], above: int, same: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = compare(Angles(), *clips).cosine
    threshold = float(np.nextafter(score, 2 * above)) if above else score
    assert compare(Angles(), *clips, threshold).same_person is same
    monkeypatch.setitem(SHIPPED, "angles", Threshold(threshold, 1, "drawn by hand"))
    answer = compare(Angles(), *clips)
    assert (answer.same_person, answer.threshold) == (same, threshold)
    assert answer.notes == ["the threshold is the encoder's: drawn by hand"]


def test_what_is_left_out_and_what_is_one_file_is_noted(
    clips: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "odd").write_text("-0.6")
    answer = compare(Angles(), clips[0], tmp_path / "odd", 0.5)
    assert answer.notes == [f"{tmp_path / 'odd'}: half of it is left out"]
    (tmp_path / "copy").write_text("1.0")
    (note,) = compare(Angles(), clips[0], tmp_path / "copy", 0.5).notes
    assert "both clips are the same file" in note


@pytest.mark.slow
def test_the_shipped_threshold_holds_for_readers_it_was_not_chosen_on(
    voice_weights: None, shared_data: Path, tmp_path: Path
) -> None:
    voiceprint = Voiceprint("cpu")
    paths = sorted((shared_data / "librispeech").glob("*/*.flac"))
    embeddings = np.stack([voiceprint.embed(path, [].append) for path in paths])
    readers = [path.parent.name for path in paths]
    assert voiceprint.threshold is not None
    wrong = {True: [], False: []}
    for one, other in combinations(range(len(paths)), 2):
        same = readers[one] == readers[other]
        accepted = embeddings[one] @ embeddings[other] >= voiceprint.threshold.value
        wrong[same].append(accepted != same)
    assert (len(wrong[True]), len(wrong[False])) == (450, 4500)
    assert np.mean(wrong[True]) == pytest.approx(0.009, abs=0.003)
    assert np.mean(wrong[False]) == pytest.approx(0.004, abs=0.002)

    gallery = Gallery(tmp_path / "readers")
    enrolled = sorted(set(readers))[:5]
    rows = {name: [r for r, who in enumerate(readers) if who == name] for name in set(readers)}
    gallery.enrol_all(
        [
            Enrolment(
                who,
                embeddings[rows[who][:3]],
                tuple(f"{who}{n}" for n in range(3)),
                "a public corpus",
                date(2999, 1, 1),
            )
            for who in enrolled
        ],
        encoder=voiceprint.fingerprint,
    )
    missed = named = 0
    for who, own in rows.items():
        for row in own[3:] if who in enrolled else own:
            answer = gallery.identify(embeddings[row], encoder=voiceprint.fingerprint).person
            missed += who in enrolled and answer != who
            named += who not in enrolled and answer != UNKNOWN
    assert missed == 0, "of 35"
    assert named <= 3, "of 50"
