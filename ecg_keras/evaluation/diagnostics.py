"""`diagnose`: what speaks against taking a difference for one of two ways of training.

Each finding is one sentence that says what to do. docs/diagnostics.md has the formulas, where the
limits come from, and what is missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from ecg_keras.evaluation.comparison import Comparison
from ecg_keras.evaluation.estimates import Estimate, with_interval
from ecg_keras.evaluation.intervals import LEAST_PATIENTS
from ecg_keras.evaluation.run_facts import (
    Fit,
    RunFacts,
    mean_budget,
    read_facts,
    warn_of_budgets,
)

# a training loss that ends higher by this share of the labels' entropy was not at its end
GAP = 0.15
# of the labels, a larger share with too few validation patients makes a choice one of chance
SCARCE_SHARE = 0.1


@dataclass(frozen=True)
class Pair:
    """A run of each of two ways of training, with everything else equal.

    Attributes:
        facts: of both runs.
        scores: of both, higher is better.
    """

    facts: tuple[RunFacts, RunFacts]
    scores: tuple[float, float]

    @property
    def gap(self) -> float | None:
        """How much higher the first one's training loss ended; see `loss_gap`."""
        return loss_gap(self.facts[0].fit, self.facts[1].fit)

    @property
    def is_unfinished(self) -> bool:
        """Whether the first had not finished learning: it fitted less, and scored lower."""
        gap = self.gap
        return gap is not None and gap > GAP and self.scores[0] < self.scores[1]

    def swapped(self) -> Pair:
        """The second run before the first."""
        return Pair(self.facts[::-1], self.scores[::-1])


def loss_gap(first: Fit | None, second: Fit | None) -> float | None:
    """How much higher the first run's training loss ended, in entropies of the labels."""
    if first is None or second is None or first.alike != second.alike:
        return None
    gap = (first.loss - second.loss) / first.entropy
    behind = first if gap > 0 else second
    return None if behind.probe and gap else gap


def diagnose(names: tuple[str, str], pairs: Sequence[Pair]) -> tuple[str, ...]:
    """A sentence for each thing that speaks against the difference of two ways of training.

    What is said of the runs holds for at least half of those of which it is known; that they differ
    in a rule of training is said of any.

    Args:
        names: what to call the two.
        pairs: runs of both, such as those of each seed and fold.

    Example:
        >>> facts = (RunFacts(Fit(0.5, 0.6, "mark", False)), RunFacts(Fit(0.2, 0.6, "mark", False)))
        >>> (said,) = diagnose(("finetune", "scratch"), [Pair(facts, (0.62, 0.9))])
        >>> said.partition(":")[0]
        'finetune had not finished learning'
    """
    found = (
        _unfinished(names, pairs),
        _unfinished((names[1], names[0]), [pair.swapped() for pair in pairs]),
        *(_at_edge(name, [pair.facts[n] for pair in pairs]) for n, name in enumerate(names)),
        _scarce([one for pair in pairs for one in pair.facts]),
        _of_two_rules([one for pair in pairs for one in pair.facts]),
    )
    return tuple(sentence for sentence in found if sentence)


def diagnose_ways(names: tuple[str, str], pairs: Sequence[Pair]) -> tuple[str, ...]:
    """What `diagnose` finds, after unequal budgets, those of each way the mean of its runs.

    Args:
        names, pairs: as of `diagnose`.

    Example:
        >>> from ecg_keras.evaluation import Budget
        >>> one, other = (RunFacts(budget=Budget(n, 2 * n, 50)) for n in (80, 40))
        >>> (said,) = diagnose_ways(("finetune", "scratch"), [Pair((one, other), (0.62, 0.9))])
        >>> said.partition(": ")[0]
        'Unequal budgets (epochs 80 against 40, steps 160 against 80)'
    """
    first, second = (mean_budget([pair.facts[n].budget for pair in pairs]) for n in (0, 1))
    found = diagnose(names, pairs)
    if first is None or second is None:
        return found
    unequal = warn_of_budgets(names, (first, second))
    return (unequal, *found) if unequal else found


def diagnose_run(folder: str | Path) -> tuple[str, ...]:
    """A sentence for each thing that speaks against how one run was chosen.

    Args:
        folder: of the finished run.

    Raises:
        DataError: status.json or dataset.json is damaged.

    Example:
        >>> diagnose_run("runs/ptbxl_scratch")  # doctest: +SKIP
        ()
    """
    facts = [read_facts(folder)]
    found = (_at_edge(Path(folder).name, facts), _scarce(facts))
    return tuple(sentence for sentence in found if sentence)


