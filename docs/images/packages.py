"""Draw which package of mien imports which: ``make graph`` writes packages.png beside this file."""

from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import networkx as nx
from import_graph import SOURCE, packages
from matplotlib.patches import FancyBboxPatch, PathPatch
from matplotlib.path import Path as Curve
from test_house import BACKWARD

OUT = Path(__file__).with_name("packages.png")
SINGLE = {"demo", "tasks"}
"""Modules beside the packages that are as much as one; all others are known to everybody."""

PART_OF = {"__main__": "cli", "bench": "cli"}
INK, LINE = "#22303c", "#7d8b99"
FILLS = {"cli": "#f8dfcf", "published": "#f8dfcf", "demo": "#f8dfcf", "service": "#f8dfcf"}
FILL, NOUNS = "#dbe9f6", "#e9e9e9"
ROW, GAP = 0.92, 1.55
"""Between the middles of two rows, and of two boxes of a row (inches)."""
BOX = (1.3, 0.42)
HEAD = 0.05

Point = str | tuple[str, str, int]
"""A package, or the place where a line between two crosses a row."""


def imports() -> nx.DiGraph:
    """Give the packages and what they import, but for what follows from other lines."""
    graph = nx.DiGraph()
    for name, others in packages(but=BACKWARD).items():
        ends = [PART_OF.get(end, end) for end in (name, *others) if _shown(end)]
        if _shown(name):
            graph.add_node(ends[0])
            graph.add_edges_from((ends[0], end) for end in ends[1:] if end != ends[0])
    return nx.transitive_reduction(graph)


def _shown(name: str) -> bool:
    return (SOURCE / name).is_dir() or name in SINGLE or name in PART_OF


def in_rows(graph: nx.DiGraph) -> tuple[list[list[Point]], list[list[Point]]]:
    """Put each package above all that it imports; give the rows from below, and the lines."""
    depth = {
        name: at
        for at, names in enumerate(nx.topological_generations(graph.reverse()))
        for name in names
    }
    for name in nx.topological_sort(graph):  # not lower than just below who imports it
        if above := list(graph.predecessors(name)):
            depth[name] = min(depth[other] for other in above) - 1
    rows: list[list[Point]] = [[] for _ in range(max(depth.values()) + 1)]
    for name in sorted(graph):
        rows[depth[name]].append(name)
    lines: list[list[Point]] = []
    for above, below in sorted(graph.edges):
        bends = [(above, below, at) for at in range(depth[above] - 1, depth[below], -1)]
        for bend in bends:
            rows[bend[2]].append(bend)
        lines.append([above, *bends, below])
    return rows, lines


def placed(rows: list[list[Point]], lines: list[list[Point]]) -> dict[Point, tuple[float, float]]:
    """Give each point its place: near those it is joined to, and apart from the others."""
    joined = nx.Graph(pair for line in lines for pair in pairwise(line))
    across = {point: GAP * (i - len(row) / 2) for row in rows for i, point in enumerate(row)}
    for _ in range(60):
        for row in [*rows, *reversed(rows)]:
            wished = {
                p: sum(across[q] for q in joined[p]) / len(joined[p]) if p in joined else across[p]
                for p in row
            }
            ordered = sorted(row, key=lambda p: (wished[p], str(p)))
            centre = sum(wished.values()) / len(row)
            at = [wished[p] for p in ordered]
            for i, (one, other) in enumerate(pairwise(ordered)):
                room = GAP * (0.6 if isinstance(one, tuple) or isinstance(other, tuple) else 1)
                at[i + 1] = max(at[i + 1], at[i] + room)
            shift = centre - sum(at) / len(at)
            across |= {p: x + shift for p, x in zip(ordered, at, strict=True)}
    return {p: (across[p], ROW * (level + 1)) for level, row in enumerate(rows) for p in row}


def draw(out: Path = OUT) -> None:
    """Draw the packages in rows, the lines between them, and the nouns at the bottom."""
    rows, lines = in_rows(imports())
    where = placed(rows, lines)
    left = min(x for x, _ in where.values()) - BOX[0]
    right = max(x for x, _ in where.values()) + BOX[0]
    top = ROW * len(rows) + BOX[1]
    figure, axes = plt.subplots(figsize=(right - left, top + BOX[1]))
    for line in lines:
        _draw_line(axes, [where[point] for point in line])
    for name in (point for row in rows for point in row if isinstance(point, str)):
        _draw_box(axes, where[name], BOX[0], name, FILLS.get(name, FILL))
    known = "known to all: errors, files, modality, utterance, batch, registry, …"
    _draw_box(axes, ((left + right) / 2, 0), right - left - BOX[0], known, NOUNS)
    axes.set(xlim=(left, right), ylim=(-BOX[1], top))
    axes.set_aspect("equal")
    axes.axis("off")
    figure.savefig(out, dpi=110, bbox_inches="tight", facecolor="white", metadata={"Software": ""})
    plt.close(figure)


def _draw_box(
    axes: plt.Axes, middle: tuple[float, float], width: float, text: str, fill: str
) -> None:
    x, y = middle
    corner = (x - width / 2, y - BOX[1] / 2)
    style = "round,pad=0,rounding_size=0.08"
    axes.add_patch(FancyBboxPatch(corner, width, BOX[1], style, fc=fill, ec=INK, lw=0.9, zorder=2))
    axes.text(x, y, text, ha="center", va="center", color=INK, fontsize=11, zorder=3)


def _draw_line(axes: plt.Axes, points: list[tuple[float, float]]) -> None:
    """Draw a line down through points, upright at each, with its head at the last."""
    (x0, y0), (x1, y1) = points[0], points[-1]
    points = [(x0, y0 - BOX[1] / 2), *points[1:-1], (x1, y1 + BOX[1] / 2 + HEAD)]
    steps, codes = [points[0]], [Curve.MOVETO]
    for (ax, ay), (bx, by) in pairwise(points):
        half = (ay - by) / 2
        steps += [(ax, ay - half), (bx, by + half), (bx, by)]
        codes += [Curve.CURVE4] * 3
    axes.add_patch(PathPatch(Curve(steps, codes), fc="none", ec=LINE, lw=1.3, zorder=1))
    axes.plot(*points[-1], marker="v", ms=6, color=LINE, zorder=1.5)


if __name__ == "__main__":
    draw()
