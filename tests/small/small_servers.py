"""Servers of Python functions, which may take their time."""

import socket
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import requests
import tensorflow as tf

from ecg_keras.serving import Limits
from ecg_keras.serving.desk import Desk
from ecg_keras.serving.served import ServedModel, ServedSignature, TensorForm
from ecg_keras.serving.server_life import answering


def make_signature(function, rows=True, shape=None) -> ServedSignature:
    """One that a Python function answers."""
    shape = shape or ((None, 1) if rows else (1,))
    forms = {name: {name: TensorForm(name, tf.float32, shape)} for name in ("x", "y")}

    def call(x):
        return {"y": tf.constant(function(x.numpy()))}

    return ServedSignature("serving_default", call, forms["x"], forms["y"])


class Gate:
    """A function whose calls wait until each is let through, and that says when one begins."""

    def __init__(self):
        self.calls = 0
        self._begun, self._through = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, x):
        self.calls += 1
        self._begun.release()
        self._through.acquire(timeout=60)
        return x

    def wait_for_a_call(self) -> None:
        assert self._begun.acquire(timeout=30)

    def let_through(self, calls: int = 1) -> None:
        self._through.release(calls)


@contextmanager
def slow_server(limits: Limits, seconds: float):
    """A server that takes its time."""

    def answer(x):
        time.sleep(seconds)
        return x

    with server_of(answer, limits) as running:
        yield running


@contextmanager
def gated_server(limits: Limits):
    """A server and the gate behind which it computes, which is open for all at the end."""
    gate = Gate()
    with server_of(gate, limits) as running:
        try:
            yield running, gate
        finally:
            gate.let_through(100)


@contextmanager
def server_of(answer, limits: Limits):
    """A server of a Python function."""
    signatures = {"serving_default": make_signature(answer)}
    served = ServedModel("slow", 1, Path(), signatures, {}, None, "0" * 64, None)
    listening = socket.create_server(("127.0.0.1", 0))
    with answering(Desk(served, limits), listening, "127.0.0.1", 0) as running:
        yield running


def wait_for(server, line: str, seconds: float = 30) -> None:
    """Until a server counts what is expected."""
    until = time.monotonic() + seconds
    while line not in (counted := requests.get(server.metrics, timeout=30).text):
        assert time.monotonic() < until, counted
        time.sleep(0.02)
