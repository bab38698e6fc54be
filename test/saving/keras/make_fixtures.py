"""Writes .keras and .h5 files as Keras does, without Keras: with h5py, json and zipfile, in the layout of its source.

   /usr/bin/python3 test/saving/keras/make_fixtures.py

The layout is that of keras/src/saving/saving_lib.py (Keras 3) and legacy/saving/legacy_h5_format.py: groups by class
name, each with a group vars that holds the variables 0, 1 and so on. Numbers come from a formula, so that a test can
tell them without another file.
"""

import gzip
import io
import json
import os
import zipfile

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def numbers(shape, start):
    """sin(start), sin(start + 1) ... in float32."""
    count = int(np.prod(shape))
    return np.sin(np.arange(start, start + count, dtype=np.float64)).astype(np.float32).reshape(shape)


def keras(class_name, config, module="keras.layers", build=None):
    made = {"module": module, "class_name": class_name, "config": config, "registered_name": None}
    if build is not None:
        made["build_config"] = {"input_shape": build}
    return made


FLOAT32 = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float32"}, "registered_name": None}


def initializer(class_name, **config):
    return keras(class_name, config, "keras.initializers")


def weights_of(part, constraint=None):
    first = initializer("Zeros") if part == "bias" else initializer("GlorotUniform", seed=None)
    if part == "recurrent":
        first = initializer("OrthogonalInitializer", gain=1.0, seed=None)
    return {f"{part}_initializer": first, f"{part}_regularizer": None, f"{part}_constraint": constraint}


def cell(units, gated=True, **more):
    gates = {"recurrent_activation": "sigmoid"} if gated else {}
    return {
        "units": units, "activation": "tanh", **gates, "use_bias": True, **weights_of("kernel"),
        **weights_of("recurrent"), **weights_of("bias"), "dropout": 0.0, "recurrent_dropout": 0.0, "seed": None, **more,
    }


def layer(name, **more):
    return {"name": name, "trainable": True, "dtype": FLOAT32, **more}


def recurrent(name, units, gated=True, **more):
    own = {"return_sequences": False, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False,
           "zero_output_for_mask": False, "activity_regularizer": None}
    return layer(name, **{**own, **cell(units, gated), **more})


def dense(name, units, activation="linear"):
    return layer(name, units=units, activation=activation, use_bias=True, **weights_of("kernel"), **weights_of("bias"),
                 quantization_config=None)


def h5(groups, latest=False, windows=False):
    """model.weights.h5: every object that can have variables, with or without them.

    Up to 2.15, Keras joined the path of an object with the path separator of the system, on Windows a backslash.
    """
    memory = io.BytesIO()
    start = 0
    with h5py.File(memory, "w", **({"libver": "latest"} if latest else {})) as file:
        for path, name, shapes in groups:
            path = path.replace("/", "\\") if windows else path
            group = file.create_group(path).create_group("vars") if path else file.create_group("vars")
            group.attrs["name"] = name
            for n, shape in enumerate(shapes):
                values = numbers(shape, start)
                group[str(n)] = values
                start += values.size
    return memory.getvalue()


def save(name, layers, groups, shape, version="3.8.0", latest=False, deflated=False, windows=False):
    config = {"name": "sequential", "trainable": True, "dtype": FLOAT32, "layers": layers, "build_input_shape": shape}
    model = {**keras("Sequential", config, "keras"), "build_config": {"input_shape": shape}, "compile_config": {
        "optimizer": keras("Adam", {"name": "adam", "learning_rate": 0.001}, "keras.optimizers"), "loss": "mse"}}
    metadata = {"keras_version": version, "date_saved": "2024-01-01@00:00:00"}
    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(os.path.join(HERE, name), "w", kind) as archive:
        for entry, data in (("metadata.json", json.dumps(metadata)), ("config.json", json.dumps(model)),
                            ("model.weights.h5", h5([("", "sequential", []), *groups], latest, windows))):
            archive.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), data, kind)


def input_layer(shape, dtype="float32"):
    return keras("InputLayer", {"batch_shape": shape, "dtype": dtype, "sparse": False, "ragged": False,
                                "name": "input_layer", "optional": False})


