from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mien.corpora import CORPORA, ravdess
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, Utterance


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"synthetic")
    return folder


def read(folder: Path) -> tuple[list[Utterance], list[Skipped]]:
    items = list(ravdess.read(folder))
    utterances = [item for item in items if isinstance(item, Utterance)]
    skipped = [item for item in items if isinstance(item, Skipped)]
    return utterances, skipped


def test_an_utterance_whole(tmp_path: Path) -> None:
    name = "03-01-05-02-02-01-12.wav"
    (utterance,), skipped = read(write(tmp_path, name))
    assert not skipped
    assert utterance == Utterance(
        id="03-01-05-02-02-01-12",
        corpus="ravdess",
        person="12",
        text="Dogs are sitting by the door",
        emotions=("angry",),
        audio=tmp_path / name,
        attributes={
            "intensity": "strong",
            "statement": 2,
            "repetition": 1,
            "gender": "female",
        },
    )


@pytest.mark.parametrize(
    ("name", "has_video", "has_audio"),
    [
        ("01-01-01-01-01-01-01.mp4", True, True),
        ("02-01-01-01-01-01-01.mp4", True, False),
        ("03-01-01-01-01-01-01.FLAC", False, True),
        ("Actor_01/03-01-01-01-01-01-01.wav", False, True),
    ],
)
def test_modality_says_which_media_exist(
    tmp_path: Path, name: str, has_video: bool, has_audio: bool
) -> None:
    (utterance,), _ = read(write(tmp_path, name))
    assert utterance.video == (tmp_path / name if has_video else None)
    assert utterance.audio == (tmp_path / name if has_audio else None)
    assert utterance.attributes["gender"] == "male"


def test_video_with_audio_is_preferred_and_the_rest_recorded(tmp_path: Path) -> None:
    take = "-01-03-01-01-02-07"
    both = f"Actor_07/01{take}.mp4"
    write(tmp_path, f"03{take}.wav", both, f"Actor_07/02{take}.mp4", f"b/03{take}.wav")
    (utterance,), skipped = read(tmp_path)
    assert utterance.id == f"01{take}"
    assert utterance.video == utterance.audio == tmp_path / both
    assert [item.id for item in skipped] == [f"02{take}", f"03{take}", f"03{take}"]
    assert {item.reason for item in skipped} == {f"the same take as 01{take}.mp4"}


def test_video_and_audio_in_two_files_are_one_utterance(tmp_path: Path) -> None:
    take = "-01-03-01-01-02-07"
    write(tmp_path, f"03{take}.wav", f"02{take}.mp4")
    (utterance,), skipped = read(tmp_path)
    assert not skipped
    assert utterance.video == tmp_path / f"02{take}.mp4"
    assert utterance.audio == tmp_path / f"03{take}.wav"


def test_two_copies_of_a_file_are_one_utterance(tmp_path: Path) -> None:
    name = "03-01-08-01-01-01-24"
    write(tmp_path, f"Actor_24/{name}.wav", f"copy/Actor_24/{name}.wav", f"{name}.flac")
    (utterance,), skipped = read(tmp_path)
    assert utterance.audio == tmp_path / f"{name}.flac"
    assert [item.id for item in skipped] == [name, name]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("03-02-05-01-01-01-12.wav", "song"),
        ("03-01-09-01-01-01-12.wav", "emotion code 09 is not within 01 to 08"),
        ("03-01-00-01-01-01-12.wav", "emotion code 00"),
        ("04-01-01-01-01-01-12.wav", "modality code 04"),
        ("03-01-01-03-01-01-12.wav", "intensity code 03"),
        ("03-01-01-01-03-01-12.wav", "statement code 03"),
        ("03-01-01-01-01-03-12.wav", "repetition code 03"),
        ("03-01-01-01-01-01-25.wav", "actor code 25"),
        ("03-01-01-01-01-01.wav", "seven two-digit codes"),
        ("holiday.mp4", "seven two-digit codes"),
        ("01-01-01-01-01-01-12.wav", "modality 01 means video, but the file is .wav"),
    ],
)
def test_what_cannot_be_used_is_skipped_with_its_reason(
    tmp_path: Path, name: str, reason: str
) -> None:
    write(tmp_path, name, "03-01-01-01-01-01-01.wav")
    (utterance,), (skipped,) = read(tmp_path)
    assert utterance.id == "03-01-01-01-01-01-01"
    assert skipped.id == Path(name).stem
    assert reason in skipped.reason
    assert skipped.source == str(tmp_path / name)


def test_hidden_files_are_no_recordings(tmp_path: Path) -> None:
    write(tmp_path, "03-01-01-01-01-01-01.wav", "._03-01-01-01-01-01-01.wav", "README.txt")
    utterances, skipped = read(tmp_path)
    assert len(utterances) == 1
    assert not skipped


def test_another_folder_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"such as 03-01-05-01-02-01-12\.wav"):
        ravdess.read(write(tmp_path, "holiday.mp4"))
    with pytest.raises(MienError, match="is not a folder"):
        ravdess.read(tmp_path / "nowhere")


RANGES = (3, 2, 8, 2, 2, 2, 24)


@given(st.tuples(*(st.integers(0, top + 1) for top in RANGES)))
@example(RANGES)
def test_a_name_reads_back_as_its_codes_or_is_refused(codes: tuple[int, ...]) -> None:
    name = "-".join(f"{code:02}" for code in codes)
    if all(1 <= code <= top for code, top in zip(codes, RANGES, strict=True)):
        assert ravdess.parse_name(name) == codes
    else:
        with pytest.raises(MienError, match="is not within"):
            ravdess.parse_name(name)


def test_emotions_are_words_of_mien() -> None:
    assert set(ravdess.EMOTION_WORDS) <= set(EMOTIONS)


def test_the_real_corpus(shared_data: Path) -> None:
    items = list(CORPORA["ravdess"].read(shared_data / "ravdess"))
    assert all(isinstance(item, Utterance) for item in items)
    assert len({item.id for item in items}) == len(items) == 1_440
    persons = Counter(item.person for item in items)
    assert persons == {f"{actor:02}": 60 for actor in range(1, 25)}
    emotions = Counter(word for item in items for word in item.emotions)
    assert emotions == {
        word: 96 if word == "neutral" else 192 for word in CORPORA["ravdess"].emotions
    }
