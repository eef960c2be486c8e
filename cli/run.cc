// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
#include <iostream>
#include <optional>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/npz.h"
#include "cli/output.h"
#include "cli/tensors.h"

namespace cygnet::cli {
namespace {

/// Least, largest and mean of an output's real values; whether there are any.
struct Summary {
  double least = 0;
  double largest = 0;
  double mean = 0;
  int64_t not_a_number = 0;
  bool any = false;
};

Summary summarize(const Tensor& tensor) {
  Summary summary;
  double sum = 0;
  int64_t count = 0;
  for (double value : real_values(tensor)) {
    if (std::isnan(value)) {
      ++summary.not_a_number;
      continue;
    }
    summary.least = count == 0 ? value : std::min(summary.least, value);
    summary.largest = count == 0 ? value : std::max(summary.largest, value);
    sum += value;
    ++count;
  }
  summary.any = count > 0;
  if (count > 0) summary.mean = sum / static_cast<double>(count);
  return summary;
}

/// The median and the least of the runs' times.
struct Times {
  double median = 0;
  double least = 0;
};

Times measure(Session* session, int repeat) {
  std::vector<double> seconds;
  Progress progress("run", repeat);
  for (int i = 0; i < repeat; ++i) {
    seconds.push_back(session->invoke());
    progress.update(i + 1);
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[seconds.size() / 2], seconds[0]};
}

/// Of how many rows the largest value is at the right class.
struct Score {
  int64_t right = 0;
  int64_t rows = 0;
};

/// The right classes that a file holds. Throws Failure unless they are int32 or int64 of one row.
std::vector<int64_t> read_labels(const std::string& path) {
  constexpr uint64_t kMaxBytes = uint64_t{1} << 30;
  const ArchiveReader archive(path, kMaxBytes);
  if (archive.names().size() != 1) throw Failure(text(path, ": expected one array"));
  const Array array = archive.read(0);
  const size_t bytes = array.type == Type::int64 ? 8 : 4;
  if (array.shape.size() != 1 || (array.type != Type::int32 && array.type != Type::int64)) {
    throw Failure(text(path, ": expected INT32 or INT64 [N], got ", describe(array)));
  }
  std::vector<int64_t> labels(array.data.size() / bytes);
  for (size_t i = 0; i < labels.size(); ++i) {
    int32_t narrow = 0;
    if (bytes == 8) {
      std::memcpy(&labels[i], array.data.data() + i * bytes, bytes);
    } else {
      std::memcpy(&narrow, array.data.data() + i * bytes, bytes);
      labels[i] = narrow;
    }
  }
  return labels;
}

/// Compares the rows (last dimension) of a tensor with the right classes. Throws Failure when their
/// numbers differ.
Score score(const Tensor& tensor, const std::vector<int64_t>& labels) {
  const std::vector<float> values = real_values(tensor);
  const int rank = tensor.shape.rank;
  const auto classes = rank == 0 ? size_t{0} : static_cast<size_t>(tensor.shape[rank - 1]);
  if (classes == 0 || values.size() / classes != labels.size()) {
    throw Failure(text("--labels: ", labels.size(), " classes for the rows of ", describe(tensor)));
  }
  Score score;
  score.rows = static_cast<int64_t>(labels.size());
  for (size_t row = 0; row < labels.size(); ++row) {
    const float* first = values.data() + row * classes;
    score.right += std::max_element(first, first + classes) - first == labels[row];
  }
  return score;
}

void print_table(const Interpreter& interpreter, const std::vector<std::string>& names,
                 const Times& times, int repeat) {
  Table table({"output", "type", "shape", ">least", ">largest", ">mean", ">NaN"});
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Tensor& tensor = interpreter.output(i);
    Summary s = summarize(tensor);
    auto cell = [&](double value) { return s.any ? number(value, 6) : std::string("-"); };
    table.add({names[static_cast<size_t>(i)], type_name(tensor.type), shape_text(tensor.shape).text,
               cell(s.least), cell(s.largest), cell(s.mean), text(s.not_a_number)});
  }
  table.print();
  std::cout << "time: " << human_time(times.median);
  if (repeat > 1) {
    std::cout << " (median of " << repeat << " runs, least " << human_time(times.least) << ")";
  }
  std::cout << '\n';
}

Json to_json(const Interpreter& interpreter, const std::vector<std::string>& names,
             const Times& times, int repeat, const std::optional<Score>& accuracy) {
  Json::List outputs;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Tensor& tensor = interpreter.output(i);
    Summary s = summarize(tensor);
    Json::List shape;
    for (int32_t d : tensor.shape) shape.emplace_back(d);
    Json::Object item = {{"name", names[static_cast<size_t>(i)]},
                         {"type", type_name(tensor.type)},
                         {"shape", std::move(shape)}};
    if (s.any) {
      item.emplace_back("least", s.least);
      item.emplace_back("largest", s.largest);
      item.emplace_back("mean", s.mean);
    }
    item.emplace_back("nan", s.not_a_number);
    outputs.emplace_back(std::move(item));
  }
  Json::Object report = {{"outputs", std::move(outputs)},
                         {"runs", repeat},
                         {"median_ms", times.median * 1000},
                         {"least_ms", times.least * 1000}};
  if (accuracy) {
    report.emplace_back("rows", accuracy->rows);
    report.emplace_back("rows_right", accuracy->right);
  }
  return report;
}

}  // namespace

void run(const RunFlags& flags) {
  if (!flags.outputs.empty()) check_writable(flags.outputs);
  Session session(flags.model);
  if (flags.inputs.empty()) {
    write_random_inputs(&session, flags.seed);
  } else {
    ArchiveReader arrays(flags.inputs,
                         static_cast<uint64_t>(session.model().limits().memory_bytes));
    write_inputs(&session, arrays);
  }
  Times times = measure(&session, flags.repeat);

  Interpreter& interpreter = session.interpreter();
  std::vector<std::string> names = output_names(interpreter);
  if (!flags.outputs.empty()) {
    std::vector<NamedArray> arrays;
    for (int i = 0; i < interpreter.outputs(); ++i) {
      const std::string& name = names[static_cast<size_t>(i)];
      arrays.push_back({name, to_array(interpreter.output(i), name)});
    }
    write_arrays(flags.outputs, arrays);
  }
  std::optional<Score> accuracy;
  if (!flags.labels.empty() && interpreter.outputs() > 0)
    accuracy = score(interpreter.output(0), read_labels(flags.labels));
  if (flags.json) {
    print_json(to_json(interpreter, names, times, flags.repeat, accuracy));
    return;
  }
  print_table(interpreter, names, times, flags.repeat);
  if (accuracy) {
    std::cout << "right: " << accuracy->right << " of " << accuracy->rows << " rows ("
              << number(100.0 * static_cast<double>(accuracy->right) /
                            static_cast<double>(std::max<int64_t>(accuracy->rows, 1)),
                        4)
              << " %)\n";
  }
}

}  // namespace cygnet::cli
