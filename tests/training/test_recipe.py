"""recipe.json after edits by a user: each mistake has its own error, with advice."""

import json

import pytest

from minigooglenet.training import Recipe, recipe

WAY_OUT = r"\. Restore the file from a copy, or train in another folder"


def _written(folder, change=None):
    Recipe("digits", models=2).write(folder)
    values = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    if change:
        change(values)
        (folder / "recipe.json").write_text(json.dumps(values), encoding="utf-8")
    return values


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("data", 5, "data must be text, got 5"),
        ("data", "a\0b", "data must be a name or a path"),
        ("size", "32", "size must be an integer, got '32'"),
        ("size", 10**6, "size must be at most 16384"),
        ("augment", "false", "augment must be True or False, got 'false'"),
        ("augment", 1, "augment must be True or False, got 1"),
        ("model", None, "model must be text, got None"),
        ("arguments", [1], "arguments must be a dict of the model's arguments by name"),
        ("start", {}, "start must be text or None"),
        ("weights_seed", -1, "weights_seed must be at least 0, got -1"),
        ("weights_seed", 1.5, "weights_seed must be an integer, got 1.5"),
        ("models", 0, "models must be at least 1, got 0"),
        ("settings", None, "'settings' must be an object of named fields, got None"),
        ("settings", {"epoch": 3}, r"'settings' has an unknown field 'epoch'. Did you mean 'epochs'"),
        ("settings", {"lr": "fast"}, "lr must be a number, got 'fast'"),
        ("settings", {"lr": 10**400}, "lr must be finite, got 'a larger integer'"),
        ("settings", {"schedule": []}, r"schedule must be one of constant, .*, got \[\]"),
        ("settings", {"optimizer": {}}, r"optimizer must be one of sgd, adamw, adam, rmsprop, got {}"),
        ("settings", {"freeze": 5}, "freeze must be patterns of node names"),
        ("settings", {"freeze": [5]}, "freeze must be patterns of node names"),
        ("settings", {"caffe_biases": "no"}, "caffe_biases must be True or False, got 'no'"),
        ("settings", {"epochs": 2.5}, "epochs must be an integer, got 2.5"),
        ("sise", 3, r"the file has an unknown field 'sise'. Did you mean 'size'"),
    ],
)
def test_recipe_with_a_wrong_field_names_it(tmp_path, field, value, sentence):
    _written(tmp_path, lambda values: values.update({field: value}))
    with pytest.raises(ValueError, match=rf"recipe\.json is not a valid recipe: {sentence}.*{WAY_OUT[2:]}"):
        recipe.read(tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "it is empty"),
        (bytes(50), "it is empty"),
        (b'{"data": "digits"', "invalid JSON at line 1, column 18"),
        (b"\xff\xfe{\0}\0", "it is not UTF-8 text"),
        (b"[1]", r"the file must be an object of named fields, got \[1\]"),
        (b"{}", "it has no 'settings'"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b'{"size": 1, "size": 2}', "it has the field 'size' twice"),
        (b'{"size": NaN}', "it contains NaN, which is not a number"),
        (b" " * (5 << 20), "it has more than 4,194,304 bytes"),
    ],
)
def test_file_other_than_a_recipe_is_described(tmp_path, content, sentence):
    (tmp_path / "recipe.json").write_bytes(content)
    with pytest.raises(ValueError, match=rf"recipe\.json is not a valid recipe: {sentence}{WAY_OUT}"):
        recipe.read(tmp_path)


def test_folder_instead_of_the_file_is_reported(tmp_path):
    (tmp_path / "recipe.json").mkdir()
    with pytest.raises(ValueError, match="is not a valid recipe: it is a folder"):
        recipe.read(tmp_path)


def test_byte_order_mark_is_accepted(tmp_path):
    _written(tmp_path)
    path = tmp_path / "recipe.json"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert recipe.read(tmp_path) == Recipe("digits", models=2)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"widht": 1}, r"mini has no argument 'widht'\. Did you mean 'width'"),
        ({"rng": 1}, r"the data and the recipe determine 'rng'\. Leave it out"),
        ({"aux": "no"}, "argument 'aux' must be True or False, got 'no'"),
        ({"width": "1"}, "argument 'width' must be a number, got '1'"),
        ({"width": float("nan")}, "argument 'width' must be at most 64, got nan"),
        ({"width": 1e9}, "argument 'width' must be at most 64"),
        ({"norm": 5}, "argument 'norm' must be text, got 5"),
    ],
)
def test_arguments_are_checked_before_the_model_is_built(arguments, sentence):
    recipe = Recipe("digits", arguments=arguments)
    with pytest.raises((ValueError, TypeError), match=sentence):
        recipe.graph(recipe.split())


def test_recipe_made_in_python_is_checked():
    with pytest.raises(TypeError, match=r"settings must be training\.Settings, got \{\}"):
        Recipe("digits", settings={})
