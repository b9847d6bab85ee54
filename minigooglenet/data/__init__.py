"""Labelled images as arrays: digits, MNIST, Fashion-MNIST, CIFAR-10, drawn scenes and folders of photographs."""

from minigooglenet.data import seen, transforms
from minigooglenet.data.batching import Batch, batches
from minigooglenet.data.cifar import cifar10
from minigooglenet.data.dataset import BadImageError, Dataset, Images, Split
from minigooglenet.data.download import data_folder
from minigooglenet.data.folders import FolderWarning, ImageFolder, image_folder
from minigooglenet.data.handwritten import digits
from minigooglenet.data.loading import NAMES, load
from minigooglenet.data.mnist_sets import fashion_mnist, idx_folder, mnist
from minigooglenet.data.photos import photograph, prepare
from minigooglenet.data.pixel_names import pixels_of
from minigooglenet.data.pixels import GREY_UNIT, RGB_MEAN, UNIT, Pixels
from minigooglenet.data.scenes import Scenes, shapes
from minigooglenet.data.split import as_split

__all__ = [
    "GREY_UNIT",
    "NAMES",
    "RGB_MEAN",
    "UNIT",
    "BadImageError",
    "Batch",
    "Dataset",
    "FolderWarning",
    "ImageFolder",
    "Images",
    "Pixels",
    "Scenes",
    "Split",
    "as_split",
    "batches",
    "cifar10",
    "data_folder",
    "digits",
    "fashion_mnist",
    "idx_folder",
    "image_folder",
    "load",
    "mnist",
    "photograph",
    "pixels_of",
    "prepare",
    "seen",
    "shapes",
    "transforms",
]
