"""A server under load on this machine, killed in the middle: is any answer wrong?

    python tools/serve_load.py runs/quickstart/saved_model --clients 8 --requests 60

Starts `ecg-keras serve` as a process of its own. One client asks alone first, by REST and by gRPC:
its seconds are the measure. Then many clients ask at once, REST and gRPC mixed, 1 to 4 simulated
ECGs each; every tenth request is a bad one (NaN in gRPC, an ECG too short, text that is no JSON),
which must be refused. In the middle the server is killed (SIGKILL) and started again on the same
ports; clients ask again until they get an answer. Each answer is compared with that of the
SavedModel in this process. Exit code 1 where an answer was wrong or a bad request was answered.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import requests
import tensorflow as tf
from markdown_tables import print_table
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from ecg_keras.export import Card, find_saved_model, read_card
from ecg_keras.signals import LEADS
from ecg_keras.simulate import record_ecg

LIMIT = 1e-5
BAD_EVERY = 10
# attempts, a fifth of a second apart, before a client gives up
ATTEMPTS = 1500
PROGRAM = "from ecg_keras.cli import main; main()"
Found = np.ndarray | str | None
AWAY = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)


class Server:
    """A process that serves a SavedModel on two fixed ports."""

    def __init__(self, folder: Path) -> None:
        self.ports = [_free_port(), _free_port()]
        rest, rpc = map(str, self.ports)
        words = ["serve", str(folder), "--port", rest, "--grpc-port", rpc]
        self.command = [sys.executable, "-W", "ignore", "-c", PROGRAM, *words]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        url = f"http://127.0.0.1:{self.ports[0]}/healthz"
        for _ in range(2400):
            try:
                requests.get(url, timeout=5)
                return
            except requests.RequestException:
                time.sleep(0.1)
        self.kill()
        sys.exit("the server did not start")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Client:
    """One that asks by REST or gRPC, and notes what it gets."""

    def __init__(self, server: Server, card: Card, by_grpc: bool) -> None:
        self.url = f"http://127.0.0.1:{server.ports[0]}/v1/models/ecg:predict"
        self.address = f"127.0.0.1:{server.ports[1]}"
        self.card, self.by_grpc = card, by_grpc
        self.counts: Counter[str] = Counter()
        self.seconds: list[float] = []
        self.session = requests.Session()

    def ask(self, signal: np.ndarray) -> Found:
        """Probabilities; why a request was refused; or `None` where nobody is there."""
        return self._ask_grpc(signal) if self.by_grpc else self._ask_rest(signal)

    def _ask_rest(self, signal: np.ndarray, body: str | None = None) -> Found:
        text = body or json.dumps({"inputs": {self.card.input: signal.tolist()}})
        try:
            answer = self.session.post(self.url, data=text, timeout=60)
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):
            return None
        if answer.status_code in (429, 503):
            return None
        if answer.status_code != 200:
            return answer.json()["error"]
        return np.array(answer.json()["outputs"])

    def _ask_grpc(self, signal: np.ndarray) -> Found:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "ecg"
        request.inputs[self.card.input].CopyFrom(tf.make_tensor_proto(signal, tf.float32))
        try:
            with grpc.insecure_channel(self.address) as channel:
                stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
                answer = stub.Predict(request, timeout=60)
        except grpc.RpcError as error:
            return None if error.code() in AWAY else error.details()
        return tf.make_ndarray(answer.outputs[self.card.output])

    def ask_bad(self, signal: np.ndarray) -> None:
        """Asks about what has no right answer; until somebody refuses it."""
        wrong = signal.copy()
        wrong[-1, 5, 0] = np.nan
        kinds = [lambda: self.ask(signal[:, :-1]), lambda: self._ask_rest(signal, body="{")]
        if self.by_grpc:
            kinds = [lambda: self.ask(wrong), lambda: self.ask(signal[:, :-1])]
        for ask in kinds:
            found, _ = self.until_answered(ask)
            self.counts["refused" if isinstance(found, str) else "BAD ONE ANSWERED"] += 1

    def ask_good(self, signal: np.ndarray, expected: np.ndarray) -> None:
        found, seconds = self.until_answered(lambda: self.ask(signal))
        if isinstance(found, str):
            self.counts["GOOD ONE REFUSED"] += 1
        elif found.shape != expected.shape or not np.abs(found - expected).max() <= LIMIT:
            self.counts["WRONG"] += 1
        else:
            self.counts["right"] += 1
            self.seconds.append(seconds)

    def until_answered(self, ask: Callable[[], Found]) -> tuple[Found, float]:
        """What is found, and the seconds of the attempt that found it."""
        for _ in range(ATTEMPTS):
            start = time.perf_counter()
            if (found := ask()) is not None:
                return found, time.perf_counter() - start
            self.counts["away"] += 1
            time.sleep(0.2)
        raise SystemExit("the server did not come back")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("saved_model", type=Path)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--requests", type=int, default=60, help="of each client")
    options = parser.parse_args()
    folder = find_saved_model(options.saved_model)
    if folder is None:
        parser.error(f"{options.saved_model}: no SavedModel")
    card = read_card(folder)
    signals = make_signals(card, 64)
    loaded = tf.saved_model.load(str(folder))
    answers = loaded.signatures["serving_default"](**{card.input: tf.constant(signals)})
    expected = answers[card.output].numpy()

    server = Server(folder)
    try:
        failed = measure(server, card, signals, expected, options)
    finally:
        server.kill()
    sys.exit(1 if failed else 0)


def measure(
    server: Server,
    card: Card,
    signals: np.ndarray,
    expected: np.ndarray,
    options: argparse.Namespace,
) -> bool:
    """Prints what one client and many get; whether anything was wrong."""
    alone = {}
    for name, by_grpc in (("REST", False), ("gRPC", True)):
        client = Client(server, card, by_grpc)
        work(client, signals, expected, 5, seed=0, bad=False)
        client.seconds.clear()
        work(client, signals, expected, options.requests, seed=1, bad=False)
        alone[name] = np.array(client.seconds)

    clients = [Client(server, card, number % 2 == 1) for number in range(options.clients)]
    total = options.clients * options.requests
    killed = threading.Event()

    def kill_in_the_middle() -> None:
        while sum(sum(one.counts.values()) for one in clients) < total / 2:
            time.sleep(0.02)
        server.kill()
        killed.set()
        server.start()

    start = time.perf_counter()
    killer = threading.Thread(target=kill_in_the_middle, daemon=True)
    killer.start()
    with ThreadPoolExecutor(options.clients) as pool:
        for _ in pool.map(
            lambda number: work(
                clients[number], signals, expected, options.requests, seed=10 + number, bad=True
            ),
            range(options.clients),
        ):
            pass
    seconds = time.perf_counter() - start
    killer.join()
    code = server.end()

    counts = sum((one.counts for one in clients), Counter())
    print(f"{options.clients} clients, {options.requests} requests each, one kill: {seconds:.0f} s")
    print(", ".join(f"{name} {count}" for name, count in sorted(counts.items())))
    print(f"killed in the middle: {killed.is_set()}; exit code after SIGTERM: {code}")
    rows = []
    for name, by_grpc in (("REST", False), ("gRPC", True)):
        found = np.concatenate([one.seconds for one in clients if one.by_grpc == by_grpc])
        ratios = np.quantile(found, [0.5, 0.99]) / np.median(alone[name])
        rows.append([name, *(f"{ratio:.1f}" for ratio in ratios), "1"])
    print()
    print_table(("", "p50", "p99", "p50 of one client alone"), rows)
    ratio = np.median(alone["gRPC"]) / np.median(alone["REST"])
    print(f"\nseconds of gRPC to those of REST, one client alone: {ratio:.2f}")
    wrong = [name for name in counts if name.isupper()]
    return bool(wrong or code)


def work(
    client: Client,
    signals: np.ndarray,
    expected: np.ndarray,
    count: int,
    *,
    seed: int,
    bad: bool,
) -> None:
    random = np.random.default_rng(seed)
    for number in range(count):
        rows = random.choice(len(signals), random.integers(1, 5), replace=False)
        if bad and number % BAD_EVERY == BAD_EVERY - 1:
            client.ask_bad(signals[rows])
        else:
            client.ask_good(signals[rows], expected[rows])


def make_signals(card: Card, count: int) -> np.ndarray:
    """Simulated ECGs, each another patient's, cut to the network's input."""
    found = []
    for number in range(count):
        ecg = record_ecg("lakeside", number)
        step = max(1, round(500 / card.sampling_rate))
        columns = [LEADS.index(lead) for lead in card.leads]
        values = ecg.values[::step, columns]
        found.append(np.resize(values, (card.num_samples, len(columns))))
    return np.stack(found).astype(np.float32)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
