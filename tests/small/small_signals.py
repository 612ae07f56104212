"""The ECGs of the small databases: simple beats, exact to the integer."""

import numpy as np

RATE = 500


def microvolts(seed, samples, rate=RATE):
    """Twelve leads that obey Einthoven's and Goldberger's identities to the integer."""
    random = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    beats = 300 * np.sin(2 * np.pi * 1.2 * time)[:, None] ** 15
    sizes = random.uniform(0.3, 1.5, size=8)
    # a limb lead that is all but cancelled would be taken for a dead one
    while min(abs(np.array([[-1, 1], [1, -0.5], [-0.5, 1]]) @ sizes[:2])) < 0.02:
        sizes = random.uniform(0.3, 1.5, size=8)
    one, two, *chest = (2 * np.round(beats * sizes)).T
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    return np.stack([*limb, *chest], axis=1).astype("<i2")
