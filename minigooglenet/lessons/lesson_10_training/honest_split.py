"""An honest number, from the split to what is published."""

import numpy as np

from minigooglenet.exercises.exercise import Exercise, integers
from minigooglenet.lessons.lesson_10_training.scripted import Scripted

split = Exercise(
    "10.6",
    "an honest split",
    "split(groups, rng) -> (train, valid, test), places of images",
    minutes=10,
    difficulty=2,
    core=False,
    hints=(
        "Which images must never be parted? What has to be drawn: images or groups?",
        (
            "groups = [4, 4, 9, 9, 2]: the names are 2, 4, 9. Put the names into a random order, cut that, and then "
            "collect the images of each part: the two of 4 go together."
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


def _cut(groups, names, parts=(0.2, 0.4)):
    first, second = (round(part * len(names)) for part in parts)
    pieces = names[second:], names[first:second], names[:first]
    return tuple(np.flatnonzero(np.isin(groups, piece)) for piece in pieces)


@split.reference
def split_reference(groups, rng):
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    parts = names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]
    return tuple(np.flatnonzero(np.isin(groups, part)) for part in parts)


@split.right
def split_by_permutation(groups, rng):
    return _cut(groups, rng.permutation(np.unique(groups)))


@split.right
def split_by_shuffled_names(groups, rng):
    names = sorted(set(groups.tolist()))
    rng.shuffle(names)
    fifth = round(len(names) / 5)
    test, valid = set(names[:fifth]), set(names[fifth : 2 * fifth])
    where = [2 if name in test else 1 if name in valid else 0 for name in groups.tolist()]
    return [np.array([i for i, part in enumerate(where) if part == wanted]) for wanted in range(3)]


@split.wrong
def images_drawn_one_by_one(groups, rng):
    """Images of one group lie on two sides: who learned one knows its twin."""
    order = rng.permutation(len(groups))
    fifth = round(len(order) / 5)
    return tuple(np.sort(part) for part in (order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]))


@split.wrong
def not_shuffled(groups, rng):
    """The groups were cut in the order of their names; files often lie sorted by class."""
    return _cut(groups, np.unique(groups))


@split.wrong
def validation_is_the_test(groups, rng):
    """Your validation and test images are the same. Choosing by them is peeking."""
    train, _, test = _cut(groups, rng.permutation(np.unique(groups)))
    return train, test, test


@split.wrong
def nothing_to_choose_by(groups, rng):
    """Your validation part is empty. What would you choose the epoch by?"""
    return _cut(groups, rng.permutation(np.unique(groups)), (0.2, 0.2))


@split.wrong
def rounded_down(groups, rng):
    """A fifth of 9 names is 1.8: round it to 2."""
    names = rng.permutation(np.unique(groups))
    return _cut(groups, names, (len(names) // 5 / len(names), 2 * (len(names) // 5) / len(names)))


@split.wrong
def names_for_places(groups, rng):
    """You returned names of groups; asked for are the places of their images."""
    names = rng.permutation(np.unique(groups))
    fifth = round(len(names) / 5)
    return tuple(np.sort(part) for part in (names[2 * fifth :], names[fifth : 2 * fifth], names[:fifth]))


@split.wrong
def cut_through_a_group(groups, rng):
    """Groups were shuffled, but the cut counts images and goes through a group."""
    order = np.concatenate([np.flatnonzero(groups == name) for name in rng.permutation(np.unique(groups))])
    fifth = round(len(order) / 5) + 1
    return tuple(np.sort(part) for part in (order[2 * fifth :], order[fifth : 2 * fifth], order[:fifth]))


@split.wrong
def test_learned_from(groups, rng):
    """Your training part still holds the test images."""
    train, valid, test = _cut(groups, rng.permutation(np.unique(groups)))
    return np.sort(np.concatenate([train, valid, test])), valid, test


normalise = Exercise(
    "10.6b",
    "normalise without peeking",
    "normalise(train, test) -> (train, test), both (N, C, H, W)",
    minutes=6,
    difficulty=1,
    core=False,
    hints=(
        "Could any number of the test images reach what the network learns from?",
        (
            "One channel, train 1, 3 and test 9: the mean is 2 and the standard deviation 1, from train alone. Then "
            "train is -1, 1 and test is 7."
        ),
        "`mean = ____.mean(axis=(0, 2, 3), keepdims=True)`, the standard deviation alike, for both sets",
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
    made = [np.empty_like(train), np.empty_like(test)]
    for c in range(train.shape[1]):
        values = train[:, c]
        mean = values.sum() / values.size
        std = (((values - mean) ** 2).sum() / values.size) ** 0.5
        for new, old in zip(made, (train, test), strict=True):
            new[:, c] = (old[:, c] - mean) / std
    return made


@normalise.wrong
def mean_of_all_images(train, test):
    """Test pixels leaked into the mean: it must come from training alone."""
    both = np.concatenate([train, test])
    return _with(train, both), _with(test, both)


@normalise.wrong
def test_by_its_own_mean(train, test):
    """The test images were moved by their own mean, which the network never saw."""
    return _with(train, train), _with(test, test)


@normalise.wrong
def one_mean_for_all_channels(train, test):
    """Every channel has a mean and a spread of its own."""
    return _with(train, train, None), _with(test, train, None)


@normalise.wrong
def a_mean_for_every_pixel(train, test):
    """You took a mean at every place. Ours is one number for a whole channel."""
    return _with(train, train, 0), _with(test, train, 0)


@normalise.wrong
def divided_by_the_variance(train, test):
    """Divide by the standard deviation, which is the root of the variance."""

    def scaled(x):
        return (x - train.mean(axis=(0, 2, 3), keepdims=True)) / train.var(axis=(0, 2, 3), keepdims=True)

    return scaled(train), scaled(test)


@normalise.wrong
def test_left_as_it_was(train, test):
    """The test images must pass through the same change as the training ones."""
    return _with(train, train), test


@normalise.wrong
def mean_only(train, test):
    """The spread is not 1: divide by the standard deviation too."""
    mean = train.mean(axis=(0, 2, 3), keepdims=True)
    return train - mean, test - mean


publish = Exercise(
    "10.6c",
    "which epoch, which number",
    "publish(valid, test) -> (epoch, accuracy to publish)",
    minutes=4,
    difficulty=1,
    hints=(
        "Which of the two columns may decide anything?",
        "valid = [0.6, 0.8, 0.7], test = [0.5, 0.7, 0.9]: epoch 1 is chosen, and 0.7 is published, not 0.9.",
        "`epoch = int(np.argmax(____))`, and then one number of the other column",
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
    """You looked at the test once for every epoch; the best of many looks flatters."""
    epoch = int(np.argmax(test))
    return epoch, test[epoch]


@publish.wrong
def validation_published(valid, test):
    """That number chose the epoch, so it flatters it. Publish the test's."""
    epoch = int(np.argmax(valid))
    return epoch, valid[epoch]


@publish.wrong
def best_of_both(valid, test):
    """The epoch is chosen by validation, but the number is the test's best, not that epoch's."""
    return int(np.argmax(valid)), test.max()


@publish.wrong
def last_epoch(valid, test):
    """You published the last epoch; validation was there to choose one."""
    return len(valid) - 1, test[-1]


@publish.wrong
def last_of_the_best(valid, test):
    """Of epochs that are equally good take the first: it has learned less by heart."""
    epoch = len(valid) - 1 - int(np.argmax(valid[::-1]))
    return epoch, test[epoch]
