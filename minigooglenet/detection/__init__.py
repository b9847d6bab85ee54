"""temporary"""
from minigooglenet.detection.superpixels import felzenszwalb, superpixels
