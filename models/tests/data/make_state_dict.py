"""Writes the state dictionaries beside this file, with inputs and the outputs that PyTorch computes from them.

    python make_state_dict.py        (torch 2.15.0, safetensors 0.8.0, numpy)

- perceptron.pt, perceptron.safetensors: nn.Sequential, so that layers are called 0, 2 and 4
- perceptron_{f64,f16,bf16}.safetensors: the same weights in other element types
- convolutional.pt: a checkpoint with the state dictionary under `state_dict`, and the epoch and the optimizer beside it
- convolutional.safetensors: the state dictionary of the same net
- views.pt: tensors that are views of a storage, one repeated, and a parameter, in a dictionary with other things
- outputs.safetensors: inputs and outputs of both nets, in evaluation mode
"""

import pathlib

import safetensors.torch
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent


class Convolutional(nn.Module):
    """Like LeNet, with every kind of layer that Burn names or lays out in another way, and more."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 6, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(6)
        self.group = nn.GroupNorm(2, 6)
        self.instance = nn.InstanceNorm2d(6, affine=True)
        self.prelu = nn.PReLU()
        self.fc1 = nn.Linear(54, 12)
        self.norm = nn.LayerNorm(12)
        self.fc2 = nn.Linear(12, 5)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.bn1(self.conv1(x))), 2)
        x = self.prelu(self.instance(self.group(self.bn2(self.conv2(x)))))
        x = self.norm(self.fc1(x.flatten(1)))
        return self.fc2(torch.relu(x))


def main():
    torch.manual_seed(7)
    perceptron = nn.Sequential(
        nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)
    )
    net = Convolutional()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(5):  # so that norms and running statistics leave their initial values
        optimizer.zero_grad()
        x = 2.0 * torch.randn(16, 1, 10, 10) + 0.5
        nn.functional.cross_entropy(net(x), torch.randint(5, (16,))).backward()
        optimizer.step()
    perceptron.eval()
    net.eval()

    weights = perceptron.state_dict()
    torch.save(weights, HERE / "perceptron.pt")
    safetensors.torch.save_file(weights, HERE / "perceptron.safetensors")
    for name, dtype in [("f64", torch.float64), ("f16", torch.float16), ("bf16", torch.bfloat16)]:
        cast = {key: value.to(dtype) for key, value in weights.items()}
        safetensors.torch.save_file(cast, HERE / f"perceptron_{name}.safetensors")
    checkpoint = {
        "epoch": 5,
        "state_dict": net.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    torch.save(checkpoint, HERE / "convolutional.pt")
    safetensors.torch.save_file(net.state_dict(), HERE / "convolutional.safetensors")
    table = torch.arange(12.0).reshape(3, 4)
    views = {
        "transposed": table.t(),
        "part": table[1:, 1::2],
        "parameter": nn.Parameter(torch.tensor([0.5, 1.5, 2.5], dtype=torch.float64)),
        "nested": [torch.tensor([7.0]).expand(2)],
        "scalar": torch.tensor([3.0], dtype=torch.bfloat16),
        "comment": ("not", None, True, 1.5, -70000, 2**40),
    }
    torch.save(views, HERE / "views.pt")
    with torch.no_grad():
        rows, pictures = torch.randn(4, 6), torch.randn(3, 1, 10, 10)
        results = {
            "perceptron.inputs": rows,
            "perceptron.outputs": perceptron(rows),
            "convolutional.inputs": pictures,
            "convolutional.outputs": net(pictures),
        }
    safetensors.torch.save_file(results, HERE / "outputs.safetensors")


if __name__ == "__main__":
    main()
