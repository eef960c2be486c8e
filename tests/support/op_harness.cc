// SPDX-License-Identifier: Apache-2.0
#include "support/op_harness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "format/model.h"
#include "ops/builtin_ops.h"
#include "runtime/interpreter.h"
#include "support/kernel_tiers.h"

namespace cygnet::test {
namespace {

/// One way to run a case.
struct Way {
  bool reference = false;
  int threads = 1;
  Isa isa = Isa::scalar;
  std::string text;
};

std::vector<Way> all_ways() {
  std::vector<Way> ways;
  for (int threads : {1, 3}) {
    const std::string suffix = ", " + std::to_string(threads) + " threads";
    ways.push_back({true, threads, Isa::scalar, "plain loops" + suffix});
    for (Isa isa : available_tiers())
      ways.push_back(
          {false, threads, isa, std::string("kernels ") + kernels_for(isa)->name + suffix});
  }
  return ways;
}

double element(Type type, const uint8_t* bytes, size_t i) {
  const auto at = [&]<class T>(T x) {
    std::memcpy(&x, bytes + i * sizeof(T), sizeof(T));
    return static_cast<double>(x);
  };
  switch (type) {
    case Type::float32:
      return at(float{});
    case Type::float64:
      return at(double{});
    case Type::int8:
      return at(int8_t{});
    case Type::uint8:
    case Type::boolean:
      return at(uint8_t{});
    case Type::int16:
      return at(int16_t{});
    case Type::uint16:
    case Type::float16:
    case Type::bfloat16:
      return at(uint16_t{});
    case Type::int32:
      return at(int32_t{});
    case Type::uint32:
      return at(uint32_t{});
    case Type::int64:
      return at(int64_t{});
    case Type::uint64:
    case Type::complex64:  // bits
      return at(uint64_t{});
    default:
      ADD_FAILURE() << "type " << type_name(type) << " is unknown to the harness";
      return 0;
  }
}

bool is_float(Type type) {
  return type == Type::float32 || type == Type::float64;
}

bool near(const OpCase& c, const Way& way, Type type, double got, double want) {
  if (!is_float(type))
    return std::abs(got - want) <= (way.reference ? c.plain_steps : c.kernel_steps);
  if (std::isnan(want) || std::isnan(got)) return std::isnan(want) && std::isnan(got);
  if (std::isinf(want) || std::isinf(got)) return got == want;
  return std::abs(got - want) <= c.tolerance * std::max(1.0, std::abs(want));
}

void compare(const OpCase& c, const Way& way, int index, const Tensor& got, const Values& want) {
  ASSERT_EQ(static_cast<int>(got.type), static_cast<int>(want.type)) << "type of output " << index;
  ASSERT_EQ(got.bytes, want.bytes.size())
      << "bytes of output " << index << ", shape " << shape_text(got.shape).text;
  if (type_bits(got.type) % 8 != 0 || type_bits(got.type) == 0) {  // INT4 and the like, STRING
    const std::vector<uint8_t> bytes(got.as<uint8_t>(), got.as<uint8_t>() + got.bytes);
    EXPECT_EQ(bytes, want.bytes) << "output " << index;
    return;
  }
  // A complex number is two floats.
  const bool complex = got.type == Type::complex64;
  const Type type = complex ? Type::float32 : got.type;
  const auto n = static_cast<size_t>(got.shape.elements()) * (complex ? 2 : 1);
  int failures = 0;
  for (size_t i = 0; i < n && failures < 5; ++i) {
    const double g = element(type, got.as<uint8_t>(), i), w = element(type, want.bytes.data(), i);
    if (near(c, way, type, g, w)) continue;
    ++failures;
    ADD_FAILURE() << "output " << index << ", element " << i << ": got " << g << ", expected " << w;
  }
}

void check_shapes(const OpCase& c, const Interpreter& interpreter) {
  for (size_t i = 0; i < c.shapes.size(); ++i) {
    const Shape& shape = interpreter.output(static_cast<int>(i)).shape;
    EXPECT_EQ(std::vector<int32_t>(shape.begin(), shape.end()), c.shapes[i])
        << "shape of output " << i;
  }
}

Status load_and_run(const TestImage& image, const std::vector<Values>& inputs, const Way& way,
                    Model* model, Interpreter* interpreter) {
  CYGNET_TRY(Model::from_memory({image.data(), image.size()}, "case", builtin_ops(), {}, model));
  CYGNET_TRY(interpreter->create(
      *model, {.threads = way.threads, .reference = way.reference, .poison = true}));
  CYGNET_TRY(interpreter->allocate());
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const size_t bytes = interpreter->input(i).bytes;
    if (static_cast<size_t>(i) < inputs.size()) {
      const Values& v = inputs[static_cast<size_t>(i)];
      CYGNET_TRY(interpreter->write_input(i, v.bytes.data(), v.bytes.size()));
    } else if (bytes > 0) {
      std::memset(interpreter->input_data(i), 0, bytes);
    }
  }
  return interpreter->invoke();
}

/// Integer results of the first way on kernels, which all others must equal.
using Outputs = std::vector<std::vector<uint8_t>>;

void run_one(const OpCase& c, const TestImage& image, const Way& way, Outputs* first) {
  SCOPED_TRACE(c.name + ": " + way.text);
  const ForcedTier tier(way.isa);
  Model model;
  Interpreter interpreter;
  const Status status = load_and_run(image, c.inputs, way, &model, &interpreter);
  ASSERT_TRUE(status.ok()) << status.message();
  ASSERT_EQ(interpreter.inputs(), static_cast<int>(c.inputs.size()));
  ASSERT_EQ(interpreter.outputs(), static_cast<int>(c.outputs.size()));
  check_shapes(c, interpreter);
  Outputs outputs;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Tensor& got = interpreter.output(i);
    compare(c, way, i, got, c.outputs[static_cast<size_t>(i)]);
    outputs.emplace_back();
    if (!is_float(got.type))
      outputs.back().assign(got.as<uint8_t>(), got.as<uint8_t>() + got.bytes);
  }
  if (way.reference) return;
  if (first->empty()) *first = outputs;
  EXPECT_EQ(outputs, *first) << "integers differ from those of another tier or number of threads";
}

}  // namespace

Values bools(const std::vector<bool>& elements) {
  return {Type::boolean, {elements.begin(), elements.end()}};
}

Values halves(const std::vector<uint16_t>& bits) {
  Values v = values(bits);
  v.type = Type::float16;
  return v;
}

void run_op_cases(const std::vector<OpCase>& cases) {
  const std::vector<Way> ways = all_ways();
  for (const OpCase& c : cases) {
    ModelBuilder builder;
    c.model(builder);
    const TestImage image = builder.finish();
    Outputs first;
    for (const Way& way : ways) run_one(c, image, way, &first);
  }
}

void refuse_op_cases(const std::vector<BadOpCase>& cases) {
  for (const BadOpCase& c : cases) {
    SCOPED_TRACE(c.name);
    ModelBuilder builder;
    c.model(builder);
    const TestImage image = builder.finish();
    for (bool reference : {true, false}) {
      Model model;
      Interpreter interpreter;
      const Status status =
          load_and_run(image, c.inputs, {.reference = reference, .isa = kernels().isa, .text = ""},
                       &model, &interpreter);
      EXPECT_FALSE(status.ok()) << "was accepted";
      if (status.ok()) continue;
      EXPECT_NE(std::string(status.message()).find(c.message), std::string::npos)
          << "message: " << status.message() << "\nexpected: " << c.message;
    }
  }
}

}  // namespace cygnet::test
