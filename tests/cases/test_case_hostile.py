"""Recipes that ask for more than they are: refused in one line, at once, in little memory."""

import time
import tracemalloc

import pytest

from ecg_keras.config import load_recipe, load_study
from ecg_keras.errors import ConfigError

RIGHT = {
    "bigint.yaml": ":3: a whole number has at most 20 digits. Received: 9999",
    "bomb.yaml": ":4: more than 5000 keys and values, with aliases written out.",
    "deep3.yaml": ":1: nested more than 50 deep.",
}


@pytest.mark.parametrize("load", [load_recipe, load_study])
@pytest.mark.parametrize("name", RIGHT)
def test_a_hostile_recipe_is_refused_in_one_line(case, name, load):
    path = case("27-hostile") / name
    tracemalloc.start()
    begun = time.process_time()
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert time.process_time() - begun < 1
    assert tracemalloc.get_traced_memory()[1] < 10e6
    tracemalloc.stop()
    assert str(caught.value).startswith(f"{path}{RIGHT[name]}")
    assert len(str(caught.value).splitlines()) == 1
