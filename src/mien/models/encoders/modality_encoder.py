"""The network of one modality: the steps of an utterance to one vector."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Self

from torch import Tensor, nn

from mien.batch import References
from mien.errors import MienError
from mien.models.encoders.selection import Selection


class ModalityEncoder(nn.Module, ABC):
    """Encode the steps of an utterance in one modality as one vector, its state.

    Attributes
    ----------
    dim : int
        Length of the state.
    frozen : bool
        Whether the weights are not trained; the encoder then stays in eval mode.
    pretrained_part : str or None
        Name of the pretrained submodule, if there is one (`load_pretrained`).
    needs_fit : bool
        Whether it must observe the training data once before training (`observe`, then `fit`).
    lr_factor : float or None
        Divisor of the learning rate of its pretrained weights; None: that of the text encoder.
    """

    dim: int
    frozen: bool = False
    pretrained_part: str | None = None
    needs_fit: bool = False
    lr_factor: float | None = None

    @abstractmethod
    def forward(
        self, ragged: Any, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Encode utterances, each independently of the others in the batch.

        Parameters
        ----------
        ragged : Ragged, or RaggedGroup for states of pretrained networks
            Their steps, at least one each. An encoder with batch norm also gets no utterance at
            all if only other processes have some (`mien.models.layers.synced_norm`).
        guide : Tensor (B, Q) or None
            Their text states, zeros for an utterance without text; None for a model without text.
        references : References or None
            Other clips of their speakers, for an encoder that uses them.

        Returns
        -------
        states : Tensor (B, dim)
        selection : Selection or None
            What was selected from the input, if the encoder selects.
        """

    def head(self, labels: int) -> nn.Module:
        """Build the head of a task: states (B, dim) to logits (B, labels)."""
        return nn.Linear(self.dim, labels)

    def load_pretrained(self, name: str) -> None:
        """Load the weights of a pretrained model into the `pretrained_part`.

        Raises
        ------
        MienError
            The model cannot be found or read, or the encoder has no pretrained part.
        """
        raise MienError(
            f"{type(self).__name__} has no pretrained part: it cannot load the weights of {name!r}"
        )

    def pretrained_parameters(self) -> Iterator[nn.Parameter]:
        """Return the pretrained weights that are trained, at a lower learning rate than others."""
        return iter(())

    def selector_parameters(self) -> Iterator[nn.Parameter]:
        """Return the weights that select from the input; they have the lower rate, too."""
        return iter(())

    def fixed_names(self) -> Iterator[str]:
        """Name the weights, as in its `state_dict`, that always equal their pretrained source."""
        if self.frozen and self.pretrained_part is not None:
            part = self.get_submodule(self.pretrained_part)
            yield from (f"{self.pretrained_part}.{name}" for name in part.state_dict())

    def observe(self, ragged: Any) -> None:
        """Observe utterances of the training data, if it `needs_fit`."""

    def fit(self) -> None:
        """Adapt to the data that were observed."""

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; a frozen encoder stays in eval mode."""
        return super().train(mode and not self.frozen)
