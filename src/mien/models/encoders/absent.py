"""What stands for an encoder that is not loaded, because its modality is not used."""

from torch import Tensor

from mien.batch import Ragged, References
from mien.models.encoders.modality_encoder import ModalityEncoder
from mien.models.encoders.selection import Selection


class Absent(ModalityEncoder):
    """An encoder without weights, in a model that never gets its modality.

    Parameters
    ----------
    dim : int
        Length of the vector that the encoder would compute.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def forward(
        self, ragged: Ragged, guide: Tensor | None = None, references: References | None = None
    ) -> tuple[Tensor, Selection | None]:
        """Raise `RuntimeError`: there is nothing to encode with."""
        raise RuntimeError("the encoder of this modality was not loaded")
