"""The summary of prepared data."""

import json
from pathlib import Path

import pytest
from samples import sample, store

from mien.dataset.protocols import PROTOCOLS
from mien.errors import MienError
from mien.report.dataset_summary import inspect


def lines_of(text: str, title: str) -> dict[str, list[str]]:
    """The rows of one section, by their first word."""
    section = next(part for part in text.split("\n\n") if part.startswith(title))
    rows = [line.split() for line in section.splitlines()[1:]]
    return {row[0]: row[1:] for row in rows}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    samples = [
        sample(0, "tav", emotions=("happy", "excited"), person="anna"),
        sample(1, "ta", emotions=("happy",), person="ben"),
        sample(2, "a", emotions=(), person="carol"),
        sample(3, "v", emotions=None, person=None),
        sample(4, "tav", emotions=("sad",), person="anna"),
    ]
    store(tmp_path / "data", samples)
    return tmp_path / "data"


def test_counts(data: Path) -> None:
    text = inspect(data)
    assert text.startswith(f"{data}: 5 utterances of synthetic (synthetic)")
    emotions = lines_of(text, "emotions")
    assert {word: row[0] for word, row in emotions.items() if "(" not in word} == {
        "excited": "1",
        "happy": "2",
        "sad": "1",
    }
    assert "(no label)" in text
    assert "(none of them)" in text
    persons = lines_of(text, "persons")
    assert persons["anna"] == ["2", "40.0%", "█" * 20]
    assert persons["ben"] == ["1", "20.0%", "█" * 10]
    modalities = lines_of(text, "modalities")
    assert {word: row[0] for word, row in modalities.items()} == {
        "tav": "2",
        "ta": "1",
        "a": "1",
        "v": "1",
    }


def test_what_was_skipped_is_counted_by_kind(data: Path) -> None:
    assert "nothing was skipped" in inspect(data)
    rows = [
        {"id": str(i), "reason": f"file missing: {i}", "kind": "file missing"} for i in range(9)
    ]
    rows += [{"reason": "too short", "kind": ""}, {"reason": "too short"}]
    rows += [{"reason": f"reason {i}"} for i in range(12)]
    (data / "skipped.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    text = inspect(data)
    section = next(part for part in text.split("\n\n") if part.startswith("skipped"))
    assert str(data / "skipped.jsonl") in section
    counted = [line.split(maxsplit=1) for line in section.splitlines()[1:]]
    assert counted[:2] == [["9", "file missing"], ["2", "too short"]]
    assert counted[-1] == ["4", "for 4 other reasons"]
    assert sum(int(count) for count, _ in counted) == len(rows)


def test_few_speakers_are_listed_and_those_who_may_be_one_are_named(tmp_path: Path) -> None:
    names = [f"P{i:02}" for i in range(30) for _ in range(i + 1)] + ["anna", "Anna", None]
    store(tmp_path / "data", [sample(i, "t", person=name) for i, name in enumerate(names)])
    text = inspect(tmp_path / "data")
    rows = lines_of(text, "persons (32)")
    assert [name for name in rows if name.startswith("P")] == [f"P{i}" for i in range(20, 30)]
    assert rows["P29"][:2] == ["30", f"{30 / len(names):.1%}"]
    assert "(not" in rows
    assert "and 22 more, of 212 utterances" in text
    assert "one person or several? Anna, anna: they differ in capital letters alone" in text
    whole = lines_of(inspect(tmp_path / "data", persons=None), "persons (32)")
    assert sum(name.startswith("P") for name in whole) == 30
    assert "more, of" not in inspect(tmp_path / "data", persons=None)


def test_leakage_of_every_protocol(tmp_path: Path) -> None:
    rows = [
        sample(i, "t", person=f"{i % 4}", dialogue=f"{i % 5}", text=f"Line {i % 7}")
        for i in range(140)
    ]
    store(tmp_path / "data", rows)
    text = inspect(tmp_path / "data")
    protocols = lines_of(text, "protocols")
    assert set(PROTOCOLS) <= set(protocols)
    assert protocols["persons"][3:6] == ["0%", "100%", "100%"]
    assert protocols["dialogues"][3:6] == ["100%", "0%", "100%"]
    assert protocols["random"][3:6] == ["100%"] * 3
    assert protocols["given"][:3] == ["does", "not", "fit:"]
    assert sum(map(int, protocols["persons"][:3])) == 140
    abouts = {
        PROTOCOLS[name].about
        for name in protocols.keys() & PROTOCOLS.keys()
        if protocols[name][0].isdecimal()
    }
    columns = {text.index(about) - text.rindex("\n", 0, text.index(about)) for about in abouts}
    assert len(abouts) > 3
    assert len(columns) == 1


def test_too_few_utterances_for_any_protocol(tmp_path: Path) -> None:
    store(tmp_path / "data", [sample(0, "t")])
    text = inspect(tmp_path / "data")
    assert text.count("does not fit") == len(PROTOCOLS)


def test_a_folder_that_is_not_prepared_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(MienError, match=str(folder)):
            inspect(folder)


def test_further_labels_are_described(tmp_path: Path, data: Path) -> None:
    assert "further labels" not in inspect(data)
    labels = [{"valence": 1.0}, {"valence": 4.0, "stance": "for"}, {"stance": "against"}]
    store(tmp_path / "rated", [sample(i, "t", labels=own) for i, own in enumerate(labels)])
    text = inspect(tmp_path / "rated")
    assert "  stance: of 2 utterances; 2 different values" in text
    assert "  valence: of 2 utterances; from 1 to 4, mean 2.50" in text


def test_sentiment_is_counted_by_steps_in_their_order(tmp_path: Path, data: Path) -> None:
    assert "sentiment in" not in inspect(data)
    values = [1.2, -2.9, 0.4, None, 1.0]
    store(tmp_path / "rated", [sample(i, "t", sentiment=value) for i, value in enumerate(values)])
    text = inspect(tmp_path / "rated")
    section = next(part for part in text.split("\n\n") if part.startswith("sentiment"))
    rows = [line.split("  ")[1].strip() for line in section.splitlines()[1:]]
    assert [row.split(" ")[0] for row in rows] == ["-3", "0", "1", "(no"]
    assert lines_of(text, "sentiment")["1"][0] == "2"
