"""Every turn, word and file here is synthetic: invented, in the format of the release."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.corpora import CORPORA, iemocap, iemocap_files
from mien.errors import MienError
from mien.utterance import EMOTIONS, Skipped, Utterance

HEADER = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"

# Women's turns first, though M000 begins before F001 and overlaps F000.
IMPRO = """\
[6.2901 - 8.2357]	Ses01F_impro01_F000	neu	[2.5000, 2.5000, 2.5000]
C-E2:	Neutral;	()
C-E3:	Neutral; Anger;	(synthetic; a comment, with commas)
C-E4:	;	()
C-F1:	Neutral;	()
A-E3:	val 3; act 2; dom  2;	()
A-E4:	val 2; act 3; dom  3;	(mixed, unsure (a bit), really)
A-F1:	val 3; act 2; dom  1;	()

[9.1000 - 12.0000]	Ses01F_impro01_F001	fru	[0.5000, 5.5000, -1.0000]
C-E2:	Frustration; Anger;	()
C-E3:		()
C-E4:	Frustration;	()

[7.0000 - 9.5000]	Ses01F_impro01_M000	exc	[4.0000, 4.0000, 3.0000]
C-E2:	Excited;	()

[13.0000 - 14.0000]	Ses01F_impro01_M001	xxx	[3.0000, 3.0000, 3.0000]
C-E2:	Sadness;	()
C-E3:	Other;	(synthetic)

[15.0000 - 16.0000]	Ses01F_impro01_M002	sur	[3.0000, 3.0000, 3.0000]
C-E2:	Surprise;	()

[17.0000 - 18.0000]	Ses01F_impro01_M003	oth	[3.0000, 3.0000, 3.0000]
C-E2:	Other;	()

"""

TRANSCRIPT = """\
Ses01F_impro01_F000 [006.2901-008.2357]: Wait: this; is synthetic -- really... [LAUGHTER]
Ses01F_impro01_M000 [007.0000-009.5000]: Yes.
M: Yeah.
Ses01F_impro01_MXX0 [008.0000-008.5000]: Mhm.
Ses01F_impro01_M001 [013.0000-014.0000]: Well.
"""

SCRIPT = """\
[1.0000 - 2.0000]	Ses05M_script01_1b_F000	ang	[1.0000, 4.0000, 4.0000]
[2.0000 - 3.0000]	Ses05M_script01_1b_M000	sad	[2.0000, 2.0000, 2.0000]
"""


def write_dialogue(
    root: Path, dialogue: str, evaluation: str, transcript: str | None = "", *, media: bool = True
) -> None:
    folder = root / f"Session{int(dialogue[3:5])}" / "dialog"
    files = {f"EmoEvaluation/{dialogue}.txt": evaluation.encode()}
    if transcript is not None:
        crlf = transcript.replace("\n", "\r\n")
        files[f"transcriptions/{dialogue}.txt"] = crlf.encode()
    if media:
        files[f"avi/DivX/{dialogue}.avi"] = files[f"wav/{dialogue}.wav"] = b"synthetic"
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Two of the five sessions, with the litter that real copies hold."""
    write_dialogue(tmp_path, "Ses01F_impro01", HEADER + IMPRO, TRANSCRIPT)
    write_dialogue(tmp_path, "Ses05M_script01_1b", SCRIPT)
    labels = tmp_path / "Session1/dialog/EmoEvaluation"
    (labels / "._Ses01F_impro01.txt").write_bytes(b"\x00\x05\x16\x07Mac OS X")
    for folder in ("Categorical", "Attribute", "Self-evaluation"):
        (labels / folder).mkdir()
        (labels / folder / "Ses01F_impro01_e2_cat.txt").write_text("Ses01F_impro01_F000 :synthetic")
    return tmp_path


def read(root: Path, **options: str) -> tuple[dict[str, Utterance], list[Skipped]]:
    items = list(iemocap.read(root, **options))
    utterances = {item.id: item for item in items if isinstance(item, Utterance)}
    skipped = [item for item in items if isinstance(item, Skipped)]
    assert len(utterances) + len(skipped) == len(items)
    return utterances, skipped


def test_an_utterance_whole(release: Path) -> None:
    utterances, _ = read(release)
    dialog = release / "Session1/dialog"
    assert utterances["Ses01F_impro01_M000"] == Utterance(
        id="Ses01F_impro01_M000",
        corpus="iemocap",
        person="Ses01M",
        session="Ses01",
        dialogue="Ses01F_impro01",
        start=7.0,
        end=9.5,
        text="Yes.",
        emotions=("excited",),
        video=dialog / "avi/DivX/Ses01F_impro01.avi",
        video_side="right",
        audio=dialog / "wav/Ses01F_impro01.wav",
        audio_channel=1,
        labels={"valence": 4.0, "arousal": 4.0, "dominance": 3.0},
        attributes={
            "annotators": 1,
            "agreeing": 1,
            "scenario": "impro01",
            "style": "improvised",
        },
    )


