import itertools
import runpy
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from media_files import write_video
from scripted_faces import SIZE, ScriptedCropper, followed, pattern, square

from mien.errors import MienError
from mien.media import crop_store, face_observers
from mien.media.crop_codec import decode_crop
from mien.media.decode import read_frames
from mien.media.face_track import FaceTrack, faces_between, same_person
from mien.media.face_tracking import MAX_MISSING, FaceFollower, follow_faces
from mien.media.faces import FaceCropper, overlap

PERSONS = ("ada", "bob", "cleo", "dan")


def owner(track: FaceTrack) -> set[str]:
    """Tell who is in the crops of a track."""
    crops = [decode_crop(crop, SIZE) for crop in track.crops]
    return {p for p in PERSONS for crop in crops if np.array_equal(crop, pattern(p))}


def run(steps, *, interval=0.5, every=0.5, describe=False, **options) -> list[FaceTrack]:
    """Follow the faces of (scene, cast) at regular times."""
    cropper = ScriptedCropper()
    options |= {"describe": cropper.describe} if describe else {}
    follower = followed(cropper, interval=interval, **options)
    for number, (scene, cast) in enumerate(steps):
        follower.add(number * every, cropper.image(scene, cast))
    return follower.finish()


@st.composite
def films(draw):
    """Draw a film: scenes, and persons who come and go in lanes of their own."""
    count = draw(st.integers(1, 4))
    speeds = draw(st.lists(st.integers(-20, 20), min_size=count, max_size=count))
    steps, scene = [], 0
    for number in range(draw(st.integers(1, 14))):
        scene += draw(st.sampled_from((0, 0, 0, 1)))
        present = draw(st.lists(st.booleans(), min_size=count, max_size=count))
        cast = {
            PERSONS[i]: square(400 + speeds[i] * number, 100 + 150 * i)
            for i in range(count)
            if present[i]
        }
        steps.append((scene, cast))
    return steps


@settings(max_examples=60, deadline=None)
@given(films(), st.booleans())
def test_whatever_is_seen_tracks_are_sound(steps, describe):
    tracks = run(steps, describe=describe)
    assert [track.id for track in tracks] == list(range(1, len(tracks) + 1))
    cuts = [0.5 * i for i in range(1, len(steps)) if steps[i][0] != steps[i - 1][0]]
    for track in tracks:
        assert (np.diff(track.times) > 0).all()
        assert len(track.times) == len(track.boxes) == len(track.crops) == len(track.confidences)
        assert len(owner(track)) == 1, "no track is of two persons"
        assert not any(track.start < cut <= track.end for cut in cuts), "a cut ends all tracks"
        assert max(np.diff(track.times), default=0) <= MAX_MISSING
        assert (track.embedding is not None) == describe
    pairs = [
        (time, box) for track in tracks for time, box in zip(track.times, track.boxes, strict=True)
    ]
    shown = [(0.5 * i, box) for i, (_, cast) in enumerate(steps) for box in cast.values()]
    assert len(set(pairs)) == len(pairs), "each face is in one track, once"
    new = sum(len(b.keys() - a.keys()) for (_, a), (_, b) in itertools.pairwise(steps))
    assert set(pairs) <= set(shown)
    assert len(pairs) >= len(shown) - new, "only a face that has just come waits for half a second"


@settings(max_examples=40, deadline=None)
@given(st.integers(-40, 40), st.integers(-30, 30), st.integers(2, 12))
def test_faces_that_move_keep_their_tracks(across, down, count):
    """By up to half of their width from one search to the next, side by side."""
    steps = [
        (0, {p: square(1000 + 100 * i + across * k, 500 + down * k) for i, p in enumerate(PERSONS)})
        for k in range(count)
    ]
    tracks = run(steps)
    assert len(tracks) == 4
    assert sorted(map(owner, tracks), key=sorted) == [{person} for person in PERSONS]
    assert all(len(track.times) == count for track in tracks)


def test_neighbours_who_change_places_are_told_apart():
    here, there = square(100), square(180)
    steps = [(0, {"ada": here, "bob": there})] * 2 + [(0, {"bob": here, "ada": there})] * 2
    for describe in (False, True):
        tracks = run(steps, describe=describe)
        assert all(len(owner(track)) == 1 for track in tracks)
    assert [len(track.times) for track in tracks] == [4, 4], "their descriptors lead across"


