// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "importers/importer.h"

namespace cygnet::keras {

/// Whole models that Keras 2 or 3 saved as .h5 or .keras: Sequential and Functional ones. Nothing
/// in the file is ever evaluated: layers that hold code (Lambda) and unknown classes are refused.
extern const Importer kImporter;

}  // namespace cygnet::keras
