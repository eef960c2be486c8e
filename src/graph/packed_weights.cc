// SPDX-License-Identifier: Apache-2.0
#include "graph/packed_weights.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "base/fingerprint.h"

namespace cygnet {

/// Name of the kernels in use, on which the form of their weights depends. The operators define it
/// (ops/kernel_tier.cc): this folder does not know kernels.
extern const char* kernel_tier();

namespace {

template <class... T>
uint64_t combine(T... numbers) {
  const uint64_t all[] = {static_cast<uint64_t>(numbers)...};
  return base::Fingerprint::of_parts(all, sizeof(all));
}

class Lock {
 public:
  explicit Lock(pthread_mutex_t* mutex) : mutex_(mutex) { pthread_mutex_lock(mutex_); }
  ~Lock() { pthread_mutex_unlock(mutex_); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  pthread_mutex_t* mutex_;
};

}  // namespace

PackKey& PackKey::data(const void* data, size_t bytes) {
  hash_ = combine(hash_, data == nullptr,
                  data == nullptr ? 0 : base::Fingerprint::of_parts(data, bytes));
  return *this;
}

PackedWeights* PackedWeights::make() {
  void* memory = base::allocate(sizeof(PackedWeights));
  return memory == nullptr ? nullptr : new (memory) PackedWeights();
}

void PackedWeights::destroy() {
  this->~PackedWeights();
  base::release(this);
}

void PackedWeights::enter() {
  const Lock lock(&mutex_);
  ++users_;
}

void PackedWeights::leave() {
  const Lock lock(&mutex_);
  if (--users_ > 0) return;
  entries_ = {};
  pool_.clear();
  caching_ = unsaved_ = false;
  cache_ = WeightsCache();
}

Status PackedWeights::get(const PackRequest& request, const void** out) {
  const Lock lock(&mutex_);
  const Tensor& constant = request.key.constant();
  const char* tier = kernel_tier();
  const Quantization& q = constant.quantization;
  const uint64_t kind =
      combine(request.key.hash(), request.bytes, constant.bytes,
              base::Fingerprint::of_parts(tier, std::strlen(tier)),
              base::Fingerprint::of_parts(q.scales, static_cast<size_t>(q.count) * sizeof(float)));
  Entry entry;
  entry.item.bytes = request.bytes;
  if (caching_ || !request.lasts)
    entry.item.made_of = combine(kind, base::Fingerprint::of_parts(constant.data, constant.bytes));
  entry.id = request.lasts ? combine(kind, reinterpret_cast<uintptr_t>(constant.data))
                           : entry.item.made_of;
  for (const Entry& known : entries_)
    if (known.id == entry.id && known.item.bytes == request.bytes) {
      *out = known.item.data;
      return {};
    }
  if (entries_.size() == entries_.capacity() &&
      !reserve_or_fail(entries_, std::max<size_t>(64, 2 * entries_.size())))
    return out_of_memory("packed weights", request.bytes);
  if (caching_) entry.item.data = cache_.find(entry.item.made_of, request.bytes);
  if (entry.item.data == nullptr) {
    void* memory = pool_.take(request.bytes + kPackedSlack);
    if (memory == nullptr) return out_of_memory("packed weights", request.bytes);
    request.body(request.context, memory);
    entry.item.data = memory;
    unsaved_ = true;
  }
  entries_.push_back(entry);
  *out = entry.item.data;
  return {};
}

void PackedWeights::open_cache(const char* path) {
  const Lock lock(&mutex_);
  if (caching_) return;
  caching_ = true;
  unsaved_ = false;
  cache_.open(path);
}

Status PackedWeights::save_cache(const char* path) {
  const Lock lock(&mutex_);
  if (!unsaved_) return {};
  Vector<PackedItem> items;
  if (!reserve_or_fail(items, entries_.size())) return out_of_memory("weights cache", 0);
  for (const Entry& entry : entries_)
    if (entry.item.made_of != 0) items.push_back(entry.item);
  unsaved_ = false;
  return WeightsCache::write(path, items);
}

}  // namespace cygnet
