/* SPDX-License-Identifier: Apache-2.0
 *
 * One start of one engine from C: opens a model, runs it once, prints what that took and leaves.
 *
 *   cold_start LIBRARY MODEL [CACHE [RUNS]]
 *   cold_start read FILE...
 *
 * LIBRARY is libcygnet.so or libLiteRt.so, opened at run time, so that both programs are the same
 * but for the library; CACHE is Cygnet's file of packed weights. Prints "MODEL_MS BUILD_MS FIRST_MS
 * PEAK_KB": opening the library and the model, preparing it, the first run (with RUNS, which are
 * Cygnet's only: the shortest of so many more), and the peak of resident memory. The second form
 * maps files, looks at every cache line and prints the milliseconds.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "cygnet/cygnet.h"

static double now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void fail(const char* what) {
  fprintf(stderr, "cold_start: %s\n", what);
  exit(1);
}

static void* symbol(void* library, const char* name) {
  void* address = dlsym(library, name);
  if (address == NULL) fail(dlerror());
  return address;
}

/* A pointer, named like the function, to a function of the library. */
#define FUNCTION(type, name) type name = (type)symbol(library, #name)

typedef cygnet_code (*open_model)(const char*, const cygnet_model_options*, cygnet_model**);
typedef cygnet_code (*create_net)(const cygnet_model*, const cygnet_interpreter_options*,
                                  cygnet_interpreter**);
typedef cygnet_code (*of_net)(cygnet_interpreter*);
typedef cygnet_code (*tensor_of_net)(const cygnet_interpreter*, int, cygnet_tensor*);
typedef cygnet_code (*write_net)(cygnet_interpreter*, int, const void*, size_t);

static void run_cygnet(void* library, const char* path, const char* cache, int runs,
                       double times[3]) {
  FUNCTION(open_model, cygnet_model_from_file);
  FUNCTION(create_net, cygnet_interpreter_create);
  FUNCTION(of_net, cygnet_interpreter_allocate);
  FUNCTION(of_net, cygnet_interpreter_invoke);
  FUNCTION(tensor_of_net, cygnet_interpreter_input);
  FUNCTION(write_net, cygnet_interpreter_write_input);
  cygnet_model* model = NULL;
  cygnet_interpreter* net = NULL;
  cygnet_tensor input;
  cygnet_interpreter_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.weights_cache = cache;
  if (cygnet_model_from_file(path, NULL, &model) != CYGNET_OK) fail("can't open the model");
  times[0] = now_ms();
  if (cygnet_interpreter_create(model, &options, &net) != CYGNET_OK ||
      cygnet_interpreter_allocate(net) != CYGNET_OK)
    fail("can't prepare the model");
  times[1] = now_ms();
  if (cygnet_interpreter_input(net, 0, &input) != CYGNET_OK) fail("no input");
  void* bytes = calloc(1, input.bytes);
  if (bytes == NULL) fail("out of memory");
  if (cygnet_interpreter_write_input(net, 0, bytes, input.bytes) != CYGNET_OK ||
      cygnet_interpreter_invoke(net) != CYGNET_OK)
    fail("can't run the model");
  times[2] = now_ms();
  double least = 1e9;
  for (int i = 0; i < runs; ++i) {
    const double start = now_ms();
    if (cygnet_interpreter_invoke(net) != CYGNET_OK) fail("can't run the model");
    if (now_ms() - start < least) least = now_ms() - start;
  }
  if (runs > 0) times[2] = times[1] + least;
}

/* LiteRT's C API as its version 2 has it: handles are pointers, a status is 0 when all is well. A
 * ranked tensor type is an enumerator and a layout of rank, dimensions and strides; only its memory
 * matters here. */
typedef void* handle;
typedef struct {
  int32_t fields[64];
} ranked_type;
typedef int (*create_environment)(int, const void*, handle*);
typedef int (*create_model)(handle, const char*, handle*);
typedef int (*create_options)(handle*);
typedef int (*set_accelerators)(handle, int);
typedef int (*compile_model)(handle, handle, handle, handle*);
typedef int (*part_of)(handle, size_t, handle*);
typedef int (*count_of)(handle, size_t*);
typedef int (*ranked_type_of)(handle, ranked_type*);
typedef int (*requirements_of)(handle, size_t, size_t, handle*);
typedef int (*create_buffer)(handle, const ranked_type*, handle, handle*);
typedef int (*run_model)(handle, size_t, size_t, handle*, size_t, handle*);

