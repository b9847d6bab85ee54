"""The wire format of protocol buffers, read field by field, without allocating memory for declared lengths."""

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
SIZES = {VARINT: 0, FIXED64: 8, FIXED32: 4}  # bytes after the tag, without the integer of a varint


def varint(content, at, end):
    """Return the integer that starts at `at`, with seven bits per byte, and the position after it."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            break
        byte = content[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise EOFError("it is truncated within an integer, or an integer is too long")


def fields(content, most):
    """Yield (number, wire type, start, end) of at most `most` fields; `end` can be past the end of the message."""
    at = 0
    for _ in range(most):
        if at >= len(content):
            return
        tag, at = varint(content, at, len(content))
        wire, size = tag & 7, 0
        if wire in (VARINT, LENGTH):
            size, at = varint(content, at, len(content))
        elif wire not in SIZES:
            raise EOFError(f"a field has the wire type {wire}, which Caffe does not use")
        start, at = at, at + SIZES.get(wire, size)
        yield tag >> 3, wire, start, at
