"""The authors' feature files: invented ones with the published structure and its oddities."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mien.errors import MienError
from mien.features.precomputed import open_precomputed
from mien.features.published import IEMOCAP, MOSEI, PublishedFeatures
from mien.models.encoders.voice_columns import KEPT, PUBLISHED, ROWS, columns
from mien.utterance import Utterance

WOMAN, MAN = "Ses01F_impro01_F000", "Ses01F_impro01_M001"


def dump(path: Path, content: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content, protocol=4))


def sound(steps: int, value: float) -> np.ndarray:
    """A step a column; each row holds its own number plus a value of the speaker's."""
    return np.tile(np.arange(ROWS)[:, None] + value, (1, steps))


def pictures(count: int, missing: int) -> dict[str, Any]:
    """OpenFace's whole row of each picture of both sides; one picture has no face."""
    return {
        f"image_{side}_{n}": np.r_[np.full(100, 7.0), np.full(35, n + (100 if side == "R" else 0))]
        for side in "LR"
        for n in range(count)
        if n != missing
    }


@pytest.fixture
def iemocap(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / IEMOCAP
    folder.parent.mkdir()
    for phase, name in (("train", WOMAN), ("valid", MAN), ("test", "Ses02F_impro02_F003")):
        words: Any = [np.full(300, 0.5), np.full(300, 0.25)] if phase == "train" else []
        dump(folder / f"{phase}_text_features.pt", {name: words})
        both = {"L": sound(4, 0.0), "R": sound(3, 0.25)}
        dump(folder / f"{phase}_audio_features.pt", {name: both})
        dump(folder / f"{phase}_video_features.pt", {name: pictures(12, missing=3)})
    return folder.parent


def utterance(name: str, **fields: object) -> Utterance:
    return Utterance(id=name, corpus="iemocap", **fields)


def test_iemocap(iemocap: Path) -> None:
    for folder in (iemocap, iemocap / IEMOCAP):
        files = open_precomputed(folder)
        assert (files.name, files.modalities, files.notes) == ("published", "tav", [])
        found = files(utterance(WOMAN))
        assert found["t"].shape == (2, 300)
        assert found["a"].shape == (4, len(KEPT))
        assert found["a"][0, :144].tolist() == list(PUBLISHED[0])
        assert found["v"].shape == (11, 35)
        assert found["v"][:, 0].tolist() == [0, 1, 2, *range(4, 12)], "in the order of time"


def test_iemocap_the_speaker_is_on_the_side_of_the_dialogues_name(iemocap: Path) -> None:
    files = open_precomputed(iemocap)
    man = files(utterance(MAN))
    assert "t" not in man, "a turn without words"
    assert man["a"].shape == (3, len(KEPT))
    assert man["a"][0, 0] == 0.25
    assert man["v"][0, 0] == 100
    other = files(utterance(MAN, audio_channel=0, video_side="left"))
    assert (other["a"][0, 0], other["v"][0, 0]) == (0, 0), "unless the data say otherwise"
    turned = open_precomputed(iemocap, "right")(utterance(MAN))
    assert (turned["a"][0, 0], turned["v"][0, 0]) == (0, 0)
    assert files(utterance("Ses05M_impro01_M009")) == {}


def test_iemocap_the_published_selections_of_the_voice(iemocap: Path) -> None:
    voice = open_precomputed(iemocap)(utterance(WOMAN))["a"]
    for selection, published in enumerate(PUBLISHED):
        assert voice[0, list(columns(selection, len(KEPT)))].tolist() == list(published)


def test_iemocap_files_of_another_structure_are_refused(iemocap: Path) -> None:
    path = iemocap / IEMOCAP / "valid_audio_features.pt"
    for wrong in ({MAN: {"L": np.zeros((144, 5))}}, {MAN: {"L": 3}}, {MAN: [1, 2]}):
        dump(path, wrong)
        with pytest.raises(
            MienError, match=rf"valid_audio_features\.pt: {MAN} is not as published"
        ):
            open_precomputed(iemocap)
    dump(path, [1, 2])
    with pytest.raises(MienError, match="no dict of utterances"):
        open_precomputed(iemocap)
    path.unlink()
    with pytest.raises(MienError, match=r"valid_audio_features\.pt: no such file"):
        open_precomputed(iemocap)


def test_iemocap_words_of_another_width_are_left_out_and_noted(iemocap: Path) -> None:
    words = {"Ses01F_impro01_F000": [np.ones(300)], "Ses01F_impro01_F001": [np.ones(300)]}
    dump(iemocap / IEMOCAP / "train_text_features.pt", words)
    dump(iemocap / IEMOCAP / "valid_text_features.pt", {MAN: [np.ones(256)]})
    files = open_precomputed(iemocap)
    assert files(utterance(WOMAN))["t"].shape == (1, 300)
    assert set(files(utterance(MAN))) == {"a", "v"}
    (item,) = files.skipped
    assert (item.id, item.source) == (MAN, str(iemocap / IEMOCAP))
    assert item.kind == "features: text with another number of columns than most"
    assert "text: 256 features per step, most have 300" in item.reason


class Evil:
    def __reduce__(self) -> Any:
        return print, ("it ran",)


def test_nothing_in_the_files_runs(iemocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump(iemocap / IEMOCAP / "test_text_features.pt", {WOMAN: Evil()})
    with pytest.raises(MienError, match=r"test_text_features\.pt.*Nothing of it has run"):
        open_precomputed(iemocap)
    assert capsys.readouterr().out == ""


@pytest.fixture
def mosei(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / MOSEI
    folder.parent.mkdir(exist_ok=True)
    for number, phase in enumerate(("train", "valid", "test")):
        text = np.zeros((2, 5, 300), np.float32)
        text[0, 2:] = 1 + number  # filled up with zeros in front
        audio = np.ones((2, 5, 74))
        audio[0, 1, 3] = -np.inf
        vision = np.ones((2, 5, 35))
        vision[0, [0, 2, 4]] = 0
        ids = np.array([f"-video{number}_0", f"-video{number}_1"])
        parts = {"id": ids, "text": text, "audio": audio, "vision": vision}
        dump(folder / f"mosei_senti_hcf_{phase}.pkl", parts)
    return folder.parent


def test_mosei(mosei: Path) -> None:
    files = open_precomputed(mosei)
    assert files.notes == ["3 numbers that are not finite count as 0"]
    found = files(Utterance(id="-video1_0", corpus="mosei"))
    assert {m: f.shape for m, f in found.items()} == {"t": (3, 300), "a": (5, 74), "v": (3, 35)}
    assert found["t"].min() == 2
    assert found["a"][1, 3] == 0
    assert not found["v"][1].any(), "zeros in between are none of the padding"
    assert set(files(Utterance(id="-video1_1", corpus="mosei"))) == {"a", "v"}


def test_mosei_of_another_structure_is_refused(mosei: Path) -> None:
    path = mosei / MOSEI / "mosei_senti_hcf_valid.pkl"
    content = pickle.loads(path.read_bytes())
    for wrong in (
        {**content, "id": content["id"][:1]},
        {**content, "text": 3},
        {"id": content["id"]},
        [content],
    ):
        dump(path, wrong)
        with pytest.raises(MienError, match=r"mosei_senti_hcf_valid\.pkl: is not as published"):
            open_precomputed(mosei)


def test_one_corpus_at_a_time(iemocap: Path, mosei: Path) -> None:
    assert iemocap == mosei
    with pytest.raises(MienError, match="name one of them"):
        open_precomputed(iemocap)
    assert PublishedFeatures(iemocap / IEMOCAP)(utterance(WOMAN))
    assert open_precomputed(mosei / MOSEI)(Utterance(id="-video0_0", corpus="mosei"))
