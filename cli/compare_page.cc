// SPDX-License-Identifier: Apache-2.0
#include "cli/compare_page.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "cli/failure.h"
#include "cli/layer_tables.h"
#include "cli/output.h"

namespace cygnet::cli {
namespace {

/// Longer names are cut in the middle of the page's texts.
constexpr size_t kMostName = 600;
/// A list of slower layers with more rows is folded.
constexpr size_t kOpenRows = 12;

// ---- Texts

/// The bytes of one well-formed UTF-8 character at the start of `text`; 0: there is none.
size_t character(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const bool too_long = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool no_character = (first == 0xed && byte(1) > 0x9f) || (first == 0xf4 && byte(1) > 0x8f);
  return too_long || no_character ? 0 : length;
}

/// Text for between tags and in quoted attributes.
std::string escaped(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t length = character(text);
    const char c = text[0];
    if (length == 0)
      result += "\xef\xbf\xbd";
    else if (c == '&')
      result += "&amp;";
    else if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '"')
      result += "&quot;";
    else if (c == '\'')
      result += "&#39;";
    else if (c == '\n')
      result += "&#10;";
    else if ((static_cast<unsigned char>(c) < 0x20 || c == 0x7f))
      result += '?';
    else
      result += text.substr(0, length);
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

/// A name from a model, on one line and not too long.
std::string shown(std::string_view name) {
  std::string result = printable(name.substr(0, kMostName));
  if (name.size() > kMostName) {
    while (!result.empty() && (result.back() & 0xc0) == 0x80) result.pop_back();
    if (!result.empty() && (result.back() & 0x80) != 0) result.pop_back();
    result += "…";
  }
  return result;
}

std::string decibels(double db) {
  if (std::isnan(db)) return "–";
  if (std::isinf(db)) return db > 0 ? "equal" : "−∞";
  return text(number(std::round(db * 10) / 10, 4));
}

/// The text and what sorting goes by.
std::string cell(double value, const std::string& shown_text) {
  const double sortable = std::isinf(value) ? std::copysign(1e30, value) : value;
  return text("<td data-v=\"", std::isnan(value) ? "" : number(sortable, 9), "\">", shown_text,
              "</td>");
}

std::string percent(double share, int digits = 3) {
  return number(share * 100, digits) + " %";
}

std::string types(const LayerDifference& d) {
  return d.type_a == d.type_b ? type_name(d.type_a)
                              : text(type_name(d.type_a), " → ", type_name(d.type_b));
}

std::string coordinate(double x) {
  return number(std::round(x * 100) / 100, 6);
}

// ---- Head

std::string model_card(const char* side, const char* letter, const ComparedModel& model) {
  const size_t slash = model.path.find_last_of('/');
  const std::string file = slash == std::string::npos ? model.path : model.path.substr(slash + 1);
  return text("<div class=\"card model\" title=\"", escaped(shown(model.path)),
              "\"><span class=\"key ", side, "\">", letter, "</span><b><bdi>", escaped(shown(file)),
              "</bdi></b><p class=\"soft\">", human_bytes(model.bytes), ", ", model.operators,
              model.operators == 1 ? " operator" : " operators", "</p></div>\n");
}

std::string tile(const std::string& value, const std::string& name) {
  return text("<div class=\"card tile\"><div class=\"value\">", escaped(value),
              "</div><div class=\"name\">", escaped(name), "</div></div>\n");
}

std::string tiles(const NetworkComparison& c) {
  std::string html = "<div class=\"tiles\">\n";
  double worst = HUGE_VAL;
  for (const LayerDifference& d : c.outputs)
    if (d.elements > 0) worst = std::min(worst, d.sqnr_db);
  if (!c.outputs.empty())
    html += tile(decibels(worst) + (std::isfinite(worst) ? " dB" : ""),
                 c.outputs.size() == 1 ? "SQNR of the output" : "least SQNR of the outputs");
  if (c.agreement) html += tile(percent(*c.agreement, 4), "same class");
  html += tile(text(c.samples), c.samples == 1 ? "sample" : "samples");
  html += tile(text(c.layers.size()),
               c.only_a + c.only_b == 0
                   ? "tensors in common"
                   : text("tensors in common; ", c.only_a, " only in A, ", c.only_b, " only in B"));
  const auto wrong = std::count_if(c.layers.begin(), c.layers.end(),
                                   [](const LayerDifference& d) { return !d.wrong.empty(); });
  html += tile(text(wrong), wrong == 1 ? "layer goes wrong" : "layers go wrong");
  if (c.time_a_us > 0)
    html += tile(text(number(c.time_a_us / c.time_b_us, 3), " ×"), "speed of B, A is 1");
  return html + "</div>\n";
}

// ---- Bars

struct BarRow {
  std::string name;
  double a = 0, b = 0;  ///< shares of the longest bar
  std::string text_a, text_b;
};

std::string bars(const std::vector<BarRow>& rows) {
  std::string html = "<div class=\"card\"><table class=\"bars\">\n";
  const auto bar = [](const char* side, double share) {
    return text("<td class=\"text\" style=\"width:70%\"><span class=\"bar\" style=\"width:",
                coordinate(std::clamp(share, 0.0, 1.0) * 100), "%;background:var(--", side,
                ")\"></span></td>");
  };
  for (const BarRow& row : rows)
    html += text("<tr><td class=\"text\">", escaped(row.name), "</td><td>A</td>", bar("a", row.a),
                 "<td class=\"text\">", escaped(row.text_a), "</td></tr>\n<tr><td></td><td>B</td>",
                 bar("b", row.b), "<td class=\"text\">", escaped(row.text_b), "</td></tr>\n");
  return html + "</table></div>\n";
}

std::string accuracy(const NetworkComparison& c) {
  std::vector<BarRow> rows;
  const Accuracy &a = c.accuracy_a, &b = c.accuracy_b;
  const auto add = [&](const char* name, double x, double y) {
    rows.push_back({name, x, y, percent(x, 4), percent(y, 4)});
  };
  if (a.samples > 0) {
    add("top-1", a.top1, b.top1);
    add("top-5", a.top5, b.top5);
  }
  if (a.mean_iou && b.mean_iou) add("mean IoU", *a.mean_iou, *b.mean_iou);
  if (rows.empty()) return {};
  return text("<h2>Accuracy</h2>\n<p class=\"soft\">", a.samples > 0 ? a.samples : a.pictures,
              " samples with known classes</p>\n", bars(rows));
}

std::string times(const NetworkComparison& c) {
  if (c.time_a_us <= 0) return {};
  const double most = std::max(c.time_a_us, c.time_b_us);
  std::string html = text("<h2>Time</h2>\n",
                          bars({{"a whole run", c.time_a_us / most, c.time_b_us / most,
                                 human_time(c.time_a_us * 1e-6), human_time(c.time_b_us * 1e-6)}}));
  if (c.slower.empty()) return html + "<p class=\"soft\">No layer is slower in B.</p>\n";
  html +=
      text("<details", c.slower.size() <= kOpenRows ? " open" : "",
           "><summary>Slower in B: ", c.slower.size(), c.slower.size() == 1 ? " layer" : " layers",
           "</summary>\n<div class=\"scroll\"><table><thead><tr><th class=\"text\">layer</th>"
           "<th class=\"text\">operator</th><th>A, µs</th><th>B, µs</th><th>times</th></tr>"
           "</thead><tbody>\n");
  for (const SlowLayer& slow : c.slower) {
    const std::string name = escaped(shown(slow.layer.name));
    html += text("<tr><td class=\"text layer\" title=\"", name, "\"><bdi>", name,
                 "</bdi></td><td class=\"text\">", escaped(shown(kinds(slow.layer))),
                 slow.more > 0 ? text(" and ", slow.more, " fused with it") : "", "</td><td>",
                 number(slow.a_us, 4), "</td><td>", number(slow.b_us, 4), "</td><td>",
                 slow.a_us > 0 ? number(slow.b_us / slow.a_us, 3) : "", "</td></tr>\n");
  }
  return html + "</tbody></table></div></details>\n";
}

// ---- The chart of SQNR along the layers

class Chart {
 public:
  explicit Chart(const NetworkComparison& c) : c_(c) {
    double most = 40, least = 0;
    for (const LayerDifference& d : c.layers)
      for (const double db : {d.sqnr_db, d.own_sqnr_db})
        if (std::isfinite(db)) most = std::max(most, db), least = std::min(least, db);
    top_ = std::min(std::ceil((most + 2) / 20) * 20, 160.0);
    bottom_ = std::max(std::floor(least / 20) * 20, -60.0);
    step_ = (kWidth - kLeft - kRight) / static_cast<double>(std::max<size_t>(c.layers.size(), 1));
  }

