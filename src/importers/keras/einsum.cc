// SPDX-License-Identifier: Apache-2.0
// Einsum of one or two tensors: each is brought into the order (kept by both, own, summed), so that
// one product of matrices is left.
#include <algorithm>

#include "importers/keras/operations.h"

namespace cygnet::keras {
namespace {

struct Term {
  int32_t tensor = kAbsent;
  std::string labels;  ///< one for each dimension
};

bool has(const std::string& labels, char c) {
  return labels.find(c) != std::string::npos;
}

// Digits stand for the dimensions of "...", the last dimension is '9'.
std::string without_dots(const Layer& l, const std::string& labels, int dots) {
  const size_t at = labels.find("...");
  if (at == std::string::npos) return labels;
  l.refuse_if(dots < 0 || dots > 8, "the equation does not fit the ranks");
  std::string digits;
  for (int i = dots; i > 0; --i) digits += static_cast<char>('0' + 10 - i);
  return labels.substr(0, at) + digits + labels.substr(at + 3);
}

int dots_of(const Layer& l, const std::string& labels, int32_t x) {
  return has(labels, '.') ? l.rank(x) + 3 - static_cast<int>(labels.size()) : 0;
}

// Sums over the dimensions whose labels are nowhere else.
void drop_lonely(Layer& l, Term& term, const std::string& others) {
  std::vector<int32_t> axes;
  std::string left;
  for (size_t i = 0; i < term.labels.size(); ++i) {
    if (has(others, term.labels[i]))
      left += term.labels[i];
    else
      axes.push_back(static_cast<int32_t>(i));
  }
  if (axes.empty()) return;
  term.tensor = l.reduce(Builtin::SUM, term.tensor, axes, false);
  term.labels = left;
}

int32_t ordered(Layer& l, const Term& term, const std::string& wanted) {
  std::vector<int32_t> order;
  for (char c : wanted) order.push_back(static_cast<int32_t>(term.labels.find(c)));
  return std::is_sorted(order.begin(), order.end()) ? term.tensor : l.transpose(term.tensor, order);
}

std::vector<int32_t> sizes(const Layer& l, const Term& term, const std::string& labels) {
  const std::vector<int32_t> all = l.dims_of(term.tensor);
  std::vector<int32_t> result;
  for (char c : labels) result.push_back(all[term.labels.find(c)]);
  return result;
}

int32_t product(const Layer& l, const std::vector<int32_t>& dims) {
  int64_t n = 1;
  for (int32_t d : dims) {
    if (d == kRest) return kRest;
    n *= d;
    l.refuse_if(n > 0x7fffffff, "the tensors are too large");
  }
  return static_cast<int32_t>(n);
}

int32_t multiply(Layer& l, const Term& a, const Term& b, const std::string& y) {
  std::string both, summed, own_a, own_b;
  for (char c : y)
    (has(a.labels, c) && has(b.labels, c) ? both : has(a.labels, c) ? own_a : own_b) += c;
  for (char c : a.labels)
    if (has(b.labels, c) && !has(y, c)) summed += c;
  for (const std::string& shared : {both, summed})
    l.refuse_if(sizes(l, a, shared) != sizes(l, b, shared), "the operands differ in size");
  const std::vector<int32_t> batch = sizes(l, a, both), rows = sizes(l, a, own_a),
                             columns = sizes(l, b, own_b);
  std::vector<int32_t> form = {product(l, rows), product(l, sizes(l, a, summed))};
  if (!both.empty()) form.insert(form.begin(), product(l, batch));
  const int32_t left = l.reshape(ordered(l, a, both + own_a + summed), form);
  form[form.size() - 2] = product(l, columns);
  const int32_t right = l.reshape(ordered(l, b, both + own_b + summed), form);
  const int32_t z = both.empty() && l.e.constant(b.tensor) ? l.dense(left, right, kAbsent)
                                                           : l.matmul(left, right, false, true);
  std::vector<int32_t> dims = batch;
  dims.insert(dims.end(), rows.begin(), rows.end());
  dims.insert(dims.end(), columns.begin(), columns.end());
  l.refuse_if(dims.size() > static_cast<size_t>(kMaxRank) ||
                  std::count(dims.begin(), dims.end(), kRest) > 1,
              "the equation is not supported");
  return ordered(l, {l.reshape(z, dims), both + own_a + own_b}, y);
}

}  // namespace

Tensors emit_einsum(Layer& l) {
  std::string equation = setting(l, {"subscripts"}, 0).text();
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t arrow = equation.find("->"), comma = equation.find(',');
  const bool two = comma != std::string::npos;
  const size_t first = l.config.has("subscripts") ? 0 : 1;
  l.refuse_if(
      arrow == std::string::npos || (two && equation.find(',', comma + 1) != std::string::npos),
      text("equation \"", equation, "\" is not supported"));
  std::vector<Term> terms;
  std::string y = equation.substr(arrow + 2);
  int dots = 0;
  for (size_t i = 0; i < (two ? 2u : 1u); ++i) {
    Term t;
    t.tensor = operand(l, argument(l, first + i, {"operands"}), Type::float32);
    const size_t begin = i == 0 ? 0 : comma + 1, end = i == 0 && two ? comma : arrow;
    const std::string labels = equation.substr(begin, end - begin);
    dots = std::max(dots, dots_of(l, labels, t.tensor));
    t.labels = without_dots(l, labels, dots_of(l, labels, t.tensor));
    l.refuse_if(static_cast<int>(t.labels.size()) != l.rank(t.tensor),
                "the equation does not fit the ranks");
    terms.push_back(t);
  }
  y = without_dots(l, y, dots);
  for (const std::string& labels : {y, terms.front().labels, terms.back().labels})
    for (size_t i = 0; i < labels.size(); ++i)
      l.refuse_if(labels.find(labels[i], i + 1) != std::string::npos,
                  text("equation \"", equation, "\" is not supported"));
  for (char c : y)
    l.refuse_if(!has(terms.front().labels, c) && !has(terms.back().labels, c),
                text("equation \"", equation, "\" is not supported"));
  if (!two) {
    drop_lonely(l, terms[0], y);
    return {ordered(l, terms[0], y)};
  }
  drop_lonely(l, terms[0], y + terms[1].labels);
  drop_lonely(l, terms[1], y + terms[0].labels);
  return {multiply(l, terms[0], terms[1], y)};
}

}  // namespace cygnet::keras
