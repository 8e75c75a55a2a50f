"""One convolution at a time: what gathering costs beside the dense convolution, layer by layer.

`mien.models.layers.submanifold.gathering_pays` rests on this table. All ways take turns in one
process, and give the same result.
"""

import json
import statistics
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from mien.files import write_text
from mien.models.layers.submanifold import BLOCK, IMAGES, TAPS, Sites, gathered, masked
from mien.training.memory import keep_freed_memory

FACES, CHUNKS = 66, 88
LAYERS = tuple(
    (maps, height >> stage, width >> stage, wide, 128 << stage)
    for maps, height, width in ((FACES, 24, 24), (CHUNKS, 64, 16))
    for stage in range(3)
    for wide in (64 << stage, 128 << stage)
)
"""Maps, their height and width, channels in and out: the layers of the three sparse stages."""

SHARES = (0.3, 0.5, 0.8)
ROUNDS, WARM_UP = 9, 2
DENSE = "dense"
Way = Callable[[], Any]


def side_by_side(x: Tensor, weight: Tensor, sites: Sites) -> Tensor:
    """Convolve with one product: the nine neighbours of a site side by side, zeros where none is.

    The table of neighbours counts as made before.
    """
    rows = F.pad(x, (0, 0, 0, 1))
    kernel = weight.permute(1, 0, 2).flatten(1)[:, :, None, None]
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    found = []
    for which in _table(sites).split(BLOCK // TAPS // IMAGES * IMAGES):
        taken = rows.index_select(0, which.flatten()).view(IMAGES, 1, -1, kernel.shape[1])
        found.append(F.conv2d(taken.permute(0, 3, 1, 2), kernel).permute(0, 2, 3, 1))
    return torch.cat([product.reshape(-1, len(kernel)) for product in found])[: len(sites)]


@cache
def _table(sites: Sites) -> Tensor:
    padded = -(-len(sites) // IMAGES) * IMAGES
    table = torch.full((padded, TAPS), len(sites))
    for tap, (source, to) in enumerate(sites.neighbours):
        table[to, tap] = source
    return table


TRAINED = {"gathered": gathered, "masked": masked}
WAYS = TRAINED | {"side by side": side_by_side}


def ways(layer: tuple[int, ...]) -> tuple[dict[str, Way], dict[str, Way], dict[float, float]]:
    """Give the ways of doing a layer, in inference and in training, and the share of products."""
    maps, height, width, channels_in, channels_out = layer
    x = torch.randn(maps, channels_in, height, width).to(memory_format=torch.channels_last)
    kernel = torch.randn(channels_out, channels_in, 3, 3).to(memory_format=torch.channels_last)
    arguments = {DENSE: (lambda x, w: F.conv2d(x, w, padding=1), x, kernel)}
    weight, products = kernel.permute(2, 3, 0, 1).reshape(TAPS, channels_out, -1).contiguous(), {}
    for share in SHARES:
        sites = Sites(torch.rand(maps, height, width) < share)
        products[share] = sites.products / (TAPS * sites.mask.numel())
        rows = sites.rows(x).contiguous()
        _check(rows, weight, sites)
        for name, way in WAYS.items():
            arguments[f"{name}, {share:.0%}"] = (_on(way, sites), rows, weight)
    infer = {name: _inference(*given) for name, given in arguments.items()}
    train = {n: _training(*given) for n, given in arguments.items() if "side" not in n}
    return infer, train, products


def _on(way: Callable[[Tensor, Tensor, Sites], Tensor], sites: Sites) -> Callable[..., Tensor]:
    return lambda x, weight: way(x, weight, sites)


def _check(rows: Tensor, weight: Tensor, sites: Sites) -> None:
    results = [way(rows, weight, sites) for way in WAYS.values()]
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=1e-3, atol=1e-2)


def _inference(way: Callable[..., Tensor], x: Tensor, weight: Tensor) -> Way:
    def run() -> None:
        with torch.inference_mode():
            way(x, weight)

    return run


def _training(way: Callable[..., Tensor], x: Tensor, weight: Tensor) -> Way:
    x, weight = x.detach().requires_grad_(), weight.detach().requires_grad_()
    grad = torch.ones_like(way(x, weight))

    def run() -> None:
        x.grad = weight.grad = None
        way(x, weight).backward(grad)

    return run


def race(runs: dict[str, Way]) -> dict[str, float]:
    """Time all in turns; medians of the shares of the dense time of the same round."""
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(WARM_UP + ROUNDS):
        for name, run in runs.items():
            since = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - since)
    dense = seconds[DENSE]
    return {
        name: statistics.median(a / b for a, b in zip(own[WARM_UP:], dense[WARM_UP:], strict=True))
        for name, own in seconds.items()
    }


def measure() -> dict[str, Any]:
    """Time every layer."""
    torch.manual_seed(0)
    keep_freed_memory()
    layers = []
    for layer in tqdm(LAYERS, desc="layers", unit="layer"):
        infer, train, products = ways(layer)
        layers.append(
            {
                "layer": layer,
                "products": products,
                "inference": race(infer),
                "training": race(train),
            }
        )
        _table.cache_clear()
    return {"threads": torch.get_num_threads(), "torch": torch.__version__, "layers": layers}


HEADING = """# Sparse convolutions, layer by layer

Time of one convolution 3×3 as a share of the dense convolution's ({faces} faces and {chunks}
spectrogram chunks, float32, medians of {rounds} rounds) where a share of the sites is kept at
random: *gathered* neighbours, multiplied tap by tap; the *masked* map, convolved densely; and the
nine neighbours of a site *side by side*, multiplied at once. Training is forward and backward.
Gathering has to do {products} of the dense products.
"""

SECTION = """
## {kind}

| layer | {heads} |
|---|{bars}
"""


def table(result: dict[str, Any]) -> str:
    """Write the result as a page."""
    first = result["layers"][0]["products"]
    products = ", ".join(f"{first[share]:.2f} ({share:.0%} kept)" for share in SHARES)
    page = HEADING.format(faces=FACES, chunks=CHUNKS, rounds=ROUNDS, products=products)
    for kind, among in (("inference", WAYS), ("training", TRAINED)):
        columns = [f"{way}, {share:.0%}" for share in SHARES for way in among]
        heads, bars = " | ".join(columns), "---:|" * len(columns)
        page += SECTION.format(kind=kind.capitalize(), heads=heads, bars=bars)
        for entry in result["layers"]:
            maps, height, width, channels_in, channels_out = entry["layer"]
            name = f"{maps}×{height}×{width}, {channels_in} → {channels_out}"
            times = " | ".join(f"{entry[kind][column]:.2f}" for column in columns)
            page += f"| {name} | {times} |\n"
    return page + "\n* {threads} threads, torch {torch}\n".format_map(result)


def main() -> None:
    """Measure, print the table and write it beside this file."""
    result, here = measure(), Path(__file__).resolve()
    page = table(result)
    print(page)
    write_text(here.with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    write_text(here.with_suffix(".md"), page)


if __name__ == "__main__":
    main()
