"""Whose words guide the attention, and when."""

import pytest
import torch

from mien.models.encoders.media_settings import FaceSparseCNNConfig
from mien.models.encoders.sparse_vgg import SparseVGG

IMAGES, UTTERANCES = 2, 40


def first_attention(cnn: SparseVGG, query: torch.Tensor | None) -> torch.Tensor:
    counts = torch.full((UTTERANCES,), IMAGES)
    images = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    _, selection = cnn(images.expand(len(counts) * IMAGES, -1, -1, -1), counts, query)
    return selection.attention[0].view(UTTERANCES, IMAGES, -1)


@pytest.mark.parametrize("attention", ["learned", "published"])
def test_in_training_an_attention_that_learns_goes_without_some_words(attention: str) -> None:
    torch.manual_seed(0)
    cnn = SparseVGG(FaceSparseCNNConfig(width=0.125, attention=attention), 3, 3 * 3, query=4)
    for each in cnn.attention:
        torch.nn.init.normal_(each.text.weight)
    query = torch.randn(UTTERANCES, 4)
    for training in (True, False):
        cnn.train(training)
        with torch.no_grad():
            guided, alone = first_attention(cnn, query), first_attention(cnn, None)
        moved = (guided / alone - 1).abs().amax(dim=2) > 1e-5
        assert torch.equal(moved[:, 0], moved[:, 1]), "all images of an utterance, or none"
        if training and attention == "learned":
            assert 0.2 < moved.float().mean() < 0.8
        else:
            assert moved.all()
