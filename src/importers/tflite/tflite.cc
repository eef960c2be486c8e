// SPDX-License-Identifier: Apache-2.0
#include "importers/tflite/tflite.h"

#include <cstdio>
#include <cstring>
#include <memory>

#include "edit/editor.h"
#include "format/model.h"
#include "graph/sparsity.h"

namespace cygnet::tflite {
namespace {

bool sniff(const std::string& path) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  char head[8] = {};
  return file != nullptr && std::fread(head, 1, sizeof head, file.get()) == sizeof head &&
         std::memcmp(head + 4, "TFL3", 4) == 0;
}

// Shapes under every batch size: inputs by their signature, the rest by inference. A node that
// can't be inferred keeps the shapes of the file.
void find_facts(Draft& draft, const ImportOptions& options, int index) {
  Editor editor(draft, *options.registry, index);
  const Subgraph& subgraph = editor.subgraph();
  for (size_t i = 0; i < subgraph.tensors.size(); ++i) {
    const GraphTensor& t = subgraph.tensors[i];
    TensorFacts& facts = draft.facts[index].emplace_back();
    facts.shapes.fill(t.shape);
    if (t.constant || !t.has_signature) continue;
    for (size_t b = 1; b < kBatches.size(); ++b)
      for (int d = 0; d < t.shape.rank; ++d)
        if (t.signature[d] == -1) facts.shapes[b][d] = kBatches[b];
  }
  for (size_t n = 0; n < subgraph.nodes.size(); ++n) {
    if (subgraph.nodes[n].op == nullptr) continue;
    try {
      editor.infer(static_cast<int32_t>(n));
    } catch (const Failure& failure) {
      draft.warnings.push_back(failure.what());
    }
  }
}

// Passes see no sparse constants.
void make_constants_dense(Draft& draft) {
  for (Subgraph& subgraph : draft.graph.subgraphs)
    for (GraphTensor& t : subgraph.tensors) {
      if (t.sparsity == nullptr || !t.constant || type_bits(t.type) < 8) continue;
      const std::span<uint8_t> bytes = draft.allocate(static_cast<size_t>(t.shape.elements()) *
                                                      static_cast<size_t>(type_bits(t.type) / 8));
      densify(t, bytes.data());
      t.data = bytes.data();
      t.bytes = bytes.size();
      t.sparsity = nullptr;
    }
}

void import(const std::string& path, const ImportOptions& options, Draft& draft) {
  auto model = std::make_shared<Model>();
  check(Model::load(path.c_str(), *options.registry, {.limits = options.limits}, model.get()));
  draft.source = path;
  draft.graph = model->graph();
  draft.hold(model);
  make_constants_dense(draft);
  for (size_t s = 0; s < draft.graph.subgraphs.size(); ++s) {
    draft.facts.emplace_back();
    find_facts(draft, options, static_cast<int>(s));
  }
}

}  // namespace

const Importer kImporter = {.name = "TensorFlow Lite", .sniff = sniff, .import = import};

}  // namespace cygnet::tflite
