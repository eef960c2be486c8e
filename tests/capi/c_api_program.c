/* SPDX-License-Identifier: Apache-2.0
 * Uses the C API as a C program would; returns the number of the first check that fails, else 0. */
#include <string.h>

#include "cygnet/cygnet.h"

#define CHECK(number, condition) \
  if (!(condition)) return number

/* A model of one float input [1,3] (batch free) and one output, x + relu(x). */
int c_api_program(const void* data, size_t bytes);

int c_api_program(const void* data, size_t bytes) {
  cygnet_model* model = NULL;
  cygnet_interpreter* net = NULL;
  cygnet_tensor tensor;
  const float x[3] = {-1, 2, 3};
  const int32_t wide[2] = {2, 3}, wrong[3] = {1, 2, 3};
  float y[3] = {0, 0, 0};
  cygnet_interpreter_options options;

  CHECK(1, cygnet_model_from_file("/nonexistent/net.tflite", NULL, &model) == CYGNET_IO);
  CHECK(2, model == NULL && strstr(cygnet_error_message(), "/nonexistent/net.tflite") != NULL);
  CHECK(3, cygnet_model_from_file(NULL, NULL, &model) == CYGNET_INVALID_ARGUMENT);
  CHECK(4, cygnet_model_from_memory("short", 5, NULL, &model) == CYGNET_INVALID_MODEL);
  CHECK(5, strstr(cygnet_error_message(), "C1") != NULL);
  CHECK(6, cygnet_model_from_memory(data, bytes, NULL, &model) == CYGNET_OK);
  CHECK(7, cygnet_model_signature_count(model) == 1 &&
               strcmp(cygnet_model_signature_key(model, 0), "serve") == 0);
  CHECK(8, cygnet_model_signature_key(model, 1) == NULL);

  memset(&options, 0, sizeof(options));
  options.struct_size = sizeof(options);
  options.signature = "nope";
  CHECK(9,
        cygnet_interpreter_create(model, &options, &net) == CYGNET_INVALID_ARGUMENT && net == NULL);
  options.signature = "serve";
  options.threads = 2;
  CHECK(10, cygnet_interpreter_create(model, &options, &net) == CYGNET_OK);
  CHECK(11, cygnet_interpreter_invoke(net) == CYGNET_INVALID_ARGUMENT);
  CHECK(12, cygnet_interpreter_arena_bytes(net) == 0);
  CHECK(13, cygnet_interpreter_allocate(net) == CYGNET_OK);
  CHECK(14, cygnet_interpreter_input_count(net) == 1 && cygnet_interpreter_output_count(net) == 1);
  CHECK(15, cygnet_interpreter_find_input(net, "in") == 0 &&
                cygnet_interpreter_find_output(net, "zzz") == -1);
  CHECK(16, cygnet_interpreter_input(net, 0, &tensor) == CYGNET_OK &&
                tensor.type == CYGNET_FLOAT32 && tensor.rank == 2 && tensor.dims[0] == 1 &&
                tensor.dims[1] == 3 && tensor.bytes == 12 && tensor.data != NULL &&
                tensor.scale_count == 0);
  CHECK(17, cygnet_interpreter_input(net, 1, &tensor) == CYGNET_INVALID_ARGUMENT);
  CHECK(18, cygnet_interpreter_write_input(net, 0, x, 8) == CYGNET_INVALID_ARGUMENT);
  CHECK(19, cygnet_interpreter_write_input(net, 0, x, sizeof(x)) == CYGNET_OK);
  CHECK(20, cygnet_interpreter_invoke(net) == CYGNET_OK);
  CHECK(21, cygnet_interpreter_read_output(net, 0, y, sizeof(y)) == CYGNET_OK && y[0] == -1 &&
                y[1] == 4 && y[2] == 6);
  CHECK(22, cygnet_interpreter_resize_input(net, 0, wrong, 3) == CYGNET_INVALID_ARGUMENT);
  CHECK(23, cygnet_interpreter_resize_input(net, 0, wide, 9) == CYGNET_INVALID_ARGUMENT);
  CHECK(24, cygnet_interpreter_resize_input(net, 0, wide, 2) == CYGNET_OK &&
                cygnet_interpreter_allocate(net) == CYGNET_OK);
  CHECK(25, cygnet_interpreter_output(net, 0, &tensor) == CYGNET_OK && tensor.dims[0] == 2);
  cygnet_interpreter_cancel(net, 1);
  CHECK(26, cygnet_interpreter_invoke(net) == CYGNET_CANCELLED);
  cygnet_interpreter_cancel(net, 0);
  CHECK(27, cygnet_interpreter_invoke(net) == CYGNET_OK &&
                cygnet_interpreter_reset_variables(net) == CYGNET_OK);
  CHECK(28, cygnet_interpreter_arena_bytes(net) > 0 && cygnet_version()[0] == '0');
  cygnet_interpreter_delete(net);
  cygnet_model_delete(model);
  cygnet_interpreter_delete(NULL);
  cygnet_model_delete(NULL);
  return 0;
}
