"""What the detector is compared with, on the same split: each trained on the same documents."""

from collections.abc import Callable, Mapping, Sequence

from unmask.detect.text.documents import Document
from unmask.detect.text.features import SMOLLM
from unmask.detect.text.fusion import fit_fusion
from unmask.detect.text.train import Scored, balanced

Scorer = Callable[[Scored], float]
_GLTR = ("gltr_10", "gltr_100", "gltr_1000")
OURS, PLAIN = "unmask with SmolLM2", "unmask without"


def tfidf(train: Sequence[Document]) -> Scorer:
    """TF-IDF of words and pairs of words, logistic regression: scikit-learn as it comes."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2),
        LogisticRegression(max_iter=2000, class_weight="balanced"),
    )
    model.fit([one.text for one in train], [one.machine for one in train])
    return lambda one: float(model.decision_function([one.document.text])[0])


def gltr(train: Sequence[Scored]) -> Scorer:
    """GLTR's shares of ranks under SmolLM2, logistic regression (Gehrmann et al. 2019)."""
    model = fit_fusion(
        [_shares(one) for one in train],
        [one.document.machine for one in train],
        balanced([one.document for one in train]),
        strength=1.0,
    )
    return lambda one: model.score(_shares(one))


def _shares(one: Scored) -> dict[str, float]:
    return {name: one.features[f"{SMOLLM}.{name}"] for name in _GLTR}


def alone(name: str, sign: float) -> Scorer:
    """A single statistic; `sign` turns it so that more is a machine."""
    return lambda one: sign * one.features[name]


def untrained() -> Mapping[str, Scorer]:
    """The peers that nothing was fitted for."""
    return {
        "perplexity (SmolLM2)": alone(f"{SMOLLM}.surprisal", -1),
        "log-rank (SmolLM2)": alone(f"{SMOLLM}.log_rank", -1),
        "LRR (SmolLM2)": alone(f"{SMOLLM}.lrr", 1),
        "Fast-DetectGPT (SmolLM2)": alone(f"{SMOLLM}.curvature", 1),
        "perplexity (n-gram)": alone("ngram.surprisal", -1),
    }