def diagnose_comparison(comparison: Comparison, first: Path, second: Path) -> Comparison:
    """The comparison of two runs with what speaks against it.

    Args:
        comparison: of their predictions.
        first, second: folders of the runs.

    Raises:
        DataError: status.json or dataset.json of one is damaged.
    """
    deciding = comparison.summary[comparison.metric]
    facts = read_facts(first), read_facts(second)
    pair = Pair(facts, (deciding.a, deciding.b))
    return replace(
        comparison,
        diagnostics=diagnose(comparison.names, [pair]),
        has_ridge_head=any(one.is_ridge_head for one in facts),
    )


def upstream_is_no_better(gain: Estimate, upstream: str, downstream: str) -> str | None:
    """A sentence where an upstream's frozen network is not shown to be better than a random one.

    Args:
        gain: score of a ridge head on the upstream's embedding, less that of the same head on the
            embedding of a network with random weights, on the same test records.
        upstream, downstream: their names.

    Example:
        >>> upstream_is_no_better(Estimate(0.09, 0.04, 0.15), "ptbxl", "ludb") is None
        True
        >>> upstream_is_no_better(Estimate(0.01, -0.02, 0.04), "ptbxl", "ludb").partition(":")[0]
        'ptbxl is not shown to be better than a random network on ludb'
    """
    if not gain.has_interval or gain.low > 0:
        return None
    return (
        f"{upstream} is not shown to be better than a random network on {downstream}: a ridge head "
        f"on its frozen weights gains {with_interval(gain, '+')} over one on random weights; take "
        "another upstream, or longer pre-training."
    )


def _unfinished(names: tuple[str, str], pairs: Sequence[Pair]) -> str | None:
    """That the first way had not finished learning, if it had not."""
    gaps = [(pair.gap, pair.is_unfinished) for pair in pairs if pair.gap is not None]
    fired = [gap for gap, is_unfinished in gaps if is_unfinished]
    if not fired or 2 * len(fired) < len(gaps):
        return None
    return (
        f"{names[0]} had not finished learning{_share(len(fired), len(gaps))}: its training loss "
        f"ended {fmean(fired):.2f} of the labels' entropy above that of {names[1]}, and it scored "
        "lower; try other learning rates or more epochs, or tune both."
    )


def _at_edge(name: str, runs: Sequence[RunFacts]) -> str | None:
    """That the rates which were tried end where the best one may not, if they do."""
    for end, way in (("lowest", "lower"), ("highest", "higher")):
        number = sum(one.edge == end for one in runs)
        if number and 2 * number >= len(runs):
            return (
                f"The learning rate that was chosen for {name} is the {end} of all that were "
                f"tried{_share(number, len(runs))}, so a better one may be beyond; add {way} ones "
                "to the candidates (tune)."
            )
    return None


def _scarce(runs: Sequence[RunFacts]) -> str | None:
    """That runs were chosen by too few patients, if they were."""
    known = [one.scarce for one in runs if one.scarce is not None]
    few = [scarce for scarce in known if scarce[0] > SCARCE_SHARE * scarce[1]]
    if not few or 2 * len(few) < len(known):
        return None
    labels, total = max(few)
    return (
        f"The validation split is small for a choice{_share(len(few), len(known))}: fewer than "
        f"{LEAST_PATIENTS} of its patients have, or lack, {labels} of {total} labels, so chance "
        "had a large part in it; enlarge data.split.valid, or choose less by it "
        "(training.select: last, fewer candidates)."
    )


def _of_two_rules(runs: Sequence[RunFacts]) -> str | None:
    """That runs of an earlier version are beside others whose weights shrink otherwise."""
    known = [one.decays_by_stage for one in runs if one.decays_by_stage is not None]
    if all(known) or not any(known):
        return None
    return (
        f"Two rules of weight decay are compared{_share(known.count(False), len(known))}: an "
        "earlier version trained these, and let all stages shrink alike whatever their "
        "stage_decay; remove their folders to train them again by the rule of the others."
    )


def _share(some: int, number: int) -> str:
    """In how many of the runs, where there are several."""
    return f" in {some} of {number} runs" if number > 1 else ""
