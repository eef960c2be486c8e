// SPDX-License-Identifier: Apache-2.0
// The operator interface. Builtin operators and users' custom operators are written against this
// header; a builtin has no privilege.
//
// An operator is one `OpDef`: a name, the versions it accepts, the operands it takes, and three
// functions that the drivers call in this order:
//
//   infer    validates operands and options, declares the shape of each output;
//   prepare  once for each allocation: chooses kernels, builds tables, packs constant weights,
//            asks for scratch memory;
//   invoke   computes. Must not allocate, except its outputs of type STRING.
//
// Each returns a Status. A message says only what is wrong ("input 0: expected rank 4, got 3");
// the driver adds the model's path, the operator's index and kind, and the tensors' names.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cygnet {

// ---------------------------------------------------------------------------------------------
// Status

/// What kind of error a Status carries.
enum class Code : uint8_t {
  ok,
  invalid_argument,  ///< a request that the model or the state of the object does not admit
  invalid_model,     ///< the model breaks a rule; the message carries the rule's id
  unsupported,       ///< a valid model that needs what this build does not have
  limit,             ///< a limit of `Limits` was hit; the message names it
  out_of_memory,     ///< an allocation failed
  io,                ///< the file can't be opened, read or written
  cancelled,         ///< the caller's cancel flag or the time limit ended the run
  internal           ///< a broken invariant
};

/// A value that is either "ok" or an error with a message. Moves; owns its message. When even the
/// memory for the message is missing, the error stays and the message is a fixed text.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Status&& other) noexcept
      : code_(std::exchange(other.code_, Code::ok)), text_(std::exchange(other.text_, nullptr)) {}
  Status& operator=(Status&& other) noexcept {
    std::swap(code_, other.code_);
    std::swap(text_, other.text_);
    return *this;
  }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  ~Status();

  /// An error with a printf-style message.
  [[gnu::format(printf, 2, 3)]] static Status error(Code code, const char* format, ...);

  bool ok() const { return code_ == Code::ok; }
  Code code() const { return code_; }
  const char* message() const;

 private:
  Code code_ = Code::ok;
  char* text_ = nullptr;
};

/// The error that most operators return: an operand or an option breaks the operator's rules.
[[gnu::format(printf, 1, 2)]] Status bad_model(const char* format, ...);

/// Returns from the enclosing function when `expression` is an error.
#define CYGNET_TRY(expression)                     \
  do {                                             \
    ::cygnet::Status cygnet_status = (expression); \
    if (!cygnet_status.ok()) return cygnet_status; \
  } while (false)

// ---------------------------------------------------------------------------------------------
// Types, shapes, quantization, tensors

/// Element types; values equal the file format's.
enum class Type : uint8_t {
  float32 = 0,
  float16 = 1,
  int32 = 2,
  uint8 = 3,
  int64 = 4,
  string = 5,
  boolean = 6,
  int16 = 7,
  complex64 = 8,
  int8 = 9,
  float64 = 10,
  complex128 = 11,
  uint64 = 12,
  resource = 13,
  variant = 14,
  uint32 = 15,
  uint16 = 16,
  int4 = 17,
  bfloat16 = 18,
  int2 = 19,
  uint4 = 20,
  float8_e4m3fn = 21,
  float8_e5m2 = 22
};
inline constexpr int kTypeCount = 23;

/// Name as the format's documentation spells it, "INT8"; "unknown" for a value out of range.
const char* type_name(Type type);
/// Bits of one element; 0 for types without a fixed size (string, resource, variant).
int type_bits(Type type);

