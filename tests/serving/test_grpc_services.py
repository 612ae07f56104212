"""gRPC by the protocol buffers of TensorFlow Serving."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import requests
import tensorflow as tf
from small_servers import gated_server, slow_server, wait_for
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from ecg_keras.serving import Limits


def call(server, method, request, name="ecg", version=None, timeout=30):
    request.model_spec.name = name
    if version is not None:
        request.model_spec.version.value = version
    with grpc.insecure_channel(server.grpc.split("/")[2]) as channel:
        kind = (
            model_service_pb2_grpc.ModelServiceStub
            if method == "GetModelStatus"
            else prediction_service_pb2_grpc.PredictionServiceStub
        )
        return getattr(kind(channel), method)(request, timeout=timeout)


def predict(server, inputs, signature="", name="ecg", version=None, timeout=30, wanted=()):
    request = predict_pb2.PredictRequest(output_filter=wanted)
    request.model_spec.signature_name = signature
    for key, values in inputs.items():
        is_proto = isinstance(values, tensor_pb2.TensorProto)
        request.inputs[key].CopyFrom(values if is_proto else tf.make_tensor_proto(values))
    return call(server, "Predict", request, name, version, timeout)


def refused(code, *arguments, **options):
    with pytest.raises(grpc.RpcError) as error:
        predict(*arguments, **options)
    assert error.value.code() is grpc.StatusCode[code], error.value.details()
    return error.value.details()


def test_predict_answers_and_names_what_it_asked(server, signals):
    answer = predict(server, {"signal": signals}, version=10)
    found = tf.make_ndarray(answer.outputs["probabilities"])
    np.testing.assert_allclose(found, signals.mean(axis=1), atol=1e-6)
    spec = answer.model_spec
    assert (spec.name, spec.version.value, spec.signature_name) == ("ecg", 10, "serving_default")


def test_strings_several_inputs_and_chosen_outputs(server, signals):
    inputs = {"signal": signals[:2], "who": np.array([b"a", b"\xff"], object)}
    answer = predict(server, inputs, "named", wanted=["who"])
    assert list(answer.outputs) == ["who"]
    assert tf.make_ndarray(answer.outputs["who"]).tolist() == [b"a", b"\xff"]
    whole = {"pair": np.array([3, 4], np.int32), "twice": np.array(False)}
    assert tf.make_ndarray(predict(server, whole, "whole").outputs["total"]) == 7


def test_metadata_and_status(server):
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["signature_def"])
    answer = call(server, "GetModelMetadata", request)
    found = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    assert {"serving_default", "named", "whole"} <= set(found.signature_def)
    status = call(server, "GetModelStatus", get_model_status_pb2.GetModelStatusRequest())
    assert [one.version for one in status.model_version_status] == [10]
    request = get_model_metadata_pb2.GetModelMetadataRequest(metadata_field=["card"])
    with pytest.raises(grpc.RpcError, match="Metadata field card is not supported"):
        call(server, "GetModelMetadata", request)


def test_a_wrong_request_gets_a_code_and_a_reason(server, signals):
    ask = {"signal": signals}
    assert "Latest(other)" in refused("NOT_FOUND", server, ask, name="other")
    assert "Specific(ecg, 2)" in refused("NOT_FOUND", server, ask, version=2)
    wrong = "INVALID_ARGUMENT"
    assert "not found in signature def" in refused(wrong, server, ask, "nothing")
    assert "takes the inputs signal" in refused(wrong, server, {"x": signals})
    assert "must be float32" in refused(wrong, server, {"signal": signals.astype(np.float64)})
    assert "Received: (5, 3, 2)." in refused(wrong, server, {"signal": signals[:, 1:]})
    assert "the same number of rows" in refused(wrong, server, {"signal": signals[:0]})
    assert "alias not found" in refused(wrong, server, ask, wanted=["x"])
    assert "assertion failed: [not finite]" in refused(wrong, server, {"signal": signals * np.nan})


def test_a_string_that_is_no_utf_8_is_refused_alone(server, signals):
    who = np.array([b"\xb5V" * 10_000], object)
    asked = {"signal": signals[:1], "who": who}
    assert "is no UTF-8" in refused("INVALID_ARGUMENT", server, asked, "named")


def test_what_a_request_holds_is_shortened_in_its_error(server, signals):
    name = "n" * 20_000
    assert len(refused("NOT_FOUND", server, {"signal": signals}, name=name)) <= 400
    asserted = {"signal": signals[:1], "who": np.array([b"w" * 20_000], object)}
    found = refused("INVALID_ARGUMENT", server, asserted, "named")
    assert found.startswith("assertion failed: [too long]") and len(found) <= 400


def test_a_few_bytes_that_promise_many_are_refused(server, signals):
    promising = tensor_pb2.TensorProto(dtype=tf.float32.as_datatype_enum, float_val=[0.0])
    for size in (10**6, 2**62):
        promising.tensor_shape.Clear()
        for one in (size, 4, 2):
            promising.tensor_shape.dim.add().size = one
        found = refused("RESOURCE_EXHAUSTED", server, {"signal": promising})
        assert found == "signal: larger than max, 100,000 bytes"
    for size in (-1, -(2**40)):
        promising.tensor_shape.dim[0].size = size
        assert "must be known" in refused("INVALID_ARGUMENT", server, {"signal": promising})
    cut = tf.make_tensor_proto(signals)
    cut.tensor_content = cut.tensor_content[:-3]
    assert refused("INVALID_ARGUMENT", server, {"signal": cut}).startswith("signal: ")
    large = np.zeros((9999, 4, 2), np.float32)
    assert "larger than max" in refused("RESOURCE_EXHAUSTED", server, {"signal": large})


def test_one_string_does_not_stand_for_many(server, signals):
    inputs = {"signal": signals[:1], "who": tf.make_tensor_proto([b"x" * 9000])}
    for given, size in ((1, 10_000), (0, 1), (2, 1)):
        inputs["who"].string_val[:] = [b"x" * 9000] * given
        inputs["who"].tensor_shape.dim[0].size = size
        found = refused("INVALID_ARGUMENT", server, inputs, "named")
        assert found == f"who: must have a string for each element. Received: {given}."


def test_too_many_at_once_and_too_late():
    limits = Limits(requests=2, seconds=2.5, batch_rows=1)
    with gated_server(limits) as (server, gate), ThreadPoolExecutor(2) as pool:
        inputs = {"x": np.ones((1, 1), np.float32)}

        def ask():
            try:
                predict(server, inputs, name="slow")
            except grpc.RpcError as error:
                return error.code().name
            return "OK"

        first, second = (pool.submit(ask) for _ in range(2))
        gate.wait_for_a_call()
        wait_for(server, "ecg_keras_requests_now 2.0")
        assert ask() == "RESOURCE_EXHAUSTED"
        gate.let_through()
        assert sorted(one.result() for one in (first, second)) == ["DEADLINE_EXCEEDED", "OK"]
        refused("DEADLINE_EXCEEDED", server, inputs, name="slow", timeout=0.1)


def test_a_call_that_its_client_cancels_is_not_computed():
    with gated_server(Limits(batch_rows=1)) as (server, gate):
        host, _, name = server.grpc.removeprefix("grpc://").partition("/")
        request = predict_pb2.PredictRequest()
        request.model_spec.name = name
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones((1, 1), np.float32)))
        with grpc.insecure_channel(host) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            first = stub.Predict.future(request)
            gate.wait_for_a_call()
            others = [stub.Predict.future(request) for _ in range(20)]
            wait_for(server, "ecg_keras_requests_now 21.0")
            for one in others:
                one.cancel()
            wait_for(server, 'ecg_keras_requests_total{api="grpc",code="CANCELLED"} 20.0')
            gate.let_through(2)
            assert first.result(30).outputs and stub.Predict(request, timeout=30).outputs
        assert gate.calls == 2


def test_the_end_of_a_server_refuses_what_it_cannot_answer_in_time():
    inputs = {"x": np.ones((1, 1), np.float32)}
    with ThreadPoolExecutor(6) as pool:
        with slow_server(Limits(grace=0.5, batch_rows=1), 3) as server:

            def ask(number):
                if number % 2:
                    return requests.post(
                        f"{server.rest}:predict", json={"inputs": [[1.0]]}, timeout=30
                    ).status_code
                try:
                    predict(server, inputs, name="slow")
                except grpc.RpcError as error:
                    return error.code().name
                return "OK"

            asked = [pool.submit(ask, number) for number in range(6)]
            while "ecg_keras_requests_now 6.0" not in requests.get(server.metrics, timeout=30).text:
                time.sleep(0.02)
            start = time.monotonic()
        assert time.monotonic() - start < 9
        assert [one.result(10) for one in asked] == ["UNAVAILABLE", 503] * 3


def test_the_answers_of_both_interfaces_are_the_same_numbers(server, signals):
    body = json.dumps({"inputs": signals.tolist()})
    found = requests.post(f"{server.rest}:predict", data=body, timeout=30).json()["outputs"]
    other = tf.make_ndarray(predict(server, {"signal": signals}).outputs["probabilities"])
    np.testing.assert_array_equal(np.float32(found), other)