@pytest.mark.parametrize(
    ("dialogue", "scenario", "style"),
    [
        ("Ses03M_impro05a", "impro05", "improvised"),
        ("Ses03M_impro05b", "impro05", "improvised"),
        ("Ses01F_impro05", "impro05", "improvised"),
        ("Ses04F_script01_1", "script01", "scripted"),
        ("Ses05M_script01_1b", "script01", "scripted"),
        ("Ses05F_script03_2", "script03", "scripted"),
    ],
)
def test_parts_and_sessions_of_one_scenario_share_its_name(
    tmp_path: Path, dialogue: str, scenario: str, style: str
) -> None:
    turn = f"[1.0000 - 2.0000]\t{dialogue}_F000\tneu\t[2.5000, 2.5000, 2.5000]\n"
    write_dialogue(tmp_path, dialogue, HEADER + turn)
    (found,) = read(tmp_path)[0].values()
    assert (found.attributes["scenario"], found.attributes["style"]) == (scenario, style)


def test_order_is_by_dialogue_then_by_time(release: Path) -> None:
    utterances, _ = read(release)
    assert list(utterances) == [
        "Ses01F_impro01_F000",
        "Ses01F_impro01_M000",  # overlaps the turn before; its block comes later in the file
        "Ses01F_impro01_F001",
        "Ses05M_script01_1b_F000",
        "Ses05M_script01_1b_M000",
    ]
    assert list(iemocap.read(release)) == list(iemocap.read(release))


def test_text_is_kept_as_spoken_and_absent_where_the_line_is(release: Path) -> None:
    utterances, _ = read(release)
    spoken = "Wait: this; is synthetic -- really... [LAUGHTER]"
    assert utterances["Ses01F_impro01_F000"].text == spoken
    assert utterances["Ses01F_impro01_F001"].text is None


def test_an_empty_line_of_transcript_is_no_text(tmp_path: Path) -> None:
    line = "Ses05M_script01_1b_F000 [-01.0000--01.0000]: \n"
    write_dialogue(tmp_path, "Ses05M_script01_1b", SCRIPT, line)
    utterances, skipped = read(tmp_path)
    assert utterances["Ses05M_script01_1b_F000"].text is None
    assert not skipped


def test_several_labels_and_an_empty_one(release: Path) -> None:
    utterances, _ = read(release)
    first = utterances["Ses01F_impro01_F000"].attributes
    assert (first["annotators"], first["agreeing"]) == (3, 2)  # the self-rating C-F1 is no vote
    second = utterances["Ses01F_impro01_F001"].attributes
    assert (second["annotators"], second["agreeing"]) == (3, 2)


def test_values_outside_one_to_five_are_kept(release: Path) -> None:
    labels = read(release)[0]["Ses01F_impro01_F001"].labels
    assert labels == {"valence": 0.5, "arousal": 5.5, "dominance": -1.0}


def test_nothing_is_left_out_in_silence(release: Path) -> None:
    _, skipped = read(release)
    transcript = release / "Session1/dialog/transcriptions/Ses01F_impro01.txt"
    evaluation = str(release / "Session1/dialog/EmoEvaluation/Ses01F_impro01.txt")
    assert skipped == [
        Skipped("Ses01F_impro01", "transcript line without an utterance id", f"{transcript}:3"),
        Skipped("Ses01F_impro01_MXX0", "in the transcript but not evaluated", str(transcript)),
        Skipped("Ses01F_impro01_M001", "annotators do not agree (xxx)", evaluation),
        Skipped(
            "Ses01F_impro01_M002", "surprised (sur) is not one of the six emotions", evaluation
        ),
        Skipped("Ses01F_impro01_M003", "label oth is not a known emotion", evaluation),
    ]


def test_all_emotions_still_leave_out_what_is_no_emotion(release: Path) -> None:
    utterances, skipped = read(release, emotions="all")
    assert utterances["Ses01F_impro01_M002"].emotions == ("surprised",)
    ids = {item.id for item in skipped}
    assert {"Ses01F_impro01_M001", "Ses01F_impro01_M003"} <= ids


def test_codes_are_words_of_mien() -> None:
    assert set(iemocap.CODES.values()) <= set(EMOTIONS)
    assert set(iemocap.SIX) == {"angry", "excited", "frustrated", "happy", "neutral", "sad"}


