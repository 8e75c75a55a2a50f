from dataclasses import replace

import numpy as np
import pytest

from mien.report.attention_maps import (
    CHUNKS,
    DARK,
    FACES,
    GREY,
    AttentionView,
    darken,
    overlay,
    plot_attention,
    upsample,
)


def view(number=5, height=8, width=8, **fields):
    random = np.random.default_rng(0)
    attention = random.random((number, height // 2, width // 2))
    return AttentionView(
        random.integers(0, 256, (number, height, width, 3), dtype=np.uint8),
        [f"{i} s" for i in range(number)],
        **{
            "selected": np.ones(number, bool),
            "site_attention": attention / attention.sum(axis=(1, 2), keepdims=True),
            "kept": [attention > 0.5],
        }
        | fields,
    )


def test_each_pixel_has_the_value_of_its_site():
    kept = np.array([[[True, False, True], [False, True, False]]])
    pixels = upsample(kept, 4, 6)[0]
    assert pixels.astype(int).tolist() == [
        [1, 1, 0, 0, 1, 1],
        [1, 1, 0, 0, 1, 1],
        [0, 0, 1, 1, 0, 0],
        [0, 0, 1, 1, 0, 0],
    ]
    with pytest.raises(ValueError, match="do not divide"):
        upsample(kept, 5, 6)


def test_what_is_not_kept_is_darkened_and_the_rest_is_as_it_was():
    images = np.full((1, 2, 4, 3), 200, np.uint8)
    out = darken(images, np.array([[[True, False]]]))
    assert (out[0, :, :2] == 200).all()
    assert (out[0, :, 2:] == round(200 * DARK)).all()
    assert (images == 200).all()


def test_uniform_attention_has_no_colour_and_more_of_it_is_red():
    images = np.full((1, 4, 4, 3), 100, np.uint8)
    even = overlay(images, np.full((1, 2, 2), 0.25)).astype(int)
    assert np.ptp(even, axis=3).max() <= 2
    red, green, blue = overlay(images, np.array([[[0.7, 0.1], [0.1, 0.1]]])).astype(int)[0].T
    assert red[0, 0] > blue[0, 0] + 20
    assert blue[3, 3] > red[3, 3] + 20
    assert green.shape == (4, 4)


@pytest.mark.parametrize("layout", [FACES, CHUNKS], ids=lambda layout: layout.name)
def test_a_row_for_each_kind_of_attention(tmp_path, pixels, layout):
    both = view(image_attention=np.full(5, 0.2))
    for name, one in {
        "frames": replace(both, site_attention=None, kept=[]),
        "sites": replace(both, image_attention=None),
        "both": both,
    }.items():
        plot_attention(one, tmp_path / f"{name}.png", ["heading"], layout, synthetic=False)
    heights = [pixels(tmp_path / f"{name}.png").shape[0] for name in ("frames", "sites", "both")]
    assert heights == sorted(set(heights))
    assert len(list(tmp_path.iterdir())) == 3


def test_images_that_were_not_selected_are_grey(tmp_path, pixels):
    selected = np.array([True, False, True])
    two = view(2)
    one = view(3, selected=selected, site_attention=two.site_attention, kept=two.kept)
    plot_attention(one, tmp_path / "some.png", [], FACES, synthetic=False)
    plot_attention(view(3), tmp_path / "all.png", [], FACES, synthetic=False)
    some, every = ((pixels(tmp_path / f"{n}.png") == GREY).all(axis=2) for n in ("some", "all"))
    assert some.sum() > 10_000
    assert every.sum() < 1000


def test_low_bands_are_at_the_bottom_and_foreheads_at_the_top(tmp_path, pixels):
    images = np.zeros((1, 8, 8, 3), np.uint8)
    images[:, :4, :, 0] = 255
    first = {}
    for layout in (FACES, CHUNKS):
        plot_attention(replace(view(1), images=images), tmp_path / "a.png", [], layout, False)
        red = (pixels(tmp_path / "a.png") == (0, 0, 255)).all(axis=2)
        first[layout.name] = np.flatnonzero(red.any(axis=1))[0]
    assert first["spectrogram chunks"] > first["faces"] + 40


def test_many_images_are_wrapped_and_the_heading_says_how_many_are_left_out(
    tmp_path, pixels, monkeypatch
):
    texts = []
    monkeypatch.setattr("mien.report.attention_maps.plain", lambda t: texts.append(t) or t)
    shapes = {}
    for number in (12, 13, 48, 49):
        plot_attention(view(number), tmp_path / f"{number}.png", ["a"], FACES, synthetic=False)
        shapes[number] = pixels(tmp_path / f"{number}.png").shape
    assert texts == ["a", "a", "a", "a", "only the first 48 of 49 faces are drawn"]
    assert shapes[12][0] < shapes[13][0] < shapes[48][0]
    assert shapes[12][1] == shapes[13][1] == shapes[49][1]


def test_headings_are_text_wrapped_and_cut_and_synthetic_training_is_marked(tmp_path, pixels):
    heading = ["$\\frac$ " * 300, "x" * 2000]
    plot_attention(view(), tmp_path / "plain.png", heading, FACES, synthetic=False)
    plot_attention(view(), tmp_path / "marked.png", heading, FACES, synthetic=True)
    plain, marked = (pixels(tmp_path / f"{name}.png") for name in ("plain", "marked"))
    corner = np.s_[:40, -250:]
    assert (plain[corner] == 255).all()
    assert (marked[corner] != 255).any()
