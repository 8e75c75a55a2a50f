"""Where an attention looked, as a PNG picture."""

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
"""Rows of panels of one file; what goes beyond is left out, and the title says so."""

SPAN, NARROWEST = 13.0, 6.5
LEFT, RIGHT, BOTTOM = 1.4, 0.8, 0.15
LINE, HEAD, GAP = 0.23, 0.45, 0.07
"""Inches: the widest and narrowest row, margins, and what lies between lines and rows."""

COLOURS = matplotlib.colormaps["RdBu_r"]
HEAT = 0.6
"""Weight of the heat map against the picture beneath it."""

DARK = 0.2
"""Brightness left of what was not kept."""

GREY = 205
"""Stands for what was not looked at."""

BARS, HEAT_MAP = "attention\non each\n(1: as on all)", "attention\nat stage 1"


@dataclass(frozen=True)
class Layout:
    """How pictures of one kind stand side by side; their largest size is in inches."""

    name: str
    a_row: int
    width: float
    height: float
    spectrogram: bool = False

    @property
    def most(self) -> int:
        """Pictures that one file holds."""
        return self.a_row * BLOCKS


FACES = Layout("faces", a_row=12, width=1.08, height=1.08)
PIECES = Layout("pieces of sound", a_row=40, width=0.8, height=1.25, spectrogram=True)


@dataclass(frozen=True)
class Look:
    """What was looked at of T pictures.

    Parameters
    ----------
    pictures : array (T, H, W, 3) uint8
        RGB; of spectrograms the first line is the lowest band.
    labels : sequence of T str
        Stand above the pictures.
    chosen : array (T,) bool
        Which were looked at, N of them.
    shares : array (T,) or None
        Attention on each picture, where whole pictures are chosen; sums to 1.
    attention : array (N, h, w) or None
        Attention of the first stage, where sites are chosen; sums to 1 in each picture.
    kept : list of array (N, h, w) bool
        The sites that each stage kept.
    """

    pictures: np.ndarray
    labels: Sequence[str]
    chosen: np.ndarray
    shares: np.ndarray | None = None
    attention: np.ndarray | None = None
    kept: list[np.ndarray] = field(default_factory=list)


def attention_map(
    look: Look, out: Path, heading: Sequence[str], layout: Layout, synthetic: bool
) -> None:
    """Draw what was looked at of pictures, one column each.

    The rows are the pictures; the attention on each where whole pictures are chosen; where sites
    are, the attention of the first stage as a heat map and the sites that each stage kept. All
    attention is in units of the uniform share: 1 is as much as everywhere.

    Parameters
    ----------
    look : Look
        What to draw; of more than `layout.most` pictures the first.
    out : Path
        The PNG file to write.
    heading : sequence of str
        Lines above the pictures; each is wrapped, and cut after three.
    layout : Layout
        `FACES` or `PIECES`.
    synthetic : bool
        Mark the picture: the model was trained on synthetic data.
    """
    page = _Page(look, layout, heading)
    page.draw()
    if synthetic:
        mark_synthetic(page.figure, "model trained on synthetic data")
    save(page.figure, out)


