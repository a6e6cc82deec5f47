"""How fast networks train: ``python benchmarks/training.py [FILE]``.

Each repetition measures, one after the other in the same process: a product of matrices in
TensorFlow; an epoch of ``cnn``; and an epoch of a plain network of as many multiply-adds, trained
by Keras' own ``fit`` from ``tf.data`` with the same augmentation. So the ratios hold although the
speed of a shared machine changes. An epoch is the whole of it: batches, steps, validation. The
first one, with compilation, is told apart. Without FILE, the images are the synthetic sample.
Prints Markdown.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import hmnist
from hmnist.diagnoses import CODES
from hmnist.hardware import processor_name, use_threads
from hmnist.models.keras_setup import load_keras
from hmnist.results.formatting import markdown_table

SIDE = 2048  # of the matrices
EFFORTS = ("quick", "standard")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", nargs="?", default="sample", help="a pixel file")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    use_threads(arguments.threads)
    load_keras()
    split = hmnist.split(hmnist.load(arguments.file))
    print(
        f"{split.data!r}, {len(split.train):,} of them train\nPython {platform.python_version()}, "
        f"{processor_name()}, {arguments.threads} threads, {arguments.precision}\n"
    )
    rows = [measure(split, effort, arguments.precision, arguments.repeats) for effort in EFFORTS]
    headings = (
        "cnn", "multiply-adds", "first epoch, s", "images/s", "GFLOP/s", "matrix product, GFLOP/s",
        "share of it", "plain Keras, images/s", "times as fast",
    )  # fmt: skip
    print(f"median (least–most) of {arguments.repeats}\n\n{markdown_table(headings, rows)}")


def measure(split: hmnist.Split, effort: str, precision: str, repeats: int) -> list[str]:
    """Return the row of an effort."""
    model = hmnist.make_model(
        "cnn", effort=effort, random_state=0, distillation=0.0, precision=precision
    )
    ours = OurEpochs(model, split)
    operations, multiply_adds = count_operations(ours.graph)
    plain = PlainEpochs(split, model.batch_size, multiply_adds)
    first = ours.next_epoch()
    plain.next_epoch()
    images = len(split.train)
    speeds: dict[str, list[float]] = {"ours": [], "peak": [], "plain": []}
    for _ in range(repeats):
        speeds["peak"].append(matrix_product())
        speeds["ours"].append(images / ours.next_epoch())
        speeds["plain"].append(images / plain.next_epoch())
    achieved = [speed * operations / 1e9 for speed in speeds["ours"]]
    shares = [rate / peak for rate, peak in zip(achieved, speeds["peak"], strict=True)]
    ratios = [a / b for a, b in zip(speeds["ours"], speeds["plain"], strict=True)]
    return [
        effort, f"{multiply_adds / 1e6:.1f} M", f"{first:.1f}", spread(speeds["ours"], 0),
        spread(achieved, 0), spread(speeds["peak"], 0), spread(shares, 2),
        spread(speeds["plain"], 0), spread(ratios, 2),
    ]  # fmt: skip


class OurEpochs:
    """The epochs of a model, one at a time."""

    def __init__(self, model: Any, split: hmnist.Split) -> None:
        from hmnist.models.batches import TrainingBatches
        from hmnist.models.keras_setup import policy
        from hmnist.models.network import Examples
        from hmnist.models.training import Steps

        network = model.make_network()
        one_hot = np.eye(len(CODES), dtype=np.float32)
        examples, self.validation = (
            Examples(part.images, one_hot[part.labels]) for part in (split.train, split.validation)
        )
        self.batches, self.epoch = TrainingBatches(network, examples, 0), 0
        with policy(network.training.policy):
            self.graph = network.build(split.data.image_shape, len(CODES))
        network.prepare(self.graph, split.train.images)
        optimizer = network.training.optimizer(model.epochs * self.batches.steps)
        self.steps = Steps(self.graph, optimizer, np.zeros(len(CODES)), 0.1)
        self.size = network.prediction_batch

    def next_epoch(self) -> float:
        """Train another epoch, validate, and return the seconds."""
        return seconds(self._train)

    def _train(self) -> None:
        self.steps.train_epoch(self.batches, self.epoch)
        self.steps.validate(self.validation, np.arange(len(CODES)), self.size)
        self.epoch += 1


class PlainEpochs:
    """The epochs of a plain network: blocks of two convolutions, each at half the size."""

    def __init__(self, split: hmnist.Split, batch_size: int, multiply_adds: float) -> None:
        import keras
        import tensorflow as tf

        shape = split.data.image_shape
        self.network = min(
            (build_plain(shape, width) for width in range(8, 65, 2)),
            key=lambda network: abs(count_operations(network)[1] - multiply_adds),
        )
        self.network.compile(
            keras.optimizers.AdamW(1e-3),
            keras.losses.CategoricalCrossentropy(True, 0.1),
            metrics=["accuracy"],
        )
        one_hot = np.eye(len(CODES), dtype=np.float32)

        def batches(part: hmnist.LesionDataset) -> Any:
            arrays = (part.images, one_hot[part.labels])
            return tf.data.Dataset.from_tensor_slices(arrays)

        training = batches(split.train).shuffle(len(split.train)).batch(batch_size)
        self.training = training.map(augment, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
        self.validation = batches(split.validation).batch(512)

    def next_epoch(self) -> float:
        """Train another epoch, validate, and return the seconds."""
        return seconds(
            lambda: self.network.fit(self.training, validation_data=self.validation, verbose=0)
        )


def build_plain(shape: tuple[int, ...], width: int) -> Any:
    import keras
    from keras import layers

    inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 255)(inputs)
    for channels in (width, 2 * width, 4 * width):
        for _ in range(2):
            x = layers.Conv2D(channels, 3, padding="same", use_bias=False)(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling2D()(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Dense(len(CODES))(x))


def augment(images: Any, targets: Any) -> tuple[Any, Any]:
    """Return a batch in other orientations, shifted, in another light, in TensorFlow."""
    import tensorflow as tf

    count = tf.shape(images)[0]
    x = tf.image.random_flip_left_right(images)
    turned = tf.stack([tf.image.rot90(x, turns) for turns in range(4)], axis=1)
    x = tf.gather(turned, tf.random.uniform([count], maxval=4, dtype=tf.int32), batch_dims=1)
    padded = tf.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]], "REFLECT")
    x = tf.image.random_crop(padded, tf.shape(x))
    gains = tf.random.uniform([count, 1, 1, 1], 0.85, 1.15)
    offsets = tf.random.normal([count, 1, 1, 3], 0, 8.0)
    return tf.cast(x, tf.float32) * gains + offsets, targets


def count_operations(network: Any) -> tuple[float, float]:
    """Return the operations to train one image, and the multiply-adds of one prediction.

    A multiply-add is two operations. Training needs it once for the outputs, once for the gradient
    of the weights, and once for that of the inputs, unless nothing below is trained.
    """
    operations = multiply_adds = 0.0
    is_below_trained = False
    for layer in network.layers:
        if not hasattr(layer, "kernel"):
            continue
        positions = float(np.prod(layer.output.shape[1:-1], initial=1.0))
        count = positions * float(np.prod(layer.kernel.shape))
        passes = 1 + (1 + is_below_trained) * layer.trainable
        is_below_trained |= layer.trainable
        multiply_adds += count
        operations += 2 * passes * count
    return operations, multiply_adds


def matrix_product() -> float:
    """Return the GFLOP/s of a product of float32 matrices, the median of seven."""
    import tensorflow as tf

    matrix = tf.random.normal((SIDE, SIDE))
    times = [seconds(lambda: tf.linalg.matmul(matrix, matrix).numpy()) for _ in range(8)][1:]
    return 2 * SIDE**3 / statistics.median(times) / 1e9


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float], digits: int) -> str:
    """Return median, least and most."""
    middle, least, most = statistics.median(values), min(values), max(values)
    return f"{middle:,.{digits}f} ({least:,.{digits}f}–{most:,.{digits}f})"


if __name__ == "__main__":
    main()
