"""What stands for an encoder that is not loaded, since its modality is not shown to the model."""

from torch import Tensor

from mien.batch import Ragged
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection


class Absent(ModalityEncoder):
    """The place of an encoder in a model that is built without it: no weights, and no state.

    Parameters
    ----------
    dim : int
        Length of the vector that the encoder would make.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Refuse to encode."""
        raise RuntimeError("an encoder that was not loaded is shown its modality")
