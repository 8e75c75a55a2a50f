"""Which face is whose, by the evidence of all turns together."""

from mien.inference.analysis.speaker_faces import speakers_of_faces, track_at
from mien.inference.analysis.spoken import SpokenTurn


def turn(start: float, speaker: str | None, mark=None) -> SpokenTurn:
    return SpokenTurn(start=start, end=start + 1, speaker=speaker, mark=mark)


def odds(table: dict[float, dict[int, float]]):
    return lambda start, end: table.get(start, {})


def test_one_doubtful_turn_is_outvoted_by_the_others() -> None:
    turns = [turn(0, "Anna"), turn(1, "Ben"), turn(2, "Anna"), turn(3, "Anna")]
    table = {0: {1: 2, 2: -2}, 1: {1: -3, 2: 3}, 2: {1: -0.5, 2: 1}, 3: {1: 2, 2: -1}}
    assert speakers_of_faces(turns, odds(table), [[1], [2]]) == {"Anna": 0, "Ben": 1}


def test_two_speakers_never_have_one_face() -> None:
    turns = [turn(0, "Anna"), turn(1, "Ben")]
    table = {0: {1: 5, 2: 1}, 1: {1: 4, 2: 3}}
    assert speakers_of_faces(turns, odds(table), [[1], [2]]) == {"Anna": 0, "Ben": 1}


def test_a_speaker_off_the_screen_has_no_face() -> None:
    turns = [turn(0, "Anna"), turn(1, "voice off")]
    table = {0: {1: 3}, 1: {1: -4}}
    assert speakers_of_faces(turns, odds(table), [[1]]) == {"Anna": 0}


def test_a_face_that_comes_back_after_a_cut_counts_as_one() -> None:
    turns = [turn(0, "Anna"), turn(1, "Anna")]
    table = {0: {1: 1.0, 2: 1.5}, 1: {3: 1.0}}
    assert speakers_of_faces(turns, odds(table), [[1, 3], [2]]) == {"Anna": 0}


def test_a_single_turn_counts_for_so_much_at_most() -> None:
    turns = [turn(0, "Anna"), turn(1, "Anna"), turn(2, "Anna")]
    table = {0: {1: -900, 2: 900}, 1: {1: 5, 2: -5}, 2: {1: 5, 2: -5}}
    assert speakers_of_faces(turns, odds(table), [[1], [2]]) == {"Anna": 0}


def test_marked_turns_and_turns_of_nobody_do_not_count() -> None:
    turns = [turn(0, "Anna", "overlap"), turn(1, None), turn(2, "Anna", "short")]
    table = {0: {1: 5}, 1: {1: 5}, 2: {1: 5}}
    assert speakers_of_faces(turns, odds(table), [[1]]) == {}


def test_what_a_gallery_knows_is_not_overruled_by_a_mouth() -> None:
    turns = [turn(0, "Anna"), turn(1, "Ben")]
    table = {0: {1: 5, 2: -5}, 1: {2: 5}}
    assert speakers_of_faces(turns, odds(table), [[1], [2]], {"Anna": 1}) == {"Anna": 1}


def test_the_track_of_a_turn_is_the_one_that_is_seen_longest() -> None:
    assert track_at(turn(5, "Anna"), {1: (0, 5.3), 2: (5.3, 9), 4: (20, 30)}) == 2
    assert track_at(turn(15, "Anna"), {1: (0, 5.3)}) is None
