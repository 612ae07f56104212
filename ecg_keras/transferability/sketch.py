"""Wide embeddings in fewer columns, with nearly the same distances."""

from __future__ import annotations

import numpy as np
from scipy import sparse

# wider embeddings are sketched: a recurrent network's flattened time steps have 100,000 columns
WIDEST = 2048


def sketch_matrix(size: int, seed: int = 0) -> sparse.csr_matrix:
    """A random matrix that takes embeddings of ``size`` columns to `WIDEST`: a count sketch."""
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), size)
    places = rng.integers(WIDEST, size=size)
    return sparse.csr_matrix((signs, (np.arange(size), places)), shape=(size, WIDEST))
