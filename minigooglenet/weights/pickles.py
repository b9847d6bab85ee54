"""Limits for the pickle in a torch file: its instructions are counted before torch executes them.

torch's restricted unpickler runs no code, but a few hundred bytes can build nested tuples that have 2**60 parts when
they are counted, compared or printed. So the parts of each tuple are counted here, shared ones each time they appear.
"""

import pickletools

MOST_STEPS = 300_000  # instructions; a state dict needs about 30 per array
MOST_BYTES = 64 * 1024**2  # of a pickle without the values of tensors
MOST_PARTS = 1_000  # of a tuple, nested tuples included
MAGIC = 5  # pickles at the beginning of an old torch file: mark, version, system, state and keys
MARK = object()


def check(file, size) -> None:
    """Raise a ValueError if the pickles at the beginning of a file would build more than a state dict needs."""
    for _ in range(MAGIC):
        before = file.tell()
        try:
            _check(file, size)
        except ValueError as error:
            if isinstance(error, _ExcessError):
                raise ValueError(*error.args) from None
            return  # torch reports a corrupt pickle
        if file.tell() == before or file.tell() >= size:
            return


class _ExcessError(ValueError):
    """The pickle builds more than a state dict needs."""


def _check(file, size):
    """Interpret the instructions of one pickle, with the number of parts of each value instead of the value."""
    stack, memo, start = [], {}, file.tell()
    for number, (step, argument, _) in enumerate(pickletools.genops(file)):
        if number >= MOST_STEPS or file.tell() - start > MOST_BYTES:
            raise _ExcessError(
                f"its pickle has {number:,} instructions in {file.tell() - start:,} bytes so far, more than "
                f"{MOST_STEPS:,} or {MOST_BYTES:,}"
            )
        name = step.name
        if name == "MARK":
            stack.append(MARK)
            continue
        if name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1] if stack else 1
            continue
        if name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memo.get(argument, 1))
            continue
        taken = _taken(step, stack)
        if name.startswith("TUPLE"):
            parts = 1 + sum(part for part in taken if part is not MARK)
            if parts > MOST_PARTS:
                raise _ExcessError(f"it has a tuple of {parts:,} parts, more than {MOST_PARTS:,}")
            stack.append(parts)
        elif step.stack_after:
            # A list or dict counts as one part: it is not hashable, so its contents are never compared.
            stack += [1] * len(step.stack_after)


def _taken(step, stack):
    """Pop and return the operands of an instruction."""
    before, taken = step.stack_before, []
    if pickletools.stackslice in before:
        while stack and (part := stack.pop()) is not MARK:
            taken.append(part)
        before = before[: before.index(pickletools.markobject)] if pickletools.markobject in before else ()
    for _ in before:
        if stack:
            taken.append(stack.pop())
    return taken