/// The Type of T's elements: type_of<float>() == Type::float32.
template <class T>
constexpr Type type_of() {
  if constexpr (std::is_same_v<T, float>)
    return Type::float32;
  else if constexpr (std::is_same_v<T, double>)
    return Type::float64;
  else if constexpr (std::is_same_v<T, int8_t>)
    return Type::int8;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return Type::uint8;
  else if constexpr (std::is_same_v<T, int16_t>)
    return Type::int16;
  else if constexpr (std::is_same_v<T, uint16_t>)
    return Type::uint16;
  else if constexpr (std::is_same_v<T, int32_t>)
    return Type::int32;
  else if constexpr (std::is_same_v<T, uint32_t>)
    return Type::uint32;
  else if constexpr (std::is_same_v<T, int64_t>)
    return Type::int64;
  else if constexpr (std::is_same_v<T, uint64_t>)
    return Type::uint64;
  else if constexpr (std::is_same_v<T, bool>)
    return Type::boolean;
  else
    return T::kType;  // a class that stands for an element type
}

inline constexpr int kMaxRank = 8;

/// Dimensions, outermost first. Rank 0 is a scalar.
struct Shape {
  int32_t rank = 0;
  int32_t dims[kMaxRank] = {};

  Shape() = default;
  Shape(std::initializer_list<int32_t> list) {
    for (int32_t d : list)
      if (rank < kMaxRank) dims[rank++] = d;
  }
  int32_t operator[](int i) const { return dims[i]; }
  int32_t& operator[](int i) { return dims[i]; }
  const int32_t* begin() const { return dims; }
  const int32_t* end() const { return dims + rank; }
  /// Appends a dimension; the caller keeps rank ≤ kMaxRank.
  void push(int32_t d) { dims[rank++] = d; }
  /// Product of the dimensions. Every shape that the runtime accepts has at most 2^31−1 elements,
  /// zero dimensions left out of the product.
  int64_t elements() const { return elements(0, rank); }
  /// Product of dims[from, to).
  int64_t elements(int from, int to) const {
    int64_t n = 1;
    for (int i = from; i < to; ++i) n *= dims[i];
    return n;
  }
  bool operator==(const Shape& other) const {
    return rank == other.rank &&
           std::memcmp(dims, other.dims, sizeof(int32_t) * static_cast<size_t>(rank)) == 0;
  }
};

/// "[1,224,224,3]" in a buffer of its own, for messages: `shape_text(s).text`.
struct ShapeText {
  char text[12 * kMaxRank + 3];
};
ShapeText shape_text(const Shape& shape);

/// Affine quantization: real = scale · (q − zero_point). `count` is 0 (not quantized), 1 (whole
/// tensor) or the size of dimension `axis`. Views into the model or memory that outlives it.
struct Quantization {
  const float* scales = nullptr;
  const int64_t* zero_points = nullptr;  ///< null: all zero
  int32_t count = 0;                     ///< number of scales
  int32_t zero_point_count = 0;          ///< 0, 1 or count
  int32_t axis = 0;

  float scale(int i = 0) const { return scales[count == 1 ? 0 : i]; }
  int32_t zero_point(int i = 0) const {
    return zero_point_count == 0 ? 0
                                 : static_cast<int32_t>(zero_points[zero_point_count == 1 ? 0 : i]);
  }
  bool per_tensor() const { return count == 1; }
};

/// A tensor as operators see it. Constants point into the mapped model; everything else into the
/// interpreter's arena (64-byte aligned, readable to 64 bytes past the end), a persistent buffer
/// or, for strings and for shapes known only while running, a buffer of its own. Strings: int32 n,
/// int32 offset[n + 1] from the start of the data, then the characters; no data: not set yet.
struct Tensor {
  std::string_view name;
  Type type = Type::float32;
  bool constant = false;  ///< data is readable while shapes are inferred and nodes prepared
  bool variable = false;  ///< keeps its value from one invoke to the next
  Shape shape;
  Quantization quantization;
  void* data = nullptr;
  size_t bytes = 0;

  template <class T>
  const T* as() const {
    return static_cast<const T*>(data);
  }
  template <class T>
  T* as() {
    return static_cast<T*>(data);
  }
};

// ---------------------------------------------------------------------------------------------
// Operators

class OpContext;
class Resources;

/// Elements [begin, end) of a tensor.
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};

/// How far an operator's output may share memory with its inputs.
enum class Sharing : uint8_t {
  none,
  elementwise,  ///< output 0 may overwrite an input of equal byte size that nobody reads later
  view          ///< output 0 has the bytes of input 0: it may be the same memory
};

