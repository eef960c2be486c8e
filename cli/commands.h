// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each is a function of its own file that does the work, prints to standard output
// and throws Failure when the input or the request is at fault.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/picture_input.h"
#include "cli/session.h"

namespace cygnet::cli {

/// cygnet inspect MODEL: what is in a model, what it costs, what this build can't run.
struct InspectFlags {
  ModelFlags model;
  bool json = false;
};
void inspect(const InspectFlags& flags);

/// cygnet run MODEL: arrays in, arrays out.
struct RunFlags {
  ModelFlags model;
  std::string inputs;  ///< path of the .npz; empty: random
  uint64_t seed = 0;
  std::string outputs;  ///< path of the .npz; empty: only shown
  std::string labels;   ///< path of an .npy with the right class of each row; empty: unknown
  int repeat = 1;
  bool json = false;
};
void run(const RunFlags& flags);

/// cygnet classify MODEL IMAGE…: the likeliest classes of pictures.
struct ClassifyFlags {
  ModelFlags model;
  std::vector<std::string> images;
  std::string labels;  ///< path, a label a line; empty: none
  int top = 5;
  Normalization normalization;
  bool json = false;
};
void classify(const ClassifyFlags& flags);

/// cygnet segment MODEL IMAGE -o OUT.png: class maps in colour, portraits cut out.
struct SegmentFlags {
  ModelFlags model;
  std::string image;
  std::string output;      ///< path of the picture; empty: none
  std::string mask;        ///< path of the mask; empty: none
  std::string background;  ///< "blur", "transparent", a colour, a path; empty: by the model's kind
  std::string labels;
  float opacity = 0.6f;
  Normalization normalization;
  bool json = false;
};
void segment(const SegmentFlags& flags);

}  // namespace cygnet::cli
