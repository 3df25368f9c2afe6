"""The AlexNet of LPIPS v0.1: a witness, since nothing is trained or searched with it.

DISTS, LPIPS and the losses look through VGG16, and so flatter pictures that were made to please it. This one
looks through another net: Zhang et al. 2018, arXiv 1801.03924, as in their package.
"""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

WIDTHS = (64, 192, 384, 256, 256)  # of relu1 to relu5: Krizhevsky 2014, arXiv 1404.5997, as in torchvision
KERNELS_PX = (11, 5, 3, 3, 3)
STRIDES_PX = (4, 1, 1, 1, 1)
PADDINGS_PX = (2, 2, 1, 1, 1)
POOLED = (1, 2)  # layers before which the maps are halved, 3x3
MIN_SIDE_PX = 31  # 7, 3 and 1 pixels are left of it by relu1 and the two poolings


class AlexNet(nn.Module):
    """AlexNet's convolutions up to relu5."""

    def __init__(self, weights: dict[str, Tensor]) -> None:
        super().__init__()
        shapes = zip((3, *WIDTHS), WIDTHS, KERNELS_PX, STRIDES_PX, PADDINGS_PX, strict=False)
        self.convolutions = nn.ModuleList(nn.Conv2d(*shape) for shape in shapes)
        names = [name for name in weights if name.startswith("alex.")]
        self.convolutions.load_state_dict({name.removeprefix("alex."): weights[name] for name in names})
        self.requires_grad_(False)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, ...]:
        """The features after each convolution, of an image with ImageNet's mean and deviation taken out."""
        features = []
        for layer, convolution in enumerate(self.convolutions):
            x = F.max_pool2d(x, 3, stride=2) if layer in POOLED else x
            x = F.relu(convolution(x))
            features.append(x)
        return tuple(features)
