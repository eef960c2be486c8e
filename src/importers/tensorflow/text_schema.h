// SPDX-License-Identifier: Apache-2.0
// The fields of TensorFlow's messages by name, for the text format: those that the readers use.
#pragma once

#include <cstdint>
#include <string_view>

namespace cygnet::tensorflow {

/// Messages. unknown: one whose fields are all dropped.
enum class TextType : uint8_t {
  unknown,
  graph,
  node,
  attr_entry,
  attr_value,
  attr_list,
  function_name,
  shape,
  dim,
  tensor,
  library,
  function,
  op,
  argument,
  name_entry,
  saved_model,
  meta_graph,
  meta_info,
  saver,
  signature_entry,
  signature,
  info_entry,
  tensor_info,
};

enum class TextKind : uint8_t { message, bytes, varint, data_type, float32, float64 };

struct TextField {
  TextType owner;
  std::string_view name;
  uint32_t number;
  TextKind kind;
  TextType type = TextType::unknown;  ///< of a message
};

/// Null when the message has no such field, or none that the readers use.
const TextField* find_text_field(TextType owner, std::string_view name);

/// The number of "DT_FLOAT" and its like, also with "_REF"; -1 when there is no such type.
int32_t find_data_type(std::string_view name);

}  // namespace cygnet::tensorflow
