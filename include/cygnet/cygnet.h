/* SPDX-License-Identifier: Apache-2.0
 *
 * Cygnet's C API: load a .tflite model, run it.
 *
 *   cygnet_model* model;
 *   cygnet_interpreter* net;
 *   if (cygnet_model_from_file("net.tflite", NULL, &model) != CYGNET_OK ||
 *       cygnet_interpreter_create(model, NULL, &net) != CYGNET_OK ||
 *       cygnet_interpreter_allocate(net) != CYGNET_OK)
 *     fprintf(stderr, "%s\n", cygnet_error_message());
 *   cygnet_interpreter_write_input(net, 0, pixels, sizeof pixels);
 *   cygnet_interpreter_invoke(net);
 *   cygnet_interpreter_read_output(net, 0, scores, sizeof scores);
 *
 * Every function that can fail returns a code; cygnet_error_message() then says what was wrong. No
 * function throws, prints or aborts. A model may be shared by any number of interpreters in any
 * number of threads; an interpreter is used by one thread at a time.
 */
#ifndef CYGNET_CYGNET_H_
#define CYGNET_CYGNET_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CYGNET_API __attribute__((visibility("default")))

typedef enum cygnet_code {
  CYGNET_OK = 0,
  CYGNET_INVALID_ARGUMENT = 1, /* the request does not fit the model or the state of the object */
  CYGNET_INVALID_MODEL = 2,    /* the model breaks a rule; the message carries the rule's id */
  CYGNET_UNSUPPORTED = 3,      /* a valid model that needs what this build does not have */
  CYGNET_LIMIT = 4,            /* a limit was hit; the message names it */
  CYGNET_OUT_OF_MEMORY = 5,
  CYGNET_IO = 6,        /* the file can't be opened or read */
  CYGNET_CANCELLED = 7, /* cancelled, or out of time */
  CYGNET_INTERNAL = 8
} cygnet_code;

/* Values equal the file format's TensorType. */
typedef enum cygnet_type {
  CYGNET_FLOAT32 = 0,
  CYGNET_FLOAT16 = 1,
  CYGNET_INT32 = 2,
  CYGNET_UINT8 = 3,
  CYGNET_INT64 = 4,
  CYGNET_STRING = 5,
  CYGNET_BOOL = 6,
  CYGNET_INT16 = 7,
  CYGNET_COMPLEX64 = 8,
  CYGNET_INT8 = 9,
  CYGNET_FLOAT64 = 10,
  CYGNET_COMPLEX128 = 11,
  CYGNET_UINT64 = 12,
  CYGNET_RESOURCE = 13,
  CYGNET_VARIANT = 14,
  CYGNET_UINT32 = 15,
  CYGNET_UINT16 = 16,
  CYGNET_INT4 = 17,
  CYGNET_BFLOAT16 = 18,
  CYGNET_INT2 = 19,
  CYGNET_UINT4 = 20,
  CYGNET_FLOAT8_E4M3FN = 21,
  CYGNET_FLOAT8_E5M2 = 22
} cygnet_type;

typedef struct cygnet_model cygnet_model;
typedef struct cygnet_interpreter cygnet_interpreter;

/* "0.1.0" */
CYGNET_API const char* cygnet_version(void);
/* What the last failed call of this thread had to say; "" when none failed. */
CYGNET_API const char* cygnet_error_message(void);

/* ---- Model */

typedef struct cygnet_model_options {
  size_t struct_size; /* sizeof(cygnet_model_options) */
  int untrusted;      /* nonzero: the stricter limits for models from anywhere */
  int copy_file;      /* nonzero: read the file into memory instead of mapping it */
  /* Custom operators: `const cygnet::OpDef*` each (cygnet/custom_op.h). They must outlive the
   * model. Not used when `untrusted`. */
  const void* const* custom_ops;
  size_t custom_op_count;
} cygnet_model_options;

/* Opens and checks a file. `options` may be NULL: a trusted model, mapped, no custom operators. */
CYGNET_API cygnet_code cygnet_model_from_file(const char* path, const cygnet_model_options* options,
                                              cygnet_model** model);
/* Checks a model in memory. `data` must outlive the model; it is used in place where it is 16-byte
 * aligned, copied where it is not. */
CYGNET_API cygnet_code cygnet_model_from_memory(const void* data, size_t bytes,
                                                const cygnet_model_options* options,
                                                cygnet_model** model);
/* After its last interpreter. NULL is allowed. */
CYGNET_API void cygnet_model_delete(cygnet_model* model);

CYGNET_API size_t cygnet_model_signature_count(const cygnet_model* model);
/* Key of signature `index`, zero-terminated; NULL when out of range. */
CYGNET_API const char* cygnet_model_signature_key(const cygnet_model* model, size_t index);

/* ---- Interpreter */

