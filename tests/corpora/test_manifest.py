import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.corpora import CORPORA, manifest
from mien.corpora.table import MISSING
from mien.errors import MienError
from mien.names import normalise_name
from mien.utterance import Skipped, Utterance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "clips").mkdir()
    for name in ("a.mp4", "b.wav", "clips/a.mp4"):
        (tmp_path / name).write_bytes(b"synthetic")
    return tmp_path


def read(source: Path, text: str | bytes) -> list[Utterance | Skipped]:
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    return list(CORPORA["manifest"].read(source))


def read_row(folder: Path, **cells: object) -> Utterance | Skipped:
    """Read one row, on line 2 of either format, and see that both say the same."""
    (from_json,) = read(folder / "list.jsonl", "\n" + json.dumps(cells))
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([cells.keys(), cells.values()])
    (from_csv,) = manifest.read(folder / "list.csv")
    if isinstance(from_json, Skipped):
        from_json = replace(from_json, source=from_json.source.replace(".jsonl:2", ".csv:2"))
    assert from_csv == from_json
    return from_csv


def test_an_utterance_whole(folder: Path) -> None:
    row = {
        "id": "one",
        "video": "a.mp4",
        "audio": "b.wav",
        "text": 'Kein Märchen, "synthetic"; really',
        "person": "P 1",
        "session": "s",
        "dialogue": "d",
        "start": "1.5",
        "end": "3",
        "emotions": "happy; weary ;happy",
        "split": "valid",
        "audio_channel": "1",
        "video_side": "right",
        "Camera": "north",
        "note": "",
    }
    assert read_row(folder, **row) == Utterance(
        id="one",
        corpus="manifest",
        person="P 1",
        session="s",
        dialogue="d",
        start=1.5,
        end=3.0,
        text='Kein Märchen, "synthetic"; really',
        emotions=("happy", "weary"),
        video=folder / "a.mp4",
        video_side="right",
        audio=folder / "b.wav",
        audio_channel=1,
        split="valid",
        attributes={"Camera": "north", "note": None},
    )


def test_json_values_keep_their_types(folder: Path) -> None:
    row = {"media": "a.mp4", "start": 0, "end": 2, "audio_channel": 0, "person": 7, "ok": True}
    (item,) = read(folder / "list.jsonl", json.dumps({**row, "emotions": ["sad"], "take": 3}))
    assert isinstance(item, Utterance)
    assert (item.start, item.end, item.audio_channel, item.person) == (0, 2, 0, "7")
    assert item.emotions == ("sad",)
    assert item.attributes == {"ok": True, "take": 3}


@pytest.mark.parametrize(
    ("cell", "emotions"),
    [
        ("", None),
        (" ", None),
        (";", ()),
        ("sad", ("sad",)),
        (" sad ; Weary;Sad", ("sad", "weary")),
        ("happy, sad", ("happy", "sad")),
        ("Happy|sad/weary", ("happy", "sad", "weary")),
        ("very happy", ("very happy",)),
        ("happy;N/A", ("happy",)),
        ("nan;nan", None),
        ("N/A", None),
        ("-", None),
    ],
)
def test_emotion_words(folder: Path, cell: str, emotions: tuple[str, ...] | None) -> None:
    for column in ("emotion", "emotions", " Emotion "):
        item = read_row(folder, text="synthetic", **{column: cell})
        assert isinstance(item, Utterance)
        assert item.emotions == emotions


@pytest.mark.parametrize(
    ("value", "emotions"),
    [([], ()), (None, None), (["Sad"], ("sad",)), (["sad, weary"], ("sad", "weary"))],
)
def test_emotion_lists_in_json(folder: Path, value: object, emotions: object) -> None:
    (item,) = read(folder / "list.jsonl", json.dumps({"text": "synthetic", "emotions": value}))
    assert isinstance(item, Utterance)
    assert item.emotions == emotions


