// SPDX-License-Identifier: Apache-2.0
// VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE: values that live as long as the interpreter.
//   VAR_HANDLE: output 0 RESOURCE, one element: the variable that the options container and
//     shared_name name, in whichever subgraph
//   READ_VARIABLE: input 0 RESOURCE; output 0: the variable's value, of its type and present shape.
//     Refused before the first ASSIGN_VARIABLE.
//   ASSIGN_VARIABLE: input 0 RESOURCE, input 1: the new value, of any type and shape; the type
//   stays
//     what it was the first time
// Source: TFLite's kernels, LiteRT 2.3.
#include "ops/resource_operand.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

Status expect_value_type(const char* name, const Tensor& t) {
  if (t.type == Type::string || type_bits(t.type) > 0) return {};
  return Status::error(Code::unsupported, "%s: type %s is not supported", name, type_name(t.type));
}

std::string_view text(const flatbuffers::String* string) {
  return string == nullptr ? std::string_view() : std::string_view(string->c_str(), string->size());
}

// ---- VAR_HANDLE

Status infer_handle(OpContext& op) {
  CYGNET_TRY(expect_handle("output 0", op.output(0)));
  return op.set_output(0, op.output(0).shape);
}

Status invoke_handle(OpContext& op) {
  CYGNET_TRY(expect_resources(op));
  const auto& options = op.options<schema::VarHandleOptions>();
  return op.resources()->find_variable(text(options.container()), text(options.shared_name()),
                                       op.output(0).as<int32_t>());
}

// ---- READ_VARIABLE

Status infer_read(OpContext& op) {
  CYGNET_TRY(expect_handle("input 0", op.input(0)));
  CYGNET_TRY(expect_value_type("output 0", op.output(0)));
  if (!op.known(0)) return op.defer();
  CYGNET_TRY(expect_resources(op));
  ResourceVariable* variable = nullptr;
  CYGNET_TRY(op.resources()->variable(op.input(0), &variable));
  if (!variable->assigned)
    return bad_model("variable \"%.*s\" is read before it is assigned",
                     static_cast<int>(variable->name.size()), variable->name.data());
  if (variable->type != op.output(0).type)
    return bad_model("T10: output 0: expected type %s as the variable has, got %s",
                     type_name(variable->type), type_name(op.output(0).type));
  return op.set_output(0, variable->shape);
}

Status invoke_read(OpContext& op) {
  ResourceVariable* variable = nullptr;
  CYGNET_TRY(op.resources()->variable(op.input(0), &variable));
  void* data = op.output(0).data;
  if (variable->type == Type::string) CYGNET_TRY(op.allocate_output(0, variable->bytes, &data));
  if (variable->bytes > 0) std::memcpy(data, variable->value.data(), variable->bytes);
  return {};
}

// ---- ASSIGN_VARIABLE

Status infer_assign(OpContext& op) {
  CYGNET_TRY(expect_handle("input 0", op.input(0)));
  return expect_value_type("input 1", op.input(1));
}

Status invoke_assign(OpContext& op) {
  CYGNET_TRY(expect_resources(op));
  const Tensor& value = op.input(1);
  ResourceVariable* variable = nullptr;
  CYGNET_TRY(op.resources()->variable(op.input(0), &variable));
  if (variable->assigned && variable->type != value.type)
    return bad_model("T10: input 1: expected type %s as the variable has, got %s",
                     type_name(variable->type), type_name(value.type));
  base::Buffer& buffer = variable->value;
  if (buffer.bytes() < value.bytes) {
    variable->assigned = false;
    CYGNET_TRY(op.check_memory(static_cast<int64_t>(value.bytes - buffer.bytes()), "variable"));
    CYGNET_TRY(op.resources()->resize(&buffer, value.bytes));
  }
  variable->assigned = true;
  variable->type = value.type;
  variable->shape = value.shape;
  variable->bytes = value.bytes;
  if (value.bytes > 0) std::memcpy(buffer.data(), value.data, value.bytes);
  return {};
}

}  // namespace

extern const OpDef kVarHandle;
const OpDef kVarHandle = {
    .name = "VAR_HANDLE",
    .builtin = 142,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::VarHandleOptions),
    .pure = false,
    .min_inputs = 0,
    .max_inputs = 0,
    .infer = infer_handle,
    .invoke = invoke_handle,
};

extern const OpDef kReadVariable;
const OpDef kReadVariable = {
    .name = "READ_VARIABLE",
    .builtin = 143,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::ReadVariableOptions),
    .pure = false,
    .infer = infer_read,
    .invoke = invoke_read,
};

extern const OpDef kAssignVariable;
const OpDef kAssignVariable = {
    .name = "ASSIGN_VARIABLE",
    .builtin = 144,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::AssignVariableOptions),
    .pure = false,
    .min_inputs = 2,
    .max_inputs = 2,
    .min_outputs = 0,
    .max_outputs = 0,
    .infer = infer_assign,
    .invoke = invoke_assign,
};

}  // namespace cygnet::ops
