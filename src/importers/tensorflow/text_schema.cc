// SPDX-License-Identifier: Apache-2.0
#include "importers/tensorflow/text_schema.h"

namespace cygnet::tensorflow {

namespace {

using enum TextType;
constexpr TextKind kMessage = TextKind::message;
constexpr TextKind kBytes = TextKind::bytes;
constexpr TextKind kVarint = TextKind::varint;
constexpr TextKind kType = TextKind::data_type;

constexpr TextField kFields[] = {
    {graph, "node", 1, kMessage, node},
    {graph, "library", 2, kMessage, library},
    {node, "name", 1, kBytes},
    {node, "op", 2, kBytes},
    {node, "input", 3, kBytes},
    {node, "attr", 5, kMessage, attr_entry},
    {attr_entry, "key", 1, kBytes},
    {attr_entry, "value", 2, kMessage, attr_value},
    {attr_value, "list", 1, kMessage, attr_list},
    {attr_value, "s", 2, kBytes},
    {attr_value, "i", 3, kVarint},
    {attr_value, "f", 4, TextKind::float32},
    {attr_value, "b", 5, kVarint},
    {attr_value, "type", 6, kType},
    {attr_value, "shape", 7, kMessage, shape},
    {attr_value, "tensor", 8, kMessage, tensor},
    {attr_value, "placeholder", 9, kBytes},
    {attr_value, "func", 10, kMessage, function_name},
    {attr_list, "s", 2, kBytes},
    {attr_list, "i", 3, kVarint},
    {attr_list, "f", 4, TextKind::float32},
    {attr_list, "b", 5, kVarint},
    {attr_list, "type", 6, kType},
    {attr_list, "shape", 7, kMessage, shape},
    {attr_list, "tensor", 8, kMessage, tensor},
    {attr_list, "func", 9, kMessage, function_name},
    {function_name, "name", 1, kBytes},
    {function_name, "attr", 2, kMessage, attr_entry},
    {shape, "dim", 2, kMessage, dim},
    {shape, "unknown_rank", 3, kVarint},
    {dim, "size", 1, kVarint},
    {tensor, "dtype", 1, kType},
    {tensor, "tensor_shape", 2, kMessage, shape},
    {tensor, "tensor_content", 4, kBytes},
    {tensor, "float_val", 5, TextKind::float32},
    {tensor, "double_val", 6, TextKind::float64},
    {tensor, "int_val", 7, kVarint},
    {tensor, "string_val", 8, kBytes},
    {tensor, "scomplex_val", 9, TextKind::float32},
    {tensor, "int64_val", 10, kVarint},
    {tensor, "bool_val", 11, kVarint},
    {tensor, "dcomplex_val", 12, TextKind::float64},
    {tensor, "half_val", 13, kVarint},
    {tensor, "uint32_val", 16, kVarint},
    {tensor, "uint64_val", 17, kVarint},
    {library, "function", 1, kMessage, function},
    {function, "signature", 1, kMessage, op},
    {function, "node_def", 3, kMessage, node},
    {function, "ret", 4, kMessage, name_entry},
    {function, "attr", 5, kMessage, attr_entry},
    {function, "control_ret", 6, kMessage, name_entry},
    {op, "name", 1, kBytes},
    {op, "input_arg", 2, kMessage, argument},
    {op, "output_arg", 3, kMessage, argument},
    {argument, "name", 1, kBytes},
    {argument, "type", 3, kType},
    {argument, "type_attr", 4, kBytes},
    {argument, "number_attr", 5, kBytes},
    {argument, "type_list_attr", 6, kBytes},
    {name_entry, "key", 1, kBytes},
    {name_entry, "value", 2, kBytes},
    {saved_model, "meta_graphs", 2, kMessage, meta_graph},
    {meta_graph, "meta_info_def", 1, kMessage, meta_info},
    {meta_graph, "graph_def", 2, kMessage, graph},
    {meta_graph, "saver_def", 3, kMessage, saver},
    {meta_graph, "signature_def", 5, kMessage, signature_entry},
    {meta_info, "tags", 4, kBytes},
    {saver, "filename_tensor_name", 1, kBytes},
    {saver, "save_tensor_name", 2, kBytes},
    {saver, "restore_op_name", 3, kBytes},
    {signature_entry, "key", 1, kBytes},
    {signature_entry, "value", 2, kMessage, signature},
    {signature, "inputs", 1, kMessage, info_entry},
    {signature, "outputs", 2, kMessage, info_entry},
    {signature, "method_name", 3, kBytes},
    {info_entry, "key", 1, kBytes},
    {info_entry, "value", 2, kMessage, tensor_info},
    {tensor_info, "name", 1, kBytes},
    {tensor_info, "dtype", 2, kType},
    {tensor_info, "tensor_shape", 3, kMessage, shape},
};

constexpr std::string_view kDataTypes[] = {
    "DT_INVALID",    "DT_FLOAT",  "DT_DOUBLE",    "DT_INT32",   "DT_UINT8",   "DT_INT16",
    "DT_INT8",       "DT_STRING", "DT_COMPLEX64", "DT_INT64",   "DT_BOOL",    "DT_QINT8",
    "DT_QUINT8",     "DT_QINT32", "DT_BFLOAT16",  "DT_QINT16",  "DT_QUINT16", "DT_UINT16",
    "DT_COMPLEX128", "DT_HALF",   "DT_RESOURCE",  "DT_VARIANT", "DT_UINT32",  "DT_UINT64",
};

}  // namespace

const TextField* find_text_field(TextType owner, std::string_view name) {
  for (const TextField& field : kFields) {
    if (field.owner == owner && field.name == name) return &field;
  }
  return nullptr;
}

int32_t find_data_type(std::string_view name) {
  constexpr std::string_view kReference = "_REF";
  int32_t offset = 0;
  if (name.size() > kReference.size() &&
      name.substr(name.size() - kReference.size()) == kReference) {
    name.remove_suffix(kReference.size());
    offset = 100;
  }
  int32_t number = 0;
  for (std::string_view known : kDataTypes) {
    if (known == name) return number + offset;
    ++number;
  }
  return -1;
}

}  // namespace cygnet::tensorflow