@pytest.mark.parametrize(
    ("cells", "video", "audio"),
    [
        ({"media": "a.mp4"}, "a.mp4", "a.mp4"),
        ({"media": "b.wav"}, None, "b.wav"),
        ({"media": "a.mp4", "audio": "b.wav"}, "a.mp4", "b.wav"),
        ({"media": "b.wav", "video": "a.mp4"}, "a.mp4", "b.wav"),
        ({"video": "a.mp4"}, "a.mp4", None),
        ({"audio": "a.mp4"}, None, "a.mp4"),
        ({"text": "synthetic"}, None, None),
    ],
)
def test_any_combination_of_media(
    folder: Path, cells: dict[str, str], video: str | None, audio: str | None
) -> None:
    item = read_row(folder, **cells)
    assert isinstance(item, Utterance)
    assert item.video == (video and folder / video)
    assert item.audio == (audio and folder / audio)


def test_absolute_paths_stay(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "c.wav"
    elsewhere.write_bytes(b"synthetic")
    item = read_row(folder, audio=str(elsewhere))
    assert isinstance(item, Utterance)
    assert item.audio == elsewhere


def test_ids_are_made_and_do_not_take_those_given(folder: Path) -> None:
    rows = "id,media,text\n,a.mp4,\n,clips/a.mp4,\n,a.mp4,\na-2,b.wav,\n,,words\n"
    items = read(folder / "list.csv", rows)
    assert [item.id for item in items] == ["a", "a-3", "a-4", "a-2", "list-6"]
    assert all(isinstance(item, Utterance) for item in items)


def test_the_first_of_two_rows_with_one_id_is_kept(folder: Path) -> None:
    first, second = read(folder / "list.csv", "id,text\nx,one\nx,two\n")
    assert isinstance(first, Utterance)
    reason = "another row has this id; the first is kept"
    assert second == Skipped("x", reason, f"{folder / 'list.csv'}:3", kind=reason)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"start": "soon"}, "start is 'soon', not a number"),
        ({"start": "1e8"}, "start is '1e8', not a number from 0 to 1e+07"),
        ({"start": "1_0"}, "start is '1_0'"),
        ({"start": "0,5"}, "start is '0,5'"),
        ({"start": "1" + "0" * 400}, "start is '1000"),
        ({"end": "9" * 5000}, "end is '9999"),
        ({"start": "-1"}, "start is '-1'"),
        ({"end": "inf"}, "end is 'inf'"),
        ({"start": "2", "end": "2"}, "end 2.0 is not after start 2.0"),
        ({"end": "0"}, "end 0.0 is not after start 0"),
        ({"audio_channel": "0.5"}, "audio_channel is '0.5', not a whole number"),
        ({"audio_channel": "3000000000"}, "audio_channel is '3000000000', not a whole number"),
        ({"audio_channel": "-1"}, "audio_channel is '-1', not a whole number from 0 to 1023"),
        ({"emotion": "/"}, "emotions is '/': there is no word in it"),
        ({"audio_channel": "left"}, "audio_channel is 'left'"),
        ({"split": "dev"}, "split is 'dev' and must be one of: train, valid, test"),
        ({"video_side": "up"}, "video_side is 'up' and must be one of: left, right"),
        ({"video": "gone.mp4"}, "video file missing: {folder}/gone.mp4"),
        ({"media": "gone.mp4"}, "media file missing: {folder}/gone.mp4"),
        ({"audio": "clips"}, "audio file missing: {folder}/clips"),
        ({"audio": "long" * 500}, "audio file missing"),
        ({"text": " "}, "no video, no audio and no text"),
    ],
)
def test_a_bad_row_is_skipped_with_its_line_and_reason(
    folder: Path, cells: dict[str, str], reason: str
) -> None:
    item = read_row(folder, **{"text": "synthetic", **cells})
    assert isinstance(item, Skipped)
    assert reason.format(folder=folder) in item.reason
    assert (item.id, item.source) == ("line 2", f"{folder / 'list.csv'}:2")


