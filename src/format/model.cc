// SPDX-License-Identifier: Apache-2.0
#include "format/model.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>

#include "format/reader.h"
#include "graph/verify.h"

namespace cygnet {
namespace {

constexpr size_t kImageAlignment = 16;

Status keep_path(const char* path, base::Buffer* storage, const char** out) {
  const size_t size = std::strlen(path) + 1;
  if (!storage->resize(size)) return out_of_memory("path", size);
  std::memcpy(storage->data(), path, size);
  *out = reinterpret_cast<const char*>(storage->data());
  return {};
}

Status copy_bytes(std::span<const uint8_t> bytes, base::Buffer* copy) {
  if (!copy->resize(bytes.size())) return out_of_memory("model", bytes.size());
  std::memcpy(copy->data(), bytes.data(), bytes.size());
  return {};
}

}  // namespace

Status Model::load(const char* path, const OpRegistry& registry, const LoadOptions& options,
                   Model* out) {
  base::clear_ran_short();
  Model model;
  CYGNET_TRY(keep_path(path, &model.path_storage_, &model.path_));
  model.limits_ = options.limits;
  CYGNET_TRY(base::MappedFile::open(path, options.limits.file_bytes, &model.file_));
  model.image_ = model.file_.bytes();
  if (options.copy) {
    CYGNET_TRY(copy_bytes(model.image_, &model.copy_));
    CYGNET_TRY(model.check_intact());
    model.file_ = base::MappedFile();
    model.image_ = {model.copy_.data(), model.copy_.bytes()};
  }
  CYGNET_TRY(model.read(registry));
  *out = std::move(model);
  return {};
}

Status Model::from_memory(std::span<const uint8_t> bytes, const char* name,
                          const OpRegistry& registry, const LoadOptions& options, Model* out) {
  base::clear_ran_short();
  Model model;
  CYGNET_TRY(keep_path(name, &model.path_storage_, &model.path_));
  model.limits_ = options.limits;
  if (static_cast<int64_t>(bytes.size()) > options.limits.file_bytes)
    return Status::error(Code::limit, "%s: %zu bytes exceed limit file_bytes (%lld)", name,
                         bytes.size(), static_cast<long long>(options.limits.file_bytes));
  model.image_ = bytes;
  if (reinterpret_cast<uintptr_t>(bytes.data()) % kImageAlignment != 0 || options.copy) {
    CYGNET_TRY(copy_bytes(bytes, &model.copy_));
    model.image_ = {model.copy_.data(), model.copy_.bytes()};
  }
  CYGNET_TRY(model.read(registry));
  *out = std::move(model);
  return {};
}

Status Model::from_graph(Graph&& graph, const char* name, const Limits& limits, Model* out) {
  base::clear_ran_short();
  Model model;
  CYGNET_TRY(keep_path(name, &model.path_storage_, &model.path_));
  model.limits_ = limits;
  model.graph_ = std::move(graph);
  CYGNET_TRY(model.weights_.make());
  Status status = verify(model.graph_, limits);
  if (status.ok() && base::ran_short()) status = out_of_memory("graph", 0);
  if (!status.ok()) return Status::error(status.code(), "%s: %s", name, status.message());
  *out = std::move(model);
  return {};
}

Status Model::read(const OpRegistry& registry) {
  CYGNET_TRY(weights_.make());
  Status status = read_graph(image_, registry, limits_, &graph_, &aligned_constants_);
  if (status.ok()) status = verify(graph_, limits_);
  if (status.ok() && base::ran_short()) status = out_of_memory("graph", 0);
  CYGNET_TRY(check_intact());
  if (!status.ok()) return Status::error(status.code(), "%s: %s", path_, status.message());
  return {};
}

Status Model::check_intact() const {
  if (!file_.intact())
    return Status::error(Code::io, "%s: C1: the file was truncated while it was in use", path_);
  if (weights_.get() != nullptr && !weights_.get()->intact())
    return Status::error(
        Code::io, "%s: C1: the file of its weights cache was truncated while it was in use", path_);
  return {};
}

Status Model::WeightsPointer::make() {
  if (weights_ == nullptr) weights_ = PackedWeights::make();
  return weights_ == nullptr ? out_of_memory("packed weights", sizeof(PackedWeights)) : Status();
}

}  // namespace cygnet
