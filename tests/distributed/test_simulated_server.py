"""The simulated parameter server: staleness, the three modes, the average, and the same bits every time."""

import copy

import numpy as np
import pytest
from small_runs import EQUAL, network, same_bits, split

import minigooglenet as mg
from minigooglenet import optim
from minigooglenet.distributed import ComputeTimes, compare_modes, simulate
from minigooglenet.distributed.distbelief.server import ParameterServer, Pushed, mean
from minigooglenet.distributed.distbelief.simulation import MODES
from minigooglenet.training.step import gradients

SIZES = {"updates": 12, "batch_size": 5, "evaluations": 3, "lr": 0.05}


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_equal_workers_have_staleness_one_less_than_workers(workers):
    result = simulate(network(), split(), workers=workers, times=EQUAL, **SIZES)
    assert result.staleness.tolist() == [min(number, workers - 1) for number in range(12)]
    assert [update.worker for update in result.updates] == [number % workers for number in range(12)]


def test_staleness_averages_one_less_than_unequal_workers():
    result = simulate(network(), split(), workers=6, updates=600, batch_size=2, evaluations=1)
    assert abs(result.staleness[50:].mean() - 5) < 0.2
    assert result.staleness.max() > 8


def test_synchronous_gradients_are_never_stale():
    for mode in ("synchronous", "backup"):
        assert not simulate(network(), split(), mode, workers=3, **SIZES).staleness.any()


def test_one_worker_equals_the_trainer():
    """One worker without competitors makes plain training: the same order of images, the same bits."""
    trained = network()
    settings = mg.training.Settings(
        epochs=2, batch_size=5, lr=0.05, schedule="constant", weight_decay=0, average_from=0.5, seed=3
    )
    trainer = mg.training.Trainer(trained, split(), settings)
    trainer.run()
    result = simulate(network(), split(), workers=1, updates=24, batch_size=5, lr=0.05, evaluations=2, seed=3)
    for name, value in trained.params.items():
        assert value.tobytes() == result.last.params[name].tobytes()
        assert trainer.trained().params[name].tobytes() == result.averaged.params[name].tobytes()
    assert result.points[-1].average == trainer.epochs[-1].test_accuracy


def test_synchronous_mode_equals_training_on_joined_batches():
    trained = network()
    settings = mg.training.Settings(epochs=3, batch_size=20, lr=0.05, schedule="constant", weight_decay=0, seed=3)
    mg.training.Trainer(trained, split(), settings).run()
    start = network()
    result = simulate(start, split(), "synchronous", workers=4, updates=9, batch_size=5, lr=0.05, seed=3)
    for name, value in trained.params.items():
        np.testing.assert_allclose(result.last.params[name], value, rtol=0, atol=1e-6)
        assert abs(value - start.params[name]).max() > 1e-3


def test_backup_workers_discard_exactly_that_many_gradients(monkeypatch):
    calls = []
    monkeypatch.setattr(
        "minigooglenet.distributed.distbelief.server.mean", lambda pushed: calls.append(len(pushed)) or pushed[0].params
    )
    result = simulate(network(), split(), "backup", workers=4, backup=2, **SIZES)
    assert [update.dropped for update in result.updates] == [2] * 12
    assert calls == [4] * 12


def test_backup_round_lasts_until_the_last_needed_worker():
    times = ComputeTimes(median=1.0, spread=0.5, stragglers=0.2, slowdown=9.0)
    result = simulate(network(), split(), "backup", workers=3, backup=2, times=times, seed=5, **SIZES)
    clocks = [np.random.default_rng([5, worker, 1]) for worker in range(5)]
    drawn = np.array([[times.draw(clock) for clock in clocks] for _ in range(12)])
    needed = np.sort(drawn, axis=1)[:, 2]
    np.testing.assert_allclose([update.seconds for update in result.updates], np.cumsum(needed), rtol=1e-12)
    assert [update.worker for update in result.updates] == np.argsort(drawn, axis=1)[:, 2].tolist()


def test_backup_update_uses_the_batches_of_the_first_workers():
    times = ComputeTimes(spread=0.5)
    sizes = {**SIZES, "updates": 2, "lr": 1e-30}  # the weights hardly change, so both losses are those of the start
    result = simulate(network(), split(), "backup", workers=2, backup=2, times=times, **sizes)
    clocks = [np.random.default_rng([0, worker, 1]) for worker in range(4)]
    order, train, g = np.random.default_rng([0, 0]).permutation(60), split().train, network()
    for number in range(2):
        first = np.argsort([times.draw(clock) for clock in clocks])[:2]
        batches = [order[5 * k : 5 * k + 5] for k in 4 * number + np.sort(first)]
        values = [gradients(g, train.inputs(rows), train.labels[rows], {g.main: 1.0}).loss for rows in batches]
        assert abs(np.mean(values) - result.updates[number].loss) < 1e-6


def test_backup_workers_make_synchronous_training_faster():
    plain = simulate(network(), split(), "synchronous", workers=8, updates=60, batch_size=2, evaluations=1)
    backup = simulate(network(), split(), "backup", workers=8, updates=60, batch_size=2, evaluations=1)
    assert backup.hours < 0.8 * plain.hours


def test_stale_gradient_is_that_of_the_fetched_parameters():
    """Two workers, replayed by hand with copies of what each of them fetched."""
    result = simulate(network(), split(), workers=2, times=EQUAL, momentum=0.9, seed=0, **{**SIZES, "updates": 6})
    order = np.random.default_rng([0, 0]).permutation(60)
    train, g, velocity = split().train, network(), {}
    fetched = [copy.deepcopy(g), copy.deepcopy(g)]
    for number in range(6):
        rows = order[5 * number : 5 * number + 5]  # batch k goes to the worker that fetches at turn k
        old = fetched[number % 2]
        grads = gradients(old, train.inputs(rows), train.labels[rows], {old.main: 1.0})
        assert grads.loss == result.updates[number].loss
        optim.sgd_step(g.params, grads.params, velocity, lr=0.05, momentum=0.9)
        fetched[number % 2] = copy.deepcopy(g)
    for name, value in g.params.items():
        assert value.tobytes() == result.last.params[name].tobytes()