def test_header_may_be_missing(release: Path) -> None:
    with_header = list(iemocap.read(release))
    write_dialogue(release, "Ses01F_impro01", IMPRO, TRANSCRIPT)
    assert list(iemocap.read(release)) == with_header


def test_crlf_evaluation_reads_the_same(release: Path) -> None:
    with_lf = list(iemocap.read(release))
    crlf = (HEADER + IMPRO).replace("\n", "\r\n")
    write_dialogue(release, "Ses01F_impro01", crlf, TRANSCRIPT)
    assert list(iemocap.read(release)) == with_lf


@pytest.mark.parametrize(
    ("utterance_id", "person", "published", "side", "channel"),
    [
        ("Ses01F_impro01_F000", "Ses01F", "Ses01F", "left", 0),
        ("Ses01F_impro01_M003", "Ses01M", "Ses01F", "right", 1),
        ("Ses03M_impro05a_M000", "Ses03M", "Ses03M", "left", 0),
        ("Ses05M_script01_1b_F007", "Ses05F", "Ses05M", "right", 1),
    ],
)
def test_who_speaks_and_where(
    utterance_id: str, person: str, published: str, side: str, channel: int
) -> None:
    assert iemocap.person(utterance_id) == person
    assert iemocap.person(utterance_id, "published") == published
    assert iemocap.stage_position(utterance_id) == (side, channel)
    other_side = "right" if side == "left" else "left"
    assert iemocap.stage_position(utterance_id, named_side="right") == (other_side, 1 - channel)


def test_options_reach_the_utterances(release: Path) -> None:
    utterances, _ = read(release, person_rule="published", named_side="right")
    turn = utterances["Ses01F_impro01_M000"]
    assert (turn.person, turn.video_side, turn.audio_channel) == ("Ses01F", "left", 0)


@pytest.mark.parametrize("option", ["emotions", "person_rule", "named_side"])
def test_an_unknown_option_value_is_refused_at_once(release: Path, option: str) -> None:
    with pytest.raises(MienError, match=f"{option} is 'sideways' and must be"):
        iemocap.read(release, **{option: "sideways"})


@pytest.mark.parametrize(
    ("folder", "gone"),
    [("avi/DivX", "video"), ("wav", "audio"), ("transcriptions", "text")],
)
def test_a_missing_file_is_recorded_once_and_the_rest_is_used(
    release: Path, folder: str, gone: str
) -> None:
    shutil.rmtree(release / "Session1/dialog" / folder)
    utterances, skipped = read(release)
    missing = [item for item in skipped if "missing" in item.reason]
    assert [item.id for item in missing] == ["Ses01F_impro01"]
    assert f"{folder}/Ses01F_impro01." in missing[0].reason
    turn = utterances["Ses01F_impro01_F000"]
    parts = {"video": turn.video, "audio": turn.audio, "text": turn.text}
    assert [name for name, part in parts.items() if part is None] == [gone]
    assert (turn.video_side is None) == (gone == "video")
    assert (turn.audio_channel is None) == (gone == "audio")


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("[1.0 - 2.0]	Ses05F_impro01_M000	neu	[2.0, 2.0, 2.0]", "not an id such as"),
        ("[1.0 - 2.0]	nonsense	neu	[2.0, 2.0, 2.0]", "not an id such as"),
        ("[2.0 - 1.0]	Ses05M_script01_1b_F009	neu	[2.0, 2.0, 2.0]", "does not end after"),
        ("[5.0 - 6.0]	Ses05M_script01_1b_F000	neu	[2.0, 2.0, 2.0]", "evaluated twice"),
        (
            "[5.0 - 6.0]	Ses05M_script01_1b_F009	joy	[2.0, 2.0, 2.0]",
            "label joy is not a known emotion",
        ),
        ("[5.0 - 6.0]	Ses05M_script01_1b_F009	neu", "cannot be read"),
        ("synthetic damage", "cannot be read"),
    ],
)
def test_a_damaged_block_is_skipped_and_the_rest_is_used(
    tmp_path: Path, block: str, reason: str
) -> None:
    write_dialogue(tmp_path, "Ses05M_script01_1b", f"{SCRIPT}{block}\nC-E1:	Neutral;	()\n")
    utterances, skipped = read(tmp_path)
    assert list(utterances) == ["Ses05M_script01_1b_F000", "Ses05M_script01_1b_M000"]
    assert len(skipped) == 1
    assert reason in skipped[0].reason
    # The votes under the damaged block are nobody else's.
    assert utterances["Ses05M_script01_1b_M000"].attributes["annotators"] == 0