static handle buffer_for(void* library, handle environment, handle subgraph, handle compiled,
                         const char* tensor_name, const char* requirements_name) {
  part_of tensor_at = (part_of)symbol(library, tensor_name);
  requirements_of requirements_at = (requirements_of)symbol(library, requirements_name);
  FUNCTION(ranked_type_of, LiteRtGetRankedTensorType);
  FUNCTION(create_buffer, LiteRtCreateManagedTensorBufferFromRequirements);
  handle tensor = NULL, requirements = NULL, buffer = NULL;
  ranked_type type;
  memset(&type, 0, sizeof type);
  if (tensor_at(subgraph, 0, &tensor) != 0 || LiteRtGetRankedTensorType(tensor, &type) != 0 ||
      requirements_at(compiled, 0, 0, &requirements) != 0 ||
      LiteRtCreateManagedTensorBufferFromRequirements(environment, &type, requirements, &buffer) !=
          0)
    fail("can't make a buffer");
  return buffer;
}

static void run_litert(void* library, const char* path, double times[3]) {
  enum { kCpu = 1 };
  FUNCTION(create_environment, LiteRtCreateEnvironment);
  FUNCTION(create_model, LiteRtCreateModelFromFile);
  FUNCTION(create_options, LiteRtCreateOptions);
  FUNCTION(set_accelerators, LiteRtSetOptionsHardwareAccelerators);
  FUNCTION(compile_model, LiteRtCreateCompiledModel);
  FUNCTION(part_of, LiteRtGetModelSubgraph);
  FUNCTION(run_model, LiteRtRunCompiledModel);
  handle environment = NULL, model = NULL, options = NULL, compiled = NULL, subgraph = NULL;
  if (LiteRtCreateEnvironment(0, NULL, &environment) != 0) fail("no environment");
  if (LiteRtCreateModelFromFile(environment, path, &model) != 0) fail("can't open the model");
  times[0] = now_ms();
  if (LiteRtCreateOptions(&options) != 0 ||
      LiteRtSetOptionsHardwareAccelerators(options, kCpu) != 0 ||
      LiteRtCreateCompiledModel(environment, model, options, &compiled) != 0 ||
      LiteRtGetModelSubgraph(model, 0, &subgraph) != 0)
    fail("can't prepare the model");
  handle input = buffer_for(library, environment, subgraph, compiled, "LiteRtGetSubgraphInput",
                            "LiteRtGetCompiledModelInputBufferRequirements");
  handle output = buffer_for(library, environment, subgraph, compiled, "LiteRtGetSubgraphOutput",
                             "LiteRtGetCompiledModelOutputBufferRequirements");
  times[1] = now_ms();
  if (LiteRtRunCompiledModel(compiled, 0, 1, &input, 1, &output) != 0) fail("can't run the model");
  times[2] = now_ms();
}

/* Brings a file from the page cache to the processor. */
static unsigned read_file(const char* path) {
  enum { kLine = 64 };
  struct stat status;
  const int file = open(path, O_RDONLY);
  if (file < 0 || fstat(file, &status) != 0) fail("can't open a file");
  const size_t size = (size_t)status.st_size;
  const volatile unsigned char* bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) fail("can't map a file");
  unsigned sum = 0;
  for (size_t i = 0; i < size; i += kLine) sum += bytes[i];
  return sum;
}

int main(int argc, char** argv) {
  if (argc >= 3 && strcmp(argv[1], "read") == 0) {
    const double begin = now_ms();
    for (int i = 2; i < argc; ++i) read_file(argv[i]);
    printf("%.3f\n", now_ms() - begin);
    return 0;
  }
  if (argc < 3 || argc > 5) fail("usage: cold_start LIBRARY MODEL [CACHE [RUNS]]");
  const char* cache = argc > 3 ? argv[3] : NULL;
  const int runs = argc > 4 ? atoi(argv[4]) : 0;
  const double start = now_ms();
  double times[3] = {start, start, start};
  void* library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) fail(dlerror());
  if (dlsym(library, "cygnet_version") != NULL)
    run_cygnet(library, argv[2], cache, runs, times);
  else
    run_litert(library, argv[2], times);
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  printf("%.3f %.3f %.3f %ld\n", times[0] - start, times[1] - times[0], times[2] - times[1],
         usage.ru_maxrss);
  fflush(stdout);
  _Exit(0);
}
