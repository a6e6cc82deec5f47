"""From the file to the figures, in ten cells: ``python benchmarks/notebook.py FILE``.

Jupyter (with jupytext), VS Code and PyCharm open this script as a notebook: each ``# %%`` begins a
cell. Without a file it takes the synthetic sample, and models that train within a minute. It prints
what a notebook shows, and writes runs and figures into ``hmnist-runs/notebook``.
"""

# %% [markdown]
# # Skin lesions at 28×28 pixels
# Every model is trained on the same lesions, and tested on lesions that none of them has seen.

# %% 1. The data: images, diagnoses, lesions, and what is known of the patients.
import sys

import hmnist

FILE = sys.argv[1] if len(sys.argv) > 1 else "sample"
OUT = "hmnist-runs/notebook"
MODELS = ["logistic", "xgboost"] if FILE == "sample" else ["cnn", "mlp", "xgboost", "logistic"]

data = hmnist.load(FILE)
print(data)

# %% 2. Some images of one diagnosis, and how many images and lesions there are of each.
hmnist.plot_images(data, "mel")
hmnist.plot_diagnoses(data)

# %% 3. Who trains, who validates, who is tested: whole lesions, so that nothing leaks.
split = hmnist.split(data, by="lesion", seed=0)
print(split.proof())

# %% 4. The same split, looked at with suspicion.
for finding in hmnist.check(data, split):
    print(finding)

# %% 5. One model is a scikit-learn classifier. Rare diagnoses are oversampled in training only.
oversampled = hmnist.oversample(split.train, "random", seed=0)
images, labels = oversampled.apply(split.train)
model = hmnist.make_model("logistic", random_state=0)
model.fit(images, labels)
print(f"balanced accuracy {hmnist.score(model, split.test).balanced_accuracy:.3f}")

# %% 6. Several models on one split, with intervals over lesions.
effort = "quick" if FILE == "sample" else "standard"
table = hmnist.benchmark(data, MODELS, effort=effort, out=OUT)
print(table)

# %% 7. Does the best model really differ from the second?
folders = hmnist.find_runs(OUT)
runs = {run.manifest.model: run for run in map(hmnist.open_run, folders)}
tested = {name: [runs[name].part("test")] for name in MODELS[:2]}
for sentence in hmnist.compare_predictions(tested).sentences():
    print(sentence)

# %% 8. What a model is good at: each diagnosis, its confusions, its confidence.
evaluation = hmnist.evaluate_run(runs[MODELS[0]])
hmnist.plot_confusion(evaluation)
hmnist.plot_roc(evaluation)
hmnist.plot_reliability(evaluation)

# %% 9. Where it is wrong, the most confident mistakes first.
hmnist.plot_mistakes(evaluation, data)

# %% 10. The models side by side, and their scores against the time of training.
hmnist.plot_scores(table)
figure = hmnist.plot_times(table)
figure.savefig(f"{OUT}/times.pdf")
