"""Confident learning (cleanlab) on the data of a finished `backdraft audit --corrupt-labels` of a CSV table.

    python3 docs/audit_peers.py RUN TABLE.csv TARGET [--hidden 32,32]

Reads RUN/audit.csv (which rows are training examples, and their labels) and RUN/wrong-labels.csv, fits scikit-learn's
logistic regression or, with --hidden, its MLP by five-fold cross-validation, and ranks the examples by cleanlab's label
quality scores. Prints the area under the ROC curve, and the share of wrong labels among the first 1, 5 and 10 percent.
Needs cleanlab, scikit-learn and pandas.
"""

import argparse
import time

import numpy as np
import pandas as pd
from cleanlab.filter import find_label_issues
from cleanlab.rank import get_label_quality_scores
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

parser = argparse.ArgumentParser()
parser.add_argument("run")
parser.add_argument("table")
parser.add_argument("target")
parser.add_argument("--hidden")
parser.add_argument("--seed", type=int, default=0)
args = parser.parse_args()

audit = pd.read_csv(f"{args.run}/audit.csv").sort_values("train")
wrong = pd.read_csv(f"{args.run}/wrong-labels.csv")["train"]
table = pd.read_csv(args.table)
# `line` counts the lines of the file from 1, its head among them.
rows = table.drop(columns=args.target).iloc[audit["line"].to_numpy() - 2].to_numpy(float)
classes, labels = np.unique(audit["label"].to_numpy(), return_inverse=True)
is_wrong = audit["train"].isin(wrong).to_numpy()

if args.hidden:
    hidden = tuple(map(int, args.hidden.split(",")))
    model = MLPClassifier(hidden, max_iter=500, random_state=args.seed)
else:
    model = LogisticRegression(max_iter=2000)
start = time.time()
probabilities = cross_val_predict(make_pipeline(StandardScaler(), model), rows, labels, cv=5, method="predict_proba")
quality = get_label_quality_scores(labels, probabilities)
issues = find_label_issues(labels, probabilities)
seconds = time.time() - start

order = np.argsort(quality, kind="stable")
print(f"{len(labels)} examples, {is_wrong.sum()} wrong; {seconds:.1f} s; flagged {issues.sum()}, "
      f"of which wrong {(issues & is_wrong).sum()}")
precision = [is_wrong[order[: max(1, round(share * len(order)))]].mean() for share in (0.01, 0.05, 0.1)]
print(f"AUC {roc_auc_score(is_wrong, -quality):.4f}  precision at 1, 5, 10 percent:",
      *(f"{100 * it:.1f}%" for it in precision))
