// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "base/memory.h"
#include "base/status.h"
#include "base/vector.h"
#include "graph/graph.h"
#include "graph/limits.h"
#include "graph/registry.h"

namespace cygnet {

/// Reads a file image into a Graph whose views point into it. Checks the container (rules C) as it
/// goes; verify() checks the rest. `copies` receives constants that are not aligned to their
/// elements in the image. The image is 16-byte aligned.
Status read_graph(std::span<const uint8_t> image, const OpRegistry& registry, const Limits& limits,
                  Graph* graph, Vector<base::Buffer>* copies);

}  // namespace cygnet
