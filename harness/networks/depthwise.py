"""A depthwise convolution, as MobileNet and its descendants have it."""

import torch
from torch import Tensor, nn


class Depthwise(nn.Conv2d):
    """One kernel a channel, never in bfloat16: on a CPU that made a training step twice as long as float32."""

    def __init__(self, channels: int, kernel: int, stride: int, padding: int) -> None:
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the filtered channels, (N, C, H, W) -> (N, C, H / stride, W / stride), in float32 or finer."""
        with torch.autocast(images.device.type, enabled=False):
            return super().forward(images.to(self.weight.dtype))
