"""Batch norm over a batch that several processes share, on any device."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributed import ProcessGroup, all_reduce
from torch.nn.modules.batchnorm import _BatchNorm


class SyncedNorm(_BatchNorm):
    """Batch norm by the mean and variance of the whole batch, of which each process has a share.

    Unlike `torch.nn.SyncBatchNorm` it works on CPUs, and in a process whose share is empty. It
    shares weights and running statistics with the layer that it replaces.

    Parameters
    ----------
    norm : batch norm
        The layer to replace.
    group : ProcessGroup
        The processes. It must not be the group of DDP, whose communication may interleave.
    """

    def __init__(self, norm: _BatchNorm, group: ProcessGroup) -> None:
        nn.Module.__init__(self)
        self.num_features, self.eps, self.momentum = norm.num_features, norm.eps, norm.momentum
        self.affine, self.track_running_stats = norm.affine, norm.track_running_stats
        self.weight, self.bias = norm.weight, norm.bias
        for name, tensor in norm.named_buffers():
            self.register_buffer(name, tensor)
        self.training, self.group = norm.training, group

    def _check_input_dim(self, input: Tensor) -> None:
        """Accept any number of dimensions, as `torch.nn.SyncBatchNorm` does."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise x (N, C, ...); N may be 0."""
        mean, variance = self.running_mean, self.running_var
        assert mean is not None
        assert variance is not None
        assert self.momentum is not None
        if not self.training:
            return F.batch_norm(x, mean, variance, self.weight, self.bias, eps=self.eps)
        with torch.no_grad():
            count, own_mean, own_variance = self._statistics(x)
            if count > 1:  # one value alone has no variance
                mean.lerp_(own_mean, self.momentum)
                variance.lerp_(own_variance * (count / (count - 1)), self.momentum)
                self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
                mean, variance = own_mean, own_variance
        y: Tensor = _Normalise.apply(
            x, self.weight, self.bias, mean, variance, self.eps, count, self.group
        )
        return y

    def _statistics(self, x: Tensor) -> tuple[float, Tensor, Tensor]:
        """Compute the number, mean and variance of each channel's values in all processes."""
        size = x.numel() // x.shape[1]
        every = x.new_zeros(self.group.size(), 2, x.shape[1] + 1, dtype=_exact(x))
        if size:
            dims = [d for d in range(x.dim()) if d != 1]
            variance, mean = torch.var_mean(x.to(every), dim=dims, correction=0)
            own = torch.stack([mean, variance * size])
            every[self.group.rank()] = F.pad(own, (0, 1), value=size)
        all_reduce(every, group=self.group)
        means, squared, sizes = every[:, 0, :-1], every[:, 1, :-1], every[:, 0, -1:]
        total = sizes.sum()
        mean = (means * sizes).sum(dim=0) / total.clamp(min=1)
        # the squares of each process are about its own mean (Chan et al. 1979)
        squares = (squared + sizes * (means - mean).square()).sum(dim=0)
        return float(total), mean, squares / total.clamp(min=1)


def _exact(x: Tensor) -> torch.dtype:
    """Return the type of sums, which bfloat16 would round too coarsely."""
    return torch.promote_types(x.dtype, torch.float32)


def synced(module: nn.Module) -> bool:
    """Return whether other processes wait for a module's batch norms."""
    return any(isinstance(part, SyncedNorm) for part in module.modules())


class _Normalise(torch.autograd.Function):
    """Batch norm by a mean and variance of `count` values in all processes, with their gradient."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor,
        variance: Tensor,
        eps: float,
        count: float,
        group: ProcessGroup,
    ) -> Tensor:
        ctx.save_for_backward(x, weight, mean.clone(), (variance + eps).rsqrt())
        ctx.eps, ctx.count, ctx.group = eps, count, group
        return F.batch_norm(x, mean, variance, weight, bias, eps=eps)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, mean, scale = ctx.saved_tensors
        dy = gradients[0].contiguous()
        own = torch.zeros(2, len(mean)).to(mean)
        if len(x):
            _, to_weight, to_bias = torch.ops.aten.native_batch_norm_backward(
                *(dy, x, weight, None, None, mean, scale, True, ctx.eps, [False, True, True])
            )
            own = torch.stack([to_weight, to_bias])
        sums = own.clone()
        all_reduce(sums, group=ctx.group)
        # a single value is normalised by the running statistics, which do not depend on it
        along, plain = sums / ctx.count if ctx.count > 1 else torch.zeros_like(sums)
        shape = (1, -1, *[1] * (x.dim() - 2))
        factor = scale * weight
        through = (-factor * scale * along).view(shape)
        shift = (factor * (scale * along * mean - plain)).view(shape)
        dx = torch.addcmul(shift, x.to(mean), through).addcmul_(dy.to(mean), factor.view(shape))
        return dx.to(x.dtype), own[0], own[1], None, None, None, None, None
