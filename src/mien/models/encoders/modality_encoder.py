"""The network of one modality: from the steps of an utterance to one vector."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

from torch import Tensor, nn

from mien.batch import Ragged
from mien.errors import MienError
from mien.models.encoders.selection import Selection


class ModalityEncoder(nn.Module, ABC):
    """Summarise each utterance's steps of one modality as one vector.

    Attributes
    ----------
    dim : int
        Length of the vector.
    frozen : bool
        Keep the weights as they are; it then stays in eval mode, too.
    pretrained_part : str or None
        Name of the submodule that was trained before, where there is one (`load_pretrained`).
    needs_fit : bool
        Whether it must see the training data once before it learns (`observe`, then `fit`).
    """

    dim: int
    frozen: bool = False
    pretrained_part: str | None = None
    needs_fit: bool = False

    @abstractmethod
    def forward(
        self, ragged: Ragged, guide: Tensor | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode utterances, whatever their batch-mates.

        Parameters
        ----------
        ragged : Ragged
            Their steps, at least one each. An encoder with batch norm is also given none at all,
            where other processes that train have some (`mien.models.layers.synced_norm`).
        guide : Tensor (B, Q) or None
            The text's state of each, zeros where it has no text; None for a model without text.

        Returns
        -------
        states : Tensor (B, dim)
        selection : Selection or None
            What it looked at, where it chooses.
        """

    def head(self, labels: int) -> nn.Module:
        """Make what turns the states (B, dim) into the logits (B, labels) of a task."""
        return nn.Linear(self.dim, labels)

    def load_pretrained(self, name: str) -> None:
        """Fill the `pretrained_part` with the weights of a pretrained model.

        Raises
        ------
        MienError
            The model can't be found or read, or the encoder has no pretrained part.
        """
        raise MienError(
            f"{type(self).__name__} has no pretrained part: it cannot load the weights of {name!r}"
        )

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that were trained before and learn on, more slowly than others."""
        return iter(())

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Name the weights that choose what it looks at: they learn more slowly, too."""
        return iter(())

    def observe(self, values: Tensor) -> None:
        """See some steps (sum L, ...) of the training data, where it `needs_fit`."""

    def fit(self) -> None:
        """Take over what was observed."""

    def train(self, mode: bool = True) -> Self:
        """Change to training mode, but for a frozen encoder."""
        return super().train(mode and not self.frozen)
