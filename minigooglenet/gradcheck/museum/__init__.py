"""Broken backward and forward functions, each with a name and the story of how people come to write it.

    from minigooglenet.gradcheck import museum
    for name, exhibit in museum.EXHIBITS.items():
        print(name, exhibit.story)

All are taken from what students and libraries really got wrong. `EXHIBITS` are wrong in their numbers; the functions in
`CONTRACT_FAULTS` break a rule that comes before the numbers: what comes back, and what must be left alone.
"""

from minigooglenet.gradcheck.museum import (
    activations,
    attention,
    contract,
    conv,
    conv_settings,
    linear,
    losses,
    merge,
    norm,
    norm_terms,
    pointwise,
    pooling,
    softmax,
    targets,
)
from minigooglenet.gradcheck.museum.exhibit import KEYS, Exhibit

__all__ = ["CONTRACT_FAULTS", "EXHIBITS", "KEYS", "Exhibit"]

_HALLS = (conv, conv_settings, pooling, norm, pointwise, softmax, losses, linear, merge)
_HALLS = (*_HALLS, norm_terms, attention, activations, targets)

EXHIBITS: dict[str, Exhibit] = {
    exhibit.name: exhibit for hall in _HALLS for room in hall.ROOMS for exhibit in room.exhibits
}
CONTRACT_FAULTS: dict[str, Exhibit] = {exhibit.name: exhibit for room in contract.ROOMS for exhibit in room.exhibits}
