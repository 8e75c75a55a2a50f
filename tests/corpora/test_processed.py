"""The authors' processed folders, invented: synthetic images and tones in their layout."""

import pickle
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile

from mien.corpora import CORPORA, processed
from mien.dataset.prepare import prepare
from mien.dataset.store import Store
from mien.errors import MienError
from mien.utterance import Skipped, Utterance

FPS = 29.97
LEFT, RIGHT = 60, 180


def entry(label: str, **fields: Any) -> dict[str, Any]:
    own = {"start_time": 6.29, "end_time": 8.24, "label": label, "sr": 16_000, "fps": FPS}
    return own | {"text": "Synthetic words."} | fields


META = {
    "Ses01F_impro01_M000": entry("exc", start_time=7.0),
    "Ses01F_impro01_F001": entry("fru", start_time=9.1),
    "Ses01F_impro01_F000": entry("neu"),
    "Ses01F_impro01_M001": entry("xxx"),
    "Ses01F_impro01_M002": entry("sur"),
    "Ses05M_script01_1b_F000": entry("ang", text=""),
    "Ses05M_script01_1b_M000": {k: v for k, v in entry("sad").items() if k != "text"},
    "Ses02F_impro02_F000": entry("hap"),  # without a folder
    "Ses02F_impro02_M000": entry("hap", fps=None),
    "../../secret_F000": entry("hap"),
    "Ses02F_impro02_M001": {"text": "no label"},
    "Ses02F_impro02_M002": entry("hap") | {"label": 6},
    7: entry("hap"),
}


def write_pictures(place: Path, name: str, count: int, level: int) -> None:
    for number in range(count):
        picture = np.full((224, 224, 3), level, np.uint8)
        cv2.imwrite(str(place / name.format(number)), picture)


def write_sound(path: Path, tone: float, seconds: float = 1.0, channels: int = 1) -> None:
    time = np.arange(round(16_000 * seconds)) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * tone * time)
    soundfile.write(path, np.stack([wave] * channels, 1), 16_000)


def write_utterance(folder: Path, name: str, pictures: int = 35) -> Path:
    """Write one as the authors do: the dialogue's folder is the first two parts of the id."""
    place = folder / "_".join(name.split("_")[:2]) / name
    place.mkdir(parents=True)
    for side, level, tone in (("L", LEFT, 300), ("R", RIGHT, 900)):
        write_pictures(place, f"image_{side}_{{}}.jpg", pictures, level)
        write_sound(place / f"audio_{side}.wav", tone)
    write_sound(place / "audio.wav", 600, channels=2)
    return place


@pytest.fixture(scope="module")
def iemocap(tmp_path_factory) -> Path:
    """The folder above IEMOCAP_RAW_PROCESSED."""
    root = tmp_path_factory.mktemp("authors") / "data"
    folder = root / "IEMOCAP_RAW_PROCESSED"
    for name in META:
        if isinstance(name, str) and name.startswith("Ses") and name != "Ses02F_impro02_F000":
            write_utterance(folder, name, 5 if name.startswith("Ses05") else 35)
    (folder / "meta.pkl").write_bytes(pickle.dumps(META, 3))
    lists = root / "IEMOCAP_SPLIT"
    lists.mkdir()
    for part, ids in (
        ("train", ["Ses01F_impro01_M000", "Ses01F_impro01_F001", "Ses02F_impro02_F000"]),
        ("valid", ["Ses05M_script01_1b_F000"]),
        ("test", ["Ses05M_script01_1b_M000"]),
    ):
        (lists / f"{part}_split.txt").write_text("\n".join(ids) + "\n")
    (root / "IEMOCAP_HCF_FEATURES").mkdir()
    return root


def fork_entry(name: str) -> dict[str, Any]:
    """An entry of the fork that identifies persons: no label, and whom the recording names."""
    own = {"start_time": 6.29, "end_time": 8.24, "speaker_id": name.partition("_")[0]}
    return own | {"text": "Synthetic words.", "sr": 16_000, "fps": FPS}