  std::string html() const {
    return text(
        "<h2>SQNR along the layers</h2>\n<div class=\"card chart\"><div class=\"legend\"><span>"
        "<span class=\"swatch\" style=\"background:var(--b)\"></span>SQNR, dB, of B's tensor</span>"
        "<span><span class=\"swatch\" style=\"background:var(--bar)\"></span>of the layer alone, "
        "on "
        "A's values</span><span><span class=\"swatch\" style=\"background:var(--bad)\"></span>goes "
        "wrong</span></div>\n<svg viewBox=\"0 0 ",
        kWidth, " ", kHeight, "\" role=\"img\" aria-label=\"SQNR of each layer\">\n", grid(),
        own_bars(), line(), threshold(), hits(), "</svg></div>\n");
  }

 private:
  static constexpr double kWidth = 1200, kHeight = 280, kLeft = 40, kRight = 14, kTop = 10,
                          kBottom = 24;

  double y(double db) const {
    const double share = (std::clamp(db, bottom_, top_) - bottom_) / (top_ - bottom_);
    return kTop + (1 - share) * (kHeight - kTop - kBottom);
  }
  double x(size_t i) const { return kLeft + (static_cast<double>(i) + 0.5) * step_; }

  std::string grid() const {
    std::string svg;
    const auto across = [&](double db) {
      return text("<line class=\"grid\" x1=\"", kLeft, "\" x2=\"", kWidth - kRight, "\" y1=\"",
                  coordinate(y(db)), "\" y2=\"", coordinate(y(db)), "\"/>");
    };
    for (double db = bottom_; db <= top_; db += 20)
      svg += text(across(db), "<text x=\"", kLeft - 6, "\" y=\"", coordinate(y(db) + 4),
                  "\" text-anchor=\"end\">", db, "</text>\n");
    return svg + numbers();
  }

