"""Word vectors: the packaged ones, or those of a user's GloVe file."""

from pathlib import Path

import numpy as np
import pytest

from mien.errors import MienError
from mien.features import word_vectors
from mien.features.word_vectors import (
    PackagedVectors,
    VectorTable,
    save_vectors,
    split_words,
    text_features,
)

GLOVE = """the 0.1 0.2 0.3
of 0.4 0.5 0.6
n't -1 -2 -3
. . . 9 9 9
do 7 8 9
Boston 1 1 1
rare 0 0 1
"""


@pytest.fixture
def glove(tmp_path: Path) -> Path:
    path = tmp_path / "glove.txt"
    path.write_text(GLOVE)
    return path


def close(word: np.ndarray, other: np.ndarray) -> float:
    return float(word @ other / np.linalg.norm(word) / np.linalg.norm(other))


def test_words_are_cut_as_glove_has_them() -> None:
    assert split_words("Don’t -- they're 20 o'clock...") == [
        *("Do", "n’t".replace("’", "'"), "they", "'re", "20", "o", "'clock")
    ]
    assert split_words(" ... ?! ") == []


def test_the_packaged_vectors_know_meanings() -> None:
    vectors = PackagedVectors()
    happy, glad, table = (vectors.vector(word) for word in ("happy", "Glad", "table"))
    assert close(happy, glad) > 0.3 > close(happy, table)
    features = text_features("I am glad.", vectors)
    assert features.shape == (3, vectors.size)
    assert np.array_equal(features[2], glad)
    assert text_features("?!", vectors) is None


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "wordllama", None)
    with pytest.raises(MienError, match=r"glove: .*mien\[features\].*GloVe file"):
        PackagedVectors()


def test_a_glove_file_becomes_a_table(glove: Path, tmp_path: Path) -> None:
    save_vectors(glove, ["Don't do it in Boston"], tmp_path / "words.npz")
    table = VectorTable(tmp_path / "words.npz")
    features = text_features("THE Boston, don't unheard-of", table)
    assert features.tolist() == pytest.approx(
        np.array([[0.1, 0.2, 0.3], [1, 1, 1], [7, 8, 9], [-1, -2, -3], [0.4, 0.5, 0.6]]), abs=1e-3
    )
    assert table.vector("unheard") is None
    assert table.vector(".") is None
    assert text_features("unheard", table) is None


def test_of_rare_words_only_those_of_the_texts_are_kept(
    glove: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_vectors, "FREQUENT_WORDS", 2)
    save_vectors(glove, ["rare"], tmp_path / "words.npz")
    table = VectorTable(tmp_path / "words.npz")
    known = [w for w in ("the", "of", "do", "Boston", "rare") if table.vector(w) is not None]
    assert known == ["the", "of", "rare"]


def test_a_heading_of_two_numbers_is_no_word(glove: Path, tmp_path: Path) -> None:
    plain, headed = tmp_path / "plain.npz", tmp_path / "headed.npz"
    save_vectors(glove, [], plain)
    glove.write_text("6 3\n" + GLOVE)
    save_vectors(glove, [], headed)
    assert VectorTable(plain).name == VectorTable(headed).name
    assert VectorTable(plain).name.startswith("glove-3-")


@pytest.mark.parametrize("content", ["", "no vectors here\nat all\n", "a 1 2 3\nb 1 2\n", "a 1 x"])
def test_what_is_no_table_of_vectors_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wrong.txt"
    path.write_text(content)
    with pytest.raises(MienError, match=r"wrong\.txt"):
        save_vectors(path, [], tmp_path / "words.npz")
    assert not (tmp_path / "words.npz").exists()


def test_a_missing_or_damaged_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MienError, match="missing or damaged"):
        VectorTable(tmp_path / "words.npz")
    (tmp_path / "words.npz").write_bytes(b"PK\x03\x04 cut short")
    with pytest.raises(MienError, match="missing or damaged"):
        VectorTable(tmp_path / "words.npz")