def test_good_rows_around_bad_ones_are_used(folder: Path) -> None:
    rows = "id,text,start\nx,one,\ny,two,soon\n\nz,three,,,\nlast,four\n"
    items = read(folder / "list.csv", rows)
    assert [(type(item), item.id) for item in items] == [
        (Utterance, "x"),
        (Skipped, "y"),
        (Skipped, "line 5"),
        (Utterance, "last"),
    ]
    assert items[2] == Skipped(
        "line 5",
        "5 cells under 3 columns",
        f"{folder / 'list.csv'}:5",
        kind="row with another number of cells than columns",
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"text": "a", "start": NaN}', "NaN is no JSON number"),
        ('{"text": "half a pair: \\ud800"}', "surrogates not allowed"),
        ('{"text": "a", "emotion": "sad", "emotions": "sad"}', "one column under two names"),
        ('{"text": ["a"]}', "text must be one value"),
        ('{"text": "a", "camera": {}}', "camera must be one value"),
        ('{"text": "a", "emotions": [1]}', "emotions must be words"),
        ('{"text": "a", "start": true}', "start is 'True'"),
        ('{"text": "a", "id": ["a"]}', "id must be one value"),
    ],
)
def test_a_bad_line_of_json_is_skipped(folder: Path, line: str, reason: str) -> None:
    bad, good = read(folder / "list.jsonl", f'\n{line}\n{{"text": "synthetic"}}\n')
    assert isinstance(bad, Skipped)
    assert reason in bad.reason
    assert bad.source == f"{folder / 'list.jsonl'}:2"
    assert isinstance(good, Utterance)


@pytest.mark.parametrize("name", ["list.csv", "LIST.CSV", "list.jsonl"])
def test_a_byte_order_mark_and_crlf_are_no_matter(folder: Path, name: str) -> None:
    text = '{"id": "x", "text": "Grüße"}\r\n' if "json" in name else "id,text\r\nx,Grüße\r\n"
    (item,) = read(folder / name, b"\xef\xbb\xbf" + text.encode())
    assert isinstance(item, Utterance)
    assert (item.id, item.text) == ("x", "Grüße")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("list.txt", "text\na\n", "must be a .csv or a .jsonl file"),
        ("list.csv", "", "no row in it"),
        ("list.csv", "id,text\n", "no row in it"),
        ("list.jsonl", "\n \n", "no row in it"),
        ("list.csv", "colour;words\nred;a\n", "is separated by semicolons: save it with commas"),
        ("list.csv", "id\ttext\tperson\n1\ta\tx\n", "is separated by tabs"),
        ("list.csv", "media;colour\na;b\n", "is separated by semicolons"),
        ("list.csv", "," * 200_000 + "\na\n", "has 200,001 columns, more than 1,000"),
        ("list.jsonl", json.dumps({f"c{i}": 1 for i in range(1001)}), "has 1,001 columns"),
        ("list.csv", "colour\nred\n", "Found: colour. Known: id, video, audio"),
        ("list.csv", b"text,na\xefve\na,b\n", "columns can't be read: a cell is not UTF-8 text"),
        ("list.csv", "text," + "x" * 140_000 + "\na,b\n", "the names of the columns can't be read"),
        ("list.csv", "id,person\nx,y\n", "none of the columns video, audio, media, text"),
        ("list.jsonl", '{"words": "a"}', "Found: words. Known: id, video"),
        ("list.csv", "text,Text\na,b\n", "more than one column text"),
        ("list.csv", "emotion,emotions,text\na,b,c\n", "more than one column emotions"),
        ("list.csv", 'id,text\nx,"never closed\n', "is not CSV"),
        ("list.csv", "text\na,b\n", "no row that can be read. Line 2: 2 cells under 1 columns"),
        ("list.jsonl", "text\na\n", "no row that can be read. Line 1: not JSON"),
        ("list.csv", "text\nGrüße\n".encode("latin-1"), "is not UTF-8 text"),
    ],
)
def test_a_bad_file_is_refused_with_what_to_do(
    folder: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(MienError) as caught:
        read(folder / name, content)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"list\.csv cannot be opened: No such file"):
        manifest.read(tmp_path / "list.csv")


