"""The workloads of `backdraft bench solves`: w1, w2 and w3.safetensors in the folder OUT, with weights, examples and queries.

    python docs/workloads.py MNIST CONCRETE.csv OUT      (pip install numpy safetensors)

MNIST is the folder of the four IDX files, gzipped; the table has a header, and its target last. Training is plain SGD in
numpy from seed 0: the same numbers in every run on one machine.
"""

import csv
import gzip
import os
import sys

import numpy as np
from safetensors.numpy import save_file

mnist, concrete, out = sys.argv[1:]
os.makedirs(out, exist_ok=True)


def idx(name):
    data = gzip.open(os.path.join(mnist, name)).read()
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)


def pixels(name, count):
    unit = idx(name)[:count].reshape(count, -1).astype(np.float32) / 255
    return ((unit - 0.1307) / 0.3081).astype(np.float32)


def classes(name, count):
    return idx(name)[:count].astype(np.int64)


def trained(widths, x, y, passes, rate, momentum, decay, batch, classify):
    """Weights of a ReLU network as a PyTorch Sequential names them."""
    rng, layers = np.random.default_rng(0), len(widths) - 1
    params = []
    for inputs, outputs in zip(widths, widths[1:]):
        bound = 1 / np.sqrt(inputs)
        for shape in ((outputs, inputs), (outputs,)):
            params.append(rng.uniform(-bound, bound, shape).astype(np.float32))
    velocity = [np.zeros_like(p) for p in params]
    for _ in range(passes):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            hidden = [x[rows]]
            for layer in range(layers):
                z = hidden[-1] @ params[2 * layer].T + params[2 * layer + 1]
                hidden.append(np.maximum(z, 0) if layer < layers - 1 else z)
            if classify:
                grad = np.exp(hidden[-1] - hidden[-1].max(1, keepdims=True))
                grad /= grad.sum(1, keepdims=True)
                grad[np.arange(len(rows)), y[rows]] -= 1
            else:
                grad = 2 * (hidden[-1] - y[rows])
            grad /= len(rows)
            for layer in reversed(range(layers)):
                of = [grad.T @ hidden[layer], grad.sum(0)]
                if layer:
                    grad = (grad @ params[2 * layer]) * (hidden[layer] > 0)
                for i, g in zip((2 * layer, 2 * layer + 1), of):
                    velocity[i] = momentum * velocity[i] + g + decay * params[i]
                    params[i] = (params[i] - rate * velocity[i]).astype(np.float32)
    names = [f"w.{2 * layer}.{part}" for layer in range(layers) for part in ("weight", "bias")]
    return dict(zip(names, params))


def write(name, weights, train, query):
    tensors = dict(x_train=train[0], y_train=train[1], x_query=query[0], y_query=query[1])
    save_file({**weights, **tensors}, os.path.join(out, f"{name}.safetensors"))


train = pixels("train-images-idx3-ubyte.gz", 5000), classes("train-labels-idx1-ubyte.gz", 5000)
query = pixels("t10k-images-idx3-ubyte.gz", 100), classes("t10k-labels-idx1-ubyte.gz", 100)
write("w1", trained([784, 10], *train, 20, 0.01, 0.0, 0.0, 32, True), train, query)
write("w2", trained([784, 512, 256, 128, 10], *train, 20, 0.03, 0.9, 1e-3, 64, True), train, query)

table = np.array(list(csv.reader(open(concrete)))[1:], np.float64)
table = table[np.random.default_rng(0).permutation(len(table))]
table = ((table - table[:896].mean(0)) / table[:896].std(0)).astype(np.float32)
parts = [(part[:, :-1].copy(), part[:, -1:].copy()) for part in (table[:896], table[896:999])]
write("w3", trained([8, 128, 128, 128, 1], *parts[0], 20, 0.03, 0.9, 1e-5, 32, False), *parts)