inline constexpr int kAnyCount = 0x7fffffff;

/// The definition of one operator. Tables of these are constant-initialized and read only.
struct OpDef {
  const char* name;            ///< "CONV_2D", or the custom code
  int32_t builtin = 32;        ///< BuiltinOperator; 32 (CUSTOM) for custom operators
  int32_t max_version = 1;     ///< versions 1..max_version are accepted
  uint8_t options_type = 0;    ///< BuiltinOptions member; 0: takes none
  uint8_t options_type_2 = 0;  ///< BuiltinOptions2 member; 0: takes none
  Sharing sharing = Sharing::none;
  bool pure = true;  ///< same inputs, same outputs: constants may be folded
  bool shapes_only =
      false;  ///< pure, and reads its inputs' shapes only: folded where those are fixed
  int32_t min_inputs = 1;
  int32_t max_inputs = 1;  ///< kAnyCount: no bound
  int32_t min_outputs = 1;
  int32_t max_outputs = 1;
  uint64_t optional_inputs = 0;  ///< bit i: input i may be absent (−1)
  uint64_t variable_inputs = 0;  ///< bit i: input i is state, a variable tensor
  Status (*infer)(OpContext&) = nullptr;
  Status (*prepare)(OpContext&) = nullptr;  ///< may be null
  Status (*invoke)(OpContext&) = nullptr;
  int64_t (*macs)(const OpContext&) = nullptr;  ///< multiply-adds of one invoke; null: none
  /// Fusion. Whether invoke, as prepared, computes only the elements OpContext::part() of output 0,
  /// and where an input has as many elements as output 0 reads of it only those. Null: never.
  bool (*by_parts)(const OpContext&) = nullptr;
  /// Fusion. invoke tells OpContext::produced each element of output 0 once, or nothing at all.
  bool produces = false;
};

/// Does tasks [begin, end) as thread `thread` of threads().
using ParallelBody = void (*)(void* context, int64_t begin, int64_t end, int thread);

/// All that packed weights depend on but the instruction set: what has the same key is the same.
class PackKey {
 public:
  /// What `kind` names made of a constant that outlives the key.
  PackKey(const char* kind, const Tensor& constant) : constant_(&constant) {
    data(kind, std::strlen(kind));
  }
  /// Made of other data too, which is read now; null is other than empty.
  PackKey& data(const void* data, size_t bytes);
  PackKey& number(int64_t value) { return data(&value, sizeof(value)); }
  const Tensor& constant() const { return *constant_; }
  uint64_t hash() const { return hash_; }  ///< of all but the constant

 private:
  const Tensor* constant_;
  uint64_t hash_ = 0;
};

/// Makes packed weights in zeroed memory.
using PackBody = void (*)(void* context, void* memory);

/// One node of a subgraph while it is inferred, prepared or invoked.
class OpContext {
 public:
  /// What the driver supplies.
  class Host {
   public:
    virtual Status declare_output(OpContext& op, int index, const Shape& shape) = 0;
    virtual void* allocate(OpContext& op, size_t bytes) = 0;
    virtual const void* packed(OpContext& op, const PackKey& key, size_t bytes, PackBody body,
                               void* context) = 0;
    virtual Status request_scratch(OpContext& op, size_t bytes, int* handle) = 0;
    virtual Status allocate_output(OpContext& op, int index, size_t bytes, void** data) = 0;
    virtual Status check_memory(int64_t more, const char* what) const = 0;
    virtual Resources* resources() = 0;
    virtual void parallel(int64_t tasks, int64_t grain, ParallelBody body, void* context) = 0;
    virtual int threads() const = 0;
    virtual bool stopped() const = 0;
    virtual int32_t region_operator(int32_t subgraph) const = 0;
    virtual void produced(OpContext& op, Range range, int thread) = 0;
    virtual void wanted(OpContext& op, Range range, int thread) = 0;

   protected:
    ~Host() = default;
  };

