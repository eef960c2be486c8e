// SPDX-License-Identifier: Apache-2.0
// MaxPoolWithArgmax, MaxPoolingWithArgmax2D and MaxUnpooling2D by their definitions, and options
// that are broken. tests/differential/operators/movement_custom.py has random cases.
#include <gtest/gtest.h>

#include <cmath>

#include "flatbuffers/flexbuffers.h"
#include "ops/flex_map.h"
#include "support/op_harness.h"

namespace cygnet::test {
namespace {

using Bytes = std::vector<uint8_t>;

// TFLite's structure for pools: padding, strides, filter, activation.
Bytes pool_bytes(int padding, int stride_w, int stride_h, int filter_w, int filter_h,
                 int activation = 0) {
  const int32_t words[] = {padding, stride_w, stride_h, filter_w, filter_h, activation};
  Bytes bytes(sizeof(words));
  std::memcpy(bytes.data(), words, sizeof(words));
  return bytes;
}

// As TensorFlow's converter writes options.
Bytes flex(const std::vector<int>& size, const std::vector<int>& strides, const char* padding,
           bool with_batch = false) {
  flexbuffers::Builder b;
  b.Map([&]() {
    b.Bool("include_batch_in_index", with_batch);
    b.TypedVector("ksize", [&]() {
      for (int n : size) b.Int(n);
    });
    b.String("padding", padding);
    b.Vector("strides", [&]() {
      for (int n : strides) b.Int(n);
    });
  });
  b.Finish();
  return b.GetBuffer();
}

std::function<void(ModelBuilder&)> pool(const std::string& name, const Bytes& options, Type places,
                                        std::vector<int32_t> in, Type type = Type::float32) {
  return [=](ModelBuilder& b) {
    const int x = b.input(in, type);
    b.custom_op(name, {x}, {b.output({1}, type), b.output({1}, places)}, options);
  };
}

const char* const kFlex = "MaxPoolWithArgmax";
const char* const kRaw = "MaxPoolingWithArgmax2D";

// Two images of 2 × 3 pixels and one channel.
const std::vector<float> kImages = {1, 5, 5, 4, 2, 3, -1, -1, -2, -3, 0, -9};

TEST(MaxPoolWithArgmax, Cases) {
  const auto options = flex({1, 2, 2, 1}, {1, 1, 1, 1}, "VALID");
  const auto with_batch = flex({1, 2, 2, 1}, {1, 1, 1, 1}, "VALID", true);
  const auto same = flex({1, 2, 2, 1}, {1, 2, 2, 1}, "SAME");
  run_op_cases({
      {.name = "places in the image",
       .model = pool(kFlex, options, Type::int32, {2, 2, 3, 1}),
       .inputs = {values(kImages)},
       .outputs = {values<float>({5, 5, 0, 0}), values<int32_t>({1, 1, 4, 4})},
       .shapes = {{2, 1, 2, 1}, {2, 1, 2, 1}}},
      {.name = "places in all images",
       .model = pool(kFlex, with_batch, Type::int64, {2, 2, 3, 1}),
       .inputs = {values(kImages)},
       .outputs = {values<float>({5, 5, 0, 0}), values<int64_t>({1, 1, 10, 10})}},
      {.name = "padding behind",
       .model = pool(kFlex, same, Type::int32, {1, 2, 3, 2}),
       .inputs = {values(kImages)},
       .outputs = {values<float>({5, 5, 2, 3}), values<int32_t>({2, 1, 4, 5})},
       .shapes = {{1, 1, 2, 2}, {1, 1, 2, 2}}},
      {.name = "places in the window",
       .model = pool(kRaw, pool_bytes(2, 1, 1, 2, 2, 1), Type::float32, {2, 2, 3, 1}),
       .inputs = {values(kImages)},
       .outputs = {values<float>({5, 5, 0, 0}), values<float>({1.1f, 0.1f, 3.1f, 2.1f})}},
      {.name = "no image",
       .model = pool(kRaw, pool_bytes(1, 1, 1, 2, 2), Type::float32, {0, 2, 3, 1}),
       .inputs = {values<float>({})},
       .outputs = {values<float>({}), values<float>({})}},
  });
}

TEST(MaxPoolWithArgmax, Refuses) {
  const auto good = flex({1, 2, 2, 1}, {1, 1, 1, 1}, "VALID");
  const auto flexed = [](const Bytes& options) {
    return pool(kFlex, options, Type::int32, {1, 2, 3, 1});
  };
  const auto raw = [](const Bytes& options) {
    return pool(kRaw, options, Type::float32, {1, 2, 3, 1});
  };
  refuse_op_cases({
      {.name = "no options", .model = flexed({}), .message = "C10: custom options are no Flex"},
      {.name = "other bytes", .model = flexed({1, 2, 3, 4}), .message = "C10: custom options"},
      {.name = "list",
       .model = flexed(flex({1, 2, 1}, {1, 1, 1, 1}, "SAME")),
       .message = "C10: option ksize: expected a list of 4"},
      {.name = "batch",
       .model = flexed(flex({2, 2, 2, 1}, {1, 1, 1, 1}, "SAME")),
       .message = "option ksize: expected 1 for batch and channels, got 2 and 1"},
      {.name = "stride of 0",
       .model = flexed(flex({1, 2, 2, 1}, {1, 0, 1, 1}, "SAME")),
       .message = "strides: expected 1 to"},
      {.name = "padding",
       .model = flexed(flex({1, 2, 2, 1}, {1, 1, 1, 1}, "FULL")),
       .message = "C10: option padding: expected SAME or VALID"},
      {.name = "window",
       .model = flexed(flex({1, 3, 2, 1}, {1, 1, 1, 1}, "VALID")),
       .message = "height: a window of 3 positions does not fit into 2"},
      {.name = "places",
       .model = pool(kFlex, good, Type::float32, {1, 2, 3, 1}),
       .message = "output 1: type FLOAT32 is not supported"},
      {.name = "rank",
       .model = pool(kFlex, good, Type::int32, {2, 3, 1}),
       .message = "input 0: expected rank 4, got 3"},
      {.name = "type",
       .model = pool(kFlex, good, Type::int32, {1, 2, 3, 1}, Type::int8),
       .message = "input 0: expected type FLOAT32, got INT8"},
      {.name = "too few bytes", .model = raw(Bytes(20)), .message = "C10: expected 24 bytes"},
      {.name = "padding of 0",
       .model = raw(pool_bytes(0, 1, 1, 2, 2)),
       .message = "C9: padding: expected 1 to 2, got 0"},
      {.name = "filter of 0",
       .model = raw(pool_bytes(1, 1, 1, 0, 2)),
       .message = "filter: expected 1 to"},
      {.name = "activation",
       .model = raw(pool_bytes(1, 1, 1, 2, 2, 9)),
       .message = "C9: activation: expected 0 to 3, got 9"},
  });
}

// Every cut of a good map and every byte changed: no crash, and values that are read lie inside.
TEST(MaxPoolWithArgmax, HostileMaps) {
  const Bytes good = flex({1, 2, 2, 1}, {1, 1, 1, 1}, "VALID");
  const auto read = [](const Bytes& bytes) {
    ops::FlexMap map;
    if (!ops::FlexMap::open(bytes, &map).ok()) return;
    for (const char* key : {"ksize", "padding", "strides", "include_batch_in_index", "other"}) {
      const ops::FlexValue value = map.find(key);
      std::string_view text;
      int64_t whole = 0;
      double real = 0;
      EXPECT_TRUE(!value.text(&text) || text.size() <= bytes.size());
      (void)value.integer(&whole);
      (void)value.real(&real);
      EXPECT_LE(value.size(), static_cast<int64_t>(bytes.size()));
      for (int64_t i = 0; i < value.size(); ++i) (void)value.at(i).real(&real);
    }
  };
  for (size_t n = 0; n < good.size(); ++n) {
    read(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n)));
    read(Bytes(good.begin() + static_cast<std::ptrdiff_t>(n), good.end()));
    for (int byte = 0; byte < 256; ++byte) {
      Bytes changed = good;
      changed[n] = static_cast<uint8_t>(byte);
      read(changed);
    }
  }
}

