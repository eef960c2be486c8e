// SPDX-License-Identifier: Apache-2.0
// What lives as long as an interpreter and is shared by all its subgraphs: resource variables, hash
// tables, and which initializers have run.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "base/memory.h"
#include "base/status.h"
#include "base/vector.h"
#include "cygnet/custom_op.h"

namespace cygnet {

/// A resource variable. It has no value before the first ASSIGN_VARIABLE, which fixes its type; its
/// shape may change with each.
struct ResourceVariable {
  std::string_view container;
  std::string_view name;
  bool assigned = false;
  Type type = Type::float32;
  Shape shape;
  size_t bytes = 0;
  base::Buffer value;
};

/// A hash table between INT64 and STRING. It stays as it was first filled.
struct HashTable {
  int32_t id = 0;
  Type key_type = Type::int64;
  Type value_type = Type::string;
  bool filled = false;
  int64_t count = 0;   ///< of distinct keys
  base::Buffer order;  ///< int32 [count]: their indices in `keys`, sorted by key
  base::Buffer keys;   ///< the bytes of the tensors that filled it
  base::Buffer values;
};

/// A handle, as RESOURCE tensors hold it, says whether a variable or a table it means (rule T10).
/// Every handle is checked, since a model or a caller may make one up. 0 is none.
class Resources {
 public:
  /// For a model of `subgraphs` subgraphs; null when memory is short.
  static Resources* make(size_t subgraphs);
  void share() { ++users_; }
  /// Deletes it when the last user lets go.
  void release();

  /// The handle of a variable, made when there is none of that name. The names must outlive this.
  Status find_variable(std::string_view container, std::string_view name, int32_t* handle);
  /// The handle of a table, made when there is none of that id; another one's types are an error.
  Status find_table(int32_t id, Type key_type, Type value_type, int32_t* handle);
  /// What a RESOURCE tensor of one element refers to.
  Status variable(const Tensor& handle, ResourceVariable** variable);
  Status table(const Tensor& handle, HashTable** table);

  /// Makes `buffer`, of a variable or a table, `bytes` bytes long, with undefined contents.
  Status resize(base::Buffer* buffer, size_t bytes);
  /// Bytes that variables and tables hold.
  int64_t bytes() const { return bytes_; }

  bool initialized(int32_t subgraph) const { return initialized_[subgraph] != 0; }
  void set_initialized(int32_t subgraph) { initialized_[subgraph] = 1; }

  /// A call into one of the interpreters that share it is under way.
  std::atomic<bool> busy{false};

 private:
  std::atomic<int> users_{1};
  Vector<ResourceVariable> variables_;
  Vector<int32_t> sorted_variables_;  // indices by container and name
  Vector<HashTable> tables_;
  Vector<int32_t> sorted_tables_;  // indices by id
  Vector<uint8_t> initialized_;    // by subgraph
  int64_t bytes_ = 0;
};

}  // namespace cygnet
