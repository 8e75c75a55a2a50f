"""Attention maps: what a sparse model selected of faces or spectrograms, as a PNG file."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize, TwoSlopeNorm
from matplotlib.figure import Figure

from mien.report.plots import BLUE, FAINT, INK, mark_synthetic, plain, save

BLOCKS = 4
"""Blocks of rows in one file; what goes beyond is left out, and the heading says so."""

SPAN, NARROWEST = 13.0, 6.5
LEFT, RIGHT, BOTTOM = 1.4, 0.8, 0.15
LINE, HEAD, GAP = 0.23, 0.45, 0.07
"""Inches: the widest and narrowest row, margins, and the distances between lines and rows."""

COLOURS = matplotlib.colormaps["RdBu_r"]
HEAT = 0.6
"""Weight of the heat map against the image beneath it."""

DARK = 0.2
"""Brightness left of sites that were not kept."""

GREY = 205
"""Brightness of images that were not selected."""

BARS, HEAT_MAP = "attention\non each\n(1: as on all)", "attention\nat stage 1"


@dataclass(frozen=True)
class Layout:
    """How images of one kind are placed side by side; their largest size is in inches."""

    name: str
    per_row: int
    width: float
    height: float
    spectrogram: bool = False

    @property
    def max_images(self) -> int:
        """Images that one file holds."""
        return self.per_row * BLOCKS


FACES = Layout("faces", per_row=12, width=1.08, height=1.08)
CHUNKS = Layout("spectrogram chunks", per_row=40, width=0.8, height=1.25, spectrogram=True)


@dataclass(frozen=True)
class AttentionView:
    """What was selected of T images: face crops or spectrogram chunks.

    Parameters
    ----------
    images : array (T, H, W, 3) uint8
        RGB; of spectrograms the first line is the lowest band.
    labels : sequence of T str
        Written above the images.
    selected : array (T,) bool
        Which images were selected, N of them.
    image_attention : array (T,) or None
        Attention on each image, where whole images are selected; sums to 1.
    site_attention : array (N, h, w) or None
        Attention of the first stage, where sites are selected; sums to 1 in each image.
    kept : list of array (N, h, w) bool
        The sites that each stage kept.
    """

    images: np.ndarray
    labels: Sequence[str]
    selected: np.ndarray
    image_attention: np.ndarray | None = None
    site_attention: np.ndarray | None = None
    kept: list[np.ndarray] = field(default_factory=list)


def plot_attention(
    view: AttentionView, out: Path, heading: Sequence[str], layout: Layout, synthetic: bool
) -> None:
    """Draw what was selected of images, one column each.

    The rows are the images; where whole images are selected, the attention on each; where sites
    are, the attention of the first stage as a heat map and the sites that each stage kept. All
    attention is in units of the uniform share: 1 is as much as everywhere.

    Parameters
    ----------
    view : AttentionView
        What to draw; of more than `layout.max_images` images the first.
    out : Path
        The PNG file to write.
    heading : sequence of str
        Lines above the images; each is wrapped, and cut after three.
    layout : Layout
        `FACES` or `CHUNKS`.
    synthetic : bool
        Mark the plot: the model was trained on synthetic data.
    """
    page = _Page(view, layout, heading)
    page.draw()
    if synthetic:
        mark_synthetic(page.figure, "model trained on synthetic data")
    save(page.figure, out)


def upsample(sites: np.ndarray, height: int, width: int) -> np.ndarray:
    """Give each pixel the value of its site.

    Parameters
    ----------
    sites : array (N, h, w, ...)
        Values of the sites of N images.
    height, width : int
        Of an image, pixels; multiples of h and w.

    Returns
    -------
    array (N, height, width, ...)

    Examples
    --------
    >>> upsample(np.array([[[1, 0]]]), 2, 4).tolist()
    [[[1, 1, 0, 0], [1, 1, 0, 0]]]
    """
    _, h, w = sites.shape[:3]
    if height % h or width % w:
        raise ValueError(f"{h} x {w} sites do not divide {height} x {width} pixels")
    return sites.repeat(height // h, axis=1).repeat(width // w, axis=2)


def darken(images: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Darken images (N, H, W, 3) uint8 where their sites (N, h, w) bool are not kept."""
    pixels = upsample(kept, *images.shape[1:3])[..., None]
    return np.where(pixels, images, images * DARK).astype(np.uint8)


