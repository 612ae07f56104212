/* Runs a SavedModel through TensorFlow's C API, without Python.

   saved_model_client FOLDER INPUT OUTPUT DIM0 DIM1 DIM2 < float32 samples > float32 answers

   INPUT and OUTPUT are tensor names of the SavedModel's signature, such as serving_default_signal:0.
   An error of TensorFlow is printed to stderr, and the exit code is its TF_Code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tensorflow/c/c_api.h>

static void stop_on_error(TF_Status *status) {
    if (TF_GetCode(status) != TF_OK) {
        fprintf(stderr, "%s\n", TF_Message(status));
        exit(TF_GetCode(status));
    }
}

static TF_Output find_tensor(TF_Graph *graph, char *name) {
    char *colon = strrchr(name, ':');
    TF_Output tensor;
    tensor.index = colon ? atoi(colon + 1) : 0;
    if (colon) *colon = '\0';
    tensor.oper = TF_GraphOperationByName(graph, name);
    if (!tensor.oper) {
        fprintf(stderr, "the graph has no operation %s\n", name);
        exit(TF_NOT_FOUND);
    }
    return tensor;
}

int main(int argc, char **argv) {
    if (argc != 7) return TF_INVALID_ARGUMENT;
    TF_Status *status = TF_NewStatus();
    TF_Graph *graph = TF_NewGraph();
    TF_SessionOptions *options = TF_NewSessionOptions();
    const char *tags[] = {"serve"};
    TF_Session *session = TF_LoadSessionFromSavedModel(options, NULL, argv[1], tags, 1, graph,
                                                       NULL, status);
    stop_on_error(status);

    int64_t shape[3];
    size_t size = sizeof(float);
    for (int i = 0; i < 3; i++) {
        shape[i] = atoll(argv[4 + i]);
        size *= (size_t)shape[i];
    }
    TF_Tensor *signal = TF_AllocateTensor(TF_FLOAT, shape, 3, size);
    if (fread(TF_TensorData(signal), 1, size, stdin) != size) return TF_DATA_LOSS;

    TF_Output input = find_tensor(graph, argv[2]), output = find_tensor(graph, argv[3]);
    TF_Tensor *answer = NULL;
    TF_SessionRun(session, NULL, &input, &signal, 1, &output, &answer, 1, NULL, 0, NULL, status);
    stop_on_error(status);
    if (TF_TensorType(answer) != TF_FLOAT) return TF_INVALID_ARGUMENT;
    fwrite(TF_TensorData(answer), 1, TF_TensorByteSize(answer), stdout);
    return TF_OK;
}
