"""Opens a .keras file as Keras 3 does, without Keras: prints what its loader would give to each object, as JSON.

   /usr/bin/python3 test/saving/keras/walk.py model.keras

The walk is that of _load_state and H5Entry in keras/src/saving/saving_lib.py: the paths come from the configuration,
the variables from the group vars at each path.
"""

import io
import json
import re
import sys
import zipfile

import h5py
import numpy as np


def snake(name):
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def listed(items):
    used = {}
    for item in items:
        name = snake(item["class_name"])
        if name in used:
            used[name] += 1
            yield item, f"{name}_{used[name]}"
        else:
            used[name] = 0
            yield item, name


def tensors_in(value):
    """The keras_history of every tensor in the arguments of a call."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            return [tuple(value["config"]["keras_history"])]
        value = list(value.values())
    return [found for each in value for found in tensors_in(each)] if isinstance(value, list) else []


def refs_in(value):
    """The references in input_layers or output_layers."""
    return [tuple(value)] if isinstance(value[0], str) else [ref for each in value for ref in refs_in(each)]


RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")
MERGES = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum")
ENDS = ("Dot", "Flatten", "Reshape", "RepeatVector", "Permute", "UpSampling1D", "ZeroPadding1D", "Cropping1D", "Functional",
        "Sequential")


def add_masks(by_name, calls):
    """Adds the operations for masks that Layer.__call__ puts into the graph when the model is loaded."""
    found = {}

    def operation(*inputs):
        calls[f"mask operation {len(calls)}", 0] = list(inputs)
        return f"mask operation {len(calls) - 1}", 0, 0

    def masks_of(name, n):
        if (name, n) not in found:
            found[name, n] = compute_masks(by_name[name], n)
        return found[name, n]

    def mask_of(ref):
        masks = masks_of(ref[0], ref[1])
        return masks[ref[2]] if ref[2] < len(masks) else None

    def compute_masks(each, n):
        kind, config = each["class_name"], each["config"]
        if not each["inbound_nodes"]:
            return []
        node = each["inbound_nodes"][n]
        inputs, given = tensors_in(node["args"]), tensors_in([node["kwargs"].get("mask")])
        if kind == "Masking":
            return [operation(operation(inputs[0]))]
        if kind == "Embedding":
            return [operation(inputs[0])] if config["mask_zero"] else []
        masks = [mask_of(ref) for ref in inputs]
        if kind in MERGES:
            if None in masks:
                return []
            either = masks[0]
            for mask in masks[1:]:
                either = operation(either, mask)
            return [either]
        if kind == "Concatenate":
            if not any(masks):
                return []
            wide = [operation(operation(mask)) if mask else operation(ref) for ref, mask in zip(inputs, masks)]
            return [operation(operation(*wide))]
        if kind in ENDS or "Pooling1D" in kind:
            return []
        first = given[0] if given else masks[0]
        if kind in RECURRENT:
            own = config["layer"]["config"] if kind == "Bidirectional" else config
            if not own["return_sequences"]:
                return []
            return [first] * (2 if config.get("merge_mode", 1) is None else 1)
        return [first]

    for each in by_name.values():
        for n, node in enumerate(each["inbound_nodes"]):
            takers = (*RECURRENT, "TimeDistributed", "BatchNormalization", "GlobalAveragePooling1D")
            if each["class_name"] in takers and node["kwargs"] == {}:
                mask = mask_of(tensors_in(node["args"])[0])
                if mask:
                    calls[each["name"], n].append(mask)


def layers_of(item):
    """The layers in the order of Keras: that of the list, or that of map_graph in keras/src/ops/function.py."""
    layers = item["config"]["layers"]
    if item["class_name"] == "Sequential":
        return layers[1:]
    by_name = {each["name"]: each for each in layers}
    is_functional = lambda name: by_name[name]["class_name"] == "Functional"
    calls = {(each["name"], n): tensors_in([node["args"], node["kwargs"]])
             for each in layers for n, node in enumerate(each["inbound_nodes"] or [{"args": [], "kwargs": {}}])}
    add_masks(by_name, calls)
    indices, finished = {}, []

    def build(call):
        if call in finished:
            return
        indices.setdefault(call[0], len(indices))
        for name, n, _ in calls[call]:
            build((name, n))
        finished.append(call)

    for name, n, _ in refs_in(item["config"]["output_layers"]):
        build((name, n - 1 if is_functional(name) else n))  # functional models start with a call of their own
    assert {call for call in calls if call[0] in by_name} <= set(finished), "a call that leads to no output"
    call_depths, depths = {}, {}
    for call in reversed(finished):
        depth = max(call_depths.get(call, 0), depths.get(call[0], 0))
        depths[call[0]] = call_depths[call] = depth
        for name, n, _ in calls[call]:
            call_depths[name, n] = max(depth + 1, call_depths.get((name, n), 0))
    depths = {name: depth for name, depth in depths.items() if name in by_name}
    order = sorted(layers, key=lambda each: (-depths[each["name"]], indices[each["name"]]))
    for name, n, _ in refs_in(item["config"]["input_layers"]):
        assert by_name[name]["class_name"] == "InputLayer" and n == 0, name
    return order


def walk(item, path):
    """All objects that Keras visits below `item`: path, class and configuration."""
    config = item["config"]
    kind = item["class_name"]
    yield path, kind, config
    if kind in ("Functional", "Sequential"):
        for child, name in listed(layers_of(item)):
            yield from walk(child, f"{path}/layers/{name}")
    elif kind == "Bidirectional":
        for direction, name in (("backward_layer", "backward_layer"), ("forward_layer", "layer")):
            yield from walk(config[name], f"{path}/{direction}")
    elif kind == "TimeDistributed":
        yield from walk(config["layer"], f"{path}/layer")
    elif kind == "MultiHeadAttention":
        for part in ("query", "key", "value", "output"):
            yield f"{path}/{part}_dense", "EinsumDense", config
    elif kind == "RNN":
        yield from walk(config["cell"], f"{path}/cell")
    elif kind == "StackedRNNCells":
        for child, name in listed(config["cells"]):
            yield from walk(child, f"{path}/cells/{name}")
    elif kind in ("LSTM", "GRU", "SimpleRNN"):
        yield f"{path}/cell", f"{kind}Cell", config


def expected(kind, config):
    if kind.endswith("Cell") or kind in ("Dense", "Conv1D"):
        return (2 if kind.endswith("Cell") else 1) + int(config["use_bias"])
    if kind == "EinsumDense":
        return 1 + int(config["use_bias"])
    if kind in ("Attention", "AdditiveAttention"):
        return int(config["use_scale"]) + int(config.get("score_mode") == "concat")
    if kind in ("BatchNormalization", "LayerNormalization"):
        return int(config["center"]) + int(config["scale"]) + 2 * int(kind == "BatchNormalization")
    return int(kind in ("Embedding", "PReLU"))


def main(name):
    result = {"variables": []}
    with zipfile.ZipFile(name) as archive:
        assert archive.testzip() is None
        result["names"] = archive.namelist()
        model = json.loads(archive.read("config.json"))
        result["metadata"] = json.loads(archive.read("metadata.json"))
        result["model"] = model
        file = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    assert len(file["vars"].keys()) == 0
    assert model["config"]["layers"][0]["class_name"] == "InputLayer"
    result["layers"] = [item["config"]["name"] for item in layers_of(model)]
    for item, name in listed(layers_of(model)):
        for path, kind, config in walk(item, f"layers/{name}"):
            group = file[path]["vars"] if path in file and "vars" in file[path] else {}
            assert len(group.keys()) == expected(kind, config), f"{path}: {list(group.keys())}"
            for n in range(len(group.keys())):
                data = group[str(n)]
                assert data.dtype == np.float32 and data.chunks is None, data
                bits = data[()].view(np.uint32).ravel().tolist()
                result["variables"].append({"path": f"{path}/vars/{n}", "shape": data.shape, "bits": bits})
            if group:
                assert isinstance(group.attrs["name"], str), group.attrs["name"]
    print(json.dumps(result))


main(sys.argv[1])
