// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <pthread.h>

#include <cstdint>

#include "base/pool.h"
#include "base/status.h"
#include "base/vector.h"
#include "cygnet/custom_op.h"
#include "graph/weights_cache.h"

namespace cygnet {

/// What a preparation asks for.
struct PackRequest {
  const PackKey& key;
  bool lasts;  ///< the key's constant keeps its place and its bytes as long as the model
  size_t bytes;
  PackBody body;
  void* context;
};

/// The weights of one model as the kernels read them, one copy for all its interpreters, which may
/// use it from any number of threads. When the last of them leaves, all is freed.
class PackedWeights {
 public:
  /// Null when memory is short.
  static PackedWeights* make();
  /// Deletes it.
  void destroy();

  /// An interpreter comes, or goes.
  void enter();
  void leave();

  /// Weights of the request's key, made by its body where nobody has asked for them before.
  Status get(const PackRequest& request, const void** out);

  /// From now on weights come from this file where it has them. The first call counts.
  void open_cache(const char* path);
  /// Writes all weights that were asked for since open_cache to the file, unless it has them.
  Status save_cache(const char* path);
  /// False once the cache file was truncated while it was in use.
  bool intact() const { return cache_.intact(); }

 private:
  struct Entry {
    uint64_t id = 0;  ///< by the place of the constant, or its contents
    PackedItem item;  ///< made_of: 0 where there was no cache file
  };

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  int users_ = 0;
  Vector<Entry> entries_;
  base::Pool pool_;
  bool caching_ = false;
  bool unsaved_ = false;  ///< the file lacks an item
  WeightsCache cache_;
};

}  // namespace cygnet
