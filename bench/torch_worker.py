"""PyTorch on the number of threads in the first argument, for bench/rivals/torch.js. Reads requests from stdin, writes replies to stdout, one line of JSON each.

It measures its own time, so the time of the pipe is not included. Tensors are base64 of float32.
"""

import base64
import ctypes
import json
import os
import subprocess
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = sys.argv[1]

BLAS_QUERY = """
import ctypes
blas = ctypes.CDLL('libblas.so.3')
blas.openblas_get_corename.restype = ctypes.c_char_p
print(blas.openblas_get_corename().decode())
"""


def blas_core():
    """The name of the kernels that OpenBLAS selects; None if the BLAS is another one."""
    process = subprocess.run([sys.executable, "-c", BLAS_QUERY], capture_output=True, text=True)
    return process.stdout.strip() if process.returncode == 0 else None


def choose_core():
    """Selects the best OpenBLAS kernels, because an OpenBLAS older than the CPU uses those for Prescott (2004)."""
    core = blas_core()
    if core != "Prescott" or "OPENBLAS_CORETYPE" in os.environ:
        return core
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = file.read()
    if "avx512vl" in flags:
        os.environ["OPENBLAS_CORETYPE"] = "SkylakeX"
    elif "avx2" in flags:
        os.environ["OPENBLAS_CORETYPE"] = "Haswell"
    return blas_core()


CORE = choose_core()

import torch  # noqa: E402, reads the variables set above

torch.set_num_threads(int(sys.argv[1]))
torch.set_num_interop_threads(1)


def decode(text, shape):
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.float32).reshape(shape)


def encode(tensor):
    return base64.b64encode(tensor.detach().contiguous().numpy().tobytes()).decode()


class Model:
    def __init__(self, request):
        w = request["workload"]
        self.stateful = w["stateful"]
        self.units = w["units"][0]
        self.count = len(w["units"])
        self.batch = w["batch"]
        self.lstm = torch.nn.LSTM(w["inputs"], self.units, num_layers=self.count, batch_first=True)
        self.dense = torch.nn.Linear(self.units, w["outputs"])
        self.set_weights(request["weights"], w)
        self.x = decode(request["x"], (w["batch"], w["timeSteps"], w["inputs"]))
        self.y = decode(request["y"], (w["batch"], w["timeSteps"], w["outputs"]))
        self.state = None
        trainable = [p for p in [*self.lstm.parameters(), *self.dense.parameters()] if p.requires_grad]
        self.trains = request["optimizer"] != "none"
        optimizer = torch.optim.SGD if request["optimizer"] == "sgd" else torch.optim.Adam
        self.optimizer = optimizer(trainable, lr=request["learningRate"])

    def set_weights(self, weights, w):
        """Sets Keras weights. The gates have the same order; matrices are transposed; the second bias stays 0."""
        width = w["inputs"]
        with torch.no_grad():
            for n in range(self.count):
                kernel, recurrent, bias = weights[3 * n : 3 * n + 3]
                getattr(self.lstm, f"weight_ih_l{n}").copy_(decode(kernel, (width, -1)).t())
                getattr(self.lstm, f"weight_hh_l{n}").copy_(decode(recurrent, (self.units, -1)).t())
                getattr(self.lstm, f"bias_ih_l{n}").copy_(decode(bias, (-1,)))
                getattr(self.lstm, f"bias_hh_l{n}").zero_().requires_grad_(False)
                width = self.units
            self.dense.weight.copy_(decode(weights[-2], (width, -1)).t())
            self.dense.bias.copy_(decode(weights[-1], (-1,)))

    def forward(self):
        sequence, state = self.lstm(self.x, self.state)
        if self.stateful:
            self.state = tuple(value.detach() for value in state)
        return self.dense(sequence)

    def predict(self):
        # inference_mode is slightly faster, but training cannot continue from the states it returns.
        with torch.no_grad() if self.stateful and self.trains else torch.inference_mode():
            return self.forward()

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.mse_loss(self.forward(), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


def create(w):
    """A new model with orthogonal recurrent weights, as in Keras and our package, and otherwise the defaults of PyTorch."""
    lstm = torch.nn.LSTM(w["inputs"], w["units"][0], batch_first=True)
    torch.nn.init.orthogonal_(lstm.weight_hh_l0)
    dense = torch.nn.Linear(w["units"][0], w["outputs"])
    torch.optim.Adam([*lstm.parameters(), *dense.parameters()])


models = {}


def timed(run, calls):
    start = time.perf_counter()
    for _ in range(calls):
        run()
    return 1e3 * (time.perf_counter() - start)


def reply_to(request):
    command = request["command"]
    if command == "about":
        return {"torch": torch.__version__, "core": CORE, "threads": torch.get_num_threads()}
    if command == "build":
        models[request["id"]] = Model(request)
        return {}
    if command == "create":
        return {"ms": timed(lambda: create(request["workload"]), request["calls"])}
    model = models[request["id"]]
    if command == "outputs":
        return {"outputs": encode(model.predict())}
    if command == "train":
        return {"loss": model.train()}
    if command == "measure":
        return {"ms": timed(model.train if request["kind"] == "train" else model.predict, request["calls"])}
    del models[request["id"]]
    return {}


for line in sys.stdin:
    try:
        reply = reply_to(json.loads(line))
    except Exception as error:  # noqa: BLE001, the parent process reports it
        reply = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
