// SPDX-License-Identifier: Apache-2.0
#include "convert/convert.h"
#include "importers/keras/keras.h"
#include "importers/tensorflow/tensorflow.h"
#include "importers/tflite/tflite.h"

namespace cygnet {

std::span<const Importer* const> importers() {
  static const Importer* const table[] = {&tflite::kImporter, &keras::kImporter,
                                          &tensorflow::kImporter};
  return table;
}

}  // namespace cygnet
