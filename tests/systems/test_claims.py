import inspect

from hmnist.cli.audit import audit as command
from hmnist.models.registry import MODELS
from hmnist.splits.protocols import PROTOCOLS
from hmnist.systems.claims import AUDITED, CLAIMS, CUT
from hmnist.systems.systems import SYSTEMS


def test_every_protocol_has_a_claim_and_a_model() -> None:
    assert set(CLAIMS) == set(PROTOCOLS)
    for claim in CLAIMS.values():
        assert MODELS[claim.model].published
        assert claim.published or claim.note


def test_claims_are_accuracies_as_they_were_published() -> None:
    published = {name: claim.published for name, claim in CLAIMS.items() if claim.published}
    assert published == {
        "lenet": ".7445",
        "small-cnn": ".7520",
        "pixel-mlp": ".7057",
        "vgg16": ".7229",
        "inception-resnet": ".89",
    }
    assert CLAIMS["small-cnn"].accuracy == 0.752
    assert CLAIMS["skin-pamper"].accuracy is None


def test_the_command_audits_what_is_audited_by_default() -> None:
    assert set(AUDITED) <= set(CLAIMS)
    assert inspect.signature(command).parameters["systems"].default == ",".join(AUDITED)


def test_cut_epochs_are_fewer_than_a_systems_own() -> None:
    assert set(CUT) <= set(AUDITED)
    assert all(1 <= epochs < SYSTEMS[name].epochs for name, epochs in CUT.items())
