// SPDX-License-Identifier: Apache-2.0
// HASHTABLE, HASHTABLE_IMPORT, HASHTABLE_FIND, HASHTABLE_SIZE: tables from INT64 to STRING or from
// STRING to INT64 that live as long as the interpreter.
//   HASHTABLE: output 0 RESOURCE [1]: the table that the option table_id names, of the options'
//     key and value types, in whichever subgraph
//   HASHTABLE_IMPORT: input 0 RESOURCE, inputs 1 and 2: keys and values of one shape. Fills the
//     table the first time and does nothing after that. Of equal keys the first counts.
//   HASHTABLE_FIND: input 0 RESOURCE, input 1: keys, any shape, input 2: the value for keys that
//   the
//     table has not; output 0: the keys' values. Refused before HASHTABLE_IMPORT.
//   HASHTABLE_SIZE: input 0 RESOURCE; output 0: INT64 [1], the number of keys
// Source: TFLite's kernels, LiteRT 2.3.
#include <algorithm>

#include "ops/resource_operand.h"
#include "ops/strings.h"
#include "schema/tflite_generated.h"

namespace cygnet::ops {
namespace {

// The elements of an INT64 or STRING tensor.
class Column {
 public:
  Column(Type type, const void* data, size_t bytes)
      : numbers_(type == Type::int64 ? static_cast<const int64_t*>(data) : nullptr),
        strings_(type == Type::string ? data : nullptr, bytes) {}
  explicit Column(const Tensor& t) : Column(t.type, t.data, t.bytes) {}

  int64_t number(int64_t i) const { return numbers_[i]; }
  std::string_view text(int64_t i) const { return strings_[i]; }
  /// Whether element i comes before element k of another column of this type.
  bool before(int64_t i, const Column& other, int64_t k) const {
    return numbers_ != nullptr ? number(i) < other.number(k) : text(i) < other.text(k);
  }

 private:
  const int64_t* numbers_;
  Strings strings_;
};

bool types_fit(Type key, Type value) {
  return (key == Type::int64 && value == Type::string) ||
         (key == Type::string && value == Type::int64);
}

Status expect_types(const char* key_name, Type key, const char* value_name, Type value) {
  if (types_fit(key, value)) return {};
  return bad_model("%s and %s: expected types INT64 and STRING or STRING and INT64, got %s and %s",
                   key_name, value_name, type_name(key), type_name(value));
}

// The table of input 0, of these types.
Status find_table(OpContext& op, Type key, Type value, HashTable** table) {
  CYGNET_TRY(expect_resources(op));
  CYGNET_TRY(op.resources()->table(op.input(0), table));
  if ((*table)->key_type == key && (*table)->value_type == value) return {};
  return bad_model("T10: expected types %s and %s as the table has, got %s and %s",
                   type_name((*table)->key_type), type_name((*table)->value_type), type_name(key),
                   type_name(value));
}

// ---- HASHTABLE

Status infer_table(OpContext& op) {
  const auto& options = op.options<schema::HashtableOptions>();
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::resource}));
  CYGNET_TRY(expect_types("key_dtype", static_cast<Type>(options.key_dtype()), "value_dtype",
                          static_cast<Type>(options.value_dtype())));
  return op.set_output(0, {1});
}

Status invoke_table(OpContext& op) {
  const auto& options = op.options<schema::HashtableOptions>();
  CYGNET_TRY(expect_resources(op));
  return op.resources()->find_table(options.table_id(), static_cast<Type>(options.key_dtype()),
                                    static_cast<Type>(options.value_dtype()),
                                    op.output(0).as<int32_t>());
}

// ---- HASHTABLE_IMPORT

Status infer_import(OpContext& op) {
  const Tensor &keys = op.input(1), &values = op.input(2);
  CYGNET_TRY(expect_handle("input 0", op.input(0)));
  CYGNET_TRY(expect_types("input 1", keys.type, "input 2", values.type));
  return expect_shape("input 2", values, keys.shape);
}

Status keep(OpContext& op, base::Buffer* buffer, const void* data, size_t bytes) {
  CYGNET_TRY(op.check_memory(static_cast<int64_t>(bytes), "hash table"));
  CYGNET_TRY(op.resources()->resize(buffer, bytes));
  if (data != nullptr && bytes > 0) std::memcpy(buffer->data(), data, bytes);
  return {};
}

