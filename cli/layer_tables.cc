// SPDX-License-Identifier: Apache-2.0
#include "cli/layer_tables.h"

#include <iostream>

#include "cli/failure.h"
#include "cli/output.h"

namespace cygnet::cli {
std::string short_name(const std::string& name) {
  constexpr size_t kMost = 44;
  std::string first = printable(name.substr(0, name.find(';')));
  if (first.size() < name.size()) first += ";…";
  if (first.size() <= kMost) return first;
  size_t cut = first.size() - kMost + 1;
  while (cut < first.size() && (first[cut] & 0xc0) == 0x80) ++cut;  // no part of a character
  return "…" + first.substr(cut);
}

std::string kinds(const AlignedLayer& layer) {
  return printable(layer.kind_a == layer.kind_b ? layer.kind_a
                                                : text(layer.kind_a, " > ", layer.kind_b));
}

void print_slower(const std::string& a, const std::string& b, double a_us, double b_us,
                  const std::vector<SlowLayer>& slower) {
  if (a_us == 0) return;
  std::cout << "\nA whole run: " << a << ' ' << human_time(a_us * 1e-6) << ", " << b << ' '
            << human_time(b_us * 1e-6) << ". ";
  if (slower.empty()) {
    std::cout << "No layer is slower in " << b << ".\n";
    return;
  }
  std::cout << slower.size() << (slower.size() == 1 ? " layer is" : " layers are") << " slower in "
            << b << ":\n";
  Table table({"layer", "operator", ">us " + a, ">us " + b, ">times"});
  for (const SlowLayer& slow : slower)
    table.add({short_name(slow.layer.name),
               text(kinds(slow.layer), slow.more > 0 ? text(" +", slow.more) : ""),
               number(slow.a_us, 4), number(slow.b_us, 4),
               slow.a_us > 0 ? number(slow.b_us / slow.a_us, 3) : ""});
  table.print(2);
}

}  // namespace cygnet::cli
