// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/tensors.h"
#include "runtime/control_flow.h"

namespace cygnet::cli {
namespace {

/// One operator as the report shows it.
struct Operator {
  int index = 0;
  std::string name;
  int version = 1;
  bool supported = true;
  int64_t macs = -1;  ///< −1: not known
  int64_t weight_bytes = 0;
  std::vector<int32_t> inputs;
  std::vector<int32_t> outputs;
};

/// The main subgraph's plan, or why there is none.
struct Planned {
  Interpreter interpreter;
  bool ok = false;
  std::string reason;
};

/// Everything that inspect prints.
class Report {
 public:
  Report(const ModelFlags& flags, const Model& model) : path_(flags.model), model_(model) {
    InterpreterOptions options;
    options.reference = flags.reference;
    options.threads = flags.threads;
    if (flags.signature.empty()) {
      check(plan_.interpreter.create(model, options));
    } else {
      check(plan_.interpreter.create_for_signature(model, options, flags.signature));
    }
    Status status = plan_.interpreter.allocate();
    plan_.ok = status.ok();
    if (!status.ok()) plan_.reason = status.message();
    for (const Subgraph& graph : model.graph().subgraphs) count_weights(graph);
    list_operators();
  }

  void print() const;
  Json to_json() const;

 private:
  const Subgraph& graph() const { return plan_.interpreter.subgraph(); }
  const Tensor& tensor(int32_t i) const {
    return plan_.interpreter.plan().tensors[static_cast<size_t>(i)];
  }
  void count_weights(const Subgraph& graph);
  void list_operators();
  int64_t bytes_of(int32_t tensor) const {
    const GraphTensor& t = graph().tensors[static_cast<size_t>(tensor)];
    return t.constant ? static_cast<int64_t>(t.bytes) : 0;
  }
  void print_summary() const;
  void print_ports() const;
  void print_operators() const;
  void print_signatures() const;
  std::string tensor_list(const std::vector<int32_t>& tensors, bool constants) const;
  Json tensor_json(int32_t i, const std::string& name) const;
  Json operator_json(const Operator& op) const;