  /// Number of operands in the file, absent optional ones included.
  int inputs() const { return input_count_; }
  int outputs() const { return output_count_; }
  int intermediates() const { return intermediate_count_; }
  /// Input i, or null where it is absent (−1, or past the end of a shorter list).
  const Tensor* input_or_null(int i) const { return i < input_count_ ? input_[i] : nullptr; }
  /// Input i, which is present: the driver has checked operand counts and presence by the OpDef.
  const Tensor& input(int i) const { return *input_[i]; }
  /// A state operand, writable.
  Tensor& variable(int i) { return *input_[i]; }
  const Tensor& output(int i) const { return *output_[i]; }
  Tensor& output(int i) { return *output_[i]; }
  /// A tensor that only carries quantization parameters; null where absent.
  const Tensor* intermediate_or_null(int i) const {
    return i < intermediate_count_ ? intermediate_[i] : nullptr;
  }

  /// The builtin option table, for example `options<schema::Conv2DOptions>()`; where the file has
  /// none, an empty table that answers every field with its default.
  template <class Table>
  const Table& options() const {
    return *static_cast<const Table*>(options_);
  }
  /// Whether the file has the option table.
  bool has_options() const { return has_options_; }
  /// The bytes of a custom operator's options.
  std::span<const uint8_t> custom_options() const { return custom_options_; }
  int version() const { return version_; }

  /// In infer: the values of input i are readable now (a constant, or shapes are being worked out
  /// anew in the middle of a run).
  bool known(int i) const { return input(i).constant || running_; }
  /// In infer: declares an output's shape. Refused when its size overflows or passes a limit.
  Status set_output(int i, const Shape& shape) { return host_->declare_output(*this, i, shape); }
  /// In infer: the outputs' shapes depend on values that are not known yet. The driver calls infer
  /// again in the middle of the run, when all of them are. `return op.defer();`
  Status defer() {
    deferred_ = true;
    return {};
  }

  /// The builtin operator that is all that subgraph `subgraph` of the model does, as the body of a
  /// reduction is one; −1 where it has no operator, −2 where it has several or does not exist.
  int32_t region_operator(int32_t subgraph) const { return host_->region_operator(subgraph); }
  /// In invoke: a number of this node that is 0 when memory is allocated and keeps what it is set
  /// to from one invoke to the next, whatever else is prepared anew.
  uint64_t& position() { return position_; }

  /// In prepare: `bytes` zeroed bytes, 64-byte aligned, that live as long as this preparation;
  /// null when memory is short.
  void* allocate(size_t bytes) { return host_->allocate(*this, bytes); }
  /// In prepare: `bytes` bytes, 64-byte aligned, that fill(zeroed memory) makes of constants: once
  /// for all interpreters of the model, or for all processes (InterpreterOptions::weights_cache).
  /// They live as long as this preparation; null when memory is short.
  template <class F>
  const uint8_t* packed(const PackKey& key, size_t bytes, F&& fill) {
    return static_cast<const uint8_t*>(host_->packed(
        *this, key, bytes,
        [](void* context, void* memory) {
          (*static_cast<std::remove_reference_t<F>*>(context))(static_cast<uint8_t*>(memory));
        },
        const_cast<void*>(static_cast<const void*>(&fill))));
  }
  /// In prepare: memory for invoke to use as it likes, 64-byte aligned, shared with other nodes.
  Status request_scratch(size_t bytes, int* handle) {
    return host_->request_scratch(*this, bytes, handle);
  }
  /// In prepare: a zeroed, trivially destructible State for this node; null when memory is short.
  template <class State>
  State* make_state() {
    static_assert(std::is_trivially_destructible_v<State>);
    void* memory = allocate(sizeof(State));
    state_ = memory == nullptr ? nullptr : new (memory) State();
    return static_cast<State*>(state_);
  }
  /// In invoke: memory of `bytes` bytes for an output of type STRING, whose size only its values
  /// tell. It replaces what the output had before; no other tensor shares it.
  Status allocate_output(int i, size_t bytes, void** data) {
    return host_->allocate_output(*this, i, bytes, data);
  }
  /// An error when `more` bytes would lead beyond what the interpreter may hold.
  Status check_memory(int64_t more, const char* what) const {
    return host_->check_memory(more, what);
  }
  /// Variables and hash tables (graph/resources.h); null where an operator runs alone.
  Resources* resources() { return host_->resources(); }
  /// What make_state made.
  template <class State>
  State& state() const {
    return *static_cast<State*>(state_);
  }
  /// In invoke: the memory behind a handle of request_scratch.
  template <class T>
  T* scratch(int handle) const {
    return static_cast<T*>(scratch_[handle]);
  }

