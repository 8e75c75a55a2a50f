"""Batch norm over the whole batch while several processes train."""

from lightning.pytorch.plugins.layer_sync import LayerSync
from torch import nn
from torch.distributed import new_group
from torch.nn.modules.batchnorm import _BatchNorm

from mien.models.layers.synced_norm import SyncedNorm


class NormSync(LayerSync):
    """Replace the batch norms of a model while several processes train it.

    Lightning's own plugin knows only `torch.nn.SyncBatchNorm`, which needs GPUs.
    """

    def __init__(self) -> None:
        self.replaced: list[tuple[nn.Module, str, nn.Module]] = []

    def apply(self, model: nn.Module) -> nn.Module:
        """Replace the batch norms; every process must do so, even without any batch norm."""
        group = new_group()
        for parent in list(model.modules()):
            for name, child in parent.named_children():
                if isinstance(child, _BatchNorm) and not isinstance(child, SyncedNorm):
                    self.replaced.append((parent, name, child))
                    setattr(parent, name, SyncedNorm(child, group))
        return model

    def revert(self, model: nn.Module) -> nn.Module:
        """Restore the layers, with their weights and statistics."""
        for parent, name, norm in self.replaced:
            synced = getattr(parent, name)
            for buffer, tensor in synced.named_buffers():  # it is another tensor on another device
                setattr(norm, buffer, tensor)
            norm.train(synced.training)
            setattr(parent, name, norm)
        self.replaced.clear()
        return model
