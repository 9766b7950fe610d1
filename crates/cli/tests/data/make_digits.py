"""Trains a small perceptron on some of the embedded digits, and writes the digits and its weights into pictures/.

    python make_digits.py        (torch 2.15.0, safetensors 0.8.0, numpy)

The digits, whose source and licence models/data/README.md tells, become IDX files, which have their training and test part by
themselves. The weights are written twice: as a checkpoint with the state dictionary beside other things, weights.pt, and as
weights.safetensors. What is printed PyTorch computed in 64 bits from the weights as the files hold them; ../cli/weights.rs holds
the command line against these numbers.
"""

import gzip
import pathlib
import struct

import numpy
import safetensors.torch
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent
TABLE = HERE / "../../../../models/data/digits.csv.gz"
OUT = HERE / "pictures"


def write(name, array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with gzip.GzipFile(OUT / f"{name}.gz", "wb", mtime=0) as file:
        file.write(header + array.astype(numpy.uint8).tobytes())


def main():
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    OUT.mkdir(exist_ok=True)
    with gzip.open(TABLE, "rt") as file:
        table = numpy.loadtxt(file, delimiter=",", skiprows=1, max_rows=400, dtype=int)
    pixels, labels = 15 * table[:, :-1].reshape(-1, 8, 8), table[:, -1]
    parts = {"train": slice(0, 300), "t10k": slice(300, 400)}
    for name, rows in parts.items():
        write(f"{name}-images-idx3-ubyte", pixels[rows])
        write(f"{name}-labels-idx1-ubyte", labels[rows])
    x, y = torch.tensor(pixels / 255).float().double(), torch.tensor(labels)

    net = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 12), nn.ReLU(), nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 10)
    )
    optimizer = torch.optim.LBFGS(net.parameters(), max_iter=300, line_search_fn="strong_wolfe")

    def loss(rows):
        return nn.functional.cross_entropy(net(x[rows]), y[rows])

    def objective():
        optimizer.zero_grad()
        cost = loss(parts["train"]) + 2e-3 * sum((p**2).sum() for p in net.parameters())
        cost.backward()
        return cost

    optimizer.step(objective)
    net.float().double()
    weights = {name: value.float() for name, value in net.state_dict().items()}
    torch.save({"epoch": 300, "state_dict": weights}, OUT / "weights.pt")
    (OUT / "weights.safetensors").write_bytes(safetensors.torch.save(weights))

    train, test = parts["train"], parts["t10k"]
    gradient = torch.autograd.grad(loss(train), net.parameters())
    right = (net(x[test]).argmax(1) == y[test]).sum()
    print(f"train loss {loss(train):.10f}")
    print(f"test loss {loss(test):.10f}, {right} of {len(y[test])} right")
    print(f"gradient norm {torch.sqrt(sum((g**2).sum() for g in gradient)):.10f}")


if __name__ == "__main__":
    main()
