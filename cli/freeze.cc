// SPDX-License-Identifier: Apache-2.0
#include <iostream>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/output.h"
#include "convert/freeze.h"

namespace cygnet::cli {
namespace {

Json names(const std::vector<std::string>& list) {
  Json::List result;
  for (const std::string& name : list) result.emplace_back(name);
  return result;
}

void print(const char* what, const std::vector<std::string>& list) {
  std::cout << what;
  for (size_t k = 0; k < list.size(); ++k) std::cout << (k == 0 ? " " : ", ") << printable(list[k]);
  std::cout << '\n';
}

}  // namespace

void freeze(const FreezeFlags& flags) {
  check_writable(flags.output);
  const Frozen frozen = cygnet::freeze(flags.source, {.signature = flags.signature,
                                                      .tags = flags.tags,
                                                      .checkpoint = flags.checkpoint,
                                                      .outputs = flags.outputs});
  write_file(flags.output,
             {reinterpret_cast<const uint8_t*>(frozen.bytes.data()), frozen.bytes.size()});
  if (flags.json)
    return print_json(Json::Object{{"inputs", names(frozen.inputs)},
                                   {"outputs", names(frozen.outputs)},
                                   {"source_nodes", frozen.source_nodes},
                                   {"nodes", frozen.nodes},
                                   {"variables", frozen.variables},
                                   {"variable_bytes", frozen.variable_bytes},
                                   {"bytes", static_cast<int64_t>(frozen.bytes.size())}});
  Table table({"", ">nodes", ">variables", ">bytes"});
  table.add({flags.source, text(frozen.source_nodes), text(frozen.variables), ""});
  table.add({flags.output, text(frozen.nodes), "0",
             human_bytes(static_cast<int64_t>(frozen.bytes.size()))});
  table.print();
  print("inputs:", frozen.inputs);
  print("outputs:", frozen.outputs);
}

}  // namespace cygnet::cli
