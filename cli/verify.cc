// SPDX-License-Identifier: Apache-2.0
#include "cli/verify.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "cli/failure.h"
#include "cli/npz.h"
#include "cli/output.h"
#include "cli/tensors.h"
#include "ops/builtin_ops.h"

namespace cygnet::cli {
namespace {

constexpr std::string_view kIn = "in:";
constexpr std::string_view kOut = "out:";

struct Difference {
  double largest = 0;
  double range = 0;
  bool same_shape = true;
};

Difference compare(const Tensor& tensor, const Array& recorded) {
  Difference d;
  d.same_shape = tensor.type == recorded.type &&
                 static_cast<size_t>(tensor.shape.elements()) *
                         static_cast<size_t>(type_bits(tensor.type)) / 8 ==
                     recorded.data.size();
  if (!d.same_shape) return d;
  Tensor other = tensor;
  std::vector<uint8_t> copy = recorded.data;
  other.data = copy.data();
  const std::vector<float> ours = real_values(tensor), theirs = real_values(other);
  if (theirs.empty()) return d;
  const auto [low, high] = std::minmax_element(theirs.begin(), theirs.end());
  d.range = std::max<double>(*high - *low, 1e-30);
  for (size_t i = 0; i < ours.size(); ++i) {
    const double difference = std::abs(static_cast<double>(ours[i]) - theirs[i]);
    d.largest = std::isnan(difference) ? INFINITY : std::max(d.largest, difference);
  }
  return d;
}

/// Tensors by name: those on the way in the order of the nodes that make them, then the outputs by
/// the signature's names.
std::vector<std::pair<std::string, const Tensor*>> named_tensors(const Interpreter& interpreter) {
  std::vector<std::pair<std::string, const Tensor*>> list;
  for (const Node& node : interpreter.subgraph().nodes)
    for (int32_t i : node.outputs)
      list.emplace_back(interpreter.subgraph().tensors[i].name, &interpreter.plan().tensors[i]);
  const std::vector<std::string> names = output_names(interpreter);
  for (int i = 0; i < interpreter.outputs(); ++i)
    list.emplace_back(names[static_cast<size_t>(i)], &interpreter.output(i));
  return list;
}

/// Index of the array for input or output k of `count`: by name, or the only one with the prefix.
int find_array(const ArchiveReader& arrays, std::string_view prefix, const std::string& name,
               int count) {
  if (const int at = arrays.find(text(prefix, name)); at >= 0) return at;
  if (count != 1) return -1;
  int only = -1;
  for (size_t i = 0; i < arrays.names().size(); ++i) {
    if (!arrays.names()[i].starts_with(prefix)) continue;
    if (only >= 0) return -1;
    only = static_cast<int>(i);
  }
  return only;
}

void write_recorded(Interpreter* interpreter, const ArchiveReader& arrays) {
  const std::vector<std::string> names = input_names(*interpreter);
  std::vector<Array> inputs;
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const std::string& name = names[static_cast<size_t>(i)];
    const int at = find_array(arrays, kIn, name, interpreter->inputs());
    if (at < 0)
      throw Failure(text(arrays.path(), ": no array 'in:", name, "' for input '", name, "'"));
    const Array& array = inputs.emplace_back(arrays.read(at));
    if (array.type != interpreter->input(i).type)
      throw Failure(text(arrays.path(), ": '", name, "': expected ",
                         type_name(interpreter->input(i).type), ", got ", type_name(array.type)));
    Shape shape;
    for (int64_t d : array.shape)
      if (shape.rank < kMaxRank) shape.push(static_cast<int32_t>(d));
    if (!(shape == interpreter->input(i).shape)) check(interpreter->resize_input(i, shape));
  }
  check(interpreter->allocate());
  for (int i = 0; i < interpreter->inputs(); ++i) {
    const Array& array = inputs[static_cast<size_t>(i)];
    check(interpreter->write_input(i, array.data.data(), array.data.size()));
  }
}

}  // namespace

void verify(const TfliteFile& file, const std::string& name, const std::string& recorded,
            double tolerance) {
  const std::vector<uint8_t> bytes = file.joined();
  Model model;
  check(Model::from_memory(bytes, name.c_str(), builtin_ops(), {}, &model));
  Interpreter interpreter;
  check(interpreter.create(model, {.keep_tensors = true}));
  const ArchiveReader arrays(recorded, static_cast<uint64_t>(model.limits().memory_bytes));
  write_recorded(&interpreter, arrays);
  check(interpreter.invoke());

  Table table({"tensor", ">largest difference", ">of the range", ""});
  std::string first;
  int compared = 0;
  for (const auto& [tensor_name, tensor] : named_tensors(interpreter)) {
    const bool is_output = tensor == &interpreter.output(0);
    const int at =
        find_array(arrays, kOut, tensor_name, is_output ? interpreter.outputs() : 0);
    if (at < 0 || tensor->data == nullptr) continue;
    ++compared;
    const Difference d = compare(*tensor, arrays.read(at));
    const bool good = d.same_shape && d.largest <= tolerance * d.range;
    table.add({tensor_name, d.same_shape ? number(d.largest) : std::string("other shape"),
               d.same_shape ? number(d.largest / d.range) : std::string("-"),
               good ? "agrees" : "differs"});
    if (!good && first.empty()) first = tensor_name;
  }
  if (compared == 0)
    throw Failure(text(recorded, ": no array 'out:NAME' is called like a tensor of the model"));
  table.print();
  if (!first.empty())
    throw Failure(text("the converted model differs from ", recorded, "; the first tensor is '",
                       first, "' (nothing was written)"));
}

}  // namespace cygnet::cli