@pytest.mark.parametrize(("missing", "count"), [(1, 1), (3, 1), (4, 2), (8, 2)])
def test_a_face_that_is_missing_for_longer_comes_back_as_another(missing, count):
    """Searches half a second apart: 4 without it make 2.5 s from one detection to the next."""
    there, gone = (0, {"ada": square(100)}), (0, {})
    tracks = run([there, there, *[gone] * missing, there], describe=True)
    assert len(tracks) == count
    assert same_person(tracks) == [list(range(1, count + 1))]


def test_persons_are_linked_across_cuts_but_never_with_one_beside_them():
    scenes = [{"ada": square(100), "bob": square(300)}, {"bob": square(100)}, {"ada": square(300)}]
    steps = [(i, cast) for i, cast in enumerate(scenes) for _ in range(2)]
    tracks = run(steps, describe=True)
    assert same_person(tracks) == [[1, 4], [2, 3]]
    assert same_person(run(steps)) == [[1], [2], [3], [4]], "nothing is known without descriptors"
    one = np.array([1.0, 0.0], np.float32)
    together = [FaceTrack(i, times=[0.0, 5.0], embedding=one) for i in (1, 2)]
    later = FaceTrack(3, times=[6.0, 7.0], embedding=one)
    assert same_person([*together, later]) in ([[1, 3], [2]], [[1], [2, 3]])


def test_someone_else_at_the_same_place_of_a_changed_half():
    """The image changes so much that it may be a cut; the other face is still there."""
    cropper = ScriptedCropper()
    casts = [{"ada": square(100), "bob": square(300)}, {"ada": square(100), "cleo": square(300)}]
    follower = followed(cropper, describe=cropper.describe)
    for number in range(6):
        image = cropper.image(0, casts[number >= 3])
        if number >= 3:
            image[:18, 32:] = 255 - image[:18, 32:]
        follower.add(0.5 * number, image)
    tracks = follower.finish()
    assert [(owner(t), t.start, t.end) for t in tracks] == [
        ({"ada"}, 0.0, 2.5),
        ({"bob"}, 0.0, 1.0),
        ({"cleo"}, 1.5, 2.5),
    ]


def test_a_whole_frame_is_searched_where_a_face_appears_and_every_ten_seconds():
    cropper, follower = ScriptedCropper(), None
    follower = followed(cropper)
    for number in range(120):
        cast = {"ada": square(100)} | ({"bob": square(400)} if number >= 11 else {})
        follower.add(number * 0.1, cropper.image(0, cast))
    assert [(track.start, track.end) for track in follower.finish()] == [(0, 11.5), (1.5, 11.5)]
    assert [number / 2 for number, full in enumerate(cropper.searches) if full] == [0, 1.5, 11.5]


def test_an_image_that_stays_is_searched_once():
    cropper = ScriptedCropper()
    follower, image = (
        followed(cropper, describe=cropper.describe),
        cropper.image(0, {"ada": square(90)}),
    )
    for number in range(20):
        follower.add(0.5 * number, image)
    (track,) = follower.finish()
    assert cropper.searches == [True]
    assert track.times == [0.5 * number for number in range(20)]
    assert len(set(track.crops)) == 1


def test_ever_fewer_faces_of_a_track_are_described():
    cropper, described = ScriptedCropper(), []

    def describe(image, box):
        described.append(box)
        return cropper.describe(image, box)

    follower = followed(cropper, describe=describe)
    for number in range(130):
        follower.add(0.5 * number, cropper.image(0, {"ada": square(100)}))
    (track,) = follower.finish()
    assert len(track.times) == 130
    assert len(described) == 7, "numbers 0, 4, 8, 16, 32, 64 and 128"
    assert np.linalg.norm(track.embedding) == pytest.approx(1)


def watch(steps, **options):
    """Collect what an observer is shown."""
    seen = []
    run(steps, every=0.1, observers=[lambda *what: seen.append(what)], **options)
    return [(round(time, 1), {k: box[0] for k, box in boxes.items()}) for time, _, boxes in seen]


def test_observers_see_every_frame_in_order_with_boxes_in_between():
    steps = [(0, {"ada": square(100 + 5 * number)}) for number in range(13)]
    seen = watch(steps)
    assert [time for time, _ in seen] == [round(0.1 * number, 1) for number in range(13)]
    lefts = [60 + 5 * min(number, 10) for number in range(13)]
    assert [boxes for _, boxes in seen] == [{1: left} for left in lefts], "the last is as it was"


def test_observers_see_no_box_after_a_cut_nor_of_a_face_long_missing():
    cast = {"ada": square(100)}
    seen = dict(watch([(0, cast)] * 3 + [(1, {})] * 5))
    assert [bool(boxes) for boxes in seen.values()] == [True] * 3 + [False] * 5
    seen = dict(watch([(0, cast)] * 6 + [(0, {})] * 14))
    assert max(time for time, boxes in seen.items() if boxes) == pytest.approx(1.5)


