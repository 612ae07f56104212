"""What tests of studies need that train nothing."""

import pytest


@pytest.fixture
def without_shards(monkeypatch):
    """What shards and networks would say is left out."""
    nothing = "ecg_keras.study.gathering.rank_upstreams", lambda *args, **settings: ((), ())
    monkeypatch.setattr(*nothing)
    monkeypatch.setattr("ecg_keras.study.gathering.find_skew", lambda *args: ({}, ()))