@pytest.mark.parametrize("folder", ["IEMOCAP_RAW_PROCESSED", "renamed"])
def test_the_persons_fork_has_speakers_and_no_labels(tmp_path: Path, folder: str) -> None:
    names = [
        *("Ses01F_impro01_F000", "Ses01F_impro01_M000", "Ses01M_impro02_F000"),
        *("Ses03M_script01_1_M000", "Ses03M_script01_1_F001"),
    ]
    meta = {name: fork_entry(name) for name in names}
    for name in names:
        write_utterance(tmp_path / folder, name, 2)
    (tmp_path / folder / "meta.pkl").write_bytes(pickle.dumps(meta, 3))
    items = list(processed.read(tmp_path / folder))
    utterances, notes = split_up(items)
    persons = {name: utterance.person for name, utterance in utterances.items()}
    assert persons == {
        "Ses01F_impro01_F000": "Ses01F",
        "Ses01F_impro01_M000": "Ses01M",
        "Ses01M_impro02_F000": "Ses01F",
        "Ses03M_script01_1_M000": "Ses03M",
        "Ses03M_script01_1_F001": "Ses03F",
    }
    assert {(u.corpus, u.emotions, u.text) for u in utterances.values()} == {
        ("iemocap", None, "Synthetic words.")
    }
    told = "note: speaker_id in meta.pkl is {}; by the last field of the id {} speaks"
    assert notes == {
        "Ses01F_impro01_M000": told.format("Ses01F", "Ses01M"),
        "Ses01M_impro02_F000": told.format("Ses01M", "Ses01F"),
        "Ses03M_script01_1_F001": told.format("Ses03M", "Ses03F"),
    }
    assert {item.kind for item in items if isinstance(item, Skipped)} == {processed.OTHER_SPEAKER}


MOSEI = {
    "--qX_uD-tHPw_10": {"text": "Ten.", "label": [0, 0, 0, 1, 0, 1]},
    "--qX_uD-tHPw_5": {"text": "Five.", "label": [np.int64(0)] * 6},
    "-3g5yACwYnA_2": {"text": " ", "label": np.array([1, 0, 1, 0, 0, 0])},
    "-3g5yACwYnA_3": {"text": "No folder.", "label": [0, 0, 0, 0, 1, 0]},
    "-3g5yACwYnA_4": {"text": "Half a label.", "label": [0, 0, 0]},
    "-3g5yACwYnA_5": {"text": "No number.", "label": [0, 0, 0, float("nan"), 0, 0]},
    "-3g5yACwYnA_6": {"text": "Seven.", "label": [0] * 7},
    "-3g5yACwYnA_7": {"text": "Silent.", "label": [0, 1, 0, 0, 0, 0]},
}


@pytest.fixture
def mosei(tmp_path: Path) -> Path:
    folder = tmp_path / "MOSEI_RAW_PROCESSED"
    for name in MOSEI.keys() - {"-3g5yACwYnA_3"}:
        (folder / name).mkdir(parents=True)
        write_pictures(folder / name, "image_{}.jpg", 12, 100)
        if name != "-3g5yACwYnA_7":
            write_sound(folder / name / "audio.wav", 300, 6)
    (folder / "meta.pkl").write_bytes(pickle.dumps(MOSEI, 4))
    return folder


QUICK = {"workers": 1, "progress": False}


def split_up(items) -> tuple[dict[str, Utterance], dict[str, str]]:
    items = list(items)
    skipped = [item for item in items if isinstance(item, Skipped)]
    utterances = {item.id: item for item in items if isinstance(item, Utterance)}
    return utterances, {item.id: item.reason for item in skipped}


