"""The museum of mistakes: broken backward and forward functions, each with a name and the story of how it is written.

    from minigooglenet.gradcheck import museum
    for name, exhibit in museum.EXHIBITS.items():
        print(name, exhibit.story)

All of them are real mistakes of students and libraries. `EXHIBITS` return wrong values. The functions in
`CONTRACT_FAULTS` break a rule that is checked before the values: what they return, and what they must not change.
"""

from minigooglenet.gradcheck.museum import (
    activations,
    attention,
    channels,
    contract,
    conv,
    conv_dilation,
    conv_settings,
    linear,
    losses,
    merge,
    norm,
    norm_terms,
    padding,
    pointwise,
    pooling,
    softmax,
    targets,
)
from minigooglenet.gradcheck.museum.exhibit import KEYS, Exhibit

__all__ = ["CONTRACT_FAULTS", "EXHIBITS", "KEYS", "Exhibit"]

_MODULES = (conv, conv_settings, pooling, norm, pointwise, softmax, losses, linear, merge)
_MODULES = (*_MODULES, norm_terms, attention, activations, targets, channels, padding, conv_dilation)

EXHIBITS: dict[str, Exhibit] = {
    exhibit.name: exhibit for module in _MODULES for room in module.ROOMS for exhibit in room.exhibits
}
CONTRACT_FAULTS: dict[str, Exhibit] = {exhibit.name: exhibit for room in contract.ROOMS for exhibit in room.exhibits}