def test_frames_that_wait_do_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(face_observers, "MAX_HELD_BYTES", 2 * 36 * 64 * 3)
    seen = watch([(0, {"ada": square(100 + 5 * number)}) for number in range(11)])
    assert [time for time, _ in seen] == [round(0.1 * number, 1) for number in range(11)]
    assert [boxes[1] for _, boxes in seen] == [60] * 4 + [80, 85] + [85] * 3 + [105, 110]


def test_frames_out_of_order_and_odd_settings_are_refused():
    follower, image = followed(ScriptedCropper()), np.zeros((36, 64, 3), np.uint8)
    follower._cropper.casts[id(image)] = {}
    follower.add(1.0, image)
    for time in (1.0, 0.5, float("nan")):
        with pytest.raises(ValueError, match="in order of time"):
            follower.add(time, image)
    with pytest.raises(MienError, match="above 0 seconds, not 0"):
        followed(ScriptedCropper(), interval=0)
    with pytest.raises(MienError, match="face size"):
        FaceFollower(ScriptedCropper(), size=7)


def test_crops_of_a_stretch_of_time(monkeypatch):
    monkeypatch.setattr(crop_store, "IN_MEMORY", 100)
    casts = [{"ada": square(100), "bob": square(300)}] * 6
    ada, bob = run([(0, cast) for cast in casts])
    assert ada.crops._store._file._rolled, "they are on the disk"
    faces, times = faces_between(bob, 0.5, 2.0)
    assert times.tolist() == [0.5, 1.0, 1.5]
    np.testing.assert_array_equal(faces, [pattern("bob")] * 3)
    assert faces_between(ada, 0, 9, 112)[0].shape == (6, 112, 112, 3)
    assert faces_between(ada, 7, 9)[0].shape == (0, SIZE, SIZE, 3)


# On real recordings


@pytest.fixture(scope="module")
def cropper() -> FaceCropper:
    cv2.setNumThreads(1)
    return FaceCropper()


@pytest.fixture(scope="module")
def tools(shared_data) -> dict:
    return runpy.run_path(str(Path(__file__).parents[2] / "benchmarks/tools/face_scenes.py"))


def test_the_face_of_a_real_recording_is_one_track(cropper, shared_data):
    path, seen, passed = shared_data / "grid" / "swiz3n.mpg", [], []
    (track,) = follow_faces(
        path,
        cropper=cropper,
        frame_interval=0.08,
        observers=[lambda time, image, boxes: seen.append((time, image.shape, set(boxes)))],
        progress=passed.append,
    )
    assert track.times == pytest.approx([0, 0.56, 1.04, 1.52, 2.0, 2.56])
    assert len(seen) == len(passed) == 38
    assert all(one == (time, (288, 360, 3), {1}) for one, time in zip(seen, passed, strict=True))
    (_, _, image), *_ = read_frames(path, [(0.0, 0.1)])
    face = cropper.crop(image)
    assert track.boxes[0] == face.box
    assert track.confidences[0] == face.confidence > 0.99
    np.testing.assert_array_equal(faces_between(track, 0, 0.2)[0][0], face.pixels)
    (part,) = follow_faces(path, cropper=cropper, start=1.0, end=2.0, size=48)
    assert (part.start, part.end, part.size) == (1.0, 1.5, 48)


def test_a_long_recording_is_cut_at_the_limit_with_a_note(cropper, tmp_path):
    path, notes = write_video(tmp_path / "long.mp4", 60, size=(64, 48)), []
    assert follow_faces(path, cropper=cropper, max_seconds=1.0, report=notes.append) == []
    assert [note.kind for note in notes] == ["longer than the limit"]


@pytest.mark.slow
@pytest.mark.parametrize("scene", ["3 side by side", "a cut, places swapped", "one moves, fast"])
def test_persons_of_composed_scenes_are_never_mixed_up(cropper, tools, scene):
    shots = tools["scenes"](tools["TESTING"])[scene]
    follower, truth = FaceFollower(cropper), {}
    for time, image, boxes in list(tools["render"](shots))[::5]:
        follower.add(time, image)
        truth[time] = boxes
    tracks = follower.finish()
    found = {
        (track.id, max(truth[t], key=lambda p: overlap(truth[t][p], box)))
        for track in tracks
        for t, box in zip(track.times, track.boxes, strict=True)
    }
    assert len(found) == len(tracks) == sum(len(shot.cast) for shot in shots)