def test_iemocap_from_the_folder_or_the_one_above(iemocap: Path) -> None:
    above = list(processed.read(iemocap))
    assert above == list(processed.read(iemocap / "IEMOCAP_RAW_PROCESSED"))
    utterances, skipped = split_up(above)
    assert list(utterances) == [
        "Ses01F_impro01_F000",
        "Ses01F_impro01_M000",
        "Ses01F_impro01_F001",
        "Ses02F_impro02_M001",
        "Ses02F_impro02_M000",
        "Ses05M_script01_1b_F000",
        "Ses05M_script01_1b_M000",
    ]
    assert utterances["Ses02F_impro02_M001"].emotions is None
    assert skipped == {
        "../../secret_F000": "not an id such as Ses01F_impro01_F000",
        "Ses01F_impro01_M001": "annotators do not agree (xxx)",
        "Ses01F_impro01_M002": "surprised (sur) is not one of the six emotions",
        "Ses02F_impro02_F000": "folder missing: no audio and no video",
        "Ses02F_impro02_M000": "video: no frame rate (fps) in meta.pkl",
        "Ses02F_impro02_M001": "video: no frame rate (fps) in meta.pkl",
        "Ses02F_impro02_M002": "its label in meta.pkl is not text",
        "?": "an id that is a int, not text",
    }


def test_an_iemocap_utterance_is_whole(iemocap: Path) -> None:
    utterances, _ = split_up(processed.read(iemocap))
    place = iemocap / "IEMOCAP_RAW_PROCESSED" / "Ses01F_impro01" / "Ses01F_impro01_M000"
    assert utterances["Ses01F_impro01_M000"] == Utterance(
        id="Ses01F_impro01_M000",
        corpus="iemocap",
        person="Ses01M",
        session="Ses01",
        dialogue="Ses01F_impro01",
        text="Synthetic words.",
        emotions=("excited",),
        video=place / "image_R_%d.jpg",
        video_rate=FPS,
        audio=place / "audio_R.wav",
        attributes={
            "start_time": 7.0,
            "end_time": 8.24,
            "scenario": "impro01",
            "style": "improvised",
        },
    )
    script = utterances["Ses05M_script01_1b_F000"]
    assert (script.dialogue, script.person, script.text) == ("Ses05M_script01_1b", "Ses05F", None)
    assert script.attributes["scenario"] == "script01"
    assert script.attributes["style"] == "scripted"
    assert script.video.parent.parent.name == "Ses05M_script01"
    assert utterances["Ses05M_script01_1b_M000"].text is None


def test_the_options_are_those_of_iemocap(iemocap: Path) -> None:
    options = {"emotions": "all", "person_rule": "published", "named_side": "right"}
    utterances, _ = split_up(processed.read(iemocap, **options))
    turn = utterances["Ses01F_impro01_M002"]
    assert turn.emotions == ("surprised",)
    assert turn.person == "Ses01F"
    assert (turn.video.name, turn.audio.name) == ("image_L_%d.jpg", "audio_L.wav")
    with pytest.raises(MienError, match="named_side is 'up'"):
        processed.read(iemocap, named_side="up")


def test_without_its_half_of_the_audio_the_whole_is_taken(iemocap: Path, tmp_path: Path) -> None:
    folder = tmp_path / "IEMOCAP_RAW_PROCESSED"
    for name, gone in (("Ses01F_impro01_F000", ["R"]), ("Ses01F_impro01_M000", ["R", ""])):
        place = write_utterance(folder, name, 1)
        for side in gone:
            (place / (f"audio_{side}.wav" if side else "audio.wav")).unlink()
    (folder / "meta.pkl").write_bytes(pickle.dumps(META))
    utterances, skipped = split_up(processed.read(folder))
    assert utterances["Ses01F_impro01_F000"].audio.name == "audio_L.wav"
    assert utterances["Ses01F_impro01_M000"].audio is None
    assert skipped["Ses01F_impro01_M000"] == "audio: file missing: audio_R.wav"
    (folder / "Ses01F_impro01" / "Ses01F_impro01_F000" / "audio_L.wav").unlink()
    utterances, _ = split_up(processed.read(folder))
    whole = utterances["Ses01F_impro01_F000"]
    assert (whole.audio.name, whole.audio_channel) == ("audio.wav", 0)


