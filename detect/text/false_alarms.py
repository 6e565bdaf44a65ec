"""How often the detector accuses people, by source: far more texts than the other tables take."""

from collections.abc import Mapping, Sequence

from unmask.datasets.loaders_text import thin_texts
from unmask.datasets.manifest import Split
from unmask.datasets.text_samples import TextSample
from unmask.detect.results import share, table
from unmask.detect.text.detector import TextDetector
from unmask.detect.text.documents import documents
from unmask.detect.text.evaluate import called, rate
from unmask.detect.text.features import NGRAM, SMOLLM
from unmask.detect.text.score_cache import ScoreCache
from unmask.detect.text.train import Scored, caches_of, measured

PEOPLE = 400  # texts of each source: 200 documents of 300 words
LENGTHS = (150, 300)  # words
TITLES = {
    "data": "State of the Union (1790-2021)",
    "xsum": "news (BBC, XSum)",
    "bbc-2004": "news (BBC 2004-05)",
    "squad": "encyclopaedia (SQuAD)",
    "writing": "stories (WritingPrompts)",
    "captions": "captions (COCO, joined)",
    "mail": "e-mail (SpamAssassin's ham, 2002)",
    "obama": "Obama's speeches (2004-2012)",
    "moby-dick": "Moby-Dick (Melville 1851)",
}
HEAD = (
    "source",
    *(f"{mode}, {n} words" for mode in ("with SmolLM2", "without") for n in LENGTHS),
)


def people(samples: Sequence[TextSample]) -> list[TextSample]:
    """Test texts by people, thinned."""
    kept = [s for s in samples if s.split is Split.TEST and not s.machine]
    return thin_texts(kept, PEOPLE, PEOPLE)


def by_source(
    samples: Sequence[TextSample], caches: Mapping[str, ScoreCache], detector: TextDetector
) -> dict[str, dict[tuple[str, int], tuple[int, int]]]:
    """Of each source: (accused, texts) by (mode, words)."""
    found: dict[str, dict[tuple[str, int], tuple[int, int]]] = {}
    for mode in (SMOLLM, NGRAM):
        known = caches_of(mode, caches)
        for words in LENGTHS:
            groups: dict[str, list[Scored]] = {}
            for one in measured(documents(samples, words), known, detector.characters):
                groups.setdefault(one.document.domain, []).append(one)
            for domain, group in groups.items():
                count = called(detector, mode, group, words)
                found.setdefault(domain, {})[mode, words] = count, len(group)
    return found


def page(found: Mapping[str, Mapping[tuple[str, int], tuple[int, int]]]) -> list[str]:
    """The table, with exact binomial intervals."""
    rows = []
    for domain in sorted(found, key=lambda d: TITLES.get(d, d)):
        cells = [found[domain].get((m, n), (0, 0)) for m in (SMOLLM, NGRAM) for n in LENGTHS]
        rows.append([TITLES.get(domain, domain), *(share_of(*cell) for cell in cells)])
    head = "## False alarms by source of people's texts, at the shipped thresholds"
    return [head, "", *table(list(HEAD), rows)]


def share_of(count: int, of: int) -> str:
    """`1 of 24 [0.1%, 21.1%]`."""
    if not of:
        return "-"
    found = rate(count, of)
    return f"{count} of {of} [{share(found.low)}, {share(found.high)}]"
