"""How to get started with a run or an export: the lines of its model card."""

import json
import shlex
from collections.abc import Iterator

from hmnist.diagnoses import CODES
from hmnist.results.exports.exported import EXPORT_FILE, GRAPHS, ExportFacts
from hmnist.runs.run import Run

_LITERT = """
from ai_edge_litert.interpreter import Interpreter

interpreter = Interpreter("{file}")
sources = sorted(interpreter.get_input_details(), key=lambda details: details["name"])
for source, array in zip(sources, [{arrays}]):
    interpreter.resize_tensor_input(source["index"], array.shape)
interpreter.allocate_tensors()
for source, array in zip(sources, [{arrays}]):
    interpreter.set_tensor(source["index"], array)
interpreter.invoke()
probabilities = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""

_ONNX = """
import onnxruntime

session = onnxruntime.InferenceSession("{file}", providers=["CPUExecutionProvider"])
arrays = dict(zip(["images", "patients"], [{arrays}]))
[probabilities] = session.run(None, arrays)
"""

_PATIENTS = f"""
import json
from pathlib import Path

columns = json.loads(Path("{EXPORT_FILE}").read_text(encoding="utf-8"))["patient_columns"]
patients = np.array([[name.endswith("unknown") for name in columns]], np.float32)  # nobody known
"""

_LIBRARIES = {"litert": "ai-edge-litert", "onnx": "onnxruntime"}


def start_lines(run: Run, facts: ExportFacts | None, *, beside: bool) -> Iterator[str]:
    """Yield how to predict; `beside` tells whether the card lies in the folder of the model."""
    version = run.manifest.versions["hmnist"]
    folder = "." if beside else run.folder.name
    command = "\n".join(["```bash", f"hmnist predict {shlex.quote(folder)} photograph.jpg", "```"])
    yield f"With hmnist {version}, {'in' if beside else 'beside'} the folder of the model:"
    yield command
    size = ", ".join(map(str, run.image_shape))
    yield f"In Python, for images as uint8 of the shape (n, {size}):"
    call = f"hmnist.open_model({json.dumps(folder)}).predict_proba(images)"
    yield f"```python\nimport hmnist\n\n{call}\n```"
    if facts is not None and facts.whole:
        yield f"Without hmnist (`pip install {_LIBRARIES[facts.format]} numpy pillow`):"
        yield f"```python\n{_script(facts)}```"


def _script(facts: ExportFacts) -> str:
    """Return a script that predicts one photograph with the exported graph alone."""
    height, width, channels = facts.image_shape
    arrays = "images, patients" if facts.patient_columns else "images"
    run = _LITERT if facts.format == "litert" else _ONNX
    return (
        "import numpy as np\nfrom PIL import Image\n\n"
        f'photograph = Image.open("photograph.jpg").convert("{"L" if channels == 1 else "RGB"}")\n'
        f"small = photograph.resize(({width}, {height}), Image.Resampling.LANCZOS)\n"
        f"images = np.asarray(small).reshape(1, {height}, {width}, {channels})\n"
        f"{_PATIENTS if facts.patient_columns else ''}"
        f"{run.format(file=GRAPHS[facts.format], arrays=arrays)}"
        f"print(dict(zip({list(CODES)}, probabilities[0].tolist())))\n"
    )
