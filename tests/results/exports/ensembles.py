"""Manifests of ensembles, made of those of other runs."""

from dataclasses import replace

from hmnist.runs.manifest import Manifest, Member


def as_ensemble(manifest: Manifest, members: tuple[Member, ...]) -> Manifest:
    """Return a manifest as if its run were an ensemble of these members."""
    recipe = replace(manifest.recipe, model="ensemble", parameters={"members": ("a", "b")})
    return replace(manifest, model="ensemble", parameters={}, recipe=recipe, members=members)
