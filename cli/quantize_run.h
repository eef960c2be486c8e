// SPDX-License-Identifier: Apache-2.0
// Quantizing from the command line: flags into options, and the report.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/output.h"
#include "cli/quantize_flags.h"
#include "convert/convert.h"

namespace cygnet::cli {

/// One quantization: what its options view, and what is to be said about it.
class QuantizeRun {
 public:
  /// Throws Failure when flags don't fit together.
  QuantizeRun(const QuantizeFlags& flags, const std::string& output);

  /// Asks for it. The options must outlive the conversion; what they notify hears of its steps.
  void put_into(ConvertOptions* options);
  /// Writes the statistics if that is wanted.
  void finish(const Conversion& conversion) const;

  /// What was tried, what it cost, what stays float.
  void print(const Conversion& conversion) const;
  Json to_json(const Conversion& conversion) const;

 private:
  std::unique_ptr<SampleSource> open(const Draft& draft);

  const QuantizeFlags& flags_;
  bool statistics_only_;
  QuantizeOptions options_;
  std::optional<Statistics> statistics_;
  Graph graph_;  // that the samples are for
  std::unique_ptr<Progress> progress_;
  std::string shown_;
};

}  // namespace cygnet::cli