  /// Over the bars.
  std::string threshold() const {
    return text("<line class=\"least\" x1=\"", kLeft, "\" x2=\"", kWidth - kRight, "\" y1=\"",
                coordinate(y(c_.least_db)), "\" y2=\"", coordinate(y(c_.least_db)), "\"/>",
                "<text x=\"", kWidth - kRight, "\" y=\"", coordinate(y(c_.least_db) - 4),
                "\" text-anchor=\"end\" class=\"over\">least of a layer alone: ",
                decibels(c_.least_db), " dB</text>\n");
  }

  /// Below, numbers of layers.
  std::string numbers() const {
    std::string svg;
    const size_t count = c_.layers.size();
    const size_t apart = std::max<size_t>(1, (count + 19) / 20);
    for (size_t i = 0; i < count; i += apart)
      svg += text("<text x=\"", coordinate(x(i)), "\" y=\"", kHeight - 6,
                  "\" text-anchor=\"middle\">", i, "</text>");
    return svg;
  }

  std::string own_bars() const {
    std::string svg;
    const double width = std::min(std::max(step_ * 0.7, 0.6), 28.0);
    for (size_t i = 0; i < c_.layers.size(); ++i) {
      const LayerDifference& d = c_.layers[i];
      const bool bad = !d.wrong.empty();
      if (std::isnan(d.own_sqnr_db) && !bad) continue;
      const double own = std::isnan(d.own_sqnr_db) ? bottom_ : d.own_sqnr_db;
      const double from = std::min(y(own), y(bottom_) - (bad ? 3 : 0));
      svg += text("<rect class=\"own", bad ? " bad" : "", "\" x=\"", coordinate(x(i) - width / 2),
                  "\" width=\"", coordinate(width), "\" y=\"", coordinate(from), "\" height=\"",
                  coordinate(y(bottom_) - from), "\"/>\n");
    }
    return svg;
  }

  std::string line() const {
    std::string path, dots;
    bool open = false;
    for (size_t i = 0; i < c_.layers.size(); ++i) {
      const LayerDifference& d = c_.layers[i];
      if (d.elements == 0) continue;
      path += text(open ? "L" : "M", coordinate(x(i)), " ", coordinate(y(d.sqnr_db)));
      open = true;
      if (step_ > 7)
        dots += text("<circle class=\"dot\" r=\"2.4\" cx=\"", coordinate(x(i)), "\" cy=\"",
                     coordinate(y(d.sqnr_db)), "\"/>");
    }
    return text("<path class=\"sqnr\" d=\"", path, "\"/>\n", dots, "\n");
  }

