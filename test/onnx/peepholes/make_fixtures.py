#!/usr/bin/env python3
"""Writes an LSTM with peepholes as ONNX files, with an input and the output that the ONNX project computes, into this folder.

The numbers are those of the reference with which the ONNX project makes the node tests of LSTM.
Run with onnx 1.12: /usr/bin/python3 test/onnx/peepholes/make_fixtures.py
"""

import json
import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.backend.test.case.node.lstm import LSTM_Helper

HERE = pathlib.Path(__file__).parent
random = np.random.RandomState(3)
INPUTS, UNITS, BATCH, STEPS = 3, 5, 2, 7


def draw(*shape):
    return random.uniform(-0.9, 0.9, shape).astype(np.float32)


expected = {}
for name, has_bias in (('peepholes', True), ('no-bias', False)):
    weights = {'W': draw(1, 4 * UNITS, INPUTS), 'R': draw(1, 4 * UNITS, UNITS), 'P': draw(1, 3 * UNITS)}
    if has_bias:
        weights['B'] = draw(1, 8 * UNITS)
    x = draw(STEPS, BATCH, INPUTS)
    y, last = LSTM_Helper(X=x, **{key: value.copy() for key, value in weights.items()}).step()
    inputs = ['x', 'W', 'R', 'B' if has_bias else '', '', '', '', 'P']
    node = helper.make_node('LSTM', inputs, ['y', ''], hidden_size=UNITS)
    graph = helper.make_graph(
        [node],
        name,
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, ['steps', 'batch', INPUTS])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, ['steps', 1, 'batch', UNITS])],
        [numpy_helper.from_array(value, key) for key, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 14)], producer_name='onnx.helper')
    onnx.checker.check_model(model)
    (HERE / f'{name}.onnx').write_bytes(model.SerializeToString())
    # The model here takes and returns samples first
    expected[name] = {'x': x.swapaxes(0, 1).tolist(), 'y': y[:, 0].swapaxes(0, 1).tolist()}
(HERE / 'expected.json').write_text(json.dumps(expected) + '\n')
