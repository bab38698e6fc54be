"""Writes .keras and .h5 files as Keras does, without Keras: with h5py, json and zipfile, in the layout of its source.

   /usr/bin/python3 test/saving/keras/make_fixtures.py

The layout is that of keras/src/saving/saving_lib.py (Keras 3) and legacy/saving/legacy_h5_format.py: groups by class
name, each with a group vars that holds the variables 0, 1 and so on. Numbers come from a formula, so that a test can
tell them without another file.
"""

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


def h5(groups, latest=False):
    """model.weights.h5: every object that may have variables, with or without them."""
    memory = io.BytesIO()
    start = 0
    with h5py.File(memory, "w", **({"libver": "latest"} if latest else {})) as file:
        for path, name, shapes in groups:
            group = file.create_group(path).create_group("vars") if path else file.create_group("vars")
            group.attrs["name"] = name
            for n, shape in enumerate(shapes):
                values = numbers(shape, start)
                group[str(n)] = values
                start += values.size
    return memory.getvalue()


def save(name, layers, groups, shape, version="3.8.0", latest=False, deflated=False):
    config = {"name": "sequential", "trainable": True, "dtype": FLOAT32, "layers": layers, "build_input_shape": shape}
    model = {**keras("Sequential", config, "keras"), "build_config": {"input_shape": shape}, "compile_config": {
        "optimizer": keras("Adam", {"name": "adam", "learning_rate": 0.001}, "keras.optimizers"), "loss": "mse"}}
    metadata = {"keras_version": version, "date_saved": "2024-01-01@00:00:00"}
    kind = zipfile.ZIP_DEFLATED if deflated else zipfile.ZIP_STORED
    with zipfile.ZipFile(os.path.join(HERE, name), "w", kind) as archive:
        for entry, data in (("metadata.json", json.dumps(metadata)), ("config.json", json.dumps(model)),
                            ("model.weights.h5", h5([("", "sequential", []), *groups], latest))):
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


def legacy():
    """A whole model in one file, as Keras 2 saved it: hard_sigmoid is another function there."""
    config = recurrent("lstm", 3, recurrent_activation="hard_sigmoid", unit_forget_bias=True)
    plain = {**config, "dtype": "float32", "batch_input_shape": [None, 4, 2], "time_major": False, "implementation": 1}
    for name in ("kernel", "recurrent", "bias"):
        plain[f"{name}_initializer"] = {"class_name": "Zeros", "config": {}}
    del plain["zero_output_for_mask"], plain["seed"]
    last = {**dense("dense", 2), "dtype": "float32"}
    del last["quantization_config"]
    listed = [("InputLayer", {"batch_input_shape": [None, 4, 2], "dtype": "float32", "sparse": False, "name": "in"}),
              ("LSTM", plain), ("Dense", last)]
    model = {"class_name": "Sequential", "config": {"name": "old", "layers": [
        {"class_name": class_name, "config": config} for class_name, config in listed]}}
    start = 0
    with h5py.File(os.path.join(HERE, "legacy.h5"), "w") as file:
        file.attrs["keras_version"] = "2.4.0"
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(model).encode("utf8")
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"lstm", b"dense"]
        for name, weights in (("lstm", [("lstm_cell/kernel:0", (2, 12)), ("lstm_cell/recurrent_kernel:0", (3, 12)),
                                        ("lstm_cell/bias:0", (12,))]),
                              ("dense", [("kernel:0", (3, 2)), ("bias:0", (2,))])):
            here = group.create_group(name)
            paths = [f"{name}/{weight}" for weight, _ in weights]
            here.attrs["weight_names"] = [path.encode("utf8") for path in paths]
            for path, (_, shape) in zip(paths, weights):
                values = numbers(shape, start)
                here.create_dataset(path, shape, dtype=values.dtype)[:] = values
                start += values.size


save("lstm.keras", *lstm3())
save("lstm-2.15.keras", *lstm3(), version="2.15.0", deflated=True)
save("many.keras", *many())
save("many-latest.keras", *many(), latest=True, deflated=True)
save("deep-latest.keras", *deep(), latest=True, deflated=True)
save("deep.keras", *deep(), deflated=True)
with open(os.path.join(HERE, "lstm.weights.h5"), "wb") as out:
    out.write(h5([("", "sequential", []), *lstm3()[1]]))
legacy()