  std::string hits() const {
    std::string svg;
    for (size_t i = 0; i < c_.layers.size(); ++i) {
      const LayerDifference& d = c_.layers[i];
      const std::string tip =
          text(i, "  ", shown(d.layer.name), "\n", shown(kinds(d.layer)), ", ", types(d), "\nSQNR ",
               decibels(d.sqnr_db), ", alone ", decibels(d.own_sqnr_db), "\nlargest error ",
               number(d.largest, 3), d.wrong.empty() ? "" : text("\n", shown(d.wrong)));
      svg += text("<a href=\"#l", i, "\"><rect class=\"hit\" x=\"", coordinate(x(i) - step_ / 2),
                  "\" y=\"", kTop, "\" width=\"", coordinate(step_), "\" height=\"",
                  kHeight - kTop - kBottom, "\" data-tip=\"", escaped(tip), "\"/></a>\n");
    }
    return svg;
  }

  const NetworkComparison& c_;
  double top_ = 60, bottom_ = 0, step_ = 1;
};

// ---- The table

std::string histogram(const LayerDifference& d) {
  const PairHistogram::Bins& bins = d.histogram;
  if (bins.a.empty()) return "<td></td>";
  constexpr double kHeight = 30;
  int64_t total_a = 0, total_b = 0;
  for (size_t i = 0; i < bins.a.size(); ++i) total_a += bins.a[i], total_b += bins.b[i];
  // Roots of the shares, so that a peak at 0 leaves the rest visible.
  const auto root = [](int64_t count, int64_t total) {
    return total == 0 ? 0 : std::sqrt(static_cast<double>(count) / static_cast<double>(total));
  };
  double most = 0;
  for (size_t i = 0; i < bins.a.size(); ++i)
    most = std::max({most, root(bins.a[i], total_a), root(bins.b[i], total_b)});
  const auto outline = [&](const std::vector<int64_t>& counts, int64_t total) {
    std::string path = text("M0 ", kHeight);
    for (size_t i = 0; i < counts.size(); ++i)
      path += text("V", coordinate(kHeight - (kHeight - 2) * root(counts[i], total) / most), "H",
                   i + 1);
    return text(path, "V", kHeight);
  };
  const std::string tip =
      text("A from ", number(d.min_a, 4), " to ", number(d.max_a, 4), "\nB from ",
           number(d.min_b, 4), " to ", number(d.max_b, 4), "\noverlap ", percent(d.overlap));
  return text("<td data-v=\"", number(d.overlap, 9), "\"><svg class=\"hist\" viewBox=\"0 0 ",
              bins.a.size(), " ", kHeight, "\" preserveAspectRatio=\"none\" data-tip=\"",
              escaped(tip), "\"><path class=\"ha\" d=\"", outline(bins.a, total_a),
              "Z\"/><path class=\"hb\" d=\"", outline(bins.b, total_b), "\"/></svg></td>");
}

std::string layer_times(const LayerDifference& d, double most) {
  if (d.timed_with >= 0)
    return text("<td data-v=\"\" class=\"soft\">with <a href=\"#l", d.timed_with, "\">",
                d.timed_with, "</a></td><td data-v=\"\"></td><td data-v=\"\"></td>");
  if (d.time_a_us == 0 && d.time_b_us == 0)
    return "<td data-v=\"\"></td><td data-v=\"\"></td><td data-v=\"\"></td>";
  const auto bar = [&](const char* style, int y, double us) {
    return text("<rect class=\"", style, "\" x=\"0\" y=\"", y, "\" height=\"7\" width=\"",
                coordinate(std::max(110 * us / most, 0.5)), "\"/>");
  };
  return text(cell(d.time_a_us, number(d.time_a_us, 4)), cell(d.time_b_us, number(d.time_b_us, 4)),
              "<td data-v=\"", number(d.time_b_us - d.time_a_us, 9),
              "\"><svg class=\"times\" viewBox=\"0 0 110 18\" preserveAspectRatio=\"none\">",
              bar("ta", 1, d.time_a_us), bar("tb", 10, d.time_b_us), "</svg></td>");
}

/// The share of values that are cut off, of which small ones are all the same.
std::string cut_off(double share) {
  if (share == 0) return {};
  return share < 1e-4 ? "< 0.01 %" : percent(share, 2);
}

std::string notes(const LayerDifference& d) {
  std::string html;
  if (!d.wrong.empty()) html += text("<div class=\"why\">", escaped(shown(d.wrong)), "</div>");
  if (d.not_finite_a + d.not_finite_b > 0)
    html += text("<div class=\"why\">NaN or infinite: ", d.not_finite_a, " in A, ", d.not_finite_b,
                 " in B</div>");
  if (d.factors.size() == 1)
    html += text("<div class=\"soft\">", number(d.factors[0], 3),
                 " times A's values: compared with that</div>");
  if (d.factors.size() > 1)
    html +=
        "<div class=\"soft\">A's values times a factor for each channel: compared with "
        "that</div>";
  if (d.other_shape) html += "<div class=\"why\">shapes differ in some sample</div>";
  return html;
}

std::string row(const LayerDifference& d, const std::string& index, bool timed, double most_us) {
  const std::string name = escaped(shown(d.layer.name));
  const std::string about = text(shown(kinds(d.layer)), " ", shape_text(d.shape).text, " ",
                                 types(d), d.layer.by_name ? "" : ", aligned by shape");
  return text("<tr", index.empty() ? "" : text(" id=\"l", index, "\""),
              d.wrong.empty() ? "" : " class=\"bad\"", " title=\"", name, "\"><td data-v=\"", index,
              "\">", index, "</td><td class=\"text layer\"><bdi>", name,
              "</bdi><span class=\"soft\">", escaped(about), "</span>", notes(d), "</td>",
              histogram(d),
              d.elements == 0 ? "<td data-v=\"\"></td>" : cell(d.sqnr_db, decibels(d.sqnr_db)),
              cell(d.own_sqnr_db, decibels(d.own_sqnr_db)), cell(d.largest, number(d.largest, 3)),
              cell(d.mean, number(d.mean, 3)), cell(d.bias, number(d.bias, 2)),
              cell(d.saturated, cut_off(d.saturated)), cell(d.overlap, percent(d.overlap)),
              timed ? layer_times(d, most_us) : "", "</tr>\n");
}

std::string table(const std::vector<LayerDifference>& list, const char* id, bool timed) {
  struct Column {
    const char *title, *style, *tip;
  };
  std::vector<Column> columns = {
      {"#", "", ""},
      {"layer", "text", "The tensor's name in A"},
      {"histograms", "text", "A filled, B outlined; heights are roots of shares"},
      {"SQNR dB", "", "10·log10(Σa² / Σ(a−b)²)"},
      {"alone dB", "", "The same of B's layer alone, when it reads A's values"},
      {"max error", "", "Largest |b − a|"},
      {"mean error", "", "Mean of |b − a|"},
      {"bias", "", "Mean of b − a"},
      {"cut off", "", "Share of B's values at an end of their range where A's lie beyond it"},
      {"overlap", "", "Of the two histograms"}};
  if (timed)
    for (const Column& column : {Column{"A µs", "", "Least time"}, Column{"B µs", "", "Least time"},
                                 Column{"times", "text", "By the difference"}})
      columns.push_back(column);
  std::string html = text("<div class=\"scroll\"><table id=\"", id, "\"><thead><tr>");
  for (const Column& column : columns)
    html += text("<th class=\"", column.style, "\" title=\"", column.tip, "\"><button>",
                 column.title, "</button></th>");
  html += "</tr></thead><tbody>\n";
  double most_us = 1e-9;
  for (const LayerDifference& d : list) most_us = std::max({most_us, d.time_a_us, d.time_b_us});
  for (size_t i = 0; i < list.size(); ++i)
    html += row(list[i], std::string_view(id) == "layers" ? text(i) : "", timed, most_us);
  return html + "</tbody></table></div>\n";
}

}  // namespace

std::string compare_page(const ComparedModel& a, const ComparedModel& b,
                         const NetworkComparison& c) {
  return text(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'; script-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<title>Two networks compared</title>\n<style>",
      kPageStyle,
      "</style></head><body><main>\n"
      "<h1>Two networks compared</h1>\n<div class=\"models\">\n",
      model_card("a", "A", a), model_card("b", "B", b), "</div>\n<div class=\"verdict",
      c.first_wrong >= 0 ? " bad" : "", "\">", escaped(shown(c.verdict)), "</div>\n", tiles(c),
      Chart(c).html(), accuracy(c), times(c),
      "<h2>Layers</h2>\n<p><input id=\"filter\" type=\"search\" placeholder=\"Filter by "
      "name, operator or shape\" aria-label=\"Filter layers\"></p>\n",
      table(c.layers, "layers", c.time_a_us > 0), "<h2>Outputs</h2>\n",
      table(c.outputs, "outputs", false), "</main><div id=\"tip\"></div><script>", kPageScript,
      "</script></body></html>\n");
}

}  // namespace cygnet::cli
