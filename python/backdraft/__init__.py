"""Which training examples made a network behave like this? NumPy arrays in, scores out.

    import backdraft
    found = backdraft.scores(x_train, y_train, x_test, y_test, model="mlp")
    found.values[0].argsort()[:5]        # the five training examples that harmed the first query most

The module runs the command `backdraft` on the arrays and reads the files that it writes. Whatever the command takes is
a keyword here: `damping=0.01` is `--damping 0.01`, `corrupt_labels=0.1` is `--corrupt-labels 0.1`, `overwrite=True` is
`--overwrite`, and a list is joined by commas.

A score is the predicted change of what is measured, by default the query's loss, when the training example is removed:
positive, it helped; negative, it harmed.
"""

import csv
import io
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy
import safetensors.numpy

__all__ = ["Audit", "BackdraftError", "Run", "Scores", "audit", "run", "scores"]


class BackdraftError(RuntimeError):
    """The command refused its input or failed; the message says why and what to do."""


class Run:
    """What a run of the command wrote.

    folder: its path, or None if it was temporary and is gone.
    record: all of `run.json`: settings, versions, timings, quality of the network, the verification.
    output: what the command said.
    """

    def __init__(self, folder, output):
        self._tables = {it.name: it.read_text(encoding="utf-8") for it in sorted(folder.glob("*.csv"))}
        self.folder = folder
        self.record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        self.report = (folder / "report.html").read_text(encoding="utf-8")
        self.output = output

    def table(self, name):
        """A table that the run wrote, such as `top.csv`: a list of rows, dictionaries of text by column."""
        return list(csv.DictReader(io.StringIO(self._text(name))))

    def frame(self, name):
        """The same as a pandas DataFrame."""
        import pandas

        return pandas.read_csv(io.StringIO(self._text(name)))

    def _text(self, name):
        if name not in self._tables:
            raise BackdraftError(f"the run wrote no {name}: there are {', '.join(self._tables)}")
        return self._tables[name]


class Scores(Run):
    """Scores of all training examples.

    values: `[queries, train]`, one row for `queries="all"`. queries: the test examples that rows are of.
    """

    def __init__(self, folder, output):
        super().__init__(folder, output)
        tensors = safetensors.numpy.load_file(folder / "scores.safetensors")
        self.values = tensors["scores"]
        self.queries = tensors["queries"]


class Audit(Run):
    """How suspect each training example's label is.

    order: training examples, the most suspect first. suggested: for each training example, in the order of `x_train`,
    the label that the network would give it had it not been trained on it; None where it cannot be told.
    rows: `audit.csv`, the most suspect first.
    """

    def __init__(self, folder, output):
        super().__init__(folder, output)
        self.rows = self.table("audit.csv")
        self.order = numpy.array([int(it["train"]) for it in self.rows])
        self.suggested = [None] * len(self.rows)
        for row in self.rows:
            self.suggested[int(row["train"])] = row["suggested"] or None


def scores(x_train, y_train, x_test, y_test, *, folder=None, **options):
    """Scores of all training examples for some test examples: `backdraft explain`.

    By default for the three test examples with the highest loss; `queries=[3, 17]` names others, and `queries="all"`
    asks about the mean over all. `verify="none"` leaves out the check, which takes up to a minute. Arrays are
    `[examples, ...]`; targets are whole numbers for classes, and floats for a regression. `onnx="net.onnx"` is a network
    of yours, which reads the arrays as they are; without it and without `weights`, one is trained. Returns `Scores`.

    folder: where the run and the data are kept; the same call with it goes on where it was stopped, and a whole run is
    replaced with `overwrite=True` only. Without it they are temporary.
    """
    return _on_arrays("explain", Scores, (x_train, y_train, x_test, y_test), folder, options)


def audit(x_train, y_train, x_test, y_test, *, folder=None, **options):
    """Which labels of the training examples look wrong: `backdraft audit`. Returns `Audit`; the rest is as `scores`."""
    return _on_arrays("audit", Audit, (x_train, y_train, x_test, y_test), folder, options)


def run(*arguments, program=None):
    """Runs `backdraft` with arguments, and returns what it said.

    program: the command, if it is not on the path; or the environment variable BACKDRAFT names it.
    """
    program = program or os.environ.get("BACKDRAFT") or shutil.which("backdraft")
    if program is None:
        raise BackdraftError(
            "the command backdraft is not on the path: install it with `cargo install --locked --path crates/cli`, or name it in the "
            "environment variable BACKDRAFT"
        )
    command = [os.fspath(it) for it in (program, *arguments)]
    try:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    except OSError as error:
        raise BackdraftError(f"{program} cannot be run: {error}") from error
    if done.returncode != 0:
        raise BackdraftError(_problem(done.stderr) or f"backdraft ended with {done.returncode}")
    return done.stdout


def _problem(said):
    """The line that begins with `error:`, without that; or all that was said."""
    lines = [it[len("error:"):].strip() for it in said.splitlines() if it.startswith("error:")]
    return lines[-1] if lines else said.strip()


def _on_arrays(command, result, arrays, folder, options):
    """Runs a command on arrays in a folder."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="backdraft-") as temporary:
            found = _on_arrays(command, result, arrays, temporary, options)
            found.folder = None
            return found
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    data = _write(folder, *arrays)
    is_theirs = any(options.get(it) is not None for it in ("onnx", "weights"))
    if is_theirs and not {"inputs", "mean", "std"} & options.keys():
        # The arrays are what that network reads.
        options = {**options, "inputs": "raw"}
    out = folder / command
    said = run(command, *data, "--out", out, *_arguments(options))
    return result(out, said)


def _arguments(options):
    """Keywords as options of the command."""
    for name, value in options.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            yield option
        elif isinstance(value, (list, tuple, numpy.ndarray)):
            yield f"{option}={','.join(map(str, value))}"
        elif value is not None and value is not False:
            yield f"{option}={value}"


def _write(folder, x_train, y_train, x_test, y_test):
    """Writes the arrays as a file of NumPy's, and returns the options by which it is read."""
    arrays = {}
    for part, x, y in (("train", x_train, y_train), ("test", x_test, y_test)):
        x, y = numpy.asarray(x), numpy.asarray(y)
        if x.ndim == 0 or y.ndim != 1 or len(x) != len(y):
            raise BackdraftError(
                f"{part}: inputs of shape {x.shape} and targets of shape {y.shape}: one target an example is needed"
            )
        arrays[f"x_{part}"], arrays[f"y_{part}"] = _as_read(x), y
    kinds = {arrays[it].dtype.kind == "f" for it in ("y_train", "y_test")}
    if len(kinds) != 1:
        raise BackdraftError("targets of one part are whole numbers and of the other not")
    path = folder / "data.npz"
    # In one piece: a run that is stopped here leaves no half of a file.
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".npz", delete=False) as file:
        numpy.savez(file, **arrays)
    os.replace(file.name, path)
    return ["--data", path, "--task", "regression" if kinds == {True} else "classification"]


def _as_read(x):
    """Inputs as the command reads them: pictures of 1 or 3 channels as they are, all else as columns."""
    is_picture = x.ndim == 3 or (x.ndim == 4 and not {1, 3}.isdisjoint((x.shape[1], x.shape[3])))
    x = x if is_picture else x.reshape(len(x), -1)
    return x.astype(numpy.float32) if x.dtype == numpy.float16 else x
