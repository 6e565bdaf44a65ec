"""From manifests to one statement of origin: every manifest and every ingredient walked."""

from collections.abc import Mapping
from dataclasses import dataclass

from unmask.forensics.manifests import Action, Ingredient, Manifest, Standing
from unmask.forensics.source_types import Says, says_of

# Steps that change no picture, or only its wrapping.
_NEUTRAL = frozenset(
    "c2pa." + step
    for step in (
        "created", "opened", "converted", "transcoded", "repackaged", "published",
        "edited.metadata", "metadata", "watermarked", "watermarked.bound",
        "watermarked.unbound", "resized.proportional",
    )
)  # fmt: skip
_ORIGINS = ("c2pa.created", "c2pa.opened")
_AI = (Says.AI_MADE, Says.AI_EDITED)
_MAX_DEPTH = 64


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What credentials say, and how much stands behind it: the weakest manifest on the way."""

    says: Says
    standing: Standing
    label: str  # the manifest that says so


def conclude(active: str, manifests: Mapping[str, Manifest]) -> Statement:
    """What the file is, by its active manifest and all that this was made from."""
    return _conclude(active, manifests, {}, 0)


def lineage(active: str, manifests: Mapping[str, Manifest]) -> list[Manifest]:
    """The active manifest, its parent, its parent's parent and so on."""
    chain: dict[str, Manifest] = {}
    label = active
    while label in manifests and label not in chain:
        chain[label] = manifests[label]
        parents = [i for i in chain[label].ingredients if i.relationship == "parentOf"]
        label = parents[0].manifest if parents else ""
    return list(chain.values())


def edits(active: str, manifests: Mapping[str, Manifest]) -> list[Action]:
    """The steps of the file and its parents that change the content, oldest first."""
    return [
        action
        for manifest in reversed(lineage(active, manifests))
        for action in manifest.actions
        if action.name.startswith("c2pa.") and action.name not in _NEUTRAL
    ]


def broken_ingredients(active: str, manifests: Mapping[str, Manifest]) -> list[Ingredient]:
    """Every ingredient, at any depth, of which a check failed that is not about trust alone."""
    found: list[Ingredient] = []
    waiting, seen = [active], {active}
    while waiting:
        manifest = manifests.get(waiting.pop())
        for ingredient in manifest.ingredients if manifest else ():
            if ingredient.broken:
                found.append(ingredient)
            if ingredient.manifest and ingredient.manifest not in seen:
                seen.add(ingredient.manifest)
                waiting.append(ingredient.manifest)
    return found


def _conclude(
    label: str, manifests: Mapping[str, Manifest], known: dict[str, Statement], depth: int
) -> Statement:
    if label in known:
        return known[label]
    manifest = manifests.get(label)
    # Also what a manifest hears that is, by mistake or malice, among its own ingredients.
    known[label] = Statement(says=Says.UNKNOWN, standing=Standing.BROKEN, label=label)
    if manifest is None or depth > _MAX_DEPTH:
        return known[label]
    parents, components = (
        [
            _through(ingredient, manifest, manifests, known, depth)
            for ingredient in manifest.ingredients
            if ingredient.relationship == relationship
        ]
        for relationship in ("parentOf", "componentOf")
    )
    known[label] = _judge(manifest, parents, components)
    return known[label]


def _through(
    ingredient: Ingredient,
    manifest: Manifest,
    manifests: Mapping[str, Manifest],
    known: dict[str, Statement],
    depth: int,
) -> Statement:
    """What an ingredient says, believed no more than the manifest that took it in."""
    if ingredient.manifest not in manifests:
        return Statement(says=Says.UNKNOWN, standing=manifest.standing, label=manifest.label)
    told = _conclude(ingredient.manifest, manifests, known, depth + 1)
    standing = min(told.standing, manifest.standing)
    if ingredient.broken:
        standing = Standing.BROKEN
    return Statement(says=told.says, standing=standing, label=told.label)


def _judge(manifest: Manifest, parents: list[Statement], components: list[Statement]) -> Statement:
    own = _own(manifest)
    base = own if own.says is not Says.UNKNOWN or not parents else parents[0]
    if base.says in _AI:
        return base
    if any(a.says in _AI for a in manifest.actions if a.name not in _ORIGINS):
        return Statement(says=Says.AI_EDITED, standing=manifest.standing, label=manifest.label)
    made = [c for c in components if c.says in _AI]
    if made:
        best = max(made, key=lambda c: c.standing)
        return Statement(says=Says.AI_EDITED, standing=best.standing, label=best.label)
    if components and base.says in (Says.CAPTURED, Says.UNKNOWN):
        return Statement(says=Says.COMPOSITE, standing=manifest.standing, label=manifest.label)
    return base


def _own(manifest: Manifest) -> Statement:
    """What the manifest itself says of where its content began."""
    told = [a.says for a in manifest.actions if a.name in _ORIGINS]
    told += [says_of(s) for s in manifest.source_types]
    says = next((s for s in told if s is not Says.UNKNOWN), Says.UNKNOWN)
    return Statement(says=says, standing=manifest.standing, label=manifest.label)
