from dataclasses import replace

import numpy as np
import pytest

from mien.report.attention_maps import (
    DARK,
    FACES,
    GREY,
    PIECES,
    Look,
    attention_map,
    darkened,
    heated,
    upsampled,
)


def look(number=5, height=8, width=8, **fields):
    random = np.random.default_rng(0)
    attention = random.random((number, height // 2, width // 2))
    return Look(
        random.integers(0, 256, (number, height, width, 3), dtype=np.uint8),
        [f"{i} s" for i in range(number)],
        **{
            "chosen": np.ones(number, bool),
            "attention": attention / attention.sum(axis=(1, 2), keepdims=True),
            "kept": [attention > 0.5],
        }
        | fields,
    )


def test_each_pixel_has_the_value_of_its_site():
    kept = np.array([[[True, False, True], [False, True, False]]])
    pixels = upsampled(kept, 4, 6)[0]
    assert pixels.astype(int).tolist() == [
        [1, 1, 0, 0, 1, 1],
        [1, 1, 0, 0, 1, 1],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0],
    ]
    with pytest.raises(ValueError, match="do not divide"):
        upsampled(kept, 5, 6)


def test_what_is_not_kept_is_darkened_and_the_rest_is_as_it_was():
    pictures = np.full((1, 2, 4, 3), 200, np.uint8)
    out = darkened(pictures, np.array([[[True, False]]]))
    assert (out[0, :, :2] == 200).all()
    assert (out[0, :, 2:] == round(200 * DARK)).all()
    assert (pictures == 200).all()


def test_uniform_attention_has_no_colour_and_more_of_it_is_red():
    pictures = np.full((1, 4, 4, 3), 100, np.uint8)
    even = heated(pictures, np.full((1, 2, 2), 0.25)).astype(int)
    assert np.ptp(even, axis=3).max() <= 2
    red, green, blue = heated(pictures, np.array([[[0.7, 0.1], [0.1, 0.1]]])).astype(int)[0].T
    assert red[0, 0] > blue[0, 0] + 20
    assert blue[3, 3] > red[3, 3] + 20
    assert green.shape == (4, 4)


@pytest.mark.parametrize("layout", [FACES, PIECES], ids=lambda layout: layout.name)
def test_a_row_for_each_thing_that_was_chosen(tmp_path, pixels, layout):
    both = look(shares=np.full(5, 0.2))
    for name, one in {
        "frames": replace(both, attention=None, kept=[]),
        "sites": replace(both, shares=None),
        "both": both,
    }.items():
        attention_map(one, tmp_path / f"{name}.png", ["heading"], layout, synthetic=False)
    heights = [pixels(tmp_path / f"{name}.png").shape[0] for name in ("frames", "sites", "both")]
    assert heights == sorted(set(heights))
    assert len(list(tmp_path.iterdir())) == 3


def test_pictures_that_were_not_looked_at_are_grey(tmp_path, pixels):
    chosen = np.array([True, False, True])
    two = look(2)
    one = look(3, chosen=chosen, attention=two.attention, kept=two.kept)
    attention_map(one, tmp_path / "some.png", [], FACES, synthetic=False)
    attention_map(look(3), tmp_path / "all.png", [], FACES, synthetic=False)
    some, every = ((pixels(tmp_path / f"{n}.png") == GREY).all(axis=2) for n in ("some", "all"))
    assert some.sum() > 10_000
    assert every.sum() < 1000


def test_low_bands_are_at_the_bottom_and_foreheads_at_the_top(tmp_path, pixels):
    pictures = np.zeros((1, 8, 8, 3), np.uint8)
    pictures[:, :4, :, 0] = 255
    first = {}
    for layout in (FACES, PIECES):
        attention_map(replace(look(1), pictures=pictures), tmp_path / "a.png", [], layout, False)
        red = (pixels(tmp_path / "a.png") == (0, 0, 255)).all(axis=2)
        first[layout.name] = np.flatnonzero(red.any(axis=1))[0]
    assert first["pieces of sound"] > first["faces"] + 40


def test_many_pictures_are_wrapped_and_what_is_left_out_is_said(tmp_path, pixels, monkeypatch):
    texts = []
    monkeypatch.setattr("mien.report.attention_maps.plain", lambda t: texts.append(t) or t)
    shapes = {}
    for number in (12, 13, 48, 49):
        attention_map(look(number), tmp_path / f"{number}.png", ["a"], FACES, synthetic=False)
        shapes[number] = pixels(tmp_path / f"{number}.png").shape
    assert texts == ["a", "a", "a", "a", "drawn are the first 48 of 49 faces"]
    assert shapes[12][0] < shapes[13][0] < shapes[48][0]
    assert shapes[12][1] == shapes[13][1] == shapes[49][1]


def test_headings_are_text_wrapped_and_cut_and_synthetic_training_is_marked(tmp_path, pixels):
    heading = ["$\\frac$ " * 300, "x" * 2000]
    attention_map(look(), tmp_path / "plain.png", heading, FACES, synthetic=False)
    attention_map(look(), tmp_path / "marked.png", heading, FACES, synthetic=True)
    plain, marked = (pixels(tmp_path / f"{name}.png") for name in ("plain", "marked"))
    corner = np.s_[:40, -250:]
    assert (plain[corner] == 255).all()
    assert (marked[corner] != 255).any()