std::function<void(ModelBuilder&)> unpool(const Bytes& options, Type places,
                                          std::vector<int32_t> place_shape = {1, 1, 2, 1}) {
  return [=](ModelBuilder& b) {
    const int x = b.input({1, 1, 2, 1}), p = b.input(place_shape, places);
    b.custom_op("MaxUnpooling2D", {x, p}, {b.output({1})}, options);
  };
}

TEST(MaxUnpooling2D, Cases) {
  run_op_cases({
      {.name = "places in the image",
       .model = unpool(pool_bytes(1, 2, 2, 3, 3), Type::int32),
       .inputs = {values<float>({7, 9}), values<int32_t>({5, 3})},
       .outputs = {values<float>({0, 0, 0, 9, 0, 7, 0, 0})},
       .shapes = {{1, 2, 4, 1}}},
      {.name = "VALID; places outside",
       .model = unpool(pool_bytes(2, 1, 1, 2, 1), Type::int32),
       .inputs = {values<float>({7, 9}), values<int32_t>({-1, 3})},
       .outputs = {values<float>({0, 0, 0})},
       .shapes = {{1, 1, 3, 1}}},
      {.name = "places in the window",
       .model = unpool(pool_bytes(1, 2, 2, 2, 2), Type::float32),
       .inputs = {values<float>({7, 9}), values<float>({3.1f, 0.1f})},
       .outputs = {values<float>({0, 0, 9, 0, 0, 7, 0, 0})},
       .shapes = {{1, 2, 4, 1}}},
      {.name = "places that are none",
       .model = unpool(pool_bytes(1, 2, 2, 2, 2), Type::float32),
       .inputs = {values<float>({7, 9}), values<float>({NAN, 1e30f})},
       .outputs = {values<float>(std::vector<float>(8))}},
  });
}

TEST(MaxUnpooling2D, Refuses) {
  refuse_op_cases({
      {.name = "options",
       .model = unpool(Bytes(4), Type::int32),
       .message = "C10: expected 24 bytes of options, got 4"},
      {.name = "places",
       .model = unpool(pool_bytes(1, 2, 2, 2, 2), Type::int64),
       .message = "input 1: type INT64 is not supported"},
      {.name = "shape of the places",
       .model = unpool(pool_bytes(1, 2, 2, 2, 2), Type::int32, {1, 2, 2, 1}),
       .message = "input 1: expected shape [1,1,2,1], got [1,2,2,1]"},
      {.name = "too large",
       .model = unpool(pool_bytes(1, INT32_MAX, INT32_MAX, 2, 2), Type::int32),
       .message = "T3: "},
  });
}

}  // namespace
}  // namespace cygnet::test
