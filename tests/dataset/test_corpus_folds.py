"""Protocols of cross-validation on the ids of RAVDESS, IEMOCAP and the synthetic corpus."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from mien.corpora import CORPORA, ravdess
from mien.corpora.published_split import read_split
from mien.corpora.synthetic.plan import plan
from mien.corpora.synthetic.release import format_evaluation, format_transcript
from mien.corpora.synthetic.stage import Line
from mien.dataset.leakage import measure_leakage
from mien.dataset.protocols.base import Fact, fact_of
from mien.dataset.splits import Splits, folds_of, split
from mien.errors import MienError
from mien.utterance import SAMPLE_RATE, SPLITS, Utterance


def names(rows: list[Utterance], parts: Splits, fact: Fact) -> dict[str, set[str | None]]:
    return {part: {fact_of(rows[i], fact) for i in parts.rows(part)} for part in SPLITS}


def sizes(rows: list[Utterance], protocol: str, **more: int) -> list[list[int]]:
    """Give how many train, validate and test in each fold."""
    folds = folds_of(rows, protocol, **more)
    return [
        [len(parts.rows(part)) for part in SPLITS]
        for parts in (split(rows, protocol, fold=fold, **more) for fold in folds)
    ]


@pytest.fixture(scope="module")
def actors(shared_data: Path) -> list[Utterance]:
    """The 1,440 takes of RAVDESS."""
    return [u for u in ravdess.read(shared_data / "ravdess") if isinstance(u, Utterance)]


EMOBOX = (
    "01 11 20 21",
    "04 10 12 14",
    "08 09 19 23",
    "03 05 07 24",
    "02 15 16 18",
    "06 13 17 22",
)
"""The actors that each fold tests, as published (Ma et al. 2024)."""


def test_emobox_tests_its_actors_and_validates_on_others(actors: list[Utterance]) -> None:
    assert folds_of(actors, "emobox") == [1, 2, 3, 4, 5, 6]
    everybody = {f"{n:02}" for n in range(1, 25)}
    for fold, tested in enumerate(EMOBOX, 1):
        parts = split(actors, "emobox", fold=fold)
        found = names(actors, parts, "person")
        assert found["test"] == set(tested.split())
        assert len(found["valid"]) == 3, "a sixth of the other twenty"
        assert found["train"] == everybody - found["test"] - found["valid"]
        assert [len(parts.rows(part)) for part in SPLITS] == [1020, 180, 240]
        assert parts.left_out == 0


def test_emobox_folds_cover_every_actor_once() -> None:
    assert sorted(" ".join(EMOBOX).split()) == [f"{n:02}" for n in range(1, 25)]


def test_emobox_refuses_a_fold_whose_actors_are_missing(actors: list[Utterance]) -> None:
    some = [u for u in actors if u.person not in EMOBOX[1].split()]
    assert split(some, "emobox", fold=1).left_out == 0
    with pytest.raises(MienError, match="leaves the test split empty: choose another"):
        split(some, "emobox", fold=2)


def test_ravdess_in_folds_of_speakers_and_of_its_two_sentences(actors: list[Utterance]) -> None:
    assert sizes(actors, "kfold-speakers", num_folds=6) == [[1020, 180, 240]] * 6
    assert sizes(actors, "loso-speaker") == [[1140, 240, 60]] * 24
    assert sizes(actors, "kfold-sentences") == [[600, 120, 720]] * 2
    first = split(actors, "kfold-sentences", fold=1)
    leakage = measure_leakage(actors, "kfold-sentences", first)
    assert (leakage.sentence, leakage.person) == (0, 1)
    assert all(len(found) == 24 for found in names(actors, first, "person").values())
    with pytest.raises(MienError, match="needs session, which no utterance has"):
        folds_of(actors, "loso")


@pytest.fixture(scope="module")
def iemocap(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """The 7,380 utterances of the published lists of ids, in a release without any media."""
    root = tmp_path_factory.mktemp("iemocap")
    turns: dict[str, list[str]] = {}
    for name in sorted(read_split(shared_data / "splits" / "iemocap")):
        line = f"[1.0000 - 2.0000]\t{name}\tneu\t[3.0000, 3.0000, 3.0000]"
        turns.setdefault(name.rsplit("_", 1)[0], []).append(line)
    for dialogue, lines in turns.items():
        path = root / f"Session{dialogue[4]}" / "dialog" / "EmoEvaluation" / f"{dialogue}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n\n".join(lines))
    return [u for u in CORPORA["iemocap"].read(root) if isinstance(u, Utterance)]


def test_iemocap_in_five_sessions_and_ten_speakers(iemocap: list[Utterance]) -> None:
    assert len(iemocap) == 7380
    assert folds_of(iemocap, "loso") == [1, 2, 3, 4, 5]
    by_session = Counter(u.session for u in iemocap)
    for fold in range(1, 6):
        parts = split(iemocap, "loso", fold=fold)
        speakers = names(iemocap, parts, "person")
        assert names(iemocap, parts, "session")["test"] == {f"Ses0{fold}"}
        assert len(parts.test) == by_session[f"Ses0{fold}"]
        assert [len(speakers[part]) for part in SPLITS] == [7, 1, 2]
    assert folds_of(iemocap, "loso-speaker") == list(range(1, 11))
    for fold in range(1, 11):
        parts = split(iemocap, "loso-speaker", fold=fold)
        (tested,), (partner,) = (names(iemocap, parts, "person")[p] for p in ("test", "valid"))
        assert tested[:5] == partner[:5]
        assert measure_leakage(iemocap, "loso-speaker", parts).dialogue == 0


def test_iemocap_has_eleven_scenarios_whose_parts_stay_together(iemocap: list[Utterance]) -> None:
    scenarios = {fact_of(u, "scenario") for u in iemocap}
    assert scenarios == {f"impro0{n}" for n in range(1, 9)} | {f"script0{n}" for n in (1, 2, 3)}
    found = [split(iemocap, "kfold-scenarios", fold=fold, num_folds=11) for fold in range(1, 12)]
    assert sum(len(parts.test) for parts in found) == 7380
    for parts in found:
        where = names(iemocap, parts, "scenario")
        assert len(where["test"]) == 1
        assert not where["test"] & (where["train"] | where["valid"])
        assert [len(where[part]) for part in SPLITS] == [8, 2, 1]
        assert len(names(iemocap, parts, "person")["train"]) == 10


def test_iemocap_improvised_leaves_the_plays_out(iemocap: list[Utterance]) -> None:
    plays = sum("_script" in u.id for u in iemocap)
    tested = 0
    for fold in folds_of(iemocap, "improvised"):
        parts = split(iemocap, "improvised", fold=fold)
        assert parts.left_out == plays
        assert names(iemocap, parts, "style")["train"] == {"improvised"}
        tested += len(parts.test)
    assert (tested, plays) == (7380 - plays, 3466)


FORMS = {"EmoEvaluation": format_evaluation, "transcriptions": format_transcript}


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> list[Utterance]:
    """The synthetic corpus as `mien prepare` reads it, without its media: 5 x 4 x 6 turns."""
    root = tmp_path_factory.mktemp("synthetic")
    (root / "SYNTHETIC.txt").touch()
    second = np.zeros(SAMPLE_RATE, np.float32)
    for dialogue in plan(dialogues=4, turns=6, seed=0):
        lines = [Line(turn, 2.0 * place, second) for place, turn in enumerate(dialogue.turns)]
        folder = root / dialogue.session / "dialog"
        for name, form in FORMS.items():
            (folder / name).mkdir(parents=True, exist_ok=True)
            (folder / name / f"{dialogue.id}.txt").write_text(form(lines))
    return [u for u in CORPORA["synthetic"].read(root) if isinstance(u, Utterance)]


def test_the_synthetic_corpus_in_its_sessions_speakers_and_scenarios(
    synthetic: list[Utterance],
) -> None:
    assert len(synthetic) == 120
    for protocol in ("loso", "improvised"):
        found = sizes(synthetic, protocol)
        assert [(sum(each), each[2]) for each in found] == [(120, 24)] * 5
    by_speaker = sizes(synthetic, "loso-speaker")
    assert len(by_speaker) == 10
    assert all(train == 96 and valid + test == 24 for train, valid, test in by_speaker)
    # two improvisations, each acted twice in each session
    assert [each[2] for each in sizes(synthetic, "kfold-scenarios")] == [60, 60]
    # its 120 sentences all differ
    assert [each[2] for each in sizes(synthetic, "kfold-sentences", num_folds=3)] == [40, 40, 40]
