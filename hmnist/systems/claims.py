"""`CLAIMS`: what is claimed of the published systems, and which of them are audited."""

from dataclasses import dataclass

from hmnist.splits.protocols import OVERSAMPLE_FIRST

__all__ = ["AUDITED", "CLAIMS", "CUT", "Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is claimed of a system.

    Attributes
    ----------
    system : str
        The name of its protocol.
    model : str
        The model that is trained.
    published : str
        The published test accuracy, with the digits it was published with; empty where there is
        none.
    note : str
        What was published instead, or besides.
    """

    system: str
    model: str
    published: str
    note: str = ""

    @property
    def accuracy(self) -> float | None:
        """The published test accuracy as a number; None where there is none."""
        return float(self.published) if self.published else None


CUT = {"deep-cnn": 3, "deep-cnn-bn": 3}
"""The epochs of standard effort, so that the default audit ends within an hour on two cores."""

_CURVES = "confusion matrix and curves only"

_CLAIMS = (
    Claim("lenet", "lenet", ".7445"),
    Claim("small-cnn", "small-cnn", ".7520"),
    Claim("pixel-mlp", "pixel-mlp", ".7057"),
    Claim("skin-pamper", "skin-pamper", "", "curves only"),
    Claim("deep-cnn", "deep-cnn", "", _CURVES),
    Claim("deep-cnn-bn", "deep-cnn-bn", "", "a higher validation accuracy than deep-cnn"),
    Claim("vgg16", "vgg16", ".7229"),
    Claim("mobilenet", "mobilenet", "", "announced only"),
    Claim("inception-resnet", "inception-resnet", ".89", "macro F1 .64 besides"),
    Claim(OVERSAMPLE_FIRST, "lenet", "", "no publication's, here with lenet"),
)

CLAIMS: dict[str, Claim] = {claim.system: claim for claim in _CLAIMS}

AUDITED = ("lenet", "small-cnn", "pixel-mlp", "skin-pamper", "deep-cnn", "deep-cnn-bn")
"""What is audited if nobody says otherwise: all that two cores can train."""
