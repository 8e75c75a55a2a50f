"""Ragged tensors of several utterances."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from mien.batch import Batch, Ragged
from mien.modality import Modality

ROWS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=5
)


def batch(rows: list[tuple[int, int, int]]) -> Batch:
    """Utterances of so many tokens, chunks and faces; each number occurs once."""
    counts = dict(zip(Modality, map(torch.tensor, zip(*rows, strict=True)), strict=True))
    shapes = {Modality.TEXT: (), Modality.AUDIO: (1, 2, 2), Modality.VIDEO: (3, 1, 1)}
    inputs = {}
    for modality, lengths in counts.items():
        numbers = torch.arange(int(lengths.sum())).view(-1, *(1 for _ in shapes[modality]))
        inputs[modality] = Ragged(numbers.expand(-1, *shapes[modality]), lengths)
    return Batch(
        inputs=inputs,
        targets={"emotion": torch.ones(len(rows), 2)},
        ids=[f"synthetic-{i}" for i in range(len(rows))],
    )


def owners(ragged: Ragged) -> list[list[float]]:
    return [
        part.flatten(1)[:, 0].tolist() if part.dim() > 1 else part.tolist()
        for part in ragged.split()
    ]


@given(rows=ROWS)
def test_present_tells_who_has_what(rows: list[tuple[int, int, int]]) -> None:
    made = batch(rows)
    assert len(made) == len(rows)
    for column, modality in enumerate(Modality):
        assert made.present(modality).tolist() == [row[column] > 0 for row in rows]


def test_sequences_are_joined_end_to_end() -> None:
    sequences = [torch.tensor([[1.0, 2.0]]), torch.zeros(0, 2), torch.tensor([[3.0, 4.0]] * 2)]
    joined = Ragged.join(sequences)
    assert joined.counts.tolist() == [1, 0, 2]
    assert joined.counts.dtype == torch.int64
    for part, sequence in zip(joined.split(), sequences, strict=True):
        assert torch.equal(part, sequence)
    less = joined.nonempty()
    assert less.counts.tolist() == [1, 2]
    assert torch.equal(less.values, joined.values)


@given(rows=ROWS, modality=st.sampled_from(list(Modality)), data=st.data())
def test_without_hides_one_modality_of_some_and_nothing_else(
    rows: list[tuple[int, int, int]], modality: Modality, data: st.DataObject
) -> None:
    made = batch(rows)
    hidden = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    less = made.without(modality, torch.tensor(hidden))
    for each in Modality:
        before, after = owners(made.inputs[each]), owners(less.inputs[each])
        gone = [each is modality and h for h in hidden]
        assert after == [[] if g else b for b, g in zip(before, gone, strict=True)]
    assert less.ids == made.ids
    assert less.targets is made.targets


def test_to_moves_every_tensor() -> None:
    moved = batch([(1, 2, 3), (2, 0, 1)]).to("meta")
    tensors = [t for part in moved.inputs.values() for t in (part.values, part.counts)]
    assert len(tensors) == 6
    assert {t.device.type for t in [*tensors, *moved.targets.values()]} == {"meta"}
    assert moved.ids == ["synthetic-0", "synthetic-1"]
