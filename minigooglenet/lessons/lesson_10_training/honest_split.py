"""An honest accuracy: the split, the normalisation and the choice of an epoch."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.lessons.lesson_10_training.scripted import Scripted

split = Exercise(
    "10.6",
    "an honest split",
    "split(groups, rng) -> (train, valid, test), indices of images",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "Which images must stay together? So what do you shuffle: images or groups?",
        (
            "For groups = [4, 4, 9, 9, 2] the names are 2, 4 and 9. Shuffle the names, split them into three parts, "
            "and then collect the images of each part. The two images of group 4 stay together."
        ),
        "`test = np.flatnonzero(np.isin(groups, names[:____]))`",
    ),
)


@split.cases
def split_cases(rng):
    yield np.array([4, 4, 9, 9, 2, 2, 7, 7, 5, 5]), Scripted(seed=1)
    yield rng.permutation(np.repeat(np.arange(30, 70, 2), 3)), Scripted(seed=2)
    yield np.array([3, 3, 3, 3, 8, 1, 1, 6, 6, 6, 0, 2, 2, 5, 4, 4, 9, 9, 7]), Scripted(seed=3)
    yield rng.permutation(np.repeat(np.arange(9), 2)), Scripted(seed=4)  # a fifth is 1.8, rounded 2
    yield rng.permutation(np.repeat(np.arange(11), 2)), Scripted(seed=5)  # a fifth is 2.2, rounded 2


def _split(groups, names, fractions=(0.2, 0.4)):
    first, second = (round(fraction * len(names)) for fraction in fractions)
    parts = names[second:], names[first:second], names[:first]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@split.reference
def split_reference(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@split.right
def split_by_permutation(groups, rng):
    return _split(groups, rng.permutation(np.unique(groups)))


@split.right
def split_by_shuffled_names(groups, rng):
    names = sorted(set(groups.tolist()))
    rng.shuffle(names)
    fifth = round(len(names) / 5)
    test, valid = set(names[:fifth]), set(names[fifth : 2 * fifth])
    where = [2 if name in test else 1 if name in valid else 0 for name in groups.tolist()]
    return [np.array([i for i, part in enumerate(where) if part == number]) for number in range(3)]


@split.wrong
def images_drawn_one_by_one(groups, rng):
    """You shuffled the images, so one group is in two sets. A network that learned one image knows its twin."""
    order = rng.permutation(len(groups))
    fifth = round(len(order) / 5)
    return tuple(np.sort(part) for part in (order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]))


@split.wrong
def not_shuffled(groups, rng):
    """You split the names without shuffling. Names are often sorted by class."""
    return _split(groups, np.unique(groups))


@split.wrong
def validation_is_the_test(groups, rng):
    """Your validation and test set are the same, so you would choose the epoch on the test set."""
    train, _, test = _split(groups, rng.permutation(np.unique(groups)))
    return train, test, test


@split.wrong
def validation_set_empty(groups, rng):
    """Your validation set is empty, so you cannot choose an epoch with it."""
    return _split(groups, rng.permutation(np.unique(groups)), (0.2, 0.2))


@split.wrong
def rounded_down(groups, rng):
    """You rounded a fifth down. A fifth of 9 names is 1.8: round it to 2."""
    names = rng.permutation(np.unique(groups))
    return _split(groups, names, (len(names) // 5 / len(names), 2 * (len(names) // 5) / len(names)))


@split.wrong
def names_instead_of_indices(groups, rng):
    """You returned the names of groups. Return the indices of their images."""
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    return tuple(np.sort(part) for part in (names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]))


@split.wrong
def group_split(groups, rng):
    """You shuffled the groups, but then took a fifth of the images, which splits a group. Count names instead."""
    order = np.concatenate([np.flatnonzero(groups == name) for name in rng.permutation(np.unique(groups))])
    fifth = round(len(order) / 5) + 1
    return tuple(np.sort(part) for part in (order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]))


@split.wrong
def test_images_in_the_training_set(groups, rng):
    """Your training set still contains the test images."""
    train, valid, test = _split(groups, rng.permutation(np.unique(groups)))
    return np.sort(np.concatenate([train, valid, test])), valid, test


normalise = Exercise(
    "10.6b",
    "normalise without peeking",
    "normalise(train, test) -> (train, test), both (N, C, H, W)",
    minutes=6,
    difficulty=1,
    core=False,
    hints=(
        "From which images may mean and standard deviation come, if the test images must stay unknown?",
        (
            "In a channel with training values 1, 3 and test value 9, the training mean is 2 and the training standard "
            "deviation is 1. The results are -1, 1 for training and 7 for test."
        ),
        "`mean = ____.mean(axis=(0, 2, 3), keepdims=True)`, and the same for std; use both for both sets",
    ),
)


@normalise.cases
def normalise_cases(rng):
    yield integers(rng, (2, 1, 2, 2)), integers(rng, (1, 1, 2, 2), 5, 20)
    low = np.array([0, 40, -7]).reshape(1, 3, 1, 1)
    yield integers(rng, (4, 3, 2, 3)) * [[[[1]], [[5]], [[2]]]] + low, integers(rng, (3, 3, 2, 3)) + 3


def _with(values, like, axes=(0, 2, 3)):
    return (values - like.mean(axis=axes, keepdims=True)) / like.std(axis=axes, keepdims=True)


@normalise.reference
def normalise_reference(train, test):
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    std = train.std(axis=(0, 2, 3), keepdims=True)
    return (train - mean) / std, (test - mean) / std


@normalise.right
def normalise_by_broadcasting(train, test):
    return _with(train, train), _with(test, train)


@normalise.right
def normalise_channel_by_channel(train, test):
    results = [np.empty_like(train), np.empty_like(test)]
    for c in range(train.shape[1]):
        values = train[:, c]
        mean = values.sum() / values.size
        std = (((values - mean) ** 2).sum() / values.size) ** 0.5
        for new, old in zip(results, (train, test), strict=True):
            new[:, c] = (old[:, c] - mean) / std
    return results


@normalise.wrong
def mean_of_all_images(train, test):
    """Test images leaked into the mean. Compute it from the training images only."""
    both = np.concatenate([train, test])
    return _with(train, both), _with(test, both)


@normalise.wrong
def test_by_its_own_mean(train, test):
    """You normalised the test images with their own mean and deviation. Use those of the training images."""
    return _with(train, train), _with(test, test)


@normalise.wrong
def one_mean_for_all_channels(train, test):
    """You used one mean for all channels. Each channel has its own mean and standard deviation."""
    return _with(train, train, None), _with(test, train, None)


@normalise.wrong
def a_mean_for_every_pixel(train, test):
    """You computed a mean for every pixel. Compute one mean per channel, over N, H and W."""
    return _with(train, train, 0), _with(test, train, 0)


@normalise.wrong
def divided_by_the_variance(train, test):
    """You divided by the variance. Divide by the standard deviation, its square root."""

    def scaled(x):
        return (x - train.mean(axis=(0, 2, 3), keepdims=True)) / train.var(axis=(0, 2, 3), keepdims=True)

    return scaled(train), scaled(test)


@normalise.wrong
def test_images_not_normalised(train, test):
    """You did not change the test images. Normalise them with the training mean and standard deviation."""
    return _with(train, train), test


@normalise.wrong
def mean_only(train, test):
    """The standard deviation is not 1. Divide by it after you subtract the mean."""
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    return train - mean, test - mean


publish = Exercise(
    "10.6c",
    "which epoch, which accuracy",
    "publish(valid, test) -> (epoch, accuracy to publish)",
    minutes=4,
    difficulty=1,
    hints=(
        "Which of the two arrays may you use to choose the epoch?",
        "For valid = [0.6, 0.8, 0.7] and test = [0.5, 0.7, 0.9], choose epoch 1 and publish 0.7, not 0.9.",
        "`epoch = int(np.argmax(____))`, and then one element of the other array",
    ),
)


@publish.cases
def publish_cases(rng):
    yield np.array([0.50, 0.75, 0.625]), np.array([0.25, 0.5, 0.875])
    yield np.array([0.25, 0.5, 0.875, 0.75, 0.875]), np.array([0.375, 0.9375, 0.8125, 0.625, 0.6875])
    yield np.array([0.75, 0.5, 0.875, 0.625]), np.array([0.25, 0.375, 0.5, 0.6875])
    yield np.array([0.5, 0.75]), np.array([0.25, 0.5])  # the last epoch is the best


@publish.reference
def publish_reference(valid, test):
    epoch = int(np.argmax(valid))
    return epoch, test[epoch]


@publish.right
def publish_by_max(valid, test):
    best = max(range(len(valid)), key=lambda epoch: valid[epoch])
    return [best, float(test[best])]


@publish.right
def publish_by_argsort(valid, test):
    order = np.argsort(-valid, kind="stable")
    return np.array([order[0], test[order[0]]])


@publish.wrong
def chosen_by_the_test(valid, test):
    """You chose the epoch by its test accuracy, so this accuracy is too optimistic. Use the validation set."""
    epoch = int(np.argmax(test))
    return epoch, test[epoch]


@publish.wrong
def validation_published(valid, test):
    """The validation accuracy chose the epoch, so it is too optimistic. Publish the test accuracy of this epoch."""
    epoch = int(np.argmax(valid))
    return epoch, valid[epoch]


@publish.wrong
def best_of_both(valid, test):
    """The epoch is right, but you returned the best test accuracy. Return the test accuracy of this epoch."""
    return int(np.argmax(valid)), test.max()


@publish.wrong
def last_epoch(valid, test):
    """You took the last epoch. Use the validation accuracy to choose one."""
    return len(valid) - 1, test[-1]


@publish.wrong
def last_of_the_best(valid, test):
    """You took the last of several equally good epochs. Take the first: it has had less time to overfit."""
    epoch = len(valid) - 1 - int(np.argmax(valid[::-1]))
    return epoch, test[epoch]
