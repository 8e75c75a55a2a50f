"""The one table of modalities."""

import pytest

from mien.modality import Modality, letters, parse_modalities


@pytest.mark.parametrize("text", ["tav", "vat", "text,audio,video", " video , text ,audio"])
def test_letters_and_names_mean_the_same_in_any_order(text: str) -> None:
    assert parse_modalities(text.strip()) == (Modality.TEXT, Modality.AUDIO, Modality.VIDEO)


def test_one_name_is_one_modality() -> None:
    assert parse_modalities("audio") == (Modality.AUDIO,) == parse_modalities("a")


@pytest.mark.parametrize("text", ["", "tt", "x", "text,text", "text,sound", "tax"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of|at most once"):
        parse_modalities(text)


def test_letters_come_in_the_published_order() -> None:
    assert letters(set(Modality)) == "tav"
