"""Tables and arrays as pandas, PyArrow and NumPy write them: trees.csv, trees.parquet and digits.npz.

Made with Python 3.11, NumPy 2, pandas 2 or later and PyArrow: pip install numpy pandas pyarrow
"""

import gzip
import pathlib

import numpy
import pandas

here = pathlib.Path(__file__).parent
rows = numpy.arange(24)
trees = pandas.DataFrame(
    {
        "tree": [f"T{row}" for row in rows],
        "height": 5.0 + rows / 3.0,
        "rings": rows * 7,
        "evergreen": rows % 4 == 0,
        "kind": pandas.Categorical([("ash", "beech", "cedar")[row % 3] for row in rows]),
        "planted": pandas.Timestamp("1990-03-01") + pandas.to_timedelta(rows, unit="D"),
        "felled": ["yes" if row // 2 % 2 else "no" for row in rows],
    }
)
trees.to_parquet(here / "trees.parquet", index=False)
trees.to_csv(here / "trees.csv", index=False)

# The first digits of the embedded set.
with gzip.open(here.parent.parent / "data" / "digits.csv.gz", "rt") as file:
    digits = pandas.read_csv(file).head(40)
pixels = digits.drop(columns="label").to_numpy().reshape(-1, 8, 8).astype(numpy.uint8)
labels = digits["label"].to_numpy()
numpy.savez_compressed(
    here / "digits.npz",
    x_train=pixels[:30],
    y_train=labels[:30],
    x_test=pixels[30:],
    y_test=labels[30:],
)
# A transposed frame is in Fortran's order.
numpy.savez(here / "columns.npz", x=trees[["height", "rings"]].to_numpy(), y=trees["felled"].to_numpy(dtype=str))