@pytest.mark.parametrize("average_from", [0.0, 0.5])
def test_average_equals_the_mean_computed_afterwards(average_from, monkeypatch):
    weights, push = [], ParameterServer.push

    def recorded(server, pushed):
        push(server, pushed)
        weights.append({name: value.astype(np.float64) for name, value in server.graph.params.items()})

    monkeypatch.setattr(ParameterServer, "push", recorded)
    result = simulate(network(), split(), workers=3, average_from=average_from, **SIZES)
    kept = weights[int(12 * average_from) :]
    for name, value in result.averaged.params.items():
        np.testing.assert_allclose(value, np.mean([each[name] for each in kept], axis=0), rtol=1e-5, atol=1e-7)


def test_average_starts_after_its_fraction_of_updates():
    points = simulate(network(), split(), workers=3, **SIZES).points
    assert [np.isnan(point.average) for point in points] == [True, False, False]
    assert [point.updates for point in points] == [4, 8, 12]


def test_mean_weights_gradients_by_their_images():
    pushed = [Pushed(0, images, 0.0, {"w": np.array([float(value)])}) for images, value in ((1, 4), (3, 8))]
    assert mean(pushed)["w"] == (1 * 4 + 3 * 8) / 4


@pytest.mark.parametrize("mode", MODES)
def test_same_seed_gives_the_same_bits_for_any_threads(mode):
    before, runs = mg.get_num_threads(), []
    try:
        for threads in (1, 2, 2):
            mg.set_num_threads(threads)
            runs.append(simulate(network(dropout=0.5), split(), mode, workers=4, **SIZES))
    finally:
        mg.set_num_threads(before)
    assert same_bits(runs[0], runs[1])
    assert same_bits(runs[1], runs[2])
    assert not same_bits(runs[0], simulate(network(dropout=0.5), split(), mode, workers=4, seed=1, **SIZES))


def test_simulation_leaves_the_graph_and_its_generators_unchanged():
    g = network(dropout=0.5)
    before = {name: value.copy() for name, value in g.params.items()}
    first = simulate(g, split(), workers=2, **SIZES)
    assert all(np.array_equal(before[name], value) for name, value in g.params.items())
    assert same_bits(first, simulate(g, split(), workers=2, **SIZES))


def test_batches_continue_in_a_new_order_after_an_epoch():
    result = simulate(network(), split(train=7), workers=1, updates=1, batch_size=14, evaluations=1, lr=0.1)
    train = split(train=7).train
    order = np.concatenate([np.random.default_rng([0, epoch]).permutation(7) for epoch in (0, 1)])
    g = network()
    expected = gradients(g, train.inputs(order), train.labels[order], {g.main: 1.0})
    assert result.updates[0].loss == expected.loss


def test_modes_use_equally_many_gradients_and_scaled_rates(monkeypatch):
    rates, init = [], ParameterServer.__init__

    def recorded(server, graph, *, lr, **settings):
        rates.append(lr)
        init(server, graph, lr=lr, **settings)

    monkeypatch.setattr(ParameterServer, "__init__", recorded)
    results = compare_modes(network(), split(), workers=4, backup=2, updates=40, lr=0.01, batch_size=3, evaluations=2)
    assert list(results) == list(MODES)
    assert [len(result.updates) for result in results.values()] == [40, 10, 10]
    assert [result.backup for result in results.values()] == [0, 0, 2]
    np.testing.assert_allclose(rates, [0.01, 0.04, 0.04])


def test_diverging_run_names_the_learning_rate():
    with pytest.raises(FloatingPointError, match="Try a smaller learning rate"):
        simulate(network(), split(), workers=8, updates=400, batch_size=4, lr=1e4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "asynchronos"}, "unknown mode 'asynchronos'. Did you mean 'asynchronous'"),
        ({"backup": 1}, "mode 'asynchronous' has no backup workers, got backup=1. Try mode='backup'."),
        ({"mode": "backup", "backup": 0}, "backup must be at least 1, got 0"),
        ({"workers": 0}, "workers must be at least 1, got 0"),
        ({"updates": 0}, "updates must be at least 1, got 0"),
        ({"average_from": 1.5}, r"average_from must be in \[0, 1\], got 1.5"),
    ],
)
def test_wrong_arguments_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate(network(), split(), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"median": 0}, "median must be above 0 seconds, got 0"),
        ({"spread": -1}, "spread must be at least 0, got -1"),
        ({"stragglers": 2}, r"stragglers must be in \[0, 1\], got 2"),
        ({"slowdown": 0.5}, "slowdown must be at least 1, got 0.5"),
    ],
)
def test_impossible_times_are_rejected(arguments, message):
    with pytest.raises(ValueError, match=message):
        ComputeTimes(**arguments)


def test_times_follow_their_distribution():
    rng, times = np.random.default_rng(0), ComputeTimes(median=2.0, spread=0.1, stragglers=0.25, slowdown=10.0)
    drawn = np.array([times.draw(rng) for _ in range(4000)])
    assert abs((drawn > 8).mean() - 0.25) < 0.03
    usual = np.log(drawn[drawn < 8])
    assert abs(np.exp(np.median(usual)) - 2.0) < 0.03
    assert abs(usual.std() - 0.1) < 0.01