typedef struct cygnet_interpreter_options {
  size_t struct_size;    /* sizeof(cygnet_interpreter_options) */
  int threads;           /* 0: one */
  int reference;         /* nonzero: plain loops with TFLite's reference arithmetic */
  const char* signature; /* NULL: the main subgraph */
  /* NULL: resource variables and hash tables of its own. Else those of this interpreter of the same
   * model, so that one signature reads what another assigned. Interpreters that share them are used
   * by one thread at a time; each may be deleted before the others. */
  cygnet_interpreter* resources_of;
  /* NULL: none. A file that the weights, as kernels read them, are taken from, and written to where
   * it does not have them all, so that a later process starts sooner. It may not exist yet; it
   * serves one model on one kind of processor. Where it can't be used or written all goes on
   * without it. */
  const char* weights_cache;
} cygnet_interpreter_options;

/* A tensor as it is now. Pointers stay valid until the next resize_input, allocate or, for strings
 * and for tensors whose shape is known only while running, write_input and invoke. */
typedef struct cygnet_tensor {
  const char* name; /* the signature's name where there is one; `name_length` bytes */
  size_t name_length;
  cygnet_type type;
  int32_t rank;
  int32_t dims[8];
  size_t bytes;
  /* NULL before allocate. CYGNET_STRING: int32 count, int32 offset[count + 1] from the start of the
   * data, then the characters; see cygnet_tensor_string and cygnet_interpreter_write_strings. */
  void* data;
  int32_t
      scale_count; /* 0: not quantized; 1: whole tensor; else one for each slice of quantized_dim */
  int32_t quantized_dim;
  float scale; /* the first scale and zero point: real = scale * (q - zero_point) */
  int32_t zero_point;
} cygnet_tensor;

/* `options` may be NULL: one thread, kernels, the main subgraph. The model must outlive it. */
CYGNET_API cygnet_code cygnet_interpreter_create(const cygnet_model* model,
                                                 const cygnet_interpreter_options* options,
                                                 cygnet_interpreter** interpreter);
CYGNET_API void cygnet_interpreter_delete(cygnet_interpreter* interpreter);

CYGNET_API int cygnet_interpreter_input_count(const cygnet_interpreter* interpreter);
CYGNET_API int cygnet_interpreter_output_count(const cygnet_interpreter* interpreter);
CYGNET_API cygnet_code cygnet_interpreter_input(const cygnet_interpreter* interpreter, int index,
                                                cygnet_tensor* tensor);
CYGNET_API cygnet_code cygnet_interpreter_output(const cygnet_interpreter* interpreter, int index,
                                                 cygnet_tensor* tensor);
/* Index of an input or output by its name; -1 when there is none. */
CYGNET_API int cygnet_interpreter_find_input(const cygnet_interpreter* interpreter,
                                             const char* name);
CYGNET_API int cygnet_interpreter_find_output(const cygnet_interpreter* interpreter,
                                              const char* name);

/* A new shape of the same rank. Allocate again afterwards. */
CYGNET_API cygnet_code cygnet_interpreter_resize_input(cygnet_interpreter* interpreter, int index,
                                                       const int32_t* dims, int32_t rank);
/* Infers shapes, plans and takes memory, resets variables. */
CYGNET_API cygnet_code cygnet_interpreter_allocate(cygnet_interpreter* interpreter);
/* `bytes` must be the tensor's exact size. Strings: any size, in the layout of cygnet_tensor.data,
 * as many strings as the shape has elements. */
CYGNET_API cygnet_code cygnet_interpreter_write_input(cygnet_interpreter* interpreter, int index,
                                                      const void* data, size_t bytes);
/* Writes an input of type CYGNET_STRING: string i is the `lengths[i]` bytes at `strings[i]`;
 * `lengths` may be NULL, the strings then end at their first 0; a NULL string is empty. `count`
 * must be the number of elements of the input's shape. */
CYGNET_API cygnet_code cygnet_interpreter_write_strings(cygnet_interpreter* interpreter, int index,
                                                        const char* const* strings,
                                                        const size_t* lengths, size_t count);
/* String `index` of a tensor of type CYGNET_STRING: `length` bytes, not zero-terminated. They lie
 * in the tensor's data. NULL when there is none. */
CYGNET_API const char* cygnet_tensor_string(const cygnet_tensor* tensor, size_t index,
                                            size_t* length);
CYGNET_API cygnet_code cygnet_interpreter_read_output(const cygnet_interpreter* interpreter,
                                                      int index, void* data, size_t bytes);
CYGNET_API cygnet_code cygnet_interpreter_invoke(cygnet_interpreter* interpreter);
/* Sets the state of recurrent networks back to its start. */
CYGNET_API cygnet_code cygnet_interpreter_reset_variables(cygnet_interpreter* interpreter);
/* Ends a run that is under way in another thread with CYGNET_CANCELLED. The flag stays set until
 * the next call with cancel = 0. */
CYGNET_API void cygnet_interpreter_cancel(cygnet_interpreter* interpreter, int cancel);
/* Size of the arena in bytes; 0 before allocate. */
CYGNET_API size_t cygnet_interpreter_arena_bytes(const cygnet_interpreter* interpreter);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CYGNET_CYGNET_H_ */