TEXTS = (
    st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1)
    .map(normalise_name)
    .filter(lambda text: text == "" or text not in MISSING)
)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1))
def test_any_words_survive_both_formats(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    folder = tmp_path_factory.getbasetemp()
    rows = [("synthetic", "x"), *rows]
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "person"), *rows])
    lines = [json.dumps({"text": text, "person": person}) for text, person in rows]
    (folder / "list.jsonl").write_text("\n".join(lines))
    wanted = [(text, person or None) for text, person in rows if text]
    for name in ("list.csv", "list.jsonl"):
        items = [item for item in manifest.read(folder / name) if isinstance(item, Utterance)]
        assert [(item.text, item.person) for item in items] == wanted
        assert len({item.id for item in items}) == len(items)


def test_sentiment_is_a_number_within_its_scale_or_unknown(folder: Path) -> None:
    path = folder / "clips.csv"
    cells = ["-3", "0", "", "2.5", "3.1", "good", "nan"]
    rows = "".join(f"{i},hello,{cell}\n" for i, cell in enumerate(cells))
    path.write_text("id,text,Sentiment\n" + rows)
    items = list(manifest.read(path))
    found = {item.id: item.sentiment for item in items if isinstance(item, Utterance)}
    assert found == {"0": -3.0, "1": 0.0, "2": None, "3": 2.5, "6": None}
    reasons = [item.reason for item in items if isinstance(item, Skipped)]
    assert reasons == [
        f"sentiment is {word!r}, not a number from -3 to 3" for word in ("3.1", "good")
    ]


def test_numbered_images_with_their_rate(tmp_path):
    (tmp_path / "talk").mkdir()
    rows = [
        "a,talk/image_%d.jpg,2",
        "b,gone/image_%d.jpg,2",
        "c,talk/image.jpg,2",
        "d,talk/image_%d.jpg,",
    ]
    text = "id,video,video_rate\n" + "\n".join(rows) + "\n"
    good, *bad = read(tmp_path / "clips.csv", text)
    assert (good.video, good.video_rate) == (tmp_path / "talk" / "image_%d.jpg", 2.0)
    assert [skip.id for skip in bad] == ["b", "c", "d"]
    assert "video folder missing" in bad[0].reason
    assert "image_%d.jpg" in bad[1].reason
    assert "video file missing" in bad[2].reason


def test_words_for_missing_are_missing_in_every_column(folder: Path) -> None:
    columns = ("id", "person", "session", "dialogue", "start", "end", "emotions", "sentiment")
    columns += ("split", "audio_channel", "video_side", "video_rate", "video", "sentence", "room")
    for word in ("nan", "None", "N/A", "NA", "null", "-", "#N/A", "", " NaN "):
        item = read_row(folder, audio="b.wav", text=word, **dict.fromkeys(columns, word))
        assert item == Utterance(
            id="b",
            corpus="manifest",
            audio=folder / "b.wav",
            attributes={"sentence": None, "room": None},
        )
    item = read_row(folder, text="Nan", person="Na")
    assert (item.text, item.person) == ("Nan", "Na"), "these are names"


