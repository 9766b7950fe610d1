"""An audit beside confident learning on labels that people found to be wrong.

    python3 docs/audit_real_errors.py RUN mnist_mturk.json [mnist_test_set_pyx.npy]

RUN is a finished `backdraft audit` of MNIST's 10,000 test digits. The JSON file has the votes of five people on each of
the 100 digits that confident learning found most suspect, the NumPy file the cross-validated probabilities that it went
by; both are from github.com/cleanlab/label-errors (Northcutt, Athalye and Mueller 2021). A label counts as wrong where
fewer than three of the five chose it. Without the NumPy file, probabilities are those of a five-fold cross-validation
of scikit-learn's MLP with the hidden layers 128,128, for which --images and --labels name the IDX files.

Prints where in each order the wrong labels are: the area under the ROC curve, how many are among the first 1, 2 and 5
percent, and the median rank. Needs cleanlab and pandas.
"""

import argparse
import json

import numpy as np
import pandas as pd
from cleanlab.rank import get_label_quality_scores
from sklearn.metrics import roc_auc_score

parser = argparse.ArgumentParser()
parser.add_argument("run")
parser.add_argument("votes")
parser.add_argument("probabilities", nargs="?")
parser.add_argument("--images")
parser.add_argument("--labels")
args = parser.parse_args()

audit = pd.read_csv(f"{args.run}/audit.csv").sort_values("train")
labels = audit["label"].to_numpy(int)
votes = json.load(open(args.votes))
wrong = np.zeros(len(audit), bool)
wrong[[it["id"] for it in votes if it["mturk"]["given"] < 3]] = True

orders = {
    "left-out margin": -audit["left_out_margin"],
    "Newton self-influence": audit["newton"],
    "self-influence": audit["self_influence"],
    "harm": -audit["score"],
    "loss": audit["loss"],
    "margin": -audit["margin"],
}
if args.probabilities:
    probabilities = np.load(args.probabilities)
    orders["confident learning, its own probabilities"] = -get_label_quality_scores(labels, probabilities)
if args.images:
    import gzip

    from sklearn.model_selection import cross_val_predict
    from sklearn.neural_network import MLPClassifier

    pixels = np.frombuffer(gzip.open(args.images).read()[16:], np.uint8).reshape(len(labels), -1) / 255
    given = np.frombuffer(gzip.open(args.labels).read()[8:], np.uint8)
    assert (given == labels).all()
    model = MLPClassifier((128, 128), max_iter=50, random_state=0)
    probabilities = cross_val_predict(model, pixels, labels, cv=5, method="predict_proba")
    orders["confident learning, an MLP's"] = -get_label_quality_scores(labels, probabilities)

print(f"{len(labels)} examples, {wrong.sum()} wrong")
for name, suspicion in orders.items():
    suspicion = np.nan_to_num(np.asarray(suspicion, float), nan=-np.inf)
    place = np.empty(len(labels), int)
    place[np.argsort(-suspicion, kind="stable")] = np.arange(1, len(labels) + 1)
    found = [int((place[wrong] <= share * len(labels)).sum()) for share in (0.01, 0.02, 0.05)]
    finite = np.where(np.isfinite(suspicion), suspicion, suspicion[np.isfinite(suspicion)].min() - 1)
    print(f"{name:42} AUC {roc_auc_score(wrong, finite):.4f}  first 1, 2, 5 percent: {found}  median rank "
          f"{int(np.median(place[wrong]))}")
