// SPDX-License-Identifier: Apache-2.0
// The page that `cygnet compare --html` writes.
#pragma once

#include <string>

#include "quantize/compare.h"

namespace cygnet::cli {

/// One of the two models.
struct ComparedModel {
  std::string path;
  int64_t bytes = 0;
  int operators = 0;
};

/// A single HTML file that loads nothing: its style, script and drawings are in it. Names from the
/// models are escaped. With any number of layers, in light and dark mode.
std::string compare_page(const ComparedModel& a, const ComparedModel& b,
                         const NetworkComparison& comparison);

/// The style sheet and the script of the page.
extern const char* const kPageStyle;
extern const char* const kPageScript;

}  // namespace cygnet::cli
