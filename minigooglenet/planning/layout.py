"""Where each wire of a plan lies, which memory is shared, and before which steps a team must wait for itself."""

import math
from typing import NamedTuple


class Place(NamedTuple):
    """Where a wire lies: the channels first .. end of the array `whole`, which has a slot of memory."""

    whole: str
    first: int
    end: int


def places_of(steps, shapes, join=True):
    """Return {wire: Place}: the inputs of a concat lie in its output, where each has its channels to itself."""
    places = {step.wire: Place(step.wire, 0, shapes[step.wire][0]) for step in steps}
    for step in reversed(steps):  # a concat of concats finds its own place first
        if join and step.joins:
            joint, at = places[step.wire], 0
            for wire in step.wires:
                channels = shapes[wire][0]
                if wire in places and places[wire].whole == wire and step.wires.count(wire) == 1:
                    places[wire] = Place(joint.whole, joint.first + at, joint.first + at + channels)
                at += channels
    return places


def rounds_of(plan):
    """Return the numbers of the steps before which a team must wait for itself.

    A step may begin while others still compute as long as it neither reads what they write nor writes where they work.
    """
    rounds, written, used = [], set(), {}
    for number, step in enumerate(plan.steps):
        whole = plan.places[step.wire].whole
        if step.joins and not apart_from(step, plan.places):
            continue  # nothing to do
        reads = {plan.places[wire].whole for wire in step.wires if wire in plan.places}
        slot = plan.slots[whole]
        if not step.thread_parallel or reads & written or used.get(slot, whole) != whole:
            rounds.append(number)
            written, used = set(), {}
        written.add(whole)
        used |= {plan.slots[name]: name for name in (*reads, whole)}
        if not step.thread_parallel:
            written = set(plan.slots)  # one thread does it: everybody waits for it
    return rounds


def apart_from(step, places):
    """Return {input number: first channel} of a concat's inputs that do not lie where they belong in its output."""
    apart, joint = {}, places[step.wire]
    at = joint.first
    for number, (wire, channels) in enumerate(zip(step.wires, step.channels, strict=True)):
        if places.get(wire) != Place(joint.whole, at, at + channels):
            apart[number] = at - joint.first
        at += channels
    return apart


def slots_of(plan):
    """Return {whole array: number of its slot} and the slots' sizes: arrays that are not needed at once share."""
    last = {}
    for number, step in enumerate(plan.steps):
        for wire in (*step.wires, step.wire):
            if wire in plan.places:
                last[plan.places[wire].whole] = number
    for wire in plan.outputs:
        source = plan.same.get(wire, wire)
        if source in plan.places:
            last[plan.places[source].whole] = len(plan.steps)
    slots, sizes, free = {}, [], []
    for number, step in enumerate(plan.steps):
        whole = plan.places[step.wire].whole
        if whole not in slots:
            size = math.prod(plan.shapes[whole])
            # The smallest that is large enough, else the largest, which grows.
            slot = min(free, key=lambda i: (sizes[i] < size, abs(sizes[i] - size)), default=None)
            if slot is None:
                slot = len(sizes)
                sizes.append(0)
            else:
                free.remove(slot)
            slots[whole] = slot
            sizes[slot] = max(sizes[slot], size)
        free += [slots[name] for name, end in last.items() if end == number]
    return slots, sizes
