// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/wire.h"

#include <cstring>
#include <limits>

namespace cygnet::tensorflow {

using protozero::pbf_wire_type;

namespace {

[[noreturn]] void malformed(const char* what) {
  throw Failure(text("I1: malformed protobuf message: ", what));
}

/// Runs f; protozero's exceptions become Failure.
template <class F>
auto guarded(F&& f) {
  try {
    return f();
  } catch (const protozero::exception& e) {
    malformed(e.what());
  }
}

}  // namespace

Message::Message(std::string_view bytes, Budget& budget, int depth)
    : reader_(bytes.data(), bytes.size()), budget_(&budget), depth_(depth) {
  if (depth > kMaxMessageDepth) malformed("nested too deep");
}

int64_t Message::varint(const char** data, const char* end) {
  return guarded([&] { return static_cast<int64_t>(protozero::decode_varint(data, end)); });
}

bool Message::next() {
  if (!reader_) return false;
  // protozero keeps 32 bits of the tag.
  const auto rest = reader_.data();
  const char* data = rest.data();
  const auto tag = static_cast<uint64_t>(varint(&data, rest.data() + rest.size()));
  if (tag > std::numeric_limits<uint32_t>::max()) malformed("field number above 2^29 - 1");
  return guarded([&] { return reader_.next(); });
}

void Message::expect(pbf_wire_type type) const {
  if (reader_.wire_type() != type) {
    throw Failure(text("I1: malformed protobuf message: field ", field(), " has wire type ",
                       static_cast<int>(reader_.wire_type()), ", expected ",
                       static_cast<int>(type)));
  }
}

std::string_view Message::bytes() {
  expect(pbf_wire_type::length_delimited);
  // protozero keeps 32 bits of the length.
  const auto rest = reader_.data();
  const char* data = rest.data();
  const char* end = data + rest.size();
  const auto length = static_cast<uint64_t>(varint(&data, end));
  if (length > static_cast<uint64_t>(end - data)) malformed("length beyond the end");
  return guarded([&] {
    const auto view = reader_.get_view();
    return std::string_view(view.data(), view.size());
  });
}

void Message::skip() {
  if (reader_.wire_type() == pbf_wire_type::length_delimited) {
    bytes();
  } else {
    guarded([&] { reader_.skip(); });
  }
}

int64_t Message::integer() {
  expect(pbf_wire_type::varint);
  return guarded([&] { return reader_.get_int64(); });
}

float Message::real() {
  expect(pbf_wire_type::fixed32);
  return guarded([&] { return reader_.get_float(); });
}

uint32_t Message::fixed32() {
  expect(pbf_wire_type::fixed32);
  return guarded([&] { return reader_.get_fixed32(); });
}

std::string_view Message::fixed_bytes(size_t element_bytes) {
  if (reader_.wire_type() == pbf_wire_type::length_delimited) {
    const std::string_view all = bytes();
    if (all.size() % element_bytes != 0) malformed("length of a packed field");
    return all;
  }
  expect(element_bytes == 4 ? pbf_wire_type::fixed32 : pbf_wire_type::fixed64);
  const char* at = reader_.data().data();
  skip();
  return {at, element_bytes};
}

}  // namespace cygnet::tensorflow
