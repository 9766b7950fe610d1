"""The module against the command: `python -m unittest discover -s python/tests -t python`."""

import os
import pathlib
import tempfile
import unittest

import numpy

import backdraft


def blobs(count, seed, wrong=()):
    """Two clouds of points, and the classes that they belong to, but for those that are given wrong."""
    draw = numpy.random.default_rng(seed)
    y = numpy.arange(count) % 2
    x = draw.normal(size=(count, 3)).astype(numpy.float32) + 3 * y[:, None]
    y = y.copy()
    y[list(wrong)] = 1 - y[list(wrong)]
    return x, y


class TestBackdraft(unittest.TestCase):
    wrong = (4, 17, 30)

    def setUp(self):
        self.arrays = (*blobs(60, 0, self.wrong), *blobs(20, 1))

    def test_scores_are_arrays(self):
        found = backdraft.scores(*self.arrays, model="lr", queries=[2, 5], solver="direct", damping=0.01, verify="none")
        self.assertEqual(found.values.shape, (2, 60))
        self.assertEqual(found.queries.tolist(), [2, 5])
        self.assertTrue(numpy.isfinite(found.values).all())
        self.assertEqual(found.record["settings"]["damping"], 0.01)
        self.assertIsNone(found.folder)
        # A wrong label near a query harms it: without it its loss is lower.
        self.assertLess(found.values.mean(0)[list(self.wrong)].mean(), 0)
        rows = found.table("top.csv")
        best = max(range(60), key=lambda it: found.values[0][it])
        first = next(it for it in rows if it["query"] == "2" and it["rank"] == "1" and it["kind"] == "helpful")
        self.assertEqual(int(first["train"]), best)
        with self.assertRaisesRegex(backdraft.BackdraftError, "no other.csv"):
            found.table("other.csv")

    def test_wrong_labels_are_found_and_a_run_is_kept(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            found = backdraft.audit(*self.arrays, model="lr", folder=folder)
            self.assertEqual(set(found.order[:3].tolist()), set(self.wrong))
            self.assertEqual(sorted(found.order.tolist()), list(range(60)))
            for example in self.wrong:
                self.assertEqual(int(float(found.suggested[example])), example % 2)
            self.assertTrue((folder / "audit" / "report.html").exists())
            # What is whole is not replaced unasked.
            with self.assertRaisesRegex(backdraft.BackdraftError, "--overwrite"):
                backdraft.audit(*self.arrays, model="lr", folder=folder)
            again = backdraft.audit(*self.arrays, model="lr", folder=folder, overwrite=True)
            self.assertEqual(again.rows, found.rows)
            # As from a network of PyTorch's, with the arrays as they are.
            weights = folder / "audit" / "model.safetensors"
            theirs = backdraft.audit(*self.arrays, model="lr", weights=weights)
            self.assertEqual(len(theirs.rows), 60)

    def test_numbers_are_a_regression(self):
        x, x_test = self.arrays[0], self.arrays[2]
        y, y_test = (it.sum(1).astype(numpy.float64) for it in (x, x_test))
        found = backdraft.scores(x, y, x_test, y_test, model="lr", queries="all", verify="none")
        self.assertEqual(found.values.shape, (1, 60))

    def test_pictures_and_names_are_read_as_such(self):
        draw = numpy.random.default_rng(2)
        y = numpy.array(["dark", "light"])[numpy.arange(40) % 2]
        x = draw.integers(0, 100, (40, 1, 6, 6)) + 150 * (y == "light")[:, None, None, None]
        x = x.astype(numpy.uint8)
        found = backdraft.audit(x[:30], y[:30], x[30:], y[30:], model="lr")
        self.assertEqual(found.suggested, y[:30].tolist())
        self.assertIn("data:image/png", found.report)

    def test_what_goes_wrong_is_said(self):
        with self.assertRaisesRegex(backdraft.BackdraftError, "queries 99"):
            backdraft.scores(*self.arrays, model="lr", queries=99)
        x, y, x_test, y_test = self.arrays
        with self.assertRaisesRegex(backdraft.BackdraftError, "one target an example"):
            backdraft.scores(x[1:], y, x_test, y_test)
        with self.assertRaisesRegex(backdraft.BackdraftError, "nonesuch"):
            backdraft.audit(*self.arrays, model="nonesuch")
        with self.assertRaisesRegex(backdraft.BackdraftError, "cannot be run"):
            backdraft.run("models", program="/none/of/that/name")

    def test_the_page_is_right(self):
        """The programs of docs/python.md, with arrays of their names and in a folder where `explain` was run."""
        page = pathlib.Path(__file__).resolve().parents[2] / "docs" / "python.md"
        programs = [it.partition("```")[0] for it in page.read_text(encoding="utf-8").split("```python\n")[1:]]
        self.assertEqual(len(programs), 2)
        names = dict(zip(("x_train", "y_train", "x_test", "y_test"), self.arrays))
        here = os.getcwd()
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            try:
                exec(programs[0], names)
                self.assertEqual(len(names["harmful"]), 5)
                self.assertEqual(set(names["suspects"][:3].tolist()), set(self.wrong))
                backdraft.run("explain", "--verify", "none")
                try:
                    import pandas  # noqa: F401
                except ImportError:
                    self.skipTest("pandas is not there")
                exec(programs[1], names)
                self.assertEqual(names["values"].shape, (3, 1438))
                self.assertEqual(names["top"]["query"].nunique(), 3)
            finally:
                os.chdir(here)


if __name__ == "__main__":
    unittest.main()
