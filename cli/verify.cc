// SPDX-License-Identifier: Apache-2.0
#include "cli/verify.h"

#include <algorithm>
#include <cmath>

#include "cli/failure.h"
#include "cli/npz.h"
#include "cli/output.h"
#include "cli/tensors.h"
#include "ops/builtin_ops.h"

namespace cygnet::cli {
namespace {

constexpr const char* kIn = "in:";
constexpr const char* kOut = "out:";

bool same_shape(const Tensor& tensor, const Array& recorded) {
  if (tensor.type != recorded.type ||
      static_cast<size_t>(tensor.shape.rank) != recorded.shape.size())
    return false;
  for (size_t d = 0; d < recorded.shape.size(); ++d)
    if (tensor.shape.dims[d] != recorded.shape[d]) return false;
  return true;
}

Comparison compare(const Tensor& tensor, const Array& recorded) {
  Comparison c;
  c.same_shape = same_shape(tensor, recorded);
  if (!c.same_shape) return c;
  if (tensor.type == Type::string) {
    const bool equal = std::equal(recorded.data.begin(), recorded.data.end(), tensor.as<uint8_t>(),
                                  tensor.as<uint8_t>() + tensor.bytes);
    c.largest = equal ? 0 : INFINITY;
    c.range = 1;
    return c;
  }
  Tensor other = tensor;
  std::vector<uint8_t> copy = recorded.data;
  other.data = copy.data();
  const std::vector<float> ours = real_values(tensor), theirs = real_values(other);
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < ours.size(); ++i) {
    const double a = ours[i], b = theirs[i];
    if (std::isfinite(b)) low = std::min(low, b), high = std::max(high, b);
    if (a == b || (std::isnan(a) && std::isnan(b))) continue;
    const double difference = std::abs(a - b);
    c.largest = std::isnan(difference) ? INFINITY : std::max(c.largest, difference);
  }
  // One value, or all the same: its magnitude.
  c.range = std::max(high > low ? high - low : std::isfinite(high) ? std::abs(high) : 0.0, 1e-30);
  return c;
}

/// Tensors on the way by name, in the order of the nodes that make them.
std::vector<std::pair<std::string, const Tensor*>> inner_tensors(const Interpreter& interpreter) {
  std::vector<std::pair<std::string, const Tensor*>> list;
  const Subgraph& subgraph = interpreter.subgraph();
  for (const Node& node : subgraph.nodes)
    for (int32_t i : node.outputs)
      if (i >= 0 &&
          std::find(subgraph.outputs.begin(), subgraph.outputs.end(), i) == subgraph.outputs.end())
        list.emplace_back(subgraph.tensors[i].name, &interpreter.plan().tensors[i]);
  return list;
}

/// Indices of the arrays for all inputs or outputs: by name, or, where no name is there, in their
/// order.
std::vector<int> find_arrays(const ArchiveReader& arrays, const std::string& prefix,
                             const std::vector<std::string>& names) {
  std::vector<int> by_name, in_order;
  std::string missing;
  for (const std::string& name : names) {
    by_name.push_back(arrays.find(prefix + name));
    if (by_name.back() < 0 && missing.empty()) missing = name;
  }
  if (missing.empty()) return by_name;
  std::string keys;
  for (size_t i = 0; i < arrays.names().size(); ++i) {
    if (!arrays.names()[i].starts_with(prefix)) continue;
    in_order.push_back(static_cast<int>(i));
    keys += text(keys.empty() ? "'" : ", '", arrays.names()[i], "'");
  }
  if (in_order.size() == names.size() &&
      std::all_of(by_name.begin(), by_name.end(), [](int at) { return at < 0; }))
    return in_order;
  throw Failure(text(arrays.path(), ": no array '", prefix, missing, "'; there ",
                     keys.empty() ? "is none of this kind" : "are: ", keys));
}

void write_recorded(Interpreter* interpreter, const ArchiveReader& arrays) {
  const std::vector<std::string> names = input_names(*interpreter);
  std::vector<Array> inputs;
  for (int at : find_arrays(arrays, kIn, names)) {
    const int i = static_cast<int>(inputs.size());
    const std::string place = text(arrays.path(), ": '", names[inputs.size()], "': ");
    const Array& array = inputs.emplace_back(arrays.read(at));
    if (array.type != interpreter->input(i).type)
      throw Failure(text(place, "expected ", type_name(interpreter->input(i).type), ", got ",
                         type_name(array.type)));
    if (array.shape.size() > kMaxRank)
      throw Failure(text(place, "rank ", array.shape.size(), " is more than ", kMaxRank));
    Shape shape;
    for (int64_t d : array.shape) shape.push(static_cast<int32_t>(std::min<int64_t>(d, INT32_MAX)));
    if (shape == interpreter->input(i).shape) continue;
    const Status status = interpreter->resize_input(i, shape);
    if (!status.ok()) throw Failure(text(place, status.message()));
  }
  check(interpreter->allocate());
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const Array& array = inputs[static_cast<size_t>(i)];
    check(interpreter->write_input(i, array.data.data(), array.data.size()));
  }
}

}  // namespace

std::vector<Comparison> verify(const TfliteFile& file, const std::string& name,
                               const std::string& recorded, double tolerance) {
  const std::vector<uint8_t> bytes = file.joined();
  Model model;
  check(Model::from_memory(bytes, name.c_str(), builtin_ops(), {}, &model));
  Interpreter interpreter;
  check(interpreter.create(model, {.keep_tensors = true}));
  const ArchiveReader arrays(recorded, static_cast<uint64_t>(model.limits().memory_bytes));
  const std::vector<std::string> names = output_names(interpreter);
  const std::vector<int> wanted = find_arrays(arrays, kOut, names);
  write_recorded(&interpreter, arrays);
  check(interpreter.invoke());

  std::vector<Comparison> comparisons;
  const auto add = [&](const std::string& tensor_name, const Tensor& tensor, int at) {
    Comparison c = compare(tensor, arrays.read(at));
    c.tensor = tensor_name;
    c.agrees = c.same_shape && c.largest <= tolerance * c.range;
    comparisons.push_back(std::move(c));
  };
  for (const auto& [tensor_name, tensor] : inner_tensors(interpreter)) {
    const int at = arrays.find(kOut + tensor_name);
    const bool is_output = std::find(wanted.begin(), wanted.end(), at) != wanted.end();
    if (at >= 0 && !is_output && tensor->data != nullptr) add(tensor_name, *tensor, at);
  }
  for (int i = 0; i < interpreter.outputs(); ++i)
    add(names[static_cast<size_t>(i)], interpreter.output(i), wanted[static_cast<size_t>(i)]);
  return comparisons;
}

void print(const std::vector<Comparison>& comparisons) {
  Table table({"tensor", ">largest difference", ">of the range", ""});
  for (const Comparison& c : comparisons)
    table.add({c.tensor, c.same_shape ? number(c.largest) : std::string("-"),
               c.same_shape ? number(c.largest / c.range) : std::string("-"),
               c.agrees       ? "agrees"
               : c.same_shape ? "differs"
                              : "has another shape or type"});
  table.print();
}

}  // namespace cygnet::cli