def lstm3():
    """hard_sigmoid in the form of Keras 3, a seed generator, an axis as a list, L2, use_cudnn, dropout."""
    lstm = recurrent("lstm", 3, recurrent_activation="hard_sigmoid", unit_forget_bias=True, use_cudnn="auto",
                     kernel_regularizer=keras("L2", {"l2": 0.01}, "keras.regularizers"),
                     kernel_constraint=keras("MaxNorm", {"max_value": 2, "axis": [0]}, "keras.constraints"),
                     seed={"class_name": "SeedGenerator", "module": "keras.random", "config": {"seed": 7}})
    silu = {"module": "keras.activations", "class_name": "function", "config": "silu", "registered_name": "silu"}
    layers = [input_layer([None, 4, 2]), keras("LSTM", lstm), keras("Dropout", layer("dropout", rate=0.5, seed=None,
              noise_shape=None)), keras("LeakyReLU", layer("leaky", negative_slope=0.25)),
              keras("Dense", dense("dense", 2, silu), build=[None, 3])]
    groups = [("layers/lstm", "lstm", []), ("layers/lstm/cell", "lstm_cell", [(2, 12), (3, 12), (12,)]),
              ("layers/dropout", "dropout", []), ("layers/leaky_re_lu", "leaky", []),
              ("layers/dense", "dense", [(3, 2), (2,)])]
    return layers, groups, [None, 4, 2]


def many():
    """Both directions, embedding, stacked cells, GRU, TimeDistributed."""
    gru = {**recurrent("forward_gru", 2, return_sequences=True, reset_after=True, zero_output_for_mask=True)}
    back = {**gru, "name": "backward_gru", "go_backwards": True}
    cells = [keras("LSTMCell", layer("a", **cell(3, unit_forget_bias=True))),
             keras("GRUCell", layer("b", **cell(2, reset_after=False))),
             keras("LSTMCell", layer("c", **cell(2, unit_forget_bias=False)))]
    stack = keras("StackedRNNCells", layer("stack", cells=cells))
    rnn = layer("rnn", cell=stack, return_sequences=True, return_state=False, go_backwards=False, stateful=False,
                unroll=False, zero_output_for_mask=False)
    embedding = layer("embedding", input_dim=5, output_dim=3, mask_zero=True, activity_regularizer=None,
                      embeddings_initializer=initializer("RandomUniform", minval=-0.05, maxval=0.05, seed=None),
                      embeddings_regularizer=None, embeddings_constraint=None)
    layers = [input_layer([None, 4], "int32"), keras("Embedding", embedding),
              keras("Bidirectional", layer("both", merge_mode="concat", layer=keras("GRU", gru),
                                           backward_layer=keras("GRU", back))),
              keras("RNN", rnn), keras("TimeDistributed", layer("each", layer=keras("Dense", dense("dense", 2))))]
    one = [(3, 6), (2, 6), (2, 6)]
    groups = [("layers/embedding", "embedding", [(5, 3)]), ("layers/bidirectional", "both", []),
              ("layers/bidirectional/forward_layer", "forward_gru", []),
              ("layers/bidirectional/forward_layer/cell", "gru_cell", one),
              ("layers/bidirectional/backward_layer", "backward_gru", []),
              ("layers/bidirectional/backward_layer/cell", "gru_cell", one), ("layers/rnn", "rnn", []),
              ("layers/rnn/cell", "stack", []), ("layers/rnn/cell/cells/lstm_cell", "a", [(4, 12), (3, 12), (12,)]),
              ("layers/rnn/cell/cells/gru_cell", "b", [(3, 6), (2, 6), (6,)]),
              ("layers/rnn/cell/cells/lstm_cell_1", "c", [(2, 8), (2, 8), (8,)]),
              ("layers/time_distributed", "each", []), ("layers/time_distributed/layer", "dense", [(2, 2), (2,)])]
    return layers, groups, [None, 4]


def deep():
    """More layers than a group of the newer HDF5 layout lists in place."""
    layers = [input_layer([None, 1])] + [keras("Dense", dense(f"d{n}", 1)) for n in range(60)]
    names = ["dense"] + [f"dense_{n}" for n in range(1, 60)]
    return layers, [(f"layers/{name}", name, [(1, 1), (1,)]) for name in names], [None, 1]


def inner(class_name, name, layers, **more):
    """A model within a model."""
    return keras(class_name, layer(name, layers=layers, **more), "keras" if class_name == "Sequential" else "keras.src.models.functional")


