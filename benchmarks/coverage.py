"""How often 95 % intervals hold the truth: ``python benchmarks/coverage.py``.

Models whose true scores are known are simulated on simulated lesions, often, and the share of
intervals that hold the truth is counted: of scores with few lesions of a diagnosis, and of
differences with few trainings. Needs no data. Prints Markdown.
"""

import argparse

import numpy as np

import hmnist
from hmnist.results.formatting import markdown_table
from hmnist.scores.paired_differences import compare_pairs
from hmnist.scores.text import score_text

RARE, OTHER = 3, 4
"""The rare diagnosis (df), and the one of all other lesions (nv)."""

RECALLS = {RARE: 0.55, OTHER: 0.9}
"""The true recalls."""

OTHER_LESIONS = 200

LESIONS = (2, 3, 5, 10, 20)
FOLDS = (1, 5)
SEEDS = (2, 3, 5, 10)
SPREAD = 0.4
"""The standard deviation between trainings, in logits of the recall."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400)
    repeats = parser.parse_args().repeats
    print(f"**Scores, by the lesions of df in a test part**\n\n{_few_lesions(repeats)}\n")
    print(f"**Differences, by the number of trainings**\n\n{_few_trainings(repeats)}")


def _few_lesions(repeats: int) -> str:
    truth = {"recall_df": RECALLS[RARE], "balanced_accuracy": sum(RECALLS.values()) / 2}
    body = []
    for folds in FOLDS:
        for lesions in LESIONS:
            rng, held = np.random.default_rng([folds, lesions]), dict.fromkeys(truth, 0)
            for _ in range(repeats):
                parts = [_simulate(lesions, RECALLS, rng, fold) for fold in range(folds)]
                intervals = hmnist.score_intervals(parts, resamples=400)
                for name, true in truth.items():
                    # Where there is no interval, nothing is claimed: that is not a miss.
                    low, high = intervals[name]
                    held[name] += not (low > true or high < true)
            shares = [score_text(count / repeats) for count in held.values()]
            body.append([str(folds), str(lesions), *shares])
    return markdown_table(["folds", "lesions of df", "recall of df", "balanced acc."], body)


def _few_trainings(repeats: int) -> str:
    """Two models of equal skill; each training is better or worse than the model is on average."""
    body = []
    for seeds in SEEDS:
        rng, held = np.random.default_rng(seeds), 0
        for _ in range(repeats):
            labels = np.repeat([RARE, OTHER], [20, OTHER_LESIONS])
            models = {
                name: [_simulate(20, _trained(rng), rng, labels=labels) for _ in range(seeds)]
                for name in "ab"
            }
            pair = ("a", "b")
            result = compare_pairs(models, [pair], ["accuracy"], resamples=400)[pair]["accuracy"]
            held += result.low is None or result.high is None or result.low <= 0 <= result.high
        body.append([str(seeds), score_text(held / repeats)])
    return markdown_table(["trainings", "accuracy"], body)


def _trained(rng: np.random.Generator) -> dict[int, float]:
    """Return the recalls of one training."""
    luck = SPREAD * rng.standard_normal()
    return {
        label: float(1 / (1 + np.exp(-(np.log(share / (1 - share)) + luck))))
        for label, share in RECALLS.items()
    }


def _simulate(
    lesions: int,
    recalls: dict[int, float],
    rng: np.random.Generator,
    fold: int = 0,
    labels: np.ndarray | None = None,
) -> hmnist.Predictions:
    """Return predictions, one image per lesion, that are right as often as the recalls say."""
    if labels is None:
        labels = np.repeat([RARE, OTHER], [lesions, OTHER_LESIONS])
    share = np.where(labels == RARE, recalls[RARE], recalls[OTHER])
    other = np.where(labels == RARE, OTHER, RARE)
    predicted = np.where(rng.random(len(labels)) < share, labels, other)
    return hmnist.Predictions(labels, np.eye(7)[predicted], predicted, fold=fold)


if __name__ == "__main__":
    main()
