#!/usr/bin/env python3
"""Writes small models of PyTorch as ONNX files, with inputs and expected outputs, into this folder.

Run with torch 1.13: /usr/bin/python3 test/onnx/torch/make_fixtures.py
"""

import json
import pathlib
import warnings

import torch
from torch import nn

warnings.filterwarnings('ignore')
HERE = pathlib.Path(__file__).parent
torch.manual_seed(5)


class Net(nn.Module):
    """A recurrent layer, and a function of its output."""

    def __init__(self, rnn, head=None, pick=lambda y, h: y):
        super().__init__()
        self.rnn, self.head, self.pick = rnn, head, pick

    def forward(self, x):
        y, h = self.rnn(x)
        y = self.pick(y, h[0] if isinstance(h, tuple) else h)
        return self.head(y) if self.head else y


class Words(nn.Module):
    """From ids to the log probabilities of the next id."""

    def __init__(self):
        super().__init__()
        self.embedding, self.gru, self.dense = nn.Embedding(9, 3), nn.GRU(3, 4, batch_first=True), nn.Linear(4, 9)

    def forward(self, x):
        y, _ = self.gru(self.embedding(x))
        return torch.log_softmax(self.dense(y), dim=-1)


class GivenStates(nn.Module):
    """An LSTM with states as inputs and outputs."""

    def __init__(self):
        super().__init__()
        self.lstm, self.dense = nn.LSTM(2, 3), nn.Linear(3, 2)

    def forward(self, x, h, c):
        y, (h, c) = self.lstm(x, (h, c))
        return self.dense(y), h, c


def last(y, h):
    return y[:, -1]


def last_squeezed(y, h):
    return h.squeeze(0)


def both_ends(y, h):
    return torch.cat((h[-2], h[-1]), dim=1)


FIRST = dict(batch_first=True)
MODELS = {
    'lstm-time-first': (Net(nn.LSTM(2, 3)), 'time first'),
    'lstm-batch-first': (Net(nn.LSTM(2, 3, **FIRST), nn.Linear(3, 1)), 'float'),
    'lstm-last': (Net(nn.LSTM(2, 3, **FIRST), nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)), last), 'float'),
    'lstm-final-state': (Net(nn.LSTM(2, 3, **FIRST), nn.Sequential(nn.Linear(3, 2), nn.Tanh()), last_squeezed), 'float'),
    'lstm-two-layers-bidirectional': (Net(nn.LSTM(2, 3, 2, bidirectional=True, **FIRST), nn.Linear(6, 2)), 'float'),
    'lstm-two-layers-time-first': (Net(nn.LSTM(2, 3, 2), nn.Sequential(nn.Linear(3, 2), nn.Sigmoid())), 'time first'),
    'lstm-bidirectional-both-ends': (Net(nn.LSTM(2, 3, 2, bidirectional=True, **FIRST), nn.Linear(6, 2), both_ends), 'float'),
    'lstm-fixed': (Net(nn.LSTM(2, 3, **FIRST), nn.Sequential(nn.Flatten(), nn.Linear(15, 2), nn.GELU())), 'fixed'),
    'gru': (Net(nn.GRU(2, 3, **FIRST), nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=-1))), 'float'),
    'gru-bidirectional-no-bias': (Net(nn.GRU(2, 3, bidirectional=True, bias=False), nn.Sequential(nn.Linear(6, 2, bias=False), nn.SiLU())), 'time first'),
    'rnn-tanh-two-layers': (Net(nn.RNN(2, 3, 2, **FIRST), nn.Sequential(nn.Linear(3, 2), nn.ELU())), 'float'),
    'rnn-relu': (Net(nn.RNN(2, 3, nonlinearity='relu'), nn.Sequential(nn.Linear(3, 2), nn.LeakyReLU(0.3))), 'time first'),
    'words': (Words(), 'ids'),
    'given-states': (GivenStates(), 'states'),
    'opset-9': (Net(nn.LSTM(2, 3, 2, **FIRST), nn.Sequential(nn.Linear(3, 4), nn.ReLU6(), nn.Linear(4, 2)), last), 'float'),
}

expected = {}
for name, (model, kind) in MODELS.items():
    model.eval()
    # x is batch first; models that take time first get it transposed.
    x = torch.randint(0, 9, (3, 5)) if kind == 'ids' else torch.randn(3, 5, 2)
    time_first = kind in ('time first', 'states')
    given = x.transpose(0, 1) if time_first else x
    axes = {0: 'time', 1: 'batch'} if time_first else {0: 'batch', 1: 'time'}
    rest = (torch.zeros(1, 3, 3), torch.zeros(1, 3, 3)) if kind == 'states' else ()
    names = ['x', 'h', 'c'][: 1 + len(rest)]
    with torch.no_grad():
        y = model(given, *rest)
        y = y[0] if isinstance(y, tuple) else y
        torch.onnx.export(
            model,
            (given, *rest),
            str(HERE / f'{name}.onnx'),
            opset_version=9 if name == 'opset-9' else 14,
            input_names=names,
            output_names=['y'],
            dynamic_axes=None if kind == 'fixed' else {'x': axes, 'h': {1: 'batch'}, 'c': {1: 'batch'}} if rest else {'x': axes},
        )
    y = y.transpose(0, 1) if time_first else y
    expected[name] = {'x': x.tolist(), 'y': [round(v, 8) for v in y.flatten().tolist()], 'shape': list(y.shape)}

(HERE / 'expected.json').write_text(json.dumps(expected) + '\n')
