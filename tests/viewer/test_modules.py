"""The hierarchy of a network: which names become modules, blocks of long levels, and ids that differ."""

from hypothesis import given
from hypothesis import strategies as st

from minigooglenet import models
from minigooglenet.viewer.modules import MOST_CHILDREN, MOST_LEVELS, hierarchy

PARTS = st.lists(st.sampled_from(["a", "b", "in", "out", "x (2)"]), min_size=1, max_size=4)
NAMES = st.lists(st.tuples(PARTS, st.sampled_from("/.")).map(lambda p: p[1].join(p[0])), min_size=1, max_size=30)


def _labels(root):
    return [child if isinstance(child, str) else child.label for child in root.children]


def test_googlenet_has_stem_modules_and_heads():
    g = models.googlenet(init="zeros")
    labels = _labels(hierarchy([*g.inputs, *g.nodes]))
    assert labels[:4] == ["image", "conv1", "pool1", "conv2"]
    assert [label for label in labels if label.startswith("inception")] == [
        f"inception_{name}" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
    ]
    assert {"loss1", "loss2", "loss3/classifier"} <= {*labels}


def test_runs_of_the_same_name_get_different_ids():
    root = hierarchy(["block/a", "block/b", "middle", "block/c", "block/d"])
    assert _labels(root) == ["block", "middle", "block"]
    assert [module.id for module in root.modules()] == ["/", "block/", "block (2)/"]


def test_ids_differ_from_names_of_nodes():
    names = ["/", "conv/", "conv (2)/", "conv/a", "conv/b", "conv"]
    ids = [module.id for module in hierarchy(names).modules()]
    assert not {*ids} & {*names}
    assert len({*ids}) == len(ids) == 2


def test_labels_are_what_remains_of_a_name():
    root = hierarchy(["net.layer1.0.conv", "net.layer1.0.relu", "net.layer1.1.conv", "net.layer1.1.relu", "net.fc"])
    (layer, _) = root.children
    assert (layer.label, _labels(layer)) == ("layer1", ["0", "1"])
    assert layer.children[0].labels == {"net.layer1.0.conv": "conv", "net.layer1.0.relu": "relu"}
    assert root.labels == {"net.fc": "fc"}


def test_a_single_node_stays_outside_a_module():
    assert hierarchy(["a/b/c", "d"]).labels == {"a/b/c": "a/b/c", "d": "d"}


def test_long_levels_are_divided_into_blocks():
    names = [f"relu{i}" for i in range(5000)]
    root = hierarchy(names)
    assert root.nodes() == names
    assert max(len(module.children) for module in root.modules()) <= MOST_CHILDREN
    assert root.children[0].label.startswith("relu0 ... relu")


def test_a_name_of_thousands_of_parts_is_accepted():
    names = ["/".join(["part"] * 3000) + f"/{i}" for i in range(3)]
    root = hierarchy([*names, "end"])
    assert root.nodes() == [*names, "end"]
    assert len(root.modules()) <= MOST_LEVELS


@given(NAMES)
def test_every_node_is_in_the_hierarchy_once_in_order(names):
    names = list(dict.fromkeys(names))
    root = hierarchy(names)
    assert root.nodes() == names
    assert {*{key for module in root.modules() for key in module.labels}} == {*names}
    ids = [module.id for module in root.modules()]
    assert len({*ids, *names}) == len(ids) + len(names)
