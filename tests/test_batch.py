"""Ragged tensors of several utterances."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.batch import Batch

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=5
)


def batch(rows: list[tuple[int, int, int]]) -> Batch:
    """Utterances of so many faces, pieces and tokens; each number occurs once."""
    faces, pieces, tokens = (torch.tensor(column) for column in zip(*rows, strict=True))
    mask = (torch.arange(4) < tokens[:, None]).long()
    return Batch(
        tokens=torch.arange(4 * len(rows)).reshape(-1, 4),
        token_mask=mask,
        faces=torch.arange(int(faces.sum()))[:, None, None, None].expand(-1, 3, 1, 1),
        face_counts=faces,
        pieces=torch.arange(float(pieces.sum()))[:, None, None, None],
        piece_counts=pieces,
        targets={"emotion": torch.ones(len(rows), 2)},
        ids=[f"synthetic-{i}" for i in range(len(rows))],
    )


def featured(rows: list[tuple[int, int, int]]) -> Batch:
    """Utterances of so many steps of faces, voice and words; each number occurs once."""
    nothing = batch([(0, 0, 0)] * len(rows))
    counts = dict(zip("vat", map(torch.tensor, zip(*rows, strict=True)), strict=True))
    steps = {m: torch.arange(float(c.sum()))[:, None].expand(-1, 2) for m, c in counts.items()}
    return Batch(**{**vars(nothing), "features": steps, "feature_counts": counts})


def owners(media: torch.Tensor, counts: torch.Tensor) -> list[list[float]]:
    return [part.flatten(1)[:, 0].tolist() for part in media.split(counts.tolist())]


@given(rows=ROWS)
def test_present_tells_who_has_what(rows: list[tuple[int, int, int]]) -> None:
    made = batch(rows)
    assert len(made) == len(rows)
    for modality, column in (("v", 0), ("a", 1), ("t", 2)):
        assert made.present(modality).tolist() == [row[column] > 0 for row in rows]


def test_a_batch_without_token_columns_has_no_words() -> None:
    made = batch([(1, 0, 0), (0, 2, 0)])
    nothing = torch.zeros(2, 0, dtype=torch.long)
    wordless = Batch(**{**vars(made), "tokens": nothing, "token_mask": nothing})
    assert wordless.present("t").tolist() == [False, False]


@given(rows=ROWS, modality=st.sampled_from("tav"), data=st.data())
def test_without_hides_one_modality_of_some_and_nothing_else(
    rows: list[tuple[int, int, int]], modality: str, data: st.DataObject
) -> None:
    made = batch(rows)
    hidden = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    less = made.without(modality, torch.tensor(hidden))
    for letter, media, counts in (("v", "faces", "face_counts"), ("a", "pieces", "piece_counts")):
        before = owners(getattr(made, media), getattr(made, counts))
        after = owners(getattr(less, media), getattr(less, counts))
        gone = [letter == modality and h for h in hidden]
        assert after == [[] if g else b for b, g in zip(before, gone, strict=True)]
    for row, h in enumerate(hidden):
        kept = torch.zeros(4) if modality == "t" and h else made.token_mask[row]
        assert less.token_mask[row].tolist() == kept.tolist()
    assert less.ids == made.ids
    assert less.targets is made.targets
    assert less.tokens is made.tokens


@given(rows=ROWS, modality=st.sampled_from("tav"), data=st.data())
def test_features_are_hidden_in_the_same_way(
    rows: list[tuple[int, int, int]], modality: str, data: st.DataObject
) -> None:
    made = featured(rows)
    for letter, column in (("v", 0), ("a", 1), ("t", 2)):
        assert made.present(letter).tolist() == [row[column] > 0 for row in rows]
    hidden = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    less = made.without(modality, torch.tensor(hidden))
    for letter in "tav":
        before = owners(made.features[letter], made.feature_counts[letter])
        after = owners(less.features[letter], less.feature_counts[letter])
        gone = [letter == modality and h for h in hidden]
        assert after == [[] if g else b for b, g in zip(before, gone, strict=True)]
    moved = less.to("meta")
    assert {t.device.type for t in moved.features.values()} == {"meta"}


def test_to_moves_every_tensor() -> None:
    moved = batch([(1, 2, 3), (2, 0, 1)]).to("meta")
    tensors = [v for v in vars(moved).values() if isinstance(v, torch.Tensor)]
    assert len(tensors) == 6
    assert {t.device.type for t in [*tensors, *moved.targets.values()]} == {"meta"}
    assert moved.ids == ["synthetic-0", "synthetic-1"]
