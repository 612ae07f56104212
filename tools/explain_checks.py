"""Do attributions look where the cause is? Networks that learn a planted ST elevation.

Simulated ECGs of 4 s at 50 Hz, half of which get an ST elevation of 0.5 mV in V2 and V3, in the
beats of their first or second half. A network that knows the label has to look there. For each
backbone and method: the share of what speaks for the label that is in the planted place against the
place's size, with an interval over the ECGs of the test; how far the probability falls without the
tenth of time that says most, and without random time; and how like the map of a network with random
weights is to its own. Two networks take about two minutes on two idle cores.

    python tools/explain_checks.py [BACKBONE...] [--epochs 12] [--records 600] [--picture FILE.png]
"""

from __future__ import annotations

import argparse
import time

import keras
import numpy as np

from ecg_keras import models
from ecg_keras.attribution import METHODS, deletion, explain, likeness, randomised, share_inside
from ecg_keras.report import plot_ecg
from ecg_keras.signals import LEADS
from ecg_keras.simulate import record_ecg

RATE, SAMPLES = 50, 200
PLANTED = [LEADS.index(lead) for lead in ("V2", "V3")]
ELEVATION_MV = 0.5
STEPS = 16
RANDOMISED = 8  # ECGs that networks with random weights are asked about
# the leads of the picture, of which two have the cause
DRAWN = ("V1", "V2", "V3", "V4")


def plant(records, seed=0):
    """ECGs, whether something was planted in each, and where."""
    rng = np.random.default_rng(seed)
    signals, targets, places = [], [], []
    for index in range(records):
        # two parts of each recording, so that planting takes no longer than training
        ecg = record_ecg("lakeside", index // 2, seed=seed, noise=False)
        step = ecg.sampling_rate // RATE
        begin = index % 2 * SAMPLES
        values = ecg.values[begin * step : (begin + SAMPLES) * step]
        values = values.reshape(SAMPLES, step, 12).mean(axis=1)
        place = np.zeros((SAMPLES, 12), bool)
        half = rng.integers(2) * SAMPLES // 2
        for onset in ecg.beats.onset if rng.integers(2) else ():
            first, last = (round((onset + late) * RATE) - begin for late in (0.1, 0.26))
            if half <= first and last <= half + SAMPLES // 2:
                values[first:last, PLANTED] += (
                    ELEVATION_MV * np.hanning(last - first + 2)[1:-1, None]
                )
                place[first:last, PLANTED] = True
        signals.append(values)
        targets.append(place.any())
        places.append(place)
    return np.array(signals, np.float32), np.array(targets, np.float32), np.array(places)


def learn(backbone, signals, targets, epochs):
    """A network of the zoo that knows the planted label."""
    keras.utils.set_random_seed(0)
    network = models.find_backbone(backbone)(SAMPLES, 12, head="pooled", seed=0)
    mean, std = signals.mean((0, 1)), signals.std((0, 1))
    model = models.classifier(network, ["PLANTED"], scaling="standardise", mean=mean, std=std)
    model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    model.fit(signals, targets[:, None], epochs=epochs, batch_size=32, verbose=0)
    return model


def area(scores, truth):
    """The area under the ROC curve."""
    higher = scores[truth][:, None] - scores[~truth][None]
    return float((higher > 0).mean() + 0.5 * (higher == 0).mean())


def interval(values, rng):
    """The mean, and its 95 % interval by resampling ECGs."""
    values = values[np.isfinite(values)]
    draws = rng.choice(values, (2000, len(values))).mean(axis=1)
    return values.mean(), *np.quantile(draws, [0.025, 0.975])


def check(model, signals, places):
    """A row of numbers for each method."""
    rng = np.random.default_rng(0)
    for method, row in METHODS.items():
        found = explain(model, signals, label=0, method=method, steps=STEPS).values
        there = places if row.signed else places.any(axis=2)
        inside, chance = share_inside(found, there)
        fall, by_chance = deletion(model, signals, found, 0)
        few = signals[:RANDOMISED]
        like = [
            (
                stage,
                likeness(
                    found[:RANDOMISED],
                    explain(other, few, label=0, method=method, steps=STEPS).values,
                ),
            )
            for stage, other in randomised(model)
        ]
        yield (
            method,
            interval(inside, rng),
            chance.mean(),
            interval(fall - by_chance, rng),
            fall.mean(),
            like,
        )


def draw(path, model, signal, title):
    """What the network looks at, in the leads with the cause and those beside them."""
    found = explain(model, signal, label=0, steps=STEPS).smoothed(RATE)[0]
    columns = [LEADS.index(lead) for lead in DRAWN]
    figure = plot_ecg(
        signal[:, columns],
        sampling_rate=RATE,
        leads=DRAWN,
        title=title,
        colour=found[:, columns],
        colour_title="the planted label, by integrated gradients; shares of the largest value",
    )
    figure.savefig(path, dpi=140)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("backbones", nargs="*", default=["fcn_wang", "gru"])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--records", type=int, default=600)
    parser.add_argument("--shown", type=int, default=24, help="Test ECGs with the cause.")
    parser.add_argument("--picture", help="Draw a test ECG and what the first network looks at.")
    settings = parser.parse_args()
    signals, targets, places = plant(settings.records)
    train = 4 * settings.records // 5
    for number, backbone in enumerate(settings.backbones):
        begun = time.perf_counter()
        model = learn(backbone, signals[:train], targets[:train], settings.epochs)
        seconds = time.perf_counter() - begun
        scores = np.asarray(model.predict(signals[train:], verbose=0))[:, 0]
        truth = targets[train:] == 1
        shown = np.flatnonzero(truth)[: settings.shown] + train
        print(f"{backbone}: AUROC {area(scores, truth):.3f}, {seconds:.0f} s", flush=True)
        if settings.picture and number == 0:
            begins = places.any(axis=2).argmax(axis=1) / RATE
            last = max(shown, key=lambda one: begins[one])
            title = f"ST elevation planted in V2 and V3 from {begins[last]:.1f} s on; {backbone}"
            draw(settings.picture, model, signals[last], title)
        for method, inside, chance, fell, fall, like in check(model, signals[shown], places[shown]):
            words = ", ".join(f"{stage} {value:.2f}" for stage, value in like)
            print(
                f"  {method}: inside {inside[0]:.2f} ({inside[1]:.2f} to {inside[2]:.2f}), chance "
                f"{chance:.3f}; deletion {fall:.2f}, more than random time by {fell[0]:.2f} "
                f"({fell[1]:.2f} to {fell[2]:.2f}); likeness with random {words}",
                flush=True,
            )


if __name__ == "__main__":
    main()