def test_one_person_in_two_spellings(folder: Path) -> None:
    names = ["Zo\u00eb", "Zoe\u0308", "\u200eZo\u00eb\u200b", " Zo\u00eb\u00a0"]
    for name in names:
        item = read_row(folder, text="synthetic", person=name, session=name, dialogue=name)
        assert isinstance(item, Utterance)
        assert {item.person, item.session, item.dialogue} == {"Zo\u00eb"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("speaker", "person"),
        ("Speaker ID", "person"),
        ("persons", "person"),
        ("label", "emotions"),
        ("emotion_label", "emotions"),
        ("emotoins", "emotions"),
        ("transcript", "text"),
        ("start_time", "start"),
        ("START_MS", "start, in seconds"),
        ("end_time", "end"),
        ("filename", "media"),
        ("wav", "audio"),
        ("utterance-id", "id"),
    ],
)
def test_a_column_that_is_nearly_one_is_asked_about(folder: Path, name: str, meant: str) -> None:
    known = "text" if meant in ("media", "audio") else "media"
    for path, text in {
        "list.csv": f"{known},{name}\nb.wav,x\n",
        "list.jsonl": json.dumps({known: "b.wav"}) + "\n" + json.dumps({known: "b.wav", name: "x"}),
    }.items():
        with pytest.raises(MienError) as caught:
            read(folder / path, text)
        assert f"{name}: did you mean {meant}?" in str(caught.value)
    meant_too = {known: "b.wav", name: "x", meant.partition(",")[0]: None}
    (item,) = read(folder / "list.jsonl", json.dumps(meant_too))
    assert isinstance(item, Utterance)
    assert item.attributes == {name: "x"}, "with the column that is meant it is an attribute"


@pytest.mark.parametrize("name", ["room", "camera", "age", "gender", "star", "duration"])
def test_other_columns_are_attributes(folder: Path, name: str) -> None:
    item = read_row(folder, text="synthetic", **{name: "x"})
    assert isinstance(item, Utterance)
    assert item.attributes == {name: "x"}


def test_labels_of_other_tasks(folder: Path) -> None:
    cells = {"Valence": "3.5", "arousal": "", "dominance": "n/a", "label: Stance ": " for  it"}
    item = read_row(folder, text="synthetic", **cells, **{"label:rank": "-2e1", "LABEL:room": ""})
    assert isinstance(item, Utterance)
    assert item.labels == {"valence": 3.5, "Stance": "for it", "rank": -20.0}
    assert item.attributes == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("valence", "high", "valence is 'high', not a number from -1e+06 to 1e+06"),
        ("label:arousal", "low", "label:arousal is 'low', not a number"),
        ("label:rank", "inf", "label:rank is 'inf', not a number"),
        ("label:rank", "1e7", "not a number from -1e+06 to 1e+06"),
        ("label:stance", "x" * 201, "label:stance has 201 letters"),
        ("label:", "x", "names no label"),
    ],
)
def test_labels_that_are_none(folder: Path, name: str, value: str, told: str) -> None:
    item = read_row(folder, text="synthetic", **{name: value})
    assert isinstance(item, Skipped)
    assert told in item.reason


def test_a_label_has_one_column_and_one_value(folder: Path) -> None:
    twice = read_row(folder, text="synthetic", **{"valence": "1", "label:valence": "2"})
    assert isinstance(twice, Skipped)
    assert "label:valence names no label, or one that another column gives" in twice.reason
    rows = [{"text": "a", "label:stance": ["for"]}, {"text": "b", "label:rank": 2, "valence": True}]
    items = read(folder / "list.jsonl", "\n".join(map(json.dumps, rows)))
    assert [isinstance(item, Skipped) for item in items] == [True, True]


def test_columns_may_be_written_otherwise(folder: Path) -> None:
    item = read_row(folder, audio="b.wav", **{"Audio Channel": "1.0", "\ufeffVIDEO-side": "left"})
    assert isinstance(item, Utterance)
    assert (item.audio_channel, item.video_side, item.attributes) == (1, "left", {})


def test_a_column_without_a_name(folder: Path) -> None:
    (empty,) = read(folder / "list.csv", "id,text,,\n1,hi,, \n")
    assert empty == Utterance(id="1", corpus="manifest", text="hi")
    (numbered,) = read(folder / "list.csv", ",id,text\n0,1,hi\n")
    assert numbered.attributes == {"column 1": "0"}, "as pandas writes the index of a table"


