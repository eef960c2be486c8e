// SPDX-License-Identifier: Apache-2.0
#include "graph/resources.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace cygnet {
namespace {

// The lowest bit of a handle tells tables (1) from variables (0); above it is the index, from 1.
constexpr int32_t kTableBit = 1;

int32_t handle_of(size_t index, int32_t kind) {
  return static_cast<int32_t>((index + 1) << 1) | kind;
}

// The index that a handle of this kind means, −1 when it means none of `count`.
int64_t index_of(const Tensor& handle, int32_t kind, size_t count) {
  int32_t value = 0;
  if (handle.data != nullptr && handle.bytes == sizeof(value))
    std::memcpy(&value, handle.data, sizeof(value));
  const int32_t index = (value >> 1) - 1;
  return (value & kTableBit) == kind && index >= 0 && static_cast<size_t>(index) < count ? index
                                                                                         : -1;
}

// Makes room for one element more.
template <class T>
bool grow(Vector<T>& vector) {
  if (vector.size() < vector.capacity()) return true;
  return reserve_or_fail(vector, 2 * vector.size() + 1) && !base::ran_short();
}

}  // namespace

Resources* Resources::make(size_t subgraphs) {
  void* memory = base::allocate(sizeof(Resources));
  if (memory == nullptr) return nullptr;
  auto* made = new (memory) Resources();
  if (reserve_or_fail(made->initialized_, subgraphs)) {
    made->initialized_.assign(subgraphs, 0);
    return made;
  }
  made->release();
  return nullptr;
}

void Resources::release() {
  if (--users_ > 0) return;
  this->~Resources();
  base::release(this);
}

Status Resources::find_variable(std::string_view container, std::string_view name,
                                int32_t* handle) {
  const auto before = [&](int32_t i, int) {
    const ResourceVariable& v = variables_[i];
    return v.container != container ? v.container < container : v.name < name;
  };
  const int32_t* at =
      std::lower_bound(sorted_variables_.begin(), sorted_variables_.end(), 0, before);
  if (at != sorted_variables_.end() && variables_[*at].container == container &&
      variables_[*at].name == name) {
    *handle = handle_of(static_cast<size_t>(*at), 0);
    return {};
  }
  const size_t n = variables_.size();
  const auto place = at - sorted_variables_.begin();
  if (!grow(variables_) || !grow(sorted_variables_))
    return out_of_memory("resource variable", sizeof(ResourceVariable));
  ResourceVariable& made = variables_.emplace_back();
  made.container = container;
  made.name = name;
  sorted_variables_.insert(sorted_variables_.begin() + place, static_cast<int32_t>(n));
  *handle = handle_of(n, 0);
  return {};
}

Status Resources::find_table(int32_t id, Type key_type, Type value_type, int32_t* handle) {
  const auto before = [&](int32_t i, int32_t wanted) { return tables_[i].id < wanted; };
  const int32_t* at = std::lower_bound(sorted_tables_.begin(), sorted_tables_.end(), id, before);
  if (at != sorted_tables_.end() && tables_[*at].id == id) {
    const HashTable& found = tables_[*at];
    *handle = handle_of(static_cast<size_t>(*at), kTableBit);
    if (found.key_type == key_type && found.value_type == value_type) return {};
    return bad_model("T10: hash table %d: expected types %s to %s as before, got %s to %s", id,
                     type_name(found.key_type), type_name(found.value_type), type_name(key_type),
                     type_name(value_type));
  }
  const size_t n = tables_.size();
  const auto place = at - sorted_tables_.begin();
  if (!grow(tables_) || !grow(sorted_tables_))
    return out_of_memory("hash table", sizeof(HashTable));
  HashTable& made = tables_.emplace_back();
  made.id = id;
  made.key_type = key_type;
  made.value_type = value_type;
  sorted_tables_.insert(sorted_tables_.begin() + place, static_cast<int32_t>(n));
  *handle = handle_of(n, kTableBit);
  return {};
}

Status Resources::variable(const Tensor& handle, ResourceVariable** variable) {
  const int64_t i = index_of(handle, 0, variables_.size());
  if (i < 0) return bad_model("T10: input 0: expected the handle of a variable");
  *variable = &variables_[static_cast<size_t>(i)];
  return {};
}

Status Resources::table(const Tensor& handle, HashTable** table) {
  const int64_t i = index_of(handle, kTableBit, tables_.size());
  if (i < 0) return bad_model("T10: input 0: expected the handle of a hash table");
  *table = &tables_[static_cast<size_t>(i)];
  return {};
}

Status Resources::resize(base::Buffer* buffer, size_t bytes) {
  bytes_ -= static_cast<int64_t>(buffer->bytes());
  const bool done = buffer->resize(bytes);
  bytes_ += static_cast<int64_t>(buffer->bytes());
  return done ? Status() : out_of_memory("resource", bytes);
}

}  // namespace cygnet