def test_mosei(mosei: Path) -> None:
    utterances, skipped = split_up(processed.read(mosei))
    assert list(utterances) == [
        "--qX_uD-tHPw_5",
        "--qX_uD-tHPw_10",
        "-3g5yACwYnA_2",
        "-3g5yACwYnA_7",
    ]
    assert utterances["--qX_uD-tHPw_10"] == Utterance(
        id="--qX_uD-tHPw_10",
        corpus="mosei",
        dialogue="--qX_uD-tHPw",
        text="Ten.",
        emotions=("happy", "surprised"),
        video=mosei / "--qX_uD-tHPw_10" / "image_%d.jpg",
        video_rate=2.0,
        audio=mosei / "--qX_uD-tHPw_10" / "audio.wav",
    )
    assert utterances["--qX_uD-tHPw_5"].emotions == ()
    assert utterances["-3g5yACwYnA_2"].emotions == ("angry", "fearful")
    assert utterances["-3g5yACwYnA_2"].text is None
    assert skipped == {
        "-3g5yACwYnA_3": "folder missing: no audio and no video",
        "-3g5yACwYnA_4": "no label of six numbers in meta.pkl",
        "-3g5yACwYnA_5": "no label of six numbers in meta.pkl",
        "-3g5yACwYnA_6": "no label of six numbers in meta.pkl",
        "-3g5yACwYnA_7": "audio: file missing: audio.wav",
    }
    with pytest.raises(MienError, match=r"named_side: .* is CMU-MOSEI"):
        processed.read(mosei, named_side="left")


def test_the_split_lies_beside(iemocap: Path, mosei: Path) -> None:
    lists = iemocap / "IEMOCAP_SPLIT"
    assert CORPORA["processed"].splits(iemocap) == lists
    assert CORPORA["processed"].splits(iemocap / "IEMOCAP_RAW_PROCESSED") == lists
    assert CORPORA["processed"].splits(mosei) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read as a pickle"),
        (pickle.dumps([]), "holds no utterances"),
        (pickle.dumps({}), "holds no utterances"),
        (b"cos\nsystem\n(S'echo'\ntR.", "names os.system"),
    ],
)
def test_a_meta_file_that_is_none(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "meta.pkl").write_bytes(content)
    with pytest.raises(MienError, match=message) as error:
        processed.read(tmp_path)
    assert "meta.pkl" in str(error.value)


def test_another_folder_and_one_that_holds_both(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no meta\.pkl in it, nor in IEMOCAP_RAW_PROCESSED"):
        processed.read(tmp_path)
    for name in processed.FOLDERS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "meta.pkl").write_bytes(pickle.dumps(META))
    with pytest.raises(MienError, match=r"two corpora .*MOSEI_RAW_PROCESSED"):
        processed.read(tmp_path)


def test_what_is_prepared_is_the_speakers_half_at_the_interval(
    iemocap: Path, tmp_path: Path
) -> None:
    items = [i for i in processed.read(iemocap) if i.id.startswith("Ses01F_impro01_")]
    prepare(items, tmp_path / "out", corpus="processed", no_face="centre", **QUICK)
    for sample in Store(tmp_path / "out"):
        left = sample.utterance.id[-4] == "F"
        # 35 pictures at 29.97 a second: 0.0, 0.5 and 1.0 s
        np.testing.assert_allclose(sample.face_times, [0, 0.5, 1.0], atol=1e-6)
        assert abs(float(sample.faces.mean()) - (LEFT if left else RIGHT)) < 2
        spectrum = np.abs(np.fft.rfft(sample.waveform.astype(float)))
        assert spectrum.argmax() == (300 if left else 900)


def test_no_image_of_mosei_is_passed_over(mosei: Path, tmp_path: Path) -> None:
    """At two pictures a second each is half a second, not the thirtieth part of one."""
    (mosei / "-3g5yACwYnA_7" / "image_4.jpg").unlink()
    items = processed.read(mosei)
    summary = prepare(items, tmp_path / "out", corpus="processed", no_face="centre", **QUICK)
    store = Store(tmp_path / "out")
    for sample in store:
        assert sample.face_times.tolist() == [n / 2 for n in range(12)]
    assert sorted(kind.split(":")[0] for kind in summary.losses) == ["audio", "video"]