def test_a_sentence_may_be_named(folder: Path) -> None:
    item = read_row(folder, audio="b.wav", sentence="S1")
    assert isinstance(item, Utterance)
    assert (item.text, item.attributes) == (None, {"sentence": "S1"})


def test_an_odd_row_costs_that_row_alone(folder: Path) -> None:
    rows = [
        b"one,fine",
        b"two," + b"x" * 131_073,
        b'three,"never closed',
        b"four,zero\x00byte",
        b"five,Gr\xfc\xdfe",
        b"six,fine",
    ]
    items = read(folder / "list.csv", b"id,text\n" + b"\n".join(rows) + b"\n")
    assert [(item.id, type(item)) for item in items] == [
        ("one", Utterance),
        ("line 3", Skipped),
        ("line 4", Skipped),
        ("line 5", Skipped),
        ("line 6", Skipped),
        ("six", Utterance),
    ]
    reasons = [item.reason for item in items if isinstance(item, Skipped)]
    assert reasons == [
        "is not CSV: field larger than field limit (131072)",
        "is not CSV: unexpected end of data",
        "a cell holds zero bytes",
        "a cell is not UTF-8 text",
    ]
    values = ['"x\\u0000"', f'"{"x" * 131_073}"', "1e400", "9" * 5000, "[" * 100_000]
    lines = [f'{{"text": "a", "room": {value}}}' for value in values]
    *bad, good = read(folder / "list.jsonl", "\n".join([*lines, '{"text": "fine"}']))
    assert all(isinstance(item, Skipped) for item in bad)
    assert isinstance(good, Utterance)


def test_odd_lists(shared_data: Path) -> None:
    odd = shared_data / "odd"
    persons = [item.person for item in manifest.read(odd / "one_person_two_spellings.csv")]
    assert {p: persons.count(p) for p in persons} == {
        **dict.fromkeys(("Ada", "Bea", "Cem", "Zora"), 3),
        "Zo\u00eb": 6,
    }
    with pytest.raises(MienError) as caught:
        manifest.read(odd / "other_column_names.csv")
    for pair in ("speaker", "person"), ("label", "emotions"), ("transcript", "text"):
        assert "{}: did you mean {}?".format(*pair) in str(caught.value)
    assert "start_time: did you mean start? end_time: did you mean end?" in str(caught.value)
    missing = list(manifest.read(odd / "words_for_missing.csv"))
    assert [(item.person, item.emotions) for item in missing] == [
        *[(None, None)] * 3,
        ("anna", ("happy",)),
        ("ben", ("happy", "sad")),
    ]
    (plain,) = manifest.read(odd / "trailing_empty_columns.csv")
    assert (plain.id, plain.text, plain.audio) == ("1", "hi", odd / "voice.wav")
    assert plain.attributes == {}
    long, within = manifest.read(odd / "ends_after_the_file.csv")
    assert (long.start, long.end, within.start, within.end) == (0, 1500, 1, 2)
    # its files of sound are not there; the row with the channel is told apart from them
    reasons = [item.reason for item in manifest.read(odd / "hostile" / "channel.csv")]
    assert reasons[1] == "audio_channel is '3000000000', not a whole number from 0 to 1023"
    assert all("audio file missing" in reason for reason in reasons[::2])


@settings(max_examples=200, deadline=2000)
@given(st.sampled_from(["list.csv", "list.jsonl"]), st.binary(max_size=200), st.booleans())
def test_any_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, header: bool
) -> None:
    source = tmp_path_factory.getbasetemp() / name
    source.write_bytes((b"id,text,start,emotion\n" if header else b"") + content)
    try:
        items = list(manifest.read(source))
    except MienError:
        return
    assert items
    for item in items:
        assert item.id
        if isinstance(item, Utterance):
            json.dumps([item.text, item.person, dict(item.attributes)], allow_nan=False)
        else:
            assert item.reason
            assert item.kind
