"""Every file here is synthetic: invented, with names as the corpus has them."""

from pathlib import Path

import pytest

from mien.corpora import CORPORA, cremad
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, Utterance

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:c6f9\nsize 72862\n"
DEMOGRAPHICS = (
    '"ActorID","Age","Sex","Race","Ethnicity"\n'
    '1001,51,"Male","Caucasian","Not Hispanic"\n1002,,"Female","Unknown",\n'
)


def write(root: Path, *files: str, content: bytes = b"synthetic") -> Path:
    for file in files:
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    write(
        tmp_path,
        "AudioWAV/1002_IEO_HAP_HI.wav",
        "AudioWAV/1001_DFA_ANG_XX.wav",
        "AudioMP3/1001_DFA_ANG_XX.mp3",
        "VideoFlash/1001_DFA_ANG_XX.flv",
        "VideoFlash/1002_TSI_DIS_XX.flv",
        "AudioMP3/1003_WSI_NEU_XX.mp3",
        "AudioWAV/1040_ITH_SAD_X.wav",
        "VideoFlash/1040_ITH_SAD_XX.flv",
        "AudioWAV/._1001_DFA_ANG_XX.wav",
        "AudioWAV/1001_XXX_ANG_XX.wav",
        "AudioWAV/1001_DFA_SUR_XX.wav",
        "AudioWAV/intro.wav",
    )
    (tmp_path / "VideoDemographics.csv").write_text(DEMOGRAPHICS)
    return tmp_path


def split_up(items) -> tuple[dict[str, Utterance], dict[str, str]]:
    items = list(items)
    skipped = {item.id: item.reason for item in items if isinstance(item, Skipped)}
    return {item.id: item for item in items if isinstance(item, Utterance)}, skipped


def test_a_clip_is_whole(repository: Path) -> None:
    utterances, _ = split_up(CORPORA["cremad"].read(repository))
    assert utterances["1001_DFA_ANG_XX"] == Utterance(
        id="1001_DFA_ANG_XX",
        corpus="cremad",
        person="1001",
        text="Don't forget a jacket.",
        emotions=("angry",),
        video=repository / "VideoFlash" / "1001_DFA_ANG_XX.flv",
        audio=repository / "AudioWAV" / "1001_DFA_ANG_XX.wav",
        attributes={
            "sentence": "DFA",
            "intensity": "unspecified",
            "age": 51,
            "gender": "male",
            "race": "Caucasian",
            "ethnicity": "Not Hispanic",
        },
    )


def test_whatever_there_is_of_video_and_audio_is_used(repository: Path) -> None:
    utterances, skipped = split_up(cremad.read(repository))
    assert {name: (u.video and u.video.name, u.audio.name) for name, u in utterances.items()} == {
        "1001_DFA_ANG_XX": ("1001_DFA_ANG_XX.flv", "1001_DFA_ANG_XX.wav"),
        "1002_IEO_HAP_HI": (None, "1002_IEO_HAP_HI.wav"),
        "1002_TSI_DIS_XX": ("1002_TSI_DIS_XX.flv", "1002_TSI_DIS_XX.flv"),
        "1003_WSI_NEU_XX": (None, "1003_WSI_NEU_XX.mp3"),
        "1040_ITH_SAD_XX": ("1040_ITH_SAD_XX.flv", "1040_ITH_SAD_X.wav"),
    }
    assert set(skipped) == {"1001_XXX_ANG_XX", "1001_DFA_SUR_XX", "intro"}
    assert all("the name is not actor, sentence" in reason for reason in skipped.values())
    second = utterances["1002_IEO_HAP_HI"].attributes
    assert (second["intensity"], second["age"], second["gender"]) == ("high", None, "female")
    assert "age" not in utterances["1003_WSI_NEU_XX"].attributes


def test_one_folder_of_it_without_the_table(repository: Path) -> None:
    (utterance,) = (
        item
        for item in cremad.read(repository / "AudioMP3")
        if isinstance(item, Utterance) and item.person == "1001"
    )
    assert utterance.audio.suffix == ".mp3"
    assert utterance.attributes == {"sentence": "DFA", "intensity": "unspecified"}


def test_a_clone_without_git_lfs(tmp_path: Path) -> None:
    write(
        tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav", "VideoFlash/1001_DFA_ANG_XX.flv", content=POINTER
    )
    with pytest.raises(MienError, match="git lfs pull"):
        cremad.read(tmp_path)
    write(tmp_path, "AudioWAV/1001_DFA_ANG_XX.wav")
    write(tmp_path, "AudioWAV/1002_DFA_ANG_XX.wav", content=POINTER)
    utterances, skipped = split_up(cremad.read(tmp_path))
    assert utterances["1001_DFA_ANG_XX"].video is None
    assert skipped == {
        "1001_DFA_ANG_XX": "video: only a pointer of git-lfs",
        "1002_DFA_ANG_XX": "only pointers of git-lfs, no video and no audio",
    }


def test_what_is_not_the_corpus(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="is not a folder"):
        cremad.read(tmp_path / "gone")
    write(tmp_path, "music.mp3", "a.txt")
    with pytest.raises(MienError, match="none of its 1 media files has a name such as"):
        cremad.read(tmp_path)


def test_its_emotions_are_words_of_mien() -> None:
    assert set(CORPORA["cremad"].emotions) <= set(EMOTIONS)
    assert len(cremad.SENTENCES) == 12


def test_an_odd_row_of_the_table_costs_that_actor_alone(repository: Path) -> None:
    table = repository / "VideoDemographics.csv"
    rows = [f"1001,{'9' * 5000},Male,a,b", f"1003,30,{'x' * 131_073},a,b", "1040,NA,Female,N/A,d"]
    table.write_text("ActorID,Age,Sex,Race,Ethnicity\n" + "\n".join(rows) + "\n")
    utterances, skipped = split_up(cremad.read(repository))
    assert len(utterances) == 5
    assert {"VideoDemographics.csv line 2", "VideoDemographics.csv line 3"} <= set(skipped)
    assert "age" not in utterances["1001_DFA_ANG_XX"].attributes
    facts = utterances["1040_ITH_SAD_XX"].attributes
    assert (facts["age"], facts["gender"], facts["race"]) == (None, "female", None)
    table.write_text("x" * 131_073)
    _, skipped = split_up(cremad.read(repository))
    assert "field larger" in skipped["VideoDemographics.csv"]