def upsampled(sites: np.ndarray, height: int, width: int) -> np.ndarray:
    """Give each pixel the value of its site.

    Parameters
    ----------
    sites : array (N, h, w, ...)
        Values of the sites of N pictures.
    height, width : int
        Of a picture, pixels; multiples of h and w.

    Returns
    -------
    array (N, height, width, ...)

    Examples
    --------
    >>> upsampled(np.array([[[1, 0]]]), 2, 4).tolist()
    [[[1, 1, 0, 0], [1, 1, 0, 0]]]
    """
    _, h, w = sites.shape[:3]
    if height % h or width % w:
        raise ValueError(f"{h} x {w} sites do not divide {height} x {width} pixels")
    return sites.repeat(height // h, axis=1).repeat(width // w, axis=2)


def darkened(pictures: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Darken pictures (N, H, W, 3) uint8 where their sites (N, h, w) bool are not kept."""
    pixels = upsampled(kept, *pictures.shape[1:3])[..., None]
    return np.where(pixels, pictures, pictures * DARK).astype(np.uint8)


def heated(pictures: np.ndarray, attention: np.ndarray) -> np.ndarray:
    """Lay the attention on sites (N, h, w) over pictures (N, H, W, 3) uint8, which turn grey."""
    colours = COLOURS(_scale(attention)(attention))[..., :3] * 255
    heat = upsampled(colours, *pictures.shape[1:3])
    return (HEAT * heat + (1 - HEAT) * _grey(pictures)).astype(np.uint8)


def _scale(attention: np.ndarray) -> Normalize:
    """Give the uniform share no colour, and little of it to what hardly differs."""
    uniform = 1 / attention[0].size
    return TwoSlopeNorm(uniform, vmin=0, vmax=max(2 * uniform, attention.max()))


def _grey(pictures: np.ndarray) -> np.ndarray:
    return pictures.mean(axis=3, keepdims=True)


def _faded(look: Look) -> np.ndarray:
    """Turn the pictures pale that were not looked at."""
    pale = (0.3 * _grey(look.pictures) + 0.7 * GREY).astype(np.uint8)
    return np.where(look.chosen[:, None, None, None], look.pictures, pale)


def _rows(look: Look, layout: Layout) -> dict[str, np.ndarray]:
    """Name the rows, each of T pictures, or of T bars."""
    rows = {"spectrogram\n(mel bands)" if layout.spectrogram else "face crop": _faded(look)}
    if look.shares is not None:
        rows[BARS] = look.shares * len(look.shares)
    seen = look.pictures[look.chosen]
    drawn = {} if look.attention is None else {HEAT_MAP: heated(seen, look.attention)}
    for stage, kept in enumerate(look.kept, 1):
        drawn[f"sites kept\nat stage {stage}:\n{kept.mean():.1%}"] = darkened(seen, kept)
    for name, pictures in drawn.items():
        rows[name] = np.full_like(look.pictures, GREY)
        rows[name][look.chosen] = pictures
    return rows


class _Page:
    """A figure whose places are counted in inches from its upper left corner."""

    def __init__(self, look: Look, layout: Layout, heading: Sequence[str]) -> None:
        total = len(look.chosen)
        self.look, self.layout = look, layout
        self.rows = _rows(look, layout)
        shown, columns = min(total, layout.most), min(total, layout.a_row)
        self.blocks = [slice(i, min(i + columns, shown)) for i in range(0, shown, columns)]
        self.cell = min(layout.width, SPAN / columns)
        self.width = LEFT + max(columns * self.cell, NARROWEST) + RIGHT
        if shown < total:
            heading = [*heading, f"drawn are the first {shown} of {total} {layout.name}"]
        self.heading = self._wrapped(heading)
        self.top = 0.2 + LINE * len(self.heading)
        self.block = HEAD + len(self.rows) * (layout.height + GAP)
        height = self.top + len(self.blocks) * self.block + BOTTOM
        self.figure = Figure(figsize=(self.width, height))

    def _wrapped(self, heading: Sequence[str]) -> list[str]:
        """Break what is too long for the width; the corner is for a mark."""
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
            self._pictures(axes, values)
        if name == next(iter(self.rows)):
            self._labels(axes, places)
        if name == HEAT_MAP and places.start == 0:
            self._colour_bar(LEFT + width + 0.12, top)

    def _pictures(self, axes: Axes, pictures: np.ndarray) -> None:
        """Put pictures side by side, a white line between them."""
        edge = ((0, 0), (0, 0), (1, 1), (0, 0))
        strip = np.concatenate(list(np.pad(pictures, edge, constant_values=255)), axis=1)
        axes.imshow(
            strip,
            extent=(0, len(pictures), 0, 1),
            origin="lower" if self.layout.spectrogram else "upper",
            aspect="auto",
            interpolation="nearest",
        )
        axes.spines[:].set_visible(False)

    def _labels(self, axes: Axes, places: slice) -> None:
        """Write times and bands beside a row, and which pictures were not looked at."""
        number = places.stop - places.start
        every = 2 if self.cell < 0.5 else 1
        at = np.arange(number) + (0.0 if self.layout.spectrogram else 0.5)
        axes.set_xticks(at[::every], self.look.labels[places][::every])
        axes.xaxis.tick_top()
        if self.layout.spectrogram:
            bands = self.look.pictures.shape[1]
            axes.set_yticks([0, 0.5, 1], ["0", str(bands // 2), str(bands)])
        for place in np.flatnonzero(~self.look.chosen[places]):
            turn = 90 if self.cell < 0.9 else 0
            text = "not looked at" if turn else "not\nlooked at"
            axes.text(place + 0.5, 0.5, text, rotation=turn, ha="center", va="center", fontsize=8)

    def _bars(self, axes: Axes, values: np.ndarray, places: slice) -> None:
        at = np.arange(len(values)) + 0.5
        colours = [BLUE if chosen else FAINT for chosen in self.look.chosen[places]]
        axes.axhline(1, color=INK, lw=0.8, ls=":")
        bars = axes.bar(at, values, width=0.7, color=colours)
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}
        axes.bar_label(bars, fmt="%.2f", fontsize=7, padding=2, bbox=ground)
        axes.set(xlim=(0, len(values)), ylim=(0, 1.25 * self.rows[BARS].max()))
        axes.spines[["top", "right", "left"]].set_visible(False)

    def _colour_bar(self, left: float, top: float) -> None:
        """Show which colour is how much; grey shines through, as the pictures do."""
        assert self.look.attention is not None
        axes = self._axes(left, top, 0.12, self.layout.height)
        axes.set_facecolor("0.5")
        scale, sites = _scale(self.look.attention), self.look.attention[0].size
        ticks = scale.inverse(np.linspace(0, 1, 5)).tolist()
        bar = self.figure.colorbar(ScalarMappable(scale, COLOURS), axes, alpha=HEAT)
        bar.set_ticks(ticks, labels=[f"{tick * sites:.1f}" for tick in ticks])
        bar.ax.tick_params(length=2, labelsize=8)
        bar.set_label("1: as everywhere", fontsize=8)
