// SPDX-License-Identifier: Apache-2.0
#include "importers/keras/keras.h"

#include <cstdio>
#include <cstring>

#include "edit/fake_quant.h"
#include "importers/keras/network.h"

namespace cygnet::keras {
namespace {

// An HDF5 file begins with its eight-byte mark; a .keras file is a zip archive.
bool sniff(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (file == nullptr) return false;
  char start[8] = {};
  const size_t got = std::fread(start, 1, sizeof start, file);
  std::fclose(file);
  if (got == 8 && std::memcmp(start, "\x89HDF\r\n\x1a\n", 8) == 0) return true;
  const bool named = path.size() > 6 && path.compare(path.size() - 6, 6, ".keras") == 0;
  return named && got >= 4 && std::memcmp(start, "PK\x03\x04", 4) == 0;
}

void import(const std::string& path, const ImportOptions& options, Draft& draft) {
  draft.source = path;
  const ModelFile file = ModelFile::open(path);
  Editor editor(draft, *options.registry);
  Import all{editor, options, file, {}, {}};
  emit_network(all);
  if (all.fake_quants > 0 && !options.keep_ranges)
    draft.warnings.push_back(fake_quant_warning(draft.source, all.fake_quants));
}

}  // namespace

const Importer kImporter = {"Keras", sniff, import};

}  // namespace cygnet::keras
