"""The judge of lesson 07's stems, on what it does not know."""

from minigooglenet.exercises import check


def test_no_stem_is_not_yet_and_nonsense_is_no_crash():
    assert check("07.1", ...).status == "not yet"
    for nonsense in (7, [], ["conv"], [("dense", 5)], [("conv", 64, 7)]):
        assert (check("07.1", nonsense).status, check("07.1", nonsense).mistake) == ("wrong", None)


def test_the_numbers_of_a_stem_stand_beside_the_verdict():
    stem = [("conv", 64, 7, 2), ("pool", 3, 2), ("conv", 64, 1, 1), ("conv", 192, 3, 1), ("pool", 3, 2)]
    assert "477,675,520 MAC, 124,416 parameters, 7.46 MiB" in check("07.1", stem).what
