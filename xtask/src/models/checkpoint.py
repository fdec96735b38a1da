"""Rewrites a legacy PyTorch checkpoint as a JSON header and plain little-endian f32.

    python3 checkpoint.py < checkpoint.pth > tensors

Needs nothing beyond Python's standard library. A pickle can run any code when it is loaded; this
reader resolves the four names that a state dict of tensors needs and refuses all others. The
layout it reads is that of torch.save before PyTorch 1.6: magic number, protocol version, system
information, state dict, storage keys, then for each key a count and its values.
"""

import array
import collections
import json
import pickle
import struct
import sys

MAGIC = 0x1950A86A20F9469CFC6C
BYTES_PER_VALUE = {"FloatStorage": 4, "LongStorage": 8}


def rebuild(storage, offset, shape, strides, *_):
    return {"storage": storage, "offset": offset, "shape": shape, "strides": strides}


class StateDict(pickle.Unpickler):
    names = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild,
        ("torch", "FloatStorage"): "FloatStorage",
        ("torch", "LongStorage"): "LongStorage",
    }

    def find_class(self, module, name):
        if (module, name) not in self.names:
            raise pickle.UnpicklingError(f"the checkpoint asks for {module}.{name}")
        return self.names[module, name]

    def persistent_load(self, reference):
        _, kind, key, _, _, _ = reference
        return kind, key


def indices(shape, strides, offset):
    """Positions in the storage, in row-major order of the tensor."""
    if not shape:
        return [offset]
    inner = indices(shape[1:], strides[1:], 0)
    return [offset + i * strides[0] + j for i in range(shape[0]) for j in inner]


def main():
    stream = sys.stdin.buffer
    if StateDict(stream).load() != MAGIC:
        raise ValueError("no legacy PyTorch checkpoint")
    StateDict(stream).load()  # protocol version
    system = StateDict(stream).load()
    if not system["little_endian"]:
        raise ValueError("the checkpoint is big-endian")
    tensors = StateDict(stream).load()
    keys = StateDict(stream).load()
    kinds = {key: kind for kind, key in (t["storage"] for t in tensors.values())}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", stream.read(8))
        data = stream.read(count * BYTES_PER_VALUE[kinds[key]])
        if kinds[key] == "FloatStorage":
            storages[key] = array.array("f", data)

    header, values = [], array.array("f")
    for name, tensor in tensors.items():
        kind, key = tensor["storage"]
        if kind != "FloatStorage":
            continue  # counters of training steps
        storage = storages[key]
        positions = indices(tensor["shape"], tensor["strides"], tensor["offset"])
        header.append({"name": name, "shape": tensor["shape"]})
        values.extend(storage[position] for position in positions)
    if sys.byteorder == "big":
        values.byteswap()
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n")
    sys.stdout.buffer.write(values.tobytes())


main()