def overlay(images: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Lay attention on sites (N, h, w) as a heat map over images (N, H, W, 3) uint8, in grey."""
    colours = COLOURS(_scale(attention)(attention))[..., :3] * 255
    heat = upsample(colours, *images.shape[1:3])
    return (HEAT * heat + (1 - HEAT) * _grey(images)).astype(np.uint8)


def _scale(attention: np.ndarray) -> Normalize:
    """Give the uniform share no colour, and little colour to what hardly differs from it."""
    uniform = 1 / attention[0].size
    return TwoSlopeNorm(uniform, vmin=0, vmax=max(2 * uniform, attention.max()))


def _grey(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=3, keepdims=True)


def _faded(view: AttentionView) -> np.ndarray:
    """Make the images pale that were not selected."""
    pale = (0.3 * _grey(view.images) + 0.7 * GREY).astype(np.uint8)
    return np.where(view.selected[:, None, None, None], view.images, pale)


def _rows(view: AttentionView, layout: Layout) -> dict[str, np.ndarray]:
    """Give the rows by name, each of T images, or of T bars."""
    rows = {"spectrogram\n(mel bands)" if layout.spectrogram else "face crop": _faded(view)}
    if view.image_attention is not None:
        rows[BARS] = view.image_attention * len(view.image_attention)
    seen = view.images[view.selected]
    drawn = {} if view.site_attention is None else {HEAT_MAP: overlay(seen, view.site_attention)}
    for stage, kept in enumerate(view.kept, 1):
        drawn[f"sites kept\nat stage {stage}:\n{kept.mean():.1%}"] = darken(seen, kept)
    for name, images in drawn.items():
        rows[name] = np.full_like(view.images, GREY)
        rows[name][view.selected] = images
    return rows


class _Page:
    """A figure whose places are counted in inches from its upper left corner."""

    def __init__(self, view: AttentionView, layout: Layout, heading: Sequence[str]) -> None:
        total = len(view.selected)
        self.view, self.layout = view, layout
        self.rows = _rows(view, layout)
        shown, columns = min(total, layout.max_images), min(total, layout.per_row)
        self.blocks = [slice(i, min(i + columns, shown)) for i in range(0, shown, columns)]
        self.cell = min(layout.width, SPAN / columns)
        self.width = LEFT + max(columns * self.cell, NARROWEST) + RIGHT
        if shown < total:
            heading = [*heading, f"only the first {shown} of {total} {layout.name} are drawn"]
        self.heading = self._wrapped(heading)
        self.top = 0.2 + LINE * len(self.heading)
        self.block = HEAD + len(self.rows) * (layout.height + GAP)
        height = self.top + len(self.blocks) * self.block + BOTTOM
        self.figure = Figure(figsize=(self.width, height))

    def _wrapped(self, heading: Sequence[str]) -> list[str]:
        """Wrap lines that are too long for the width; the corner is left free for a mark."""
        lines: list[str] = []
        for text in heading:
            characters = round(11 * (self.width - (0.3 if lines else 3.2)))
            lines += textwrap.wrap(text, characters, max_lines=3, placeholder=" …")
        return lines

    def _axes(self, left: float, top: float, width: float, height: float) -> Axes:
        tall = self.figure.get_figheight()
        bottom = 1 - (top + height) / tall
        return self.figure.add_axes((left / self.width, bottom, width / self.width, height / tall))

    def draw(self) -> None:
        """Draw the heading and all blocks."""
        for number, line in enumerate(self.heading):
            y = 1 - (0.15 + LINE * number) / self.figure.get_figheight()
            self.figure.text(0.15 / self.width, y, plain(line), va="top", fontsize=10, color=INK)
        for number, places in enumerate(self.blocks):
            top = self.top + number * self.block + HEAD
            for name in self.rows:
                self._row(name, places, top)
                top += self.layout.height + GAP

    def _row(self, name: str, places: slice, top: float) -> None:
        values = self.rows[name][places]
        width = len(values) * self.cell
        axes = self._axes(LEFT, top, width, self.layout.height)
        axes.set(xticks=[], yticks=[])
        axes.tick_params(length=2, labelsize=8)
        axes.text(
            (0.15 - LEFT) / width, 0.5, name, transform=axes.transAxes, va="center", fontsize=9
        )
        if values.ndim == 1:
            self._bars(axes, values, places)
        else:
            self._images(axes, values)
        if name == next(iter(self.rows)):
            self._labels(axes, places)
        if name == HEAT_MAP and places.start == 0:
            self._colour_bar(LEFT + width + 0.12, top)

    def _images(self, axes: Axes, images: np.ndarray) -> None:
        """Put images side by side, a white line between them."""
        edge = ((0, 0), (0, 0), (1, 1), (0, 0))
        strip = np.concatenate(list(np.pad(images, edge, constant_values=255)), axis=1)
        axes.imshow(
            strip,
            extent=(0, len(images), 0, 1),
            origin="lower" if self.layout.spectrogram else "upper",
            aspect="auto",
            interpolation="nearest",
        )
        axes.spines[:].set_visible(False)

    def _labels(self, axes: Axes, places: slice) -> None:
        """Write times and bands beside a row, and which images were not selected."""
        number = places.stop - places.start
        every = 2 if self.cell < 0.5 else 1
        at = np.arange(number) + (0.0 if self.layout.spectrogram else 0.5)
        axes.set_xticks(at[::every], self.view.labels[places][::every])
        axes.xaxis.tick_top()
        if self.layout.spectrogram:
            bands = self.view.images.shape[1]
            axes.set_yticks([0, 0.5, 1], ["0", str(bands // 2), str(bands)])
        for place in np.flatnonzero(~self.view.selected[places]):
            turn = 90 if self.cell < 0.9 else 0
            text = "not selected" if turn else "not\nselected"
            axes.text(place + 0.5, 0.5, text, rotation=turn, ha="center", va="center", fontsize=8)

    def _bars(self, axes: Axes, values: np.ndarray, places: slice) -> None:
        at = np.arange(len(values)) + 0.5
        colours = [BLUE if selected else FAINT for selected in self.view.selected[places]]
        axes.axhline(1, color=INK, lw=0.8, ls=":")
        bars = axes.bar(at, values, width=0.7, color=colours)
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.bar_label(bars, fmt="%.2f", fontsize=7, padding=2, bbox=ground)
        axes.set(xlim=(0, len(values)), ylim=(0, 1.25 * self.rows[BARS].max()))
        axes.spines[["top", "right", "left"]].set_visible(False)

    def _colour_bar(self, left: float, top: float) -> None:
        """Draw the scale of the heat map; grey shines through, as the images do."""
        assert self.view.site_attention is not None
        axes = self._axes(left, top, 0.12, self.layout.height)
        axes.set_facecolor("0.5")
        scale, sites = _scale(self.view.site_attention), self.view.site_attention[0].size
        ticks = scale.inverse(np.linspace(0, 1, 5)).tolist()
        bar = self.figure.colorbar(ScalarMappable(scale, COLOURS), axes, alpha=HEAT)
        bar.set_ticks(ticks, labels=[f"{tick * sites:.1f}" for tick in ticks])
        bar.ax.tick_params(length=2, labelsize=8)
        bar.set_label("1: as everywhere", fontsize=8)
