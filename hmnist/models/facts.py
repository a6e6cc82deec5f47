"""`ModelFacts`: what ``model.json`` says of every model, and what comes of other facts."""

import math
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta, MsgspecError

from hmnist.patients import PATIENT_COLUMNS

MISFITS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    MsgspecError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""The errors that come of facts and parameters that nobody has saved together."""

Side = Annotated[int, Meta(ge=1, le=2048)]
Count = Annotated[int, Meta(ge=1, le=2**26)]


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What ``model.json`` says of every model, beside what a kind of model adds."""

    classes: Annotated[tuple[int | str, ...], Meta(min_length=1, max_length=1000)]
    image_shape: tuple[Side, Side, Side] | None
    pixels: Count
    patients: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.image_shape is not None and math.prod(self.image_shape) != self.pixels:
            raise ValueError(f"its images of {self.image_shape} have {self.pixels} pixels")
        if list(self.classes) != sorted(set(self.classes)):  # of one type, or it is a TypeError
            raise ValueError("its classes are not ascending")
        if self.patients not in {(), PATIENT_COLUMNS}:
            raise ValueError("its columns of patient data are not those of this version")
