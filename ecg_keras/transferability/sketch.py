"""Wide embeddings in fewer columns, with nearly the same distances."""

from __future__ import annotations

import numpy as np
from scipy import sparse

# wider embeddings are sketched: a recurrent network's flattened time steps have 100,000 columns
WIDEST = 2048


def sketch_matrix(size: int, seed: int = 0) -> sparse.csr_matrix:
    """A random matrix that takes embeddings of ``size`` columns to `WIDEST`: a count sketch.

    Each column is added, with a random sign, to one random column of the result. Inner products
    are kept in the mean, with a variance of at most ``2 |x|^2 |y|^2 / 2048``: distances and angles
    err by about 3 %. It has one entry for each column, where a dense projection of 100,000 columns
    would take 0.8 GB. Embeddings have to be sketched by one matrix to be compared with each other.

    Args:
        size: columns of the embedding.
        seed: of the matrix.

    Returns:
        Sparse float32 ``(size, 2048)``.

    Source:
        Charikar, Chen & Farach-Colton, Finding frequent items in data streams (ICALP 2002);
        Weinberger et al., Feature hashing for large scale multitask learning (ICML 2009).

    Example:
        >>> matrix = sketch_matrix(100_000)
        >>> matrix.shape, matrix.nnz
        ((100000, 2048), 100000)
    """
    rng = np.random.default_rng(seed)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), size)
    places = rng.integers(WIDEST, size=size)
    return sparse.csr_matrix((signs, (np.arange(size), places)), shape=(size, WIDEST))