def called(item, source, shape):
    """A layer of a functional model, applied to the output of another."""
    tensor = {"class_name": "__keras_tensor__",
              "config": {"shape": shape, "dtype": "float32", "keras_history": [source, 0, 0]}}
    nodes = [{"args": [tensor], "kwargs": {}}] if source else []
    return {**item, "name": item["config"]["name"], "inbound_nodes": nodes}


def nested():
    """A sequential model, one in a functional one, and layers of their names around them."""
    first = inner("Sequential", "first", [
        input_layer([None, 4, 2]), keras("LSTM", recurrent("lstm", 3, return_sequences=True)),
        keras("Dense", dense("dense", 2)), keras("Dense", dense("dense_1", 2))])
    deeper = inner("Sequential", "deeper", [input_layer([None, 4, 2]), keras("Dense", dense("dense", 2))])
    last = keras("LSTM", recurrent("lstm", 2))
    line = inner("Functional", "line", [called(input_layer([None, 4, 2]), None, None),
                 called(deeper, "input_layer", [None, 4, 2]), called(last, "deeper", [None, 4, 2])],
                 input_layers=["input_layer", 0, 0], output_layers=["lstm", 0, 0])
    second = inner("Sequential", "second", [input_layer([None, 2]), keras("Dense", dense("dense", 2))])
    layers = [input_layer([None, 4, 2]), keras("Dense", dense("dense", 2)), first, line, second,
              keras("Dense", dense("out", 2))]
    lstm = "lstm", [(2, 8), (2, 8), (8,)]
    two = [(2, 2), (2,)]
    groups = [("layers/dense", "dense", two), ("layers/sequential", "first", []),
              ("layers/sequential/layers/lstm", "lstm", []),
              ("layers/sequential/layers/lstm/cell", "lstm_cell", [(2, 12), (3, 12), (12,)]),
              ("layers/sequential/layers/dense", "dense", [(3, 2), (2,)]),
              ("layers/sequential/layers/dense_1", "dense_1", two), ("layers/functional", "line", []),
              ("layers/functional/layers/input_layer", "input_layer", []),
              ("layers/functional/layers/sequential", "deeper", []),
              ("layers/functional/layers/sequential/layers/dense", "dense", two),
              ("layers/functional/layers/lstm", "lstm", []), ("layers/functional/layers/lstm/cell", *lstm),
              ("layers/sequential_1", "second", []), ("layers/sequential_1/layers/dense", "dense", two),
              ("layers/dense_1", "out", two)]
    return layers, groups, [None, 4, 2]


STEPS, WIDE = [None, 4, 2], [None, 2]


def tensor3(source, call=0, output=0, shape=WIDE):
    return {"class_name": "__keras_tensor__",
            "config": {"shape": shape, "dtype": "float32", "keras_history": [source, call, output]}}


def named(item, *nodes):
    """A layer of a functional model with several calls, each a pair of args and kwargs."""
    return {**item, "name": item["config"]["name"], "inbound_nodes": [{"args": a, "kwargs": k} for a, k in nodes]}


def named_input(name, shape):
    return {"class_name": "InputLayer", "module": "keras.layers", "registered_name": None, "name": name,
            "inbound_nodes": [], "config": {"batch_shape": shape, "dtype": "float32", "sparse": False, "name": name}}


def graph():
    """An lstm with two inputs and initial states, a nested model that is called twice, and two outputs.

    Keras 3 counts the calls of a nested functional model from 0 in inbound_nodes, and from 1 in output_layers.
    """
    line = inner("Functional", "line", [
        named_input("p", WIDE), named(keras("Dense", dense("d1", 2)), ([tensor3("p")], {}), ([tensor3("d1")], {})),
        named(keras("Dense", dense("d2", 2)), ([tensor3("d1", 1)], {}))],
        input_layers=["p", 0, 0], output_layers=["d2", 0, 0])
    states = {"initial_state": [tensor3("k"), tensor3("c")]}
    layers = [
        named_input("a", STEPS), named_input("h", WIDE),
        named(keras("LSTM", recurrent("shared", 2)), ([tensor3("a", shape=STEPS)], {}),
              ([tensor3("a2", shape=STEPS)], states)),
        named_input("a2", STEPS), named(keras("Dense", dense("k", 2)), ([tensor3("h")], {})), named_input("c", WIDE),
        named({**line, "registered_name": "Functional"}, ([tensor3("shared")], {"training": None, "mask": None}),
              ([tensor3("shared", 1)], {"training": None, "mask": None})),
        named(keras("Dense", dense("out", 2)), ([tensor3("line")], {}))]
    config = {"name": "graph", "trainable": True, "layers": layers, "output_layers": [["out", 0, 0], ["line", 2, 0]],
              "input_layers": [[name, 0, 0] for name in ("a", "a2", "h", "c")]}
    square = [(2, 2), (2,)]
    groups = [("layers/lstm", "shared", []), ("layers/lstm/cell", "lstm_cell", [(2, 8), (2, 8), (8,)]),
              ("layers/dense", "k", square), ("layers/functional", "line", []),
              ("layers/functional/layers/dense", "d1", square), ("layers/functional/layers/dense_1", "d2", square),
              ("layers/dense_1", "out", square)]
    return {**keras("Functional", config, "keras.src.models.functional"), "registered_name": "Functional"}, groups


