// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "importers/importer.h"

namespace cygnet::tflite {

/// A .tflite file as a draft, so that passes and tools work on existing models.
extern const Importer kImporter;

}  // namespace cygnet::tflite