Status invoke_import(OpContext& op) {
  const Tensor &keys = op.input(1), &values = op.input(2);
  HashTable* table = nullptr;
  CYGNET_TRY(find_table(op, keys.type, values.type, &table));
  if (table->filled) return {};
  const int64_t n = keys.shape.elements();
  CYGNET_TRY(keep(op, &table->keys, keys.data, keys.bytes));
  CYGNET_TRY(keep(op, &table->values, values.data, values.bytes));
  CYGNET_TRY(keep(op, &table->order, nullptr, static_cast<size_t>(n) * sizeof(int32_t)));
  auto* order = reinterpret_cast<int32_t*>(table->order.data());
  for (int64_t i = 0; i < n; ++i) order[i] = static_cast<int32_t>(i);
  const Column column(keys);
  std::sort(order, order + n, [&](int32_t a, int32_t b) {
    if (column.before(a, column, b)) return true;
    return !column.before(b, column, a) && a < b;
  });
  const auto* end = std::unique(order, order + n, [&](int32_t a, int32_t b) {
    return !column.before(a, column, b) && !column.before(b, column, a);
  });
  table->count = end - order;
  table->filled = true;
  return {};
}

// ---- HASHTABLE_FIND

Status infer_find(OpContext& op) {
  const Tensor &keys = op.input(1), &standard = op.input(2), &out = op.output(0);
  CYGNET_TRY(expect_handle("input 0", op.input(0)));
  CYGNET_TRY(expect_types("input 1", keys.type, "output 0", out.type));
  CYGNET_TRY(expect_same_type("output 0", out, "input 2", standard));
  CYGNET_TRY(expect_elements("input 2", standard, 1));
  return op.set_output(0, keys.shape);
}

Status invoke_find(OpContext& op) {
  const Tensor& keys = op.input(1);
  HashTable* table = nullptr;
  CYGNET_TRY(find_table(op, keys.type, op.output(0).type, &table));
  if (!table->filled) return bad_model("hash table %d is used before it is filled", table->id);
  const Column wanted(keys), known(table->key_type, table->keys.data(), table->keys.bytes());
  const Column values(table->value_type, table->values.data(), table->values.bytes());
  const Column standard(op.input(2));
  const auto* order = reinterpret_cast<const int32_t*>(table->order.data());
  const auto* end = order + table->count;
  // The index of key i in the table, −1 when it is not there.
  const auto find = [&](int64_t i) -> int32_t {
    const auto* at = std::lower_bound(
        order, end, i, [&](int32_t k, int64_t key) { return known.before(k, wanted, key); });
    return at == end || wanted.before(i, known, *at) ? -1 : *at;
  };
  const int64_t n = keys.shape.elements();
  if (table->value_type == Type::string)
    return write_strings(op, 0, n, [&](int64_t i) {
      const int32_t k = find(i);
      return k < 0 ? standard.text(0) : values.text(k);
    });
  auto* to = op.output(0).as<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    const int32_t k = find(i);
    to[i] = k < 0 ? standard.number(0) : values.number(k);
  }
  return {};
}

// ---- HASHTABLE_SIZE

Status infer_size(OpContext& op) {
  CYGNET_TRY(expect_handle("input 0", op.input(0)));
  CYGNET_TRY(expect_type("output 0", op.output(0), {Type::int64}));
  return op.set_output(0, {1});
}

Status invoke_size(OpContext& op) {
  CYGNET_TRY(expect_resources(op));
  HashTable* table = nullptr;
  CYGNET_TRY(op.resources()->table(op.input(0), &table));
  *op.output(0).as<int64_t>() = table->count;
  return {};
}

}  // namespace

extern const OpDef kHashtable;
const OpDef kHashtable = {
    .name = "HASHTABLE",
    .builtin = 136,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::HashtableOptions),
    .pure = false,
    .min_inputs = 0,
    .max_inputs = 0,
    .infer = infer_table,
    .invoke = invoke_table,
};

extern const OpDef kHashtableFind;
const OpDef kHashtableFind = {
    .name = "HASHTABLE_FIND",
    .builtin = 137,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::HashtableFindOptions),
    .pure = false,
    .min_inputs = 3,
    .max_inputs = 3,
    .infer = infer_find,
    .invoke = invoke_find,
};

extern const OpDef kHashtableImport;
const OpDef kHashtableImport = {
    .name = "HASHTABLE_IMPORT",
    .builtin = 138,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::HashtableImportOptions),
    .pure = false,
    .min_inputs = 3,
    .max_inputs = 3,
    .min_outputs = 0,
    .max_outputs = 0,
    .infer = infer_import,
    .invoke = invoke_import,
};

extern const OpDef kHashtableSize;
const OpDef kHashtableSize = {
    .name = "HASHTABLE_SIZE",
    .builtin = 139,
    .max_version = 1,
    .options_type = static_cast<uint8_t>(schema::BuiltinOptions::HashtableSizeOptions),
    .pure = false,
    .infer = infer_size,
    .invoke = invoke_size,
};

}  // namespace cygnet::ops
