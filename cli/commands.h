// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each is a function of its own file that does the work, prints to standard output
// and throws Failure when the input or the request is at fault.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/picture_input.h"
#include "cli/quantize_flags.h"
#include "cli/samples.h"
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

/// cygnet bench MODEL: how long a run takes, and which operators take it.
struct BenchFlags {
  ModelFlags model;
  int runs = 0;  ///< 0: about a second of them
  bool layers = false;
  bool from_stdin = false;  ///< runs when told to by lines of standard input
  bool json = false;
};
void bench(const BenchFlags& flags);

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

/// cygnet convert SOURCE -o OUT.tflite: a trained network into a .tflite file.
struct ConvertFlags {
  std::string source;  ///< path of a file or folder
  std::string output;
  std::vector<std::string> inputs;   ///< "name" or "name:1x224x224x3"
  std::vector<std::string> outputs;  ///< tensor names
  std::string shapes;                ///< tflite_convert's --input_shapes: "1,224,224,3:1,10"
  std::string signature;
  std::vector<std::string> tags;
  std::string checkpoint;
  std::string atrous = "tf";
  std::string limits = "default";
  std::vector<std::string> passes;  ///< "-name": passes to leave out
  bool no_optimize = false;
  bool allow_custom = false;
  bool unroll = false;
  std::string report;  ///< path of a JSON file; empty: none
  std::string verify;  ///< path of recorded inputs and outputs; empty: none
  double tolerance = 1e-4;
  QuantizeFlags quantize;
  bool json = false;
};
/// Also cygnet quantize SOURCE -o OUT.tflite.
void convert(const ConvertFlags& flags);

/// cygnet freeze SOURCE -o FROZEN.pb: variables into constants, a graph in one file.
struct FreezeFlags {
  std::string source;  ///< path of a SavedModel folder, a .pb, .pbtxt or .meta file
  std::string output;
  std::string signature;
  std::vector<std::string> tags;
  std::string checkpoint;
  std::vector<std::string> outputs;  ///< nodes
  bool json = false;
};
void freeze(const FreezeFlags& flags);

/// cygnet compare A B: how far two networks lie from each other, layer by layer.
struct CompareFlags {
  std::string model_a, model_b;  ///< paths
  std::string limits = "default";
  SampleFlags samples;
  uint64_t seed = 0;  ///< of random samples, where no others are given
  int threads = 1;
  bool no_times = false;
  std::string sort = "order";  ///< order, sqnr, own, error, time
  std::string html;            ///< path of the page to write; empty: none
  bool json = false;
};
void compare(const CompareFlags& flags);

}  // namespace cygnet::cli
