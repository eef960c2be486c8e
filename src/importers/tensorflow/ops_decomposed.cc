// SPDX-License-Identifier: Apache-2.0
// Operators that the format lacks, said with those it has.
#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "importers/tensorflow/call.h"

namespace cygnet::tensorflow {
namespace {

// erf by formula 7.1.26 of Abramowitz and Stegun, Handbook of Mathematical Functions: |x| → 1 −
// (a1 t + ... + a5 t⁵) e^−x², t = 1 / (1 + p|x|), with the sign of x. Absolute error below 1.5e-7.
void erf(Call& c) {
  constexpr double kP = 0.3275911;
  constexpr double kA[] = {1.061405429, -1.453152027, 1.421413741, -0.284496736, 0.254829592};
  Editor& e = c.e;
  const int32_t x = c.in(0);
  const int32_t magnitude = unary(e, Builtin::ABS, x, c.part("abs"));
  const int32_t scaled = binary(e, Builtin::MUL, magnitude, scalar(e, kP), c.part("p"));
  const int32_t divisor = binary(e, Builtin::ADD, scaled, scalar(e, 1), c.part("divisor"));
  const int32_t t = binary(e, Builtin::DIV, scalar(e, 1), divisor, c.part("t"));
  int32_t sum = scalar(e, kA[0]);
  for (int k = 1; k < 5; ++k) {
    sum = binary(e, Builtin::MUL, sum, t, c.part("product"));
    sum = binary(e, Builtin::ADD, sum, scalar(e, kA[k]), c.part("sum"));
  }
  const int32_t polynomial = binary(e, Builtin::MUL, sum, t, c.part("polynomial"));
  const int32_t square = binary(e, Builtin::MUL, x, x, c.part("square"));
  const int32_t minus = unary(e, Builtin::NEG, square, c.part("neg"));
  const int32_t decay = unary(e, Builtin::EXP, minus, c.part("exp"));
  const int32_t rest = binary(e, Builtin::MUL, polynomial, decay, c.part("rest"));
  const int32_t positive = binary(e, Builtin::SUB, scalar(e, 1), rest, c.part("positive"));
  c.out(binary(e, Builtin::MUL, unary(e, Builtin::SIGN, x, c.part("sign")), positive, c.name()));
}

void erfc(Call& c) {
  erf(c);
  const Value result = c.results().back();
  c.results().clear();
  c.out(binary(c.e, Builtin::SUB, scalar(c.e, 1), result.tensor, c.name()));
}

// ---- Einsum

// A label of each dimension; the dimensions under "..." are '0', '1', ... counted from the last.
std::string labels_of(Call& c, std::string_view term, int rank) {
  const size_t dots = term.find("...");
  if (dots == std::string_view::npos) return std::string(term);
  const int covered = rank - static_cast<int>(term.size() - 3);
  if (covered < 0 || covered > 8) c.fail("equation: \"", term, "\" does not fit rank ", rank);
  std::string result(term.substr(0, dots));
  for (int k = covered - 1; k >= 0; --k) result += static_cast<char>('0' + k);
  return result + std::string(term.substr(dots + 3));
}

std::vector<int32_t> order(const std::string& from, const std::string& to) {
  std::vector<int32_t> perm;
  for (char l : to) perm.push_back(static_cast<int32_t>(from.find(l)));
  return perm;
}

int32_t reorder(Call& c, int32_t x, const std::string& from, const std::string& to) {
  return from == to ? x : transpose(c.e, x, order(from, to), c.part("transpose"));
}

// An operand with its labels' sizes.
struct Operand {
  int32_t tensor;
  std::string labels;
};

// A label that stands twice in an operand takes the diagonal of its two dimensions.
void take_diagonals(Call& c, Operand& x) {
  Editor& e = c.e;
  for (size_t i = 0; i < x.labels.size(); ++i) {
    const size_t j = x.labels.find(x.labels[i], i + 1);
    if (j == std::string::npos) continue;
    const int32_t n = c.fixed_dim(x.tensor, static_cast<int>(i));
    if (c.fixed_dim(x.tensor, static_cast<int>(j)) != n || n > 1 << 13)
      c.fail("sizes of dimension '", x.labels[i], "' differ or are too big");
    std::vector<int32_t> perm;
    std::string rest;
    for (size_t d = 0; d < x.labels.size(); ++d)
      if (d != i && d != j) {
        perm.push_back(static_cast<int32_t>(d));
        rest += x.labels[d];
      }
    perm.push_back(static_cast<int32_t>(i));
    perm.push_back(static_cast<int32_t>(j));
    std::vector<uint8_t> bits(static_cast<size_t>(n) * static_cast<size_t>(n));
    for (size_t d = 0; d < static_cast<size_t>(n); ++d) bits[d * static_cast<size_t>(n) + d] = 1;
    const int32_t turned = transpose(e, x.tensor, perm, c.part("turned"));
    const int32_t kept =
        select(e, mask(e, {n, n}, bits), turned, scalar_of(e, 0, e.type(turned)), c.part("kept"));
    const int last = e.shape(kept).rank - 1;
    x.tensor = reduce(e, Builtin::SUM, kept, {last}, false, c.part("diagonal"));
    x.labels = rest + x.labels[i];
    return take_diagonals(c, x);
  }
}

// Adds up the dimensions that neither the other operand nor the result has.
void sum_private(Call& c, Operand& x, const std::string& kept) {
  std::vector<int32_t> axes;
  std::string rest;
  for (size_t d = 0; d < x.labels.size(); ++d) {
    if (kept.find(x.labels[d]) == std::string::npos)
      axes.push_back(static_cast<int32_t>(d));
    else
      rest += x.labels[d];
  }
  if (axes.empty()) return;
  x.tensor = reduce(c.e, Builtin::SUM, x.tensor, axes, false, c.part("sum"));
  x.labels = rest;
}

// The size of each label: −1 where it depends on the batch.
std::map<char, int32_t> sizes(Call& c, const std::vector<Operand>& operands) {
  std::map<char, int32_t> result;
  for (const Operand& x : operands)
    for (size_t d = 0; d < x.labels.size(); ++d) {
      const int k = static_cast<int>(d);
      const int32_t size = c.e.dim_free(x.tensor, k) ? -1 : c.e.shape(x.tensor)[k];
      const auto [at, fresh] = result.try_emplace(x.labels[d], size);
      if (!fresh && at->second != size) c.fail("sizes of dimension '", x.labels[d], "' differ");
    }
  return result;
}

// Dimensions of `groups`, each group multiplied into one where `merge`.
std::vector<int32_t> dims(const std::map<char, int32_t>& size,
                          const std::vector<std::string>& groups, bool merge) {
  std::vector<int32_t> result;
  for (const std::string& g : groups) {
    int64_t product = 1;
    for (char l : g) {
      const int32_t s = size.at(l);
      if (!merge) result.push_back(s);
      product = s < 0 || product < 0 ? -1 : product * s;
    }
    if (merge) result.push_back(static_cast<int32_t>(product));
  }
  return result;
}

int32_t reshape_to(Call& c, int32_t x, const std::vector<int32_t>& target, std::string_view name) {
  if (std::count(target.begin(), target.end(), -1) > 1)
    c.fail("more than one dimension depends on the batch");
  return reshape(c.e, x, target, name);
}

void product(Call& c, Operand a, Operand b, const std::string& result) {
  sum_private(c, a, b.labels + result);
  sum_private(c, b, a.labels + result);
  std::string batch, left, right, inner;
  for (char l : result) {
    const bool in_a = a.labels.find(l) != std::string::npos;
    const bool in_b = b.labels.find(l) != std::string::npos;
    (in_a && in_b ? batch : in_a ? left : right) += l;
  }
  for (char l : a.labels)
    if (result.find(l) == std::string::npos) inner += l;
  const std::map<char, int32_t> size = sizes(c, {a, b});
  const std::string order_a = batch + left + inner, order_b = batch + inner + right;
  int32_t x = reorder(c, a.tensor, a.labels, order_a);
  int32_t y = reorder(c, b.tensor, b.labels, order_b);
  // A constant matrix without batch multiplies the last dimension alone.
  const bool plain = batch.empty();
  const auto merged = [&](const std::string& one, const std::string& two) {
    return plain ? std::vector<std::string>{one, two} : std::vector<std::string>{batch, one, two};
  };
  const bool keep_left = plain && inner.size() == 1;
  if (!keep_left) x = reshape_to(c, x, dims(size, merged(left, inner), true), c.part("left"));
  if (inner.size() != 1 || right.size() != 1 || batch.size() > 1)
    y = reshape_to(c, y, dims(size, merged(inner, right), true), c.part("right"));
  if (keep_left && c.e.shape(x).rank < 2)
    x = reshape_to(c, x, dims(size, merged(left, inner), true), c.part("left"));
  int32_t z = matmul(c.e, x, y, false, false, c.part("product"));
  const std::string made = batch + left + right;
  z = reshape_to(c, z, dims(size, {batch, left, right}, false), c.part("result"));
  c.out(reorder(c, z, made, result));
}

void einsum(Call& c) {
  std::string equation;
  for (char l : c.node.string("equation"))
    if (std::isspace(static_cast<unsigned char>(l)) == 0) equation += l;
  const size_t arrow = equation.find("->");
  if (arrow == std::string::npos) c.fail("equation \"", equation, "\": expected \"->\"");
  std::string_view left = std::string_view(equation).substr(0, arrow);
  const std::string_view right = std::string_view(equation).substr(arrow + 2);
  std::vector<Operand> operands;
  int covered = 0;
  for (int k = 0; k < c.inputs(); ++k) {
    const size_t comma = left.find(',');
    const std::string_view term = left.substr(0, comma);
    const std::string labels = labels_of(c, term, c.shape(k).rank);
    if (static_cast<int>(labels.size()) != c.shape(k).rank)
      c.fail("equation \"", equation, "\": operand ", k, " has rank ", c.shape(k).rank);
    if (term.find("...") != std::string_view::npos)
      covered = std::max(covered, c.shape(k).rank - static_cast<int>(term.size() - 3));
    operands.push_back({c.in(k), labels});
    take_diagonals(c, operands.back());
    left = comma == std::string_view::npos ? std::string_view() : left.substr(comma + 1);
  }
  const std::string result = labels_of(c, right,
                                       covered + static_cast<int>(right.size()) -
                                           (right.find("...") == std::string_view::npos ? 0 : 3));
  if (operands.size() == 1) {
    sum_private(c, operands[0], result);
    return c.out(reorder(c, operands[0].tensor, operands[0].labels, result));
  }
  if (operands.size() != 2) c.fail("expected 1 or 2 operands, got ", operands.size());
  product(c, operands[0], operands[1], result);
}

constexpr OpRow kRows[] = {
    {"Einsum", einsum},
    {"Erf", erf},
    {"Erfc", erfc},
};

}  // namespace

std::span<const OpRow> decomposed_ops() {
  return kRows;
}

}  // namespace cygnet::tensorflow
