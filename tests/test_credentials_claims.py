"""What a signed history says, and how far it is believed."""

from typing import Any

import pytest
from signed import AI, CAPTURE, actions

from unmask.forensics.manifests import Standing, read_store
from unmask.forensics.origins import conclude
from unmask.forensics.source_types import Says, says_of
from unmask.forensics.trust import TrustList


def test_capture_told_by_a_broken_parent_is_not_believed() -> None:
    store = history(parent_failures=["assertion.dataHash.mismatch"])
    told = conclude("child", read_store(store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.BROKEN)
    sound_store = history(parent_failures=["signingCredential.untrusted"])
    told = conclude("child", read_store(sound_store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.SIGNED)


def history(parent_failures: list[str], relationship: str = "parentOf") -> dict[str, Any]:
    """A store as the library hands it out: a child that opened a captured parent and cropped it."""
    created = {"action": "c2pa.created", "digitalSourceType": CAPTURE}
    steps = [{"action": "c2pa.opened"}, {"action": "c2pa.cropped"}]
    failure = [{"code": code, "explanation": ""} for code in parent_failures]
    ingredient = {
        "title": "p.jpg",
        "relationship": relationship,
        "active_manifest": "parent",
        "validation_results": {"activeManifest": {"failure": failure}},
    }
    return {
        "active_manifest": "child",
        "manifests": {
            "child": {"assertions": [actions(steps)], "ingredients": [ingredient]},
            "parent": {"assertions": [actions([created])]},
        },
    }


def test_a_history_is_believed_no_more_than_its_weakest_signer() -> None:
    def vouched(label: str) -> dict[str, str]:
        return {
            "code": "signingCredential.trusted",
            "url": f"self#jumbf=/c2pa/{label}/c2pa.signature",
            "explanation": "found in [official] trust anchors",
        }

    store = history(["signingCredential.untrusted"])  # by the lists of who took it in
    delta: dict[str, Any] = {"success": [vouched("parent")]}
    store["validation_results"] = {"ingredientDeltas": [{"validationDeltas": delta}]}
    manifests = read_store(store)
    assert manifests["parent"].trust is TrustList.OFFICIAL
    assert manifests["child"].ingredients[0].failures == ()
    # A capture that a camera maker signed, taken in by nobody knows whom.
    assert conclude("child", manifests).standing is Standing.SIGNED
    store["validation_results"]["activeManifest"] = {"success": [vouched("child")]}
    told = conclude("child", read_store(store))
    assert (told.says, told.standing) == (Says.CAPTURED, Standing.TRUSTED)
    mismatch = {"code": "assertion.hashedURI.mismatch", "url": "self#jumbf=c2pa.assertions/x"}
    store["validation_results"]["activeManifest"]["failure"] = [mismatch]
    assert read_store(store)["child"].standing is Standing.BROKEN
    assert conclude("child", read_store(store)).standing is Standing.BROKEN


def test_an_ingredient_made_by_ai_makes_the_whole_partly_ai() -> None:
    store = history([], relationship="componentOf")
    assert conclude("child", read_store(store)).says is Says.COMPOSITE
    made = [{"action": "c2pa.created", "digitalSourceType": AI}]
    store["manifests"]["parent"]["assertions"] = [actions(made)]
    assert conclude("child", read_store(store)).says is Says.AI_EDITED
    store["manifests"]["child"]["ingredients"][0]["relationship"] = "inputTo"
    assert conclude("child", read_store(store)).says is Says.UNKNOWN


def test_a_history_that_bites_its_tail_ends() -> None:
    store = history([])
    store["manifests"]["parent"] = store["manifests"]["child"]
    assert conclude("child", read_store(store)).says is Says.UNKNOWN
    hostile: dict[str, Any] = {
        "active_manifest": "a",
        "manifests": {"a": [], "b": {"assertions": 1}},
    }
    assert set(read_store(hostile)) == {"a", "b"}


@pytest.mark.parametrize(
    ("source_type", "says"),
    [
        (AI, Says.AI_MADE),
        ("trainedAlgorithmicMedia", Says.AI_MADE),
        ("https://cv.iptc.org/newscodes/digitalsourcetype/computationalCapture/", Says.CAPTURED),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", Says.AI_MADE),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/screenCapture", Says.COMPOSITE),
        ("http://c2pa.org/digitalsourcetype/empty", Says.UNKNOWN),
        ("", Says.UNKNOWN),
    ],
)
def test_source_types(source_type: str, says: Says) -> None:
    assert says_of(source_type) is says
