// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iostream>
#include <numeric>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/labels.h"
#include "cli/output.h"
#include "cli/tensors.h"

namespace cygnet::cli {
namespace {

/// The first output that is one list of scores. Throws Failure when there is none.
int find_scores(const Session& session, const Interpreter& interpreter) {
  std::string found;
  for (int i = 0; i < interpreter.outputs(); ++i) {
    const Shape& shape = interpreter.output(i).shape;
    if (shape.rank > 0 && shape[shape.rank - 1] > 1 && shape.elements() == shape[shape.rank - 1]) {
      return i;
    }
    found += text(found.empty() ? "" : ", ", describe(interpreter.output(i)));
  }
  throw Failure(text(session.path(), ": expected an output [1,classes], got ", found));
}

/// Indices of the `top` largest scores, largest first; of equal scores the lower index.
std::vector<int> best(const std::vector<float>& scores, int top) {
  std::vector<int> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  auto end = order.begin() + std::min<std::ptrdiff_t>(top, std::ssize(order));
  std::partial_sort(order.begin(), end, order.end(), [&](int a, int b) {
    float x = scores[static_cast<size_t>(a)];
    float y = scores[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  });
  order.erase(end, order.end());
  return order;
}

void print_classes(const std::vector<int>& order, const std::vector<float>& scores,
                   const Labels& labels) {
  Table table(labels.empty() ? std::vector<std::string>{">score", ">class"}
                             : std::vector<std::string>{">score", ">class", "label"});
  for (int index : order) {
    std::vector<std::string> row = {number(scores[static_cast<size_t>(index)]), text(index)};
    if (!labels.empty()) row.push_back(labels.name(index));
    table.add(std::move(row));
  }
  table.print(2);
}

Json to_json(const std::string& image, const std::vector<int>& order,
             const std::vector<float>& scores, const Labels& labels) {
  Json::List classes;
  for (int index : order) {
    Json::Object item = {{"class", index}, {"score", double{scores[static_cast<size_t>(index)]}}};
    if (!labels.empty()) item.emplace_back("label", labels.name(index));
    classes.emplace_back(std::move(item));
  }
  return Json::Object{{"image", image}, {"classes", std::move(classes)}};
}

}  // namespace

void classify(const ClassifyFlags& flags) {
  Session session(flags.model);
  Labels labels(flags.labels);
  PictureInput input = find_picture_input(session.interpreter(), session.path());
  Json::List results;
  Progress progress("classify", std::ssize(flags.images));
  for (const std::string& path : flags.images) {
    Image fitted = fit_picture(&session, input, load_image(path));
    write_picture(&session, input, fitted, flags.normalization, PixelRange::minus_one_to_one);
    double seconds = session.invoke();
    const Tensor& output =
        session.interpreter().output(find_scores(session, session.interpreter()));
    std::vector<float> scores = real_values(output);
    if (scores.empty()) {
      throw Failure(text(session.path(), ": output '", output.name, "' holds no numbers"));
    }
    labels.fit(static_cast<int>(scores.size()));
    std::vector<int> order = best(scores, flags.top);
    results.push_back(to_json(path, order, scores, labels));
    if (flags.json) {
      progress.update(std::ssize(results));
    } else {
      std::cout << printable(path) << "  (" << human_time(seconds) << ")\n";
      print_classes(order, scores, labels);
    }
  }
  if (flags.json) print_json(results);
}

}  // namespace cygnet::cli