  std::string path_;
  const Model& model_;
  Planned plan_;
  std::vector<Operator> operators_;
  std::map<std::string, int> unsupported_;
  std::set<const void*> counted_;
  int64_t weight_bytes_ = 0;
};

void Report::count_weights(const Subgraph& graph) {
  for (const GraphTensor& t : graph.tensors) {
    if (!t.constant || t.data == nullptr || !counted_.insert(t.data).second) continue;
    weight_bytes_ += static_cast<int64_t>(t.bytes);
  }
  for (const Node& node : graph.nodes) {
    if (node.op == nullptr) ++unsupported_[std::string(node.name)];
  }
}

void Report::list_operators() {
  std::map<int32_t, int64_t> macs;
  if (plan_.ok) {
    const auto count = [&](const Step& step) {
      if (!step.callees.empty())
        macs[step.node] = callee_macs(step);
      else if (!step.dynamic)
        macs[step.node] = step.op->macs == nullptr ? 0 : step.op->macs(step.context);
    };
    for (const Step& step : plan_.interpreter.plan().steps) each_member(step, count);
  }
  int index = 0;
  for (const Node& node : graph().nodes) {
    Operator op{index, std::string(node.name), node.version, node.op != nullptr, -1, 0, {}, {}};
    if (auto at = macs.find(index); at != macs.end()) op.macs = at->second;
    for (int32_t i : node.inputs) {
      if (i == kAbsent) continue;
      op.inputs.push_back(i);
      op.weight_bytes += bytes_of(i);
    }
    op.outputs.assign(node.outputs.begin(), node.outputs.end());
    operators_.push_back(std::move(op));
    ++index;
  }
}

/// The tensors' types and shapes, with or without constants among them.
std::string Report::tensor_list(const std::vector<int32_t>& tensors, bool constants) const {
  constexpr size_t kMost = 4;
  std::string result;
  size_t count = 0;
  for (int32_t i : tensors) {
    if (!constants && tensor(i).constant) continue;
    if (++count > kMost) continue;
    result += text(result.empty() ? "" : ", ", describe(tensor(i)));
  }
  if (count > kMost) result += text(" and ", count - kMost, " more");
  return result.empty() ? "-" : result;
}

void Report::print_summary() const {
  const Plan& plan = plan_.interpreter.plan();
  std::cout << printable(path_) << ": " << human_bytes(static_cast<int64_t>(model_.bytes()));
  if (!model_.graph().description.empty()) {
    std::cout << ", \"" << printable(model_.graph().description) << '"';
  }
  std::cout << "\n\n";
  Table table({"", ""});
  table.add({"operators", text(graph().nodes.size())});
  if (model_.graph().subgraphs.size() > 1) {
    table.add({"subgraphs", text(model_.graph().subgraphs.size())});
  }
  table.add({"weights", human_bytes(weight_bytes_)});
  if (plan_.ok) {
    table.add({"multiply-adds", human_count(plan.macs)});
    table.add({"arena", human_bytes(plan.arena_bytes)});
    table.add({"packed weights, tables, state", human_bytes(plan.persistent_bytes)});
  }
  for (const Metadata& item : model_.graph().metadata) {
    table.add({text("metadata ", item.name), human_bytes(static_cast<int64_t>(item.data.size()))});
  }
  table.print(2);
}

void Report::print_ports() const {
  const Interpreter& interpreter = plan_.interpreter;
  Table table({"", ">#", "name", "type", "shape", "value"});
  auto add = [&](const char* kind, int i, const Tensor& t, std::string_view name, int32_t index) {
    const GraphTensor& declared = graph().tensors[static_cast<size_t>(index)];
    Shape shape = declared.has_signature ? declared.signature : t.shape;
    table.add({i == 0 ? kind : "", text(i), std::string(name), type_name(t.type),
               shape_text(shape).text, describe_quantization(t.quantization)});
  };
  for (int i = 0; i < interpreter.inputs(); ++i) {
    add("inputs", i, interpreter.input(i), interpreter.input_name(i),
        graph().inputs[static_cast<size_t>(i)]);
  }
  for (int i = 0; i < interpreter.outputs(); ++i) {
    add("outputs", i, interpreter.output(i), interpreter.output_name(i),
        graph().outputs[static_cast<size_t>(i)]);
  }
  std::cout << '\n';
  table.print(2);
}

void Report::print_signatures() const {
  if (model_.graph().signatures.empty()) return;
  Table table({"signature", ">subgraph", "inputs", "outputs"});
  auto names = [](const Vector<SignatureTensor>& tensors) {
    std::string result;
    for (const SignatureTensor& t : tensors) result += text(result.empty() ? "" : ", ", t.name);
    return result;
  };
  for (const Signature& s : model_.graph().signatures) {
    table.add({std::string(s.key), text(s.subgraph), names(s.inputs), names(s.outputs)});
  }
  std::cout << '\n';
  table.print(2);
}

void Report::print_operators() const {
  Table table({">#", "operator", "inputs", "outputs", ">multiply-adds", ">weights"});
  for (const Operator& op : operators_) {
    std::string macs = op.macs < 0 ? "?" : op.macs == 0 ? "" : human_count(op.macs);
    if (plan_.ok && op.macs < 0) macs = "folded";
    table.add({text(op.index), op.supported ? op.name : op.name + " (unsupported)",
               tensor_list(op.inputs, false), tensor_list(op.outputs, true), macs,
               op.weight_bytes == 0 ? "" : human_bytes(op.weight_bytes)});
  }
  std::cout << '\n';
  table.print(2);
}

void Report::print() const {
  print_summary();
  print_ports();
  print_signatures();
  print_operators();
  if (!unsupported_.empty()) {
    std::string list;
    for (const auto& [name, count] : unsupported_) {
      list += text(list.empty() ? "" : ", ", name, " (", count, ")");
    }
    std::cout << "\n  unsupported operators: " << printable(list) << '\n';
  } else if (!plan_.ok) {
    std::cout << "\n  can't run: " << printable(plan_.reason) << '\n';
  }
}

Json Report::tensor_json(int32_t i, const std::string& name) const {
  const Tensor& t = tensor(i);
  const GraphTensor& declared = graph().tensors[static_cast<size_t>(i)];
  Shape shape = declared.has_signature ? declared.signature : t.shape;
  Json::List dims;
  for (int32_t d : shape) dims.emplace_back(d);
  Json::Object json = {{"name", name}, {"type", type_name(t.type)}, {"shape", std::move(dims)}};
  if (t.quantization.per_tensor()) {
    json.emplace_back("scale", double{t.quantization.scale()});
    json.emplace_back("zero_point", t.quantization.zero_point());
  }
  return json;
}

Json Report::operator_json(const Operator& op) const {
  auto list = [&](const std::vector<int32_t>& tensors) {
    Json::List result;
    for (int32_t i : tensors) {
      Json json = tensor_json(i, std::string(tensor(i).name));
      if (tensor(i).constant) std::get<Json::Object>(json.value).emplace_back("constant", true);
      result.push_back(std::move(json));
    }
    return result;
  };
  Json::Object json = {{"index", op.index},
                       {"operator", op.name},
                       {"version", op.version},
                       {"supported", op.supported},
                       {"inputs", list(op.inputs)},
                       {"outputs", list(op.outputs)},
                       {"weight_bytes", op.weight_bytes}};
  json.emplace_back("macs", op.macs < 0 ? Json() : Json(op.macs));
  return json;
}

Json Report::to_json() const {
  const Interpreter& interpreter = plan_.interpreter;
  const Plan& plan = interpreter.plan();
  Json::List inputs, outputs, operators, signatures, unsupported;
  for (int i = 0; i < interpreter.inputs(); ++i) {
    inputs.push_back(tensor_json(graph().inputs[static_cast<size_t>(i)],
                                 std::string(interpreter.input_name(i))));
  }
  for (int i = 0; i < interpreter.outputs(); ++i) {
    outputs.push_back(tensor_json(graph().outputs[static_cast<size_t>(i)],
                                  std::string(interpreter.output_name(i))));
  }
  for (const Operator& op : operators_) operators.push_back(operator_json(op));
  for (const Signature& s : model_.graph().signatures) {
    Json::List in, out;
    for (const SignatureTensor& t : s.inputs) in.emplace_back(t.name);
    for (const SignatureTensor& t : s.outputs) out.emplace_back(t.name);
    signatures.push_back(Json::Object{{"key", s.key},
                                      {"subgraph", s.subgraph},
                                      {"inputs", std::move(in)},
                                      {"outputs", std::move(out)}});
  }
  for (const auto& [name, count] : unsupported_) unsupported.emplace_back(name);
  Json::Object json = {{"model", path_},
                       {"file_bytes", static_cast<int64_t>(model_.bytes())},
                       {"subgraphs", static_cast<int64_t>(model_.graph().subgraphs.size())},
                       {"weight_bytes", weight_bytes_},
                       {"runs", plan_.ok},
                       {"inputs", std::move(inputs)},
                       {"outputs", std::move(outputs)},
                       {"signatures", std::move(signatures)},
                       {"unsupported", std::move(unsupported)},
                       {"operators", std::move(operators)}};
  if (plan_.ok) {
    json.emplace_back("macs", plan.macs);
    json.emplace_back("arena_bytes", plan.arena_bytes);
    json.emplace_back("persistent_bytes", plan.persistent_bytes);
  } else {
    json.emplace_back("reason", plan_.reason);
  }
  return json;
}

}  // namespace

void inspect(const InspectFlags& flags) {
  std::unique_ptr<Model> model = load_model(flags.model);
  Report report(flags.model, *model);
  if (flags.json) {
    print_json(report.to_json());
  } else {
    report.print();
  }
}

}  // namespace cygnet::cli
