// SPDX-License-Identifier: Apache-2.0
// Calls, variables, control flow, tensor lists.
#include <algorithm>

#include "importers/tensorflow/graph_importer.h"

namespace cygnet::tensorflow {
namespace {

constexpr int kMostTurns = 10000;        // of a loop that is unrolled
constexpr int64_t kMostItems = 1 << 20;  // of a tensor list

using Kind = Value::Kind;

// ---- Calls and variables

void call_function(Call& c) {
  std::vector<Value> arguments;
  for (int k = 0; k < c.inputs(); ++k) arguments.push_back(c.value(k));
  for (Value& v : c.importer().call(c.e, c.node.function("f").name, std::move(arguments)))
    c.out(std::move(v));
}

void var_handle(Call& c) {
  c.out(Value{.kind = Kind::variable, .variable = std::string(c.name())});
}

void read_variable(Call& c) {
  const Value& v = c.value(0);
  if (v.kind != Kind::variable) c.fail("expected a variable");
  c.out(c.importer().variable(c.e, v.variable));
}

void ref_variable(Call& c) {
  c.out(c.importer().variable(c.e, c.name()));
}

void resource_gather(Call& c) {
  const Value& v = c.value(0);
  if (v.kind != Kind::variable) c.fail("expected a variable");
  const int32_t table = c.importer().variable(c.e, v.variable);
  c.out(c.e.add(Builtin::GATHER, {table, c.in(1)}, schema::GatherOptionsT(),
                {c.name(), c.e.type(table)}));
}

void assign(Call& c) {
  c.fail("writes a variable: a network that changes its variables can't be converted");
}

// ---- Control flow of TensorFlow 1, decided now

void to_switch(Call& c) {
  const auto condition = c.e.integers(c.in(1));
  if (!condition) c.fail("the condition is not known before the run");
  const bool taken = condition->at(0) != 0;
  c.out(taken ? Value::none_taken() : c.value(0));
  c.out(taken ? c.value(0) : Value::none_taken());
}

void merge(Call& c) {
  for (int k = 0; k < c.inputs(); ++k)
    if (c.value(k).kind != Kind::dead) {
      c.out(c.value(k));
      return c.out(c.e.scalar<int32_t>(k));
    }
  c.out(Value::none_taken());
  c.out(Value::none_taken());
}

// ---- Tensor lists: one tensor [length, ...element]

void list_from_tensor(Call& c) {
  c.out(Value{.kind = Kind::list, .tensor = c.in(0), .type = c.type(0)});
}

void list_reserve(Call& c) {
  const int64_t length = c.integer(1);
  if (length < 0 || length > kMostItems) c.fail("length: expected 0 to ", kMostItems);
  Value list{.kind = Kind::list};
  list.items.assign(static_cast<size_t>(length), kAbsent);
  list.type = to_type(c.node.type("element_dtype"), c.name());
  c.out(std::move(list));
}

// Items one behind the other; what was not written is zero.
int32_t stacked(Call& c, const Value& list) {
  if (list.tensor != kAbsent) return list.tensor;
  const auto written =
      std::find_if(list.items.begin(), list.items.end(), [](int32_t i) { return i != kAbsent; });
  if (written == list.items.end()) c.fail("a list whose elements nothing writes");
  std::vector<int32_t> items = list.items;
  for (int32_t& i : items)
    if (i == kAbsent) i = c.e.add(Builtin::ZEROS_LIKE, {*written}, NoOptions(), c.part("zeros"));
  schema::PackOptionsT o;
  o.values_count = static_cast<int32_t>(items.size());
  return c.e.add(Builtin::PACK, items, o, c.part("stack"));
}

const Value& list_of(Call& c) {
  if (c.value(0).kind != Kind::list) c.fail("expected a tensor list");
  return c.value(0);
}

void list_get_item(Call& c) {
  const Value& list = list_of(c);
  if (list.tensor == kAbsent) {
    const auto index = static_cast<size_t>(c.integer(1));
    if (index >= list.items.size() || list.items[index] == kAbsent)
      c.fail("element ", index, " was not written");
    return c.out(list.items[index]);
  }
  c.out(c.e.add(Builtin::GATHER, {list.tensor, c.in(1)}, schema::GatherOptionsT(), c.name()));
}

void list_set_item(Call& c) {
  Value list = list_of(c);
  const int32_t item = c.in(2);
  if (list.tensor == kAbsent) {
    if (const auto index = c.e.integers(c.in(1))) {
      if (index->at(0) < 0 || index->at(0) >= static_cast<int64_t>(list.items.size()))
        c.fail("index: expected 0 to ", list.items.size(), ", got ", index->at(0));
      list.items[static_cast<size_t>(index->at(0))] = item;
    } else {
      std::fill(list.items.begin(), list.items.end(), item);  // while shapes are looked for
    }
    return c.out(std::move(list));
  }
  Editor& e = c.e;
  const int32_t row =
      e.add(Builtin::EXPAND_DIMS, {item, e.scalar<int32_t>(0)}, NoOptions(), c.part("row"));
  schema::PackOptionsT o;
  o.values_count = e.shape(list.tensor).rank;
  std::vector<int32_t> starts(static_cast<size_t>(o.values_count), e.scalar<int32_t>(0));
  starts[0] = c.in(1);
  const int32_t start = e.add(Builtin::PACK, starts, o, {c.part("start"), Type::int32});
  list.tensor =
      e.add(Builtin::DYNAMIC_UPDATE_SLICE, {list.tensor, row, start}, NoOptions(), c.name());
  c.out(std::move(list));
}

void list_stack(Call& c) {
  c.out(stacked(c, list_of(c)));
}

void list_length(Call& c) {
  const Value& list = list_of(c);
  c.out(c.e.scalar<int32_t>(list.tensor == kAbsent ? static_cast<int32_t>(list.items.size())
                                                   : c.e.shape(list.tensor)[0]));
}

// ---- WHILE and IF

// What a loop's argument is inside.
struct LoopVariable {
  Value outside;
  bool carried = false;  ///< goes through the WHILE; else it is the same in every turn
};

// The argument in another subgraph: a carried one becomes an input, a constant is made anew.
Value enter(Call& c, Editor& inside, const LoopVariable& v, int k) {
  if (v.outside.kind == Kind::variable || v.outside.kind == Kind::none) return v.outside;
  Value result = v.outside;
  result.items.clear();
  if (v.carried) {
    result.tensor = inside.input_like(c.e, v.outside.tensor, text("argument_", k));
  } else {
    const GraphTensor& t = c.e.tensor(v.outside.tensor);
    result.tensor = inside.borrowed_constant(
        t.type, t.shape, {static_cast<const uint8_t*>(t.data), t.bytes}, t.name);
  }
  return result;
}

// Converts a function into a subgraph of its own; returns the subgraph and the results.
std::pair<int, std::vector<Value>> to_subgraph(Call& c, std::string_view function,
                                               const std::vector<LoopVariable>& variables) {
  const int index = c.e.draft().add_subgraph(function);
  Editor inside(c.e.draft(), c.e.registry(), index);
  std::vector<Value> arguments;
  for (size_t k = 0; k < variables.size(); ++k)
    arguments.push_back(enter(c, inside, variables[k], static_cast<int>(k)));
  return {index, c.importer().call(inside, function, std::move(arguments))};
}

// Zeros of shape [length, ...item], where the item is a tensor of a draft that only served to find
// its shape; a free batch is taken from the loop variable `like`.
int32_t zeros_for(Call& c, const Editor& scratch, int32_t item, int32_t length, Type type,
                  const std::vector<LoopVariable>& variables) {
  Editor& e = c.e;
  std::vector<int32_t> dims{e.scalar<int32_t>(length)};
  for (int d = 0; d < scratch.shape(item).rank; ++d) {
    if (!scratch.dim_free(item, d)) {
      dims.push_back(e.scalar<int32_t>(scratch.shape(item)[d]));
      continue;
    }
    int32_t free = kAbsent;
    for (const LoopVariable& v : variables) {
      if (v.outside.tensor == kAbsent || free != kAbsent) continue;
      for (int k = 0; k < e.shape(v.outside.tensor).rank && free == kAbsent; ++k) {
        if (!e.dim_free(v.outside.tensor, k)) continue;
        schema::ShapeOptionsT o;
        o.out_type = schema::TensorType::INT32;
        const int32_t shape =
            e.add(Builtin::SHAPE, {v.outside.tensor}, o, {c.part("shape"), Type::int32});
        free = e.add(Builtin::GATHER, {shape, e.scalar<int32_t>(k)}, schema::GatherOptionsT(),
                     c.part("batch"));
      }
    }
    if (free == kAbsent) c.fail("no loop variable tells the batch size");
    dims.push_back(free);
  }
  schema::PackOptionsT o;
  o.values_count = static_cast<int32_t>(dims.size());
  const int32_t shape = e.add(Builtin::PACK, dims, o, {c.part("list_shape"), Type::int32});
  const int32_t zero = cast(e, scalar(e, 0), type, c.part("zero"));
  return e.add(Builtin::FILL, {shape, zero}, NoOptions(), {c.part("list"), type});
}

// Gives every reserved list a tensor: the body is converted once into a draft that is thrown away,
// to learn what it writes into them.
void reserve_lists(Call& c, std::string_view body, std::vector<LoopVariable>& variables) {
  const auto reserved = [](const LoopVariable& v) {
    return v.outside.kind == Kind::list && v.outside.tensor == kAbsent;
  };
  if (std::none_of(variables.begin(), variables.end(), reserved)) return;
  Draft draft;
  draft.source = c.e.draft().source;
  draft.limit_like(c.e.draft());
  Editor scratch(draft, c.e.registry());
  std::vector<Value> arguments;
  for (size_t k = 0; k < variables.size(); ++k) {
    if (reserved(variables[k]))
      arguments.push_back(variables[k].outside);
    else
      arguments.push_back(enter(c, scratch, variables[k], static_cast<int>(k)));
  }
  const std::vector<Value> results = c.importer().call(scratch, body, std::move(arguments));
  for (size_t k = 0; k < variables.size(); ++k) {
    Value& v = variables[k].outside;
    if (!reserved(variables[k])) continue;
    if (results[k].items.empty() || results[k].items[0] == kAbsent)
      c.fail("argument ", k, ": a list that the loop does not write");
    v.tensor = zeros_for(c, scratch, results[k].items[0], static_cast<int32_t>(v.items.size()),
                         v.type, variables);
    v.items.clear();
  }
}

// Runs the loop now, as far as its condition is known.
bool unroll(Call& c) {
  std::vector<Value> values;
  for (int k = 0; k < c.inputs(); ++k) values.push_back(c.value(k));
  const std::string_view condition = c.node.function("cond").name;
  const std::string_view body = c.node.function("body").name;
  for (int turn = 0; turn < kMostTurns; ++turn) {
    const std::vector<Value> verdict = c.importer().call(c.e, condition, values);
    if (verdict.size() != 1 || verdict[0].kind != Kind::tensor) return false;
    const auto known = c.e.integers(verdict[0].tensor);
    if (!known || known->size() != 1) return false;
    if ((*known)[0] == 0) {
      for (Value& v : values) c.out(std::move(v));
      return true;
    }
    values = c.importer().call(c.e, body, std::move(values));
  }
  c.fail("more than ", kMostTurns, " turns to unroll");
}

void to_while(Call& c) {
  const std::string_view body = c.node.function("body").name;
  const ImportOptions& options = c.importer().options();
  if (options.unroll && !options.rolled.contains(std::string(body)) && unroll(c)) return;
  const FunctionDef& function = c.importer().function(body);
  if (function.inputs.size() != static_cast<size_t>(c.inputs()) ||
      function.outputs.size() != function.inputs.size())
    c.fail("I2: the loop's body takes ", function.inputs.size(), " and returns ",
           function.outputs.size(), " values, expected ", c.inputs());
  std::vector<LoopVariable> variables;
  for (int k = 0; k < c.inputs(); ++k) {
    LoopVariable v{.outside = c.value(k)};
    const bool fixed = c.importer().returns_argument(function, static_cast<size_t>(k));
    v.carried = v.outside.kind == Kind::list ||
                (v.outside.kind == Kind::tensor && !(fixed && c.e.constant(v.outside.tensor)));
    variables.push_back(std::move(v));
  }
  reserve_lists(c, body, variables);

  const auto [cond_index, verdict] = to_subgraph(c, c.node.function("cond").name, variables);
  if (verdict.size() != 1 || verdict[0].kind != Kind::tensor)
    c.fail("I2: the loop's condition returns no tensor");
  Editor(c.e.draft(), c.e.registry(), cond_index).set_outputs({verdict[0].tensor});

  const auto [body_index, results] = to_subgraph(c, body, variables);
  std::vector<int32_t> operands, outputs, inside;
  for (size_t k = 0; k < variables.size(); ++k) {
    Value v = variables[k].outside;
    if (variables[k].carried) {
      if (results[k].tensor == kAbsent) c.fail("result ", k, " of the body is no tensor");
      inside.push_back(results[k].tensor);
      operands.push_back(v.tensor);
      v.tensor = c.e.tensor_like(v.tensor, c.e.type(v.tensor),
                                 k == 0 ? std::string(c.name()) : text(c.name(), ":", k));
      outputs.push_back(v.tensor);
    }
    c.out(std::move(v));
  }
  Editor(c.e.draft(), c.e.registry(), body_index).set_outputs(inside);
  schema::WhileOptionsT o;
  o.cond_subgraph_index = cond_index;
  o.body_subgraph_index = body_index;
  c.e.add_into(Builtin::WHILE, operands, outputs, o);
}

void to_if(Call& c) {
  std::vector<Value> arguments;
  for (int k = 1; k < c.inputs(); ++k) arguments.push_back(c.value(k));
  const std::string_view yes = c.node.function("then_branch").name;
  const std::string_view no = c.node.function("else_branch").name;
  if (const auto known = c.e.integers(c.in(0)); known && known->size() == 1) {
    for (Value& v : c.importer().call(c.e, (*known)[0] != 0 ? yes : no, std::move(arguments)))
      c.out(std::move(v));
    return;
  }
  std::vector<LoopVariable> variables;
  std::vector<int32_t> operands{c.in(0)};
  for (Value& v : arguments) {
    const bool carried =
        v.kind == Kind::list || (v.kind == Kind::tensor && !c.e.constant(v.tensor));
    if (carried) operands.push_back(v.tensor);
    variables.push_back({.outside = std::move(v), .carried = carried});
  }
  std::array<int, 2> index{};
  std::array<std::vector<Value>, 2> results;
  std::tie(index[0], results[0]) = to_subgraph(c, yes, variables);
  std::tie(index[1], results[1]) = to_subgraph(c, no, variables);
  std::vector<int32_t> outputs;
  for (size_t b = 0; b < 2; ++b) {
    Editor inside(c.e.draft(), c.e.registry(), index[b]);
    std::vector<int32_t> list;
    for (const Value& v : results[b]) {
      if (v.kind != Kind::tensor) c.fail("a branch returns something other than tensors");
      list.push_back(v.tensor);
    }
    inside.set_outputs(list);
    if (b == 0)
      for (int32_t i : list)
        outputs.push_back(c.e.result_like(inside, i, text(c.name(), ":", outputs.size())));
  }
  schema::IfOptionsT o;
  o.then_subgraph_index = index[0];
  o.else_subgraph_index = index[1];
  c.e.add_into(Builtin::IF, operands, outputs, o);
  for (int32_t i : outputs) c.out(i);
}

constexpr OpRow kRows[] = {
    {"AssignVariableOp", assign},
    {"If", to_if},
    {"Merge", merge},
    {"PartitionedCall", call_function},
    {"ReadVariableOp", read_variable},
    {"RefSwitch", to_switch},
    {"ResourceGather", resource_gather},
    {"StatefulPartitionedCall", call_function},
    {"StatelessIf", to_if},
    {"StatelessWhile", to_while},
    {"Switch", to_switch},
    {"TensorListFromTensor", list_from_tensor},
    {"TensorListGetItem", list_get_item},
    {"TensorListLength", list_length},
    {"TensorListReserve", list_reserve},
    {"TensorListSetItem", list_set_item},
    {"TensorListStack", list_stack},
    {"VarHandleOp", var_handle},
    {"Variable", ref_variable},
    {"VariableV2", ref_variable},
    {"While", to_while},
};

}  // namespace

std::span<const OpRow> control_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