def save_graph(name, model, groups, version="3.8.0"):
    metadata = {"keras_version": version, "date_saved": "2024-01-01@00:00:00"}
    with zipfile.ZipFile(os.path.join(HERE, name), "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in (("metadata.json", json.dumps(metadata)), ("config.json", json.dumps(model)),
                            ("model.weights.h5", h5([("", "graph", []), *groups]))):
            archive.writestr(zipfile.ZipInfo(entry, (1980, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)


def attributes_of_2_12(layers, groups, shape):
    """Keras 2.12 walked the attributes of a model in alphabetical order, and met its layers under another name first."""
    renamed = [(path.replace("layers", "_layer_checkpoint_dependencies"), *rest) for path, *rest in groups]
    return layers, renamed, shape


LIMIT = 64512  # bytes in an object header


def save_attributes(group, name, data):
    """save_attributes_to_hdf5_group of Keras. h5py writes an empty list as an empty float64 array."""
    chunks = [np.asarray(data)]
    while any(chunk.nbytes > LIMIT for chunk in chunks):
        chunks = np.array_split(np.asarray(data), len(chunks) + 1)
    if len(chunks) == 1:
        group.attrs[name] = data
    else:
        for n, chunk in enumerate(chunks):
            group.attrs[f"{name}{n}"] = chunk


def save_weights(group, layers, version):
    """save_weights_to_hdf5_group of Keras: the name of each layer, and its weights by name."""
    save_attributes(group, "layer_names", [name.encode("utf8") for name, _ in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = version.encode("utf8")
    for name, weights in layers:
        here = group.create_group(name)
        save_attributes(here, "weight_names", [f"{name}/{weight}".encode("utf8") for weight, _ in weights])
        for weight, values in weights:
            here.create_dataset(f"{name}/{weight}", values.shape, dtype=values.dtype)[:] = values


def counted(layers):
    """Replaces the weight shapes of layers by arrays with the numbers of the formula."""
    start = 0
    for name, weights in layers:
        made = []
        for weight, shape in weights:
            made.append((weight, numbers(shape, start)))
            start += made[-1][1].size
        yield name, made


def old(config):
    """The options of a layer without those that Keras 3 added."""
    plain = {**config, "dtype": "float32"}
    for name in ("zero_output_for_mask", "seed", "quantization_config"):
        plain.pop(name, None)
    for name in ("kernel", "recurrent", "bias"):
        if f"{name}_initializer" in plain:
            plain[f"{name}_initializer"] = {"class_name": "Zeros", "config": {}}
    return plain


def save_whole(out, listed, layers, version="2.4.0"):
    """A whole model in one file, as Keras before version 3 saved it; without a version, as its first versions did."""
    model = {"class_name": "Sequential", "config": {"name": "old", "layers": [
        {"class_name": class_name, "config": config} for class_name, config in listed]}}
    with h5py.File(out, "w") as file:
        file.attrs["model_config"] = json.dumps(model).encode("utf8")
        save_weights(file.create_group("model_weights"), list(counted(layers)), version or "")
        if version:
            file.attrs["keras_version"] = version
            file.attrs["backend"] = "tensorflow"
        else:
            del file["model_weights"].attrs["keras_version"]


def path(name):
    return os.path.join(HERE, name)


def save_packed(name, memory):
    with open(path(name), "wb") as out:
        out.write(gzip.compress(memory.getvalue(), mtime=0))


OLD_INPUT = ("InputLayer", {"batch_input_shape": [None, 4, 2], "dtype": "float32", "sparse": False, "name": "in"})
OLD_LSTM = {**old(recurrent("lstm", 3, recurrent_activation="hard_sigmoid", unit_forget_bias=True)),
            "batch_input_shape": [None, 4, 2], "time_major": False, "implementation": 1}
LSTM_WEIGHTS = [("lstm_cell/kernel:0", (2, 12)), ("lstm_cell/recurrent_kernel:0", (3, 12)), ("lstm_cell/bias:0", (12,))]
DENSE_WEIGHTS = [("kernel:0", (3, 2)), ("bias:0", (2,))]


def legacy():
    """hard_sigmoid is a different function in Keras 2."""
    save_whole(path("legacy.h5"), [OLD_INPUT, ("LSTM", OLD_LSTM), ("Dense", old(dense("dense", 2)))],
               [("lstm", LSTM_WEIGHTS), ("dense", DENSE_WEIGHTS)])


def weightless():
    """Layers without weights, which have empty attributes."""
    lstm = {**OLD_LSTM, "return_sequences": True}
    each = {"class_name": "Activation", "config": {"name": "inner", "activation": "tanh", "dtype": "float32"}}
    listed = [OLD_INPUT, ("Masking", {"name": "masking", "mask_value": -9.0, "dtype": "float32"}), ("LSTM", lstm),
              ("Dropout", {"name": "dropout", "rate": 0.5, "noise_shape": None, "dtype": "float32"}),
              ("TimeDistributed", {"name": "each", "layer": each, "dtype": "float32"}),
              ("Flatten", {"name": "flatten", "data_format": "channels_last", "dtype": "float32"}),
              ("RepeatVector", {"name": "repeat", "n": 2, "dtype": "float32"}),
              ("Reshape", {"name": "reshape", "target_shape": [24], "dtype": "float32"}),
              ("Dense", old(dense("dense", 2)))]
    weights = [("in", []), ("masking", []), ("lstm", LSTM_WEIGHTS), ("dropout", []), ("each", []), ("flatten", []),
               ("repeat", []), ("reshape", []), ("dense", [("kernel:0", (24, 2)), ("bias:0", (2,))])]
    save_whole(path("weightless.h5"), listed, weights)
    # The other form of an empty attribute in h5py
    with h5py.File(path("weightless.h5"), "a") as file:
        file["model_weights/flatten"].attrs["weight_names"] = h5py.Empty("S1")


def nested_whole():
    """A model within a model is one group: first the weights that are trained, and then the frozen ones."""
    frozen = {**old(dense("frozen", 3)), "trainable": False}
    body = {"name": "body", "layers": [
        {"class_name": "InputLayer", "config": {**OLD_INPUT[1], "batch_input_shape": [None, 4, 2], "name": "inner_in"}},
        {"class_name": "LSTM", "config": {**OLD_LSTM, "trainable": False}},
        {"class_name": "Dense", "config": old(dense("middle", 3))}, {"class_name": "Dense", "config": frozen},
        {"class_name": "Dense", "config": old(dense("top", 3))}]}
    listed = [OLD_INPUT, ("Sequential", body), ("Dense", old(dense("dense", 2)))]
    square = [("kernel:0", (3, 3)), ("bias:0", (3,))]
    parts = [("lstm", LSTM_WEIGHTS), ("middle", square), ("frozen", square), ("top", square)]
    own = dict(counted([*parts, ("dense", DENSE_WEIGHTS)]))
    group = [(f"{name}/{weight}", values) for name in ("middle", "top", "lstm", "frozen") for weight, values in own[name]]
    save_whole(path("nested.h5"), listed, [])
    with h5py.File(path("nested.h5"), "a") as file:
        version = file["model_weights"].attrs["keras_version"]
        del file["model_weights"]
        weights = file.create_group("model_weights")
        save_attributes(weights, "layer_names", [b"body", b"dense"])
        weights.attrs["keras_version"] = version
        for name, made in (("body", group), ("dense", [(f"dense/{weight}", values) for weight, values in own["dense"]])):
            here = weights.create_group(name)
            save_attributes(here, "weight_names", [weight.encode("utf8") for weight, _ in made])
            for weight, values in made:
                here.create_dataset(weight, data=values)


def normalized_whole():
    """Moving statistics are among the weights that are not trained: in a model within a model, they come last."""
    def norm(name, **more):
        return {"name": name, "trainable": True, "dtype": "float32", "axis": [2], "momentum": 0.99, "epsilon": 0.001,
                "center": True, "scale": True, **{f"{part}_initializer": {"class_name": kind, "config": {}} for part, kind in (
                    ("beta", "Zeros"), ("gamma", "Ones"), ("moving_mean", "Zeros"), ("moving_variance", "Ones"))},
                "beta_regularizer": None, "gamma_regularizer": None, "beta_constraint": None, "gamma_constraint": None,
                **more}

    rows = {"name": "rows", "trainable": True, "dtype": "float32", "axis": [2], "epsilon": 0.001, "center": True,
            "scale": True, "beta_initializer": {"class_name": "Zeros", "config": {}},
            "gamma_initializer": {"class_name": "Ones", "config": {}}, "beta_regularizer": None, "gamma_regularizer": None,
            "beta_constraint": None, "gamma_constraint": None}
    body = {"name": "body", "layers": [
        {"class_name": "InputLayer", "config": {**OLD_INPUT[1], "name": "inner_in"}},
        {"class_name": "BatchNormalization", "config": norm("first")},
        {"class_name": "LayerNormalization", "config": rows},
        {"class_name": "BatchNormalization", "config": norm("frozen", trainable=False)},
        {"class_name": "BatchNormalization", "config": norm("plain", scale=False)}]}
    last = norm("last")
    listed = [OLD_INPUT, ("Sequential", body), ("BatchNormalization", last)]
    affine, moving = ["gamma:0", "beta:0"], ["moving_mean:0", "moving_variance:0"]
    parts = [("first", affine + moving), ("rows", affine), ("frozen", affine + moving), ("plain", ["beta:0"] + moving),
             ("last", affine + moving)]
    own = {name: dict(made) for name, made in counted([(name, [(weight, (2,)) for weight in each]) for name, each in parts])}
    trained = [("first", affine), ("rows", affine), ("plain", ["beta:0"])]
    rest = [("first", moving), ("frozen", affine + moving), ("plain", moving)]
    group = [(f"{name}/{weight}", own[name][weight]) for name, each in trained + rest for weight in each]
    save_whole(path("normalized.h5"), listed, [])
    with h5py.File(path("normalized.h5"), "a") as file:
        version = file["model_weights"].attrs["keras_version"]
        del file["model_weights"]
        weights = file.create_group("model_weights")
        save_attributes(weights, "layer_names", [b"body", b"last"])
        weights.attrs["keras_version"] = version
        for name, made in (("body", group), ("last", [(f"last/{weight}", values) for weight, values in own["last"].items()])):
            here = weights.create_group(name)
            save_attributes(here, "weight_names", [weight.encode("utf8") for weight, _ in made])
            for weight, values in made:
                here.create_dataset(weight, data=values)


def graph_whole():
    """The model of graph() as Keras 2 saves it: calls of nested models count from 1, states are among the inputs."""
    def node(class_name, name, config, *nodes):
        return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": list(nodes)}

    def ref(name, call=0, output=0):
        return [name, call, output, {}]

    def source(name, shape):
        return node("InputLayer", name, {"batch_input_shape": shape, "dtype": "float32", "sparse": False})

    frozen = {**old(dense("d1", 2)), "trainable": False}
    line = {"layers": [source("p", WIDE), node("Dense", "d1", frozen, [ref("p")], [ref("d1")]),
                       node("Dense", "d2", old(dense("d2", 2)), [ref("d1", 1)])],
            "input_layers": [["p", 0, 0]], "output_layers": [["d2", 0, 0]]}
    layers = [source("a", STEPS), source("h", WIDE),
              node("LSTM", "shared", old(recurrent("shared", 2)), [ref("a")], [ref("a2"), ref("k"), ref("c")]),
              source("a2", STEPS), node("Dense", "k", old(dense("k", 2)), [ref("h")]), source("c", WIDE),
              node("Functional", "line", line, [ref("shared")], [ref("shared", 1)]),
              node("Dense", "out", old(dense("out", 2)), [ref("line", 1)])]
    model = {"class_name": "Functional", "config": {
        "name": "graph", "layers": layers, "output_layers": [["out", 0, 0], ["line", 2, 0]],
        "input_layers": [[name, 0, 0] for name in ("a", "a2", "h", "c")]}}
    square = [("kernel:0", (2, 2)), ("bias:0", (2,))]
    cell = [("lstm_cell/kernel:0", (2, 8)), ("lstm_cell/recurrent_kernel:0", (2, 8)), ("lstm_cell/bias:0", (8,))]
    own = dict(counted([("shared", cell), ("k", square), ("d1", square), ("d2", square), ("out", square)]))
    prefixed = lambda name: [(f"{name}/{weight}", values) for weight, values in own[name]]
    # A model within a model is one group: first the weights that are trained, and then the frozen ones
    groups = [("a", []), ("h", []), ("shared", prefixed("shared")), ("a2", []), ("k", prefixed("k")), ("c", []),
              ("line", prefixed("d2") + prefixed("d1")), ("out", prefixed("out"))]
    with h5py.File(path("graph.h5"), "w") as file:
        file.attrs["model_config"] = json.dumps(model).encode("utf8")
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["backend"] = "tensorflow"
        weights = file.create_group("model_weights")
        save_attributes(weights, "layer_names", [name.encode("utf8") for name, _ in groups])
        weights.attrs["keras_version"] = b"2.15.0"
        for name, made in groups:
            here = weights.create_group(name)
            save_attributes(here, "weight_names", [weight.encode("utf8") for weight, _ in made])
            for weight, values in made:
                here.create_dataset(weight, data=values)


def chunked():
    """Lists of layer names and weight names of more than 64 kB, which Keras splits into several attributes."""
    cells = [{"class_name": "LSTMCell", "config": old(layer(f"cell_{n}", **cell(1, unit_forget_bias=True)))}
             for n in range(12)]
    name = "rnn" + "x" * 2000
    listed = [("RNN", {"name": name, "batch_input_shape": [None, 4, 1], "dtype": "float32", "return_sequences": False,
                       "cell": {"class_name": "StackedRNNCells", "config": {"cells": cells}}})]
    parts = [("kernel:0", (1, 4)), ("recurrent_kernel:0", (1, 4)), ("bias:0", (4,))]
    weights = [(name, [(f"cell_{n}/{part}", shape) for n in range(12) for part, shape in parts])]
    for n in range(36):
        name = f"dense_{n}" + "x" * 2000
        listed.append(("Dense", old(dense(name, 1))))
        weights.append((name, [("kernel:0", (1, 1)), ("bias:0", (1,))]))
    memory = io.BytesIO()
    save_whole(memory, listed, weights)
    save_packed("chunked.h5.gz", memory)


def to_cudnn(kernel, recurrent, bias, gates):
    """_convert_rnn_weights of Keras 2, from LSTM and GRU to CuDNNLSTM and CuDNNGRU: transposed gate by gate."""
    def each(kernels, change):
        return np.hstack([change(block) for block in np.hsplit(kernels, gates)])

    biases = np.tile(np.float32(0.5) * bias, 2) if gates == 4 else bias.reshape(-1)
    return [each(kernel, lambda block: block.T.reshape(block.shape, order="C")), each(recurrent, lambda block: block.T),
            biases]


def cudnn():
    """Weights of CuDNNLSTM and bidirectional CuDNNGRU. Converted to LSTM and GRU, they are the numbers of the formula."""
    parts = ("kernel:0", "recurrent_kernel:0", "bias:0")
    lstm = [("lstm/" + part, shape) for part, shape in zip(parts, [(2, 12), (3, 12), (12,)])]
    gru = [(f"{way}/{part}", shape) for way in ("forward", "backward")
           for part, shape in zip(parts, [(3, 12), (4, 12), (2, 12)])]
    layers = list(counted([("cu_dnnlstm", lstm), ("both", gru), ("dense", [("kernel:0", (8, 1)), ("bias:0", (1,))])]))
    for name, weights in layers[:2]:
        for n in range(0, len(weights), 3):
            made = to_cudnn(*[values for _, values in weights[n:n + 3]], 4 if name == "cu_dnnlstm" else 3)
            weights[n:n + 3] = [(weight, values) for (weight, _), values in zip(weights[n:n + 3], made)]
    with h5py.File(path("cudnn.h5"), "w") as file:
        save_weights(file, layers, "2.2.4")


def keras1():
    """Layer options and weight names of Keras 1, with and without a version."""
    lstm = {"name": "lstm_1", "output_dim": 3, "init": "glorot_uniform", "inner_init": "orthogonal",
            "forget_bias_init": "one", "activation": "tanh", "inner_activation": "hard_sigmoid", "W_regularizer": None,
            "dropout_W": 0.0, "batch_input_shape": [None, 4, 2], "input_dim": 2, "consume_less": "cpu"}
    weights = [("lstm_1", [(f"lstm_1_{part}_{gate}:0", (2, 3)) for gate in "icfo" for part in "W"])]
    save_whole(path("keras1.h5"), [("LSTM", lstm)], weights, "1.2.2")
    save_whole(path("keras1-no-version.h5"), [("LSTM", lstm)], weights, None)


def addons():
    """RNN layers with the cells of TensorFlow Addons, whose registered names begin with the package."""
    def rnn(name, class_name, sequences, config):
        plain = {**old(layer("cell", **cell(3, unit_forget_bias=True, **config))), "implementation": 2}
        return ("RNN", {"name": name, "trainable": True, "dtype": "float32", "return_sequences": sequences,
                        "return_state": False, "go_backwards": False, "stateful": False, "unroll": False,
                        "time_major": False, "cell": {"class_name": f"Addons>{class_name}", "config": plain}})
    norm = {"norm_gamma_initializer": {"class_name": "Ones", "config": {}},
            "norm_beta_initializer": {"class_name": "Zeros", "config": {}}, "norm_epsilon": 0.01}
    first = [("cell/kernel:0", (2, 12)), ("cell/recurrent_kernel:0", (3, 12)), ("cell/bias:0", (12,))]
    first += [(f"cell/{part}_norm/{what}:0", (3 if part == "state" else 12,))
              for part in ("kernel", "recurrent", "state") for what in ("gamma", "beta")]
    second = [("cell/kernel:0", (3, 12)), ("cell/recurrent_kernel:0", (3, 12)), ("cell/bias:0", (12,))]
    second += [(f"cell/{gate}_gate_peephole_weights:0", (3,)) for gate in ("input", "forget", "output")]
    plain = {key: value for key, value in cell(3, False).items() if key != "recurrent_activation"}
    simple = {**old(layer("cell", **plain)), "layernorm_epsilon": 1e-05, "gamma_regularizer": None,
              "gamma_initializer": {"class_name": "Ones", "config": {}}, "gamma_constraint": None}
    third = [("cell/kernel:0", (3, 3)), ("cell/recurrent_kernel:0", (3, 3)), ("cell/bias:0", (3,)),
             ("cell/layer_normalization/gamma:0", (3,))]
    last = rnn("rnn_2", "LayerNormSimpleRNNCell", False, {})
    last[1]["cell"]["config"] = simple
    save_whole(path("addons.h5"), [OLD_INPUT, rnn("rnn", "LayerNormLSTMCell", True, norm),
                                   rnn("rnn_1", "PeepholeLSTMCell", True, {}), last],
               [("rnn", first), ("rnn_1", second), ("rnn_2", third)], "2.11.0")


def hostile():
    """A path of 30,000 groups that are all the root group, and a name that splits into 30,000 parts at backslashes."""
    for name, link, layer_name in (("circle", "a", "/".join("a" * 30_000)), ("backslashes", "\\".join("a" * 30_000), "b")):
        memory = io.BytesIO()
        with h5py.File(memory, "w") as file:
            file[link] = file["/"]
            file.attrs["layer_names"] = [layer_name.encode("utf8")]
        save_packed(f"{name}.h5.gz", memory)


save("lstm.keras", *lstm3())
save("lstm-2.15.keras", *lstm3(), version="2.15.0", deflated=True)
save("many.keras", *many())
save("many-windows.keras", *many(), version="2.15.0", windows=True, deflated=True)
save("many-latest.keras", *many(), latest=True, deflated=True)
save("deep-latest.keras", *deep(), latest=True, deflated=True)
save("deep.keras", *deep(), deflated=True)
save("nested.keras", *nested(), deflated=True)
save("nested-2.12.keras", *attributes_of_2_12(*nested()), version="2.12.0", deflated=True)
with open(os.path.join(HERE, "lstm.weights.h5"), "wb") as out:
    out.write(h5([("", "sequential", []), *lstm3()[1]]))
save_graph("graph.keras", *graph())
legacy()
weightless()
nested_whole()
normalized_whole()
graph_whole()
chunked()
cudnn()
keras1()
addons()
hostile()