  /// Plain loops that follow the format's reference arithmetic are wanted, not kernels.
  bool reference() const { return reference_; }
  int threads() const { return host_->threads(); }
  /// In invoke: parallel_for uses one thread.
  bool alone() const { return alone_; }
  /// The run was cancelled or is out of time: long loops return early.
  bool stopped() const { return host_->stopped(); }
  /// Calls f(begin, end, thread) on slices of [0, tasks), on up to threads() threads. Tasks are
  /// independent. Returns when all are done. Slices begin at multiples of `grain`.
  template <class F>
  void parallel_for(int64_t tasks, F&& f, int64_t grain = 1) {
    if (alone_) {
      if (tasks > 0) f(int64_t{0}, tasks, thread_);
      return;
    }
    host_->parallel(
        tasks, grain,
        [](void* context, int64_t begin, int64_t end, int thread) {
          (*static_cast<std::remove_reference_t<F>*>(context))(begin, end, thread);
        },
        const_cast<void*>(static_cast<const void*>(&f)));
  }

  // Fusion: element-wise operators work on the parts of another operator's result or input while
  // these are in the processor's caches. An operator that knows nothing of it is never fused.

  /// In invoke of an operator with OpDef::by_parts: the elements of output 0 to compute; all of
  /// them, unless another operator hands over its result in parts.
  Range part() const { return is_part_ ? part_ : Range{0, output(0).shape.elements()}; }
  /// Whether part() may be less than all.
  bool is_part() const { return is_part_; }
  /// In invoke: some operator waits for the elements of output 0: parts of kPartElements or so are
  /// best, told by the thread that computed them.
  bool followed() const { return followers_ != nullptr; }
  /// In invoke of an operator with OpDef::produces: thread `thread` has finished elements
  /// [begin, end) of output 0 and will neither read nor write them again.
  void produced(int64_t begin, int64_t end, int thread) {
    if (followers_ != nullptr && begin < end) host_->produced(*this, {begin, end}, thread);
  }
  /// In prepare: invoke will call wanted for every element of input 0.
  void promise_wanted() { wants_ = true; }
  /// In invoke, after promise_wanted: thread `thread` is about to read elements [begin, end) of
  /// input 0. Each element is asked for once, by the only thread that reads it.
  void wanted(int64_t begin, int64_t end, int thread) {
    if (leaders_ != nullptr && begin < end) host_->wanted(*this, {begin, end}, thread);
  }
  /// Elements of a part that stay in the first-level cache with what is computed from them.
  static constexpr int64_t kPartElements = 4096;

 private:
  friend class OpDriver;
  Host* host_ = nullptr;
  Tensor* const* input_ = nullptr;
  Tensor* const* output_ = nullptr;
  Tensor* const* intermediate_ = nullptr;
  int input_count_ = 0;
  int output_count_ = 0;
  int intermediate_count_ = 0;
  int version_ = 1;
  const void* options_ = nullptr;
  std::span<const uint8_t> custom_options_;
  void* state_ = nullptr;
  void* const* scratch_ = nullptr;
  uint64_t position_ = 0;
  void* followers_ = nullptr;  ///< the host's, of those that wait for output 0
  void* leaders_ = nullptr;    ///< the host's, of those that make input 0
  Range part_;
  int thread_ = 0;
  bool is_part_ = false;
  bool alone_ = false;  ///< runs on thread `thread_` only
  bool wants_ = false;
  bool has_options_ = false;
  bool reference_ = false;
  bool running_ = false;
  bool deferred_ = false;
};

}  // namespace cygnet
