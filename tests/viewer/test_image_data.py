"""What the page shows of one image: the numbers equal those of the engine, and the rest is reported."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from PIL import Image

import minigooglenet as mg
from minigooglenet import losses
from minigooglenet.counting import costs, count, paths
from minigooglenet.viewer import activations, effective, exact_values, gradients, png
from minigooglenet.viewer.image_data import describe


def mini():
    return mg.models.mini_googlenet(rng=0)


def image(graph, seed=0):
    shape = next(iter(graph.inputs.values()))
    return np.random.default_rng(seed).standard_normal((1, *shape)).astype(np.float32)


def small():
    """Return a network with a stride, groups, a dilation, uneven padding, a fork and a concat in a concat."""
    rng = np.random.default_rng(0)
    g = mg.Graph(image=(3, 40, 32))
    g.add("conv", mg.layers.Conv2d(3, 8, 5, stride=2, padding=2, rng=rng), "image")
    g.add("relu", mg.layers.ReLU(), "conv")
    g.add("a", mg.layers.Conv2d(8, 6, 3, padding=((2, 0), (1, 3)), groups=2, dilation=(1, 2), rng=rng), "relu")
    g.add("a/relu", mg.layers.ReLU(), "a")
    g.add("pool", mg.layers.MaxPool2d(3, 1, 1), "relu")
    g.add("join", mg.layers.Concat(), "a/relu", "pool")
    g.add("outer", mg.layers.Concat(), "conv", "join")
    g.add("dropped", mg.layers.Dropout(0.5), "outer")
    g.add("norm", mg.layers.BatchNorm2d(22), "dropped")
    g.add("gap", mg.layers.GlobalAvgPool2d(), "norm")
    g.add("classes", mg.layers.Linear(22, 5, rng=rng), "gap")
    return g


def pixels(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def cells(entry, count):
    """Return the maps of an image as (count, height, width)."""
    found = pixels(entry["png"])
    assert found.shape == (entry["height"], count * entry["width"])
    return np.stack(np.split(found, count, axis=1))


def floats(text):
    planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(4, -1)
    return np.ascontiguousarray(planes.T).view("<f4").ravel()


@pytest.mark.parametrize("build", [mini, small])
def test_every_output_equals_a_plans_bit_for_bit(build):
    g = build()
    x = image(g)
    expected = mg.plan(g, outputs=list(g.nodes))(x)
    found = {name: y for name, y, _ in activations.every_output(g, {next(iter(g.inputs)): x})}
    assert list(found) == [*g.inputs, *g.nodes]
    for name, y in expected.items():
        np.testing.assert_array_equal(found[name], y)


def test_every_output_frees_wires_after_their_last_reader():
    g = mg.Graph(image=(1, 4, 4))
    wire = "image"
    for index in range(50):
        wire = g.add(f"relu{index}", mg.layers.ReLU(), wire)
    steps = activations.every_output(g, {"image": np.ones((1, 1, 4, 4), np.float32)})
    most = max(len(steps.gi_frame.f_locals["values"]) for _ in steps)
    assert most <= 2


def test_map_from_the_png_agrees_with_the_array():
    g = small()
    x = image(g)
    outputs = {name: y[0] for name, y, _ in activations.every_output(g, {"image": x})}
    entry = describe(g, x).nodes["conv"]["maps"]
    strengths = np.maximum(outputs["conv"], 0).mean(axis=(1, 2))
    assert entry["channels"] == sorted(range(8), key=lambda k: -strengths[k])
    values = outputs["conv"][entry["channels"]]
    assert (entry["low"], entry["high"]) == (values.min(), values.max())
    shown = entry["low"] + cells(entry, 8) / 255 * (entry["high"] - entry["low"])
    assert np.abs(shown - values).max() <= 0.51 / 255 * (entry["high"] - entry["low"])


def test_large_maps_are_shrunk_to_area_means():
    maps = np.random.default_rng(0).standard_normal((2, 113, 60)).astype(np.float32)
    small = png.shrunk(maps, 56)
    assert small.shape == (2, 38, 20)
    np.testing.assert_allclose(small[1, 0, 3], maps[1, :2, 9:12].mean(), rtol=1e-6)
    np.testing.assert_allclose(png.shrunk(maps[:, :112, :56], 56)[0, 5, 7], maps[0, 10:12, 14:16].mean(), rtol=1e-6)


def test_histogram_and_zeros_describe_the_values():
    g = small()
    x = image(g)
    y = mg.plan(g, outputs=["relu"])(x)
    entry = describe(g, x).nodes["relu"]
    assert sum(entry["histogram"]["counts"]) == y.size
    assert (entry["histogram"]["edges"][0], entry["histogram"]["edges"][-1]) == (y.min(), y.max())
    assert entry["zeros"] == np.mean(y == 0)
    assert 0.2 < entry["zeros"] < 0.8


def test_filters_are_the_weights_of_the_first_convolution():
    g = small()
    entry = describe(g, image(g)).nodes["conv"]["filters"]
    tiles = pixels(entry["png"])
    row, column = divmod(6, entry["columns"])
    tile = tiles[row * entry["height"] :, column * entry["width"] :][:5, :5]
    weight = g.params["conv/weight"][6]
    np.testing.assert_array_equal(tile[..., 3], 255)
    scaled = (tile[..., :3].transpose(2, 0, 1) - 128.0) / 127 * np.abs(weight).max()
    assert np.abs(scaled - weight).max() < np.abs(weight).max() / 200


def test_probabilities_are_the_softmax_of_the_logits():
    g = mini()
    x = image(g)
    logits = mg.plan(g, outputs=list(g.nodes))(x)[g.main][0].astype(np.float64)
    exact = np.exp(logits - logits.max())
    exact /= exact.sum()
    found = describe(g, x).probabilities
    assert [index for index, _ in found] == np.argsort(-exact)[:5].tolist()
    np.testing.assert_allclose([p for _, p in found], np.sort(exact)[:-6:-1], rtol=1e-5)


def heads():
    """Return a network with two auxiliary heads."""
    g = mg.models.mini_googlenet(depth=4, aux=True, rng=0)
    assert len(g.outputs) > 1
    return g


def by_hand(g, x, weights, label):
    logits, tape = g.forward({next(iter(g.inputs)): x}, outputs=list(g.outputs))
    _, _, grads = losses.weighted_sum(logits, np.array([label]), weights)
    return g.backward(grads, tape, wires=[wire for wire in g.nodes if wire in tape.computed])[0]


def test_norms_equal_a_backward_pass_by_hand():
    g = heads()
    x = image(g)
    data = describe(g, x, label=2)
    cases = {"all": losses.head_weights(g)} | {wire: {wire: 1.0} for wire in g.outputs}
    assert set(data.objectives) == set(cases)
    assert data.objective == "all"
    for objective, weights in cases.items():
        expected = {w: float(np.linalg.norm(a.astype(np.float64))) for w, a in by_hand(g, x, weights, 2).items()}
        found = {wire: entry.get("norms", {}).get(objective, 0.0) for wire, entry in data.nodes.items()}
        assert found.keys() == expected.keys()
        for wire, value in expected.items():
            assert found[wire] == pytest.approx(value, rel=1e-12), (objective, wire)
    other_head = next(wire for wire in g.outputs if wire != g.main)
    assert g.main not in data.nodes[other_head]["norms"]


def test_backward_equals_the_graphs_bit_for_bit():
    g = heads()
    x = image(g)
    expected = by_hand(g, x, losses.head_weights(g), 1)
    found = {}
    inputs = {next(iter(g.inputs)): x}
    objectives = gradients.objectives(gradients.classifiers(g), 1)
    gradients.gradients(g, inputs, objectives[:1], 1, lambda _, wire, grad: found.setdefault(wire, grad.copy()))
    for wire, grad in expected.items():
        np.testing.assert_array_equal(found[wire], grad)


def test_gradient_maps_show_the_channels_of_the_maps():
    g = small()
    x = image(g)
    data = describe(g, x, label=0)
    entry = data.nodes["a"]["gradient"]["maps"]
    assert entry["channels"] == data.nodes["a"]["maps"]["channels"]
    exact = by_hand(g, x, {"classes": 1.0}, 0)["a"][0, entry["channels"]]
    assert entry["high"] == -entry["low"] == np.abs(exact).max()
    shown = (cells(entry, 6) - 128.0) / 127 * entry["high"]
    assert np.abs(shown - exact).max() <= 0.51 / 127 * entry["high"]
    assert (cells(entry, 6)[exact == 0] == 128).all()


def test_class_of_the_loss_is_reported():
    g = small()
    data = describe(g, image(g))
    (label, _), *_ = data.probabilities
    assert data.objectives == {"classes": f"classes alone, class {label}"}
    assert any(f"most probable class, {label}," in note for note in data.notes)
    assert not any("most probable" in note for note in describe(g, image(g), label=1).notes)


def test_label_outside_the_classes_is_rejected():
    g = small()
    with pytest.raises(ValueError, match=r"label must be in 0 \.\. 4, .* got 5"):
        describe(g, image(g), label=5)


def test_effective_field_lies_inside_the_theoretical_one():
    g = small()
    data = describe(g, image(g))
    layer_costs = {row.name: costs.cost(g.nodes[row.name].layer, *row.input_shapes) for row in count(g).rows}
    _, wide = paths.extents(g, layer_costs)
    for name in ("conv", "relu", "a", "a/relu", "pool", "join", "outer", "dropped", "norm"):
        entry = data.nodes[name]["effective"]
        maps = cells(entry, 5)
        assert maps.shape[1:] == (40, 32)  # small fields are not shrunk
        for heat, (row, column) in zip(maps, entry["positions"], strict=True):
            rows, columns = wide[name]
            inside = np.zeros((40, 32), bool)
            inside[
                max(0, rows.first[row]) : rows.last[row] + 1, max(0, columns.first[column]) : columns.last[column] + 1
            ] = True
            assert heat.max() == 255
            assert not heat[~inside].any(), (name, row, column)
    assert "effective" not in data.nodes["gap"]


@pytest.mark.parametrize("name", ["conv", "relu", "a", "a/relu", "pool", "join", "outer", "dropped", "norm"])
def test_effective_field_is_the_gradient_of_the_unit(name):
    g = small()
    x = image(g)
    entry = describe(g, x).nodes[name]["effective"]
    y = mg.plan(g, outputs=[name])(x)
    for heat, (row, column), channel in zip(cells(entry, 5), entry["positions"], entry["channels"], strict=True):
        assert y[0, :, row, column].argmax() == channel
        grad = np.zeros_like(y)
        grad[0, channel, row, column] = 1
        _, tape = g.forward({"image": x}, outputs=name)
        exact = np.abs(g.backward({name: grad}, tape)[0]["image"][0]).sum(axis=0)
        assert np.abs(heat / 255 - exact / exact.max()).max() < 0.6 / (effective.LEVELS - 1)


def test_large_effective_fields_are_shrunk_without_losing_pixels():
    heat = np.zeros((5, 100, 200), np.uint8)
    heat[:, 10, 20:180] = 255
    heat[3, 99, 199] = 90
    unit = [effective.Unit(0, 0, 2)] * 5
    entry = effective.entry(list(heat), unit, [effective.Source("a", 3)] * 5, {"a": unit})
    assert (entry["height"], entry["width"], entry["channels"]) == (20, 40, [5] * 5)
    maps = cells(entry, 5)
    assert maps[3, 19, 39] == 90
    assert maps[0, 2, 4] == 255


def test_small_effective_fields_keep_every_pixel():
    heat = np.zeros((5, 224, 224), np.uint8)
    for index in range(5):
        heat[index, 40 * index : 40 * index + 7, 50 * index : 50 * index + 7] = 255
    unit = [effective.Unit(0, 0, 0)] * 5
    entry = effective.entry(list(heat), unit, [effective.Source("a", 0)] * 5, {"a": unit})
    np.testing.assert_array_equal(cells(entry, 5), heat)


def test_fields_beyond_the_limit_are_reported(monkeypatch):
    g = mini()
    x = image(g)
    full = describe(g, x, steps=[])
    assert not any(note.startswith("effective") for note in full.notes)
    monkeypatch.setattr(effective, "MOST_WORK", 10**9)
    data = describe(g, x, steps=[])
    (note,) = (note for note in data.notes if note.startswith("effective"))
    missing, total = (int(word) for word in note.split() if word.isdigit())
    shown = {name for name, entry in data.nodes.items() if "effective" in entry}
    assert total == sum("effective" in entry for entry in full.nodes.values())
    assert len(shown) == total - missing > 0
    assert missing > 0
    assert all(data.nodes[name]["effective"] == full.nodes[name]["effective"] for name in shown)


def test_fields_of_named_nodes_are_chosen_first(monkeypatch):
    g = mini()
    outputs = activations.every_output(g, {"image": image(g)})
    found = {name: effective.units(y[0]) for name, y, _ in outputs if y.ndim == 4 and y.shape[2] > 1}
    shared = effective.sources(g, found, "image")
    monkeypatch.setattr(effective, "MOST_WORK", 3 * 10**9)
    others = effective.chosen(g, shared, [])
    left_out = [name for name in shared if shared[name][0].node == name and name not in others]
    assert left_out[0] in effective.chosen(g, shared, left_out[:1])


def test_exact_values_equal_the_arrays():
    g = small()
    x = image(g)
    data = describe(g, x, steps=["a"])
    values = data.nodes["a"]["values"]
    outputs = mg.plan(g, outputs=["relu", "a"])(x)
    np.testing.assert_array_equal(floats(values["input"]).reshape(8, 20, 16), outputs["relu"][0])
    assert sorted(values["channels"]) == list(range(6))
    for k in values["channels"]:
        np.testing.assert_array_equal(floats(values["output"][str(k)]).reshape(20, 16), outputs["a"][0, k])
        np.testing.assert_array_equal(floats(values["weight"][str(k)]).reshape(4, 3, 3), g.params["a/weight"][k])
        assert values["bias"][str(k)] == g.params["a/bias"][k]
    assert values["relu"] == "a/relu"
    grid = pixels(values["all_maps"]["png"])
    assert grid.shape == (2 * 20, 3 * 16)
    low, high = values["all_maps"]["low"], values["all_maps"]["high"]
    shown = low + grid[20:, 16:32] / 255 * (high - low)
    assert np.abs(shown - outputs["a"][0, 4]).max() <= 0.51 / 255 * (high - low)


@pytest.mark.parametrize("budget", [0, 10_000, 25_000, 40_000, 60_000, 200_000])
def test_exact_values_stay_within_their_budget(budget):
    g = small()
    data = describe(g, image(g), steps=["conv", "a"], budget=budget)
    found = {name: entry["values"] for name, entry in data.nodes.items() if "values" in entry}
    assert sum(len(json.dumps(values)) for values in found.values()) <= budget
    for name, channels in (("conv", 8), ("a", 6)):
        notes = [note for note in data.notes if note.startswith(f"{name}: ")]
        included = len(found[name]["channels"]) if name in found else 0
        assert bool(notes) == (included < channels)
        if 0 < included < channels:
            assert f"{included} strongest of {channels} channels" in notes[0]
            strongest = exact_values.activations.by_strength(mg.plan(g, outputs=[name])(image(g))[0])
            assert found[name]["channels"] == strongest[:included].tolist()


def test_nodes_without_exact_values_are_reported():
    g = small()
    notes = describe(g, image(g), steps=["pool", "image"]).notes
    assert any("pool: exact values are only for convolutions, this is MaxPool2d" in note for note in notes)
    assert any("image: exact values are only for convolutions, this is an input" in note for note in notes)
    with pytest.raises(ValueError, match="steps: unknown wire 'pol'"):
        describe(g, image(g), steps=["pol"])


def test_network_without_classifier_reports_it():
    g = mg.Graph(image=(2, 6, 6))
    g.add("conv", mg.layers.Conv2d(2, 3, 3, rng=0), "image")
    data = describe(g, image(g))
    assert data.objectives == {}
    assert data.objective is None
    assert data.probabilities == []
    assert any("'conv' has shape (3, 4, 4), not one value per class" in note for note in data.notes)
    assert "effective" in data.nodes["conv"]
    with pytest.raises(ValueError, match="label=1 needs gradients, but output 'conv'"):
        describe(g, image(g), label=1)


def test_softmax_output_gets_the_loss_of_its_logits():
    g = small()
    g.add("probabilities", mg.layers.Softmax(), "classes")
    x = image(g)
    data = describe(g, x, label=3)
    assert list(data.objectives) == ["classes"]
    plan = mg.plan(g, outputs=list(g.nodes))(x)
    assert dict(data.probabilities)[0] == plan["probabilities"][0, 0]
    assert "norms" not in data.nodes["probabilities"]


def test_two_inputs_get_fields_of_the_first_image():
    rng = np.random.default_rng(0)
    g = mg.Graph(vector=(4,), image=(3, 8, 8))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, padding=1, rng=rng), "image")
    g.add("gap", mg.layers.GlobalAvgPool2d(), "conv")
    g.add("sum", mg.layers.Add(), "gap", "vector")
    g.add("classes", mg.layers.Linear(4, 3, rng=rng), "sum")
    inputs = {"vector": np.ones((1, 4), np.float32), "image": rng.standard_normal((1, 3, 8, 8)).astype(np.float32)}
    data = describe(g, inputs)
    assert set(data.nodes) == {"vector", "image", "conv", "gap", "sum", "classes"}
    assert data.nodes["vector"]["norms"]["classes"] > 0
    assert "maps" not in data.nodes["vector"]
    assert data.nodes["conv"]["effective"]["width"] == 8
    json.dumps(data.nodes, allow_nan=False)


def test_unit_of_another_input_has_an_empty_field():
    g = mg.Graph(image=(3, 8, 8), other=(3, 8, 8))
    g.add("conv", mg.layers.Conv2d(3, 4, 3, padding=1, rng=0), "image")
    g.add("scaled", mg.layers.BatchNorm2d(3), "other")
    g.add("join", mg.layers.Concat(), "conv", "scaled")
    inputs = {"image": image(g), "other": np.full((1, 3, 8, 8), 1e3, np.float32)}
    data = describe(g, inputs)
    assert "effective" not in data.nodes["scaled"]
    assert not pixels(data.nodes["join"]["effective"]["png"]).any()
    assert data.nodes["join"]["effective"]["channels"] == [4] * 5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_values_that_are_not_finite_never_reach_the_json(bad):
    g = small()
    g.params["a/weight"][2, 1, 0, 0] = bad
    data = describe(g, image(g), steps=["a"])
    json.dumps(vars(data), allow_nan=False)
    assert any("have NaN or infinite values, the first is a;" in note for note in data.notes)
    assert data.objective is None
    assert any("the logits are not finite" in note for note in data.notes)


def test_layer_without_backward_reports_it():
    class Forward(mg.layers.Layer):
        def output_shape(self, shape):
            return shape

        def forward(self, x, train=False):
            return x + 1, None

    g = mg.Graph(image=(3, 8, 8))
    g.add("own", Forward(), "image")
    g.add("gap", mg.layers.GlobalAvgPool2d(), "own")
    notes = describe(g, image(g)).notes
    assert any(note.startswith("gradients are left out: Forward does not define backward") for note in notes)
    assert any(note.startswith("effective receptive fields are left out: Forward") for note in notes)


def test_graph_of_one_node_works():
    g = mg.Graph(image=(1, 3, 3))
    g.add("relu", mg.layers.ReLU(), "image")
    data = describe(g, image(g))
    assert set(data.nodes) == {"image", "relu"}
    assert data.nodes["relu"]["zeros"] == np.mean(image(g) <= 0)


def test_batch_of_several_images_is_rejected():
    g = small()
    with pytest.raises(ValueError, match=r"input 'image' must be \(1, \.\.\.\), got \(2, 3, 40, 32\)"):
        describe(g, np.repeat(image(g), 2, axis=0))


def test_progress_reaches_the_total_of_every_stage():
    g = small()
    calls = []
    describe(g, image(g), progress=lambda *call: calls.append(call))
    for what in ("activations", "gradients", "effective receptive fields"):
        of_stage = [(done, total) for done, total, stage in calls if stage == what]
        total = of_stage[0][1]
        assert of_stage == [(done, total) for done in range(total + 1)]