def test_a_stray_byte_costs_nothing(tmp_path: Path) -> None:
    write_dialogue(tmp_path, "Ses05M_script01_1b", SCRIPT)
    file = tmp_path / "Session5/dialog/EmoEvaluation/Ses05M_script01_1b.txt"
    file.write_bytes(file.read_bytes() + b"A-E1:\tval 2;\t(caf\xe9)\n")
    utterances, skipped = read(tmp_path)
    assert len(utterances) == 2
    assert not skipped


def test_a_generated_release_is_marked_synthetic(release: Path) -> None:
    assert not any(turn.synthetic for turn in read(release)[0].values())
    (release / "SYNTHETIC.txt").write_text("synthetic")
    turns = read(release)[0].values()
    assert {(turn.synthetic, turn.corpus) for turn in turns} == {(True, "synthetic")}
    assert {item.id for item in CORPORA["synthetic"].read(release)} >= {turn.id for turn in turns}


def test_another_folder_is_refused_with_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"Session\*/dialog/EmoEvaluation/\*\.txt"):
        iemocap.read(tmp_path)
    with pytest.raises(MienError, match="is not a folder"):
        iemocap.read(tmp_path / "nowhere")


NUMBERS = st.integers(0, 50_000_000).map(lambda number: number / 10_000)
MEANS = st.integers(-10_000, 60_000).map(lambda number: number / 10_000)
WORDS = st.sampled_from(["Neutral", "Anger", "Sadness", "Excited", "Other", "Frustration"])
TURNS = st.builds(
    iemocap_files.EvaluatedTurn,
    id=st.from_regex(r"Ses0[1-5][FM]_(impro|script)\d\d[ab]?_[FM]\d{3}", fullmatch=True),
    start=NUMBERS,
    end=NUMBERS,
    code=st.sampled_from([*iemocap.CODES, "xxx", "oth"]),
    valence=MEANS,
    activation=MEANS,
    dominance=MEANS,
    votes=st.lists(st.lists(WORDS, max_size=3).map(tuple), max_size=4),
)
COMMENTS = st.text("abc ,;:()[]-%", max_size=20)


@given(st.lists(TURNS, max_size=4), COMMENTS, st.booleans())
def test_evaluation_files_read_back_as_written(
    turns: list[iemocap_files.EvaluatedTurn], comment: str, header: bool
) -> None:
    text = HEADER if header else ""
    for turn in turns:
        means = f"{turn.valence:.4f}, {turn.activation:.4f}, {turn.dominance:.4f}"
        text += f"[{turn.start:.4f} - {turn.end:.4f}]\t{turn.id}\t{turn.code}\t[{means}]\n"
        for number, words in enumerate(turn.votes):
            text += f"C-E{number}:\t{' '.join(word + ';' for word in words)}\t({comment})\n"
        text += f"C-F1:\tNeutral;\t({comment})\nA-E1:\tval 2; act 3; dom  3;\t({comment})\n\n"
    assert iemocap_files.parse_evaluation(text) == (turns, [])


def test_the_published_ids_are_ids_here(shared_data: Path) -> None:
    lists = (shared_data / "splits/iemocap").glob("*_split.txt")
    ids = [line for file in lists for line in file.read_text().split()]
    assert len(ids) == 7_380
    assert len({iemocap.person(name) for name in ids}) == 10
    # The fork's rule agrees with the speaker in about half of the utterances.
    agree = sum(iemocap.person(name) == iemocap.person(name, "published") for name in ids)
    assert 0.45 < agree / len(ids) < 0.55
    text = "\n".join(f"{name} [000.0000-001.0000]: synthetic" for name in ids)
    assert iemocap_files.parse_transcript(text) == (dict.fromkeys(ids, "synthetic"), [])


def test_an_odd_line_costs_that_turn_alone(tmp_path: Path) -> None:
    good = "[{} - {}]\tSes01F_impro01_F00{}\tneu\t[{}, 2.5, 2.5]\n"
    many = "9" * 400
    turns = [(1, 2, 0, 2.5), (1, many, 1, 2.5), (1, 2, 2, many), (1, 2, "3\0", 2.5), (3, 4, 4, -1)]
    spoken = "Ses01F_impro01_F000 [1-2]: Ye\0s.\nSes01F_impro01_F004 [3-4]: No.\n"
    write_dialogue(tmp_path, "Ses01F_impro01", "".join(good.format(*t) for t in turns), spoken)
    utterances, skipped = read(tmp_path)
    assert {name: u.text for name, u in utterances.items()} == {
        "Ses01F_impro01_F000": None,
        "Ses01F_impro01_F004": "No.",
    }
    unreadable = [s.source for s in skipped if s.reason == "evaluation line that cannot be read"]
    assert [source.rpartition(":")[2] for source in unreadable] == ["2", "3", "4"]
    assert [s.reason for s in skipped if "transcriptions" in s.source] == [
        "transcript line without an utterance id"
    ]
