"""docs/deploy: files for tensorflow_model_server, against its flags and against the docs."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

DOCS = Path(__file__).resolve().parents[2] / "docs"
DEPLOY = DOCS / "deploy"
# of tensorflow_serving/model_servers/main.cc and tensorflow_serving/g3doc/serving_config.md
FLAGS = {
    "port", "grpc_socket_path", "rest_api_port", "rest_api_num_threads", "rest_api_timeout_in_ms",
    "enable_batching", "batching_parameters_file", "model_config_file", "model_name",
    "model_base_path", "file_system_poll_wait_seconds", "enable_model_warmup",
    "monitoring_config_file", "ssl_config_file", "max_num_load_retries", "grpc_max_threads",
}  # fmt: skip
BATCHING = {
    "max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads",
    "allowed_batch_sizes",
}  # fmt: skip


def load(name):
    return list(YAML(typ="safe").load_all((DEPLOY / name).read_text()))


@pytest.fixture(scope="module")
def service():
    (compose,) = load("compose.yaml")
    assert list(compose) == ["services"]
    return compose["services"]["ecg"]


@pytest.fixture(scope="module")
def cluster():
    found = {one["kind"]: one for one in load("kubernetes.yaml")}
    assert set(found) == {"ConfigMap", "Deployment", "Service"}
    assert {one["metadata"]["name"] for one in found.values()} == {"ecg-serving"}
    return found


@pytest.fixture(scope="module")
def container(cluster):
    (one,) = cluster["Deployment"]["spec"]["template"]["spec"]["containers"]
    return one


def test_every_flag_is_one_of_the_server_and_explained(service, container):
    assert service["entrypoint"] == container["command"] == ["tensorflow_model_server"]
    assert service["command"] == container["args"]
    version = re.fullmatch(r"tensorflow/serving:\$\{SERVING_VERSION:-([\d.]+)\}", service["image"])
    assert container["image"] == f"tensorflow/serving:{version[1]}"
    flags = dict(one.removeprefix("--").split("=") for one in service["command"])
    assert set(flags) <= FLAGS
    text = (DOCS / "serving.md").read_text()
    table = text[text.index("\n| flag | why |") :].partition("\n\n")[0]
    assert set(re.findall(r"`(--[^`]+)`", table)) == set(service["command"])


def test_ports_and_files_are_those_of_the_flags(service, cluster, container):
    flags = dict(one.removeprefix("--").split("=") for one in service["command"])
    ports = {flags["port"], flags["rest_api_port"]}
    assert {one.rpartition(":")[2] for one in service["ports"]} == ports
    assert all(one.startswith("127.0.0.1:") for one in service["ports"])
    assert {f"{one['containerPort']}" for one in container["ports"]} == ports
    assert {f"{one['port']}" for one in cluster["Service"]["spec"]["ports"]} == ports
    names = {one["name"] for one in container["ports"]}
    assert {one["targetPort"] for one in cluster["Service"]["spec"]["ports"]} == names
    mounted = {one.split(":")[-2] for one in service["volumes"]}
    assert flags["model_base_path"] in mounted
    for flag in ("batching_parameters_file", "monitoring_config_file"):
        folder, _, file = flags[flag].rpartition("/")
        assert flags[flag] in mounted
        assert file in cluster["ConfigMap"]["data"]
        assert folder in {one["mountPath"] for one in container["volumeMounts"]}
    volumes = cluster["Deployment"]["spec"]["template"]["spec"]["volumes"]
    assert {one["name"] for one in volumes} == {one["name"] for one in container["volumeMounts"]}
    assert all(one.endswith(":ro") for one in service["volumes"])
    assert all(one["readOnly"] for one in container["volumeMounts"])


def test_labels_select_the_pods_and_probes_ask_for_the_model(cluster, container):
    template = cluster["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"]
    assert cluster["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert cluster["Service"]["spec"]["selector"] == labels
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"] == {"path": "/v1/models/ecg", "port": "rest"}
    scraped = template["metadata"]["annotations"]["prometheus.io/path"]
    assert scraped in (DEPLOY / "monitoring.txt").read_text()


def test_the_parameters_of_batching_are_known_and_the_same_in_both(cluster):
    text = (DEPLOY / "batching.txt").read_text()
    parameters = dict(re.findall(r"^(\w+) \{ value: (\d+) \}$", text, re.MULTILINE))
    assert set(parameters) <= BATCHING
    assert len(parameters) == len(text.splitlines()) - 1
    for name in ("batching.txt", "monitoring.txt"):
        lines = (DEPLOY / name).read_text().splitlines()[1:]
        assert cluster["ConfigMap"]["data"][name].splitlines() == lines
