"""Where each network was published, and its published error: the list from which the tables of the pages are written.

`python docs/_ext/network_table.py` writes the tables of README.md and docs/networks.md from it. The errors are those of
one network on the validation set of ImageNet (ILSVRC 2012), as the paper reports them for its own training; they were
not measured here. `None` is for a paper that does not report it.
"""

from typing import NamedTuple


class Paper(NamedTuple):
    """A network's publication.

    name : the function in `models`
    title : how people write the network's name
    year : of the first version of the paper
    paper : its title
    page : its address
    top5 : top-5 error in percent, or None
    source : the table with this error, and how many crops of each image were averaged
    """

    name: str
    title: str
    year: int
    paper: str
    page: str
    top5: float | None = None
    source: str = ""


PAPERS = (
    Paper(
        "alexnet",
        "AlexNet",
        2012,
        "ImageNet Classification with Deep Convolutional Neural Networks",
        "https://proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html",
        18.2,
        "table 2, 10 crops, two groups",
    ),
    Paper("nin", "Network in Network", 2013, "Network In Network", "https://arxiv.org/abs/1312.4400"),
    Paper(
        "vgg16",
        "VGG-16",
        2014,
        "Very Deep Convolutional Networks for Large-Scale Image Recognition",
        "https://arxiv.org/abs/1409.1556",
        8.1,
        "table 3, whole image",
    ),
    Paper(
        "googlenet",
        "GoogLeNet",
        2014,
        "Going Deeper with Convolutions",
        "https://arxiv.org/abs/1409.4842",
        10.07,
        "table 3, 1 crop",
    ),
    Paper(
        "bn_inception",
        "BN-Inception (v2)",
        2015,
        "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
        "https://arxiv.org/abs/1502.03167",
        7.82,
        "figure 4, 1 crop",
    ),
    Paper(
        "inception_v3",
        "Inception-v3",
        2015,
        "Rethinking the Inception Architecture for Computer Vision",
        "https://arxiv.org/abs/1512.00567",
        5.6,
        "table 3, 1 crop",
    ),
    Paper(
        "inception_v4",
        "Inception-v4",
        2016,
        "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
        "https://arxiv.org/abs/1602.07261",
        5.0,
        "table 2, 1 crop",
    ),
    Paper(
        "inception_resnet_v2",
        "Inception-ResNet-v2",
        2016,
        "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
        "https://arxiv.org/abs/1602.07261",
        4.9,
        "table 2, 1 crop",
    ),
    Paper(
        "xception",
        "Xception",
        2016,
        "Xception: Deep Learning with Depthwise Separable Convolutions",
        "https://arxiv.org/abs/1610.02357",
        5.5,
        "table 1, 1 crop",
    ),
    Paper(
        "resnet18",
        "ResNet-18",
        2015,
        "Deep Residual Learning for Image Recognition",
        "https://arxiv.org/abs/1512.03385",
    ),
    Paper(
        "resnet50",
        "ResNet-50",
        2015,
        "Deep Residual Learning for Image Recognition",
        "https://arxiv.org/abs/1512.03385",
        6.71,
        "table 3, 10 crops",
    ),
    Paper(
        "squeezenet1_0",
        "SqueezeNet 1.0",
        2016,
        "SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and <0.5MB Model Size",
        "https://arxiv.org/abs/1602.07360",
        19.7,
        "table 2",
    ),
    Paper(
        "squeezenet1_1",
        "SqueezeNet 1.1",
        2016,
        "SqueezeNet: AlexNet-Level Accuracy with 50x Fewer Parameters and <0.5MB Model Size",
        "https://arxiv.org/abs/1602.07360",
    ),
    Paper(
        "resnext50_32x4d",
        "ResNeXt-50 32x4d",
        2016,
        "Aggregated Residual Transformations for Deep Neural Networks",
        "https://arxiv.org/abs/1611.05431",
    ),
    Paper(
        "mobilenet_v2",
        "MobileNet-v2",
        2018,
        "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        "https://arxiv.org/abs/1801.04381",
    ),
    Paper(
        "efficientnet_lite0",
        "EfficientNet-Lite0",
        2020,
        "EfficientNet-Lite (the table is that of EfficientNet-B0)",
        "https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite",
    ),
)
