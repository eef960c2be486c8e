// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/failure.h"
#include "cli/output.h"
#include "cli/tensors.h"
#include "runtime/control_flow.h"
#include "runtime/profiler.h"

namespace cygnet::cli {
namespace {

constexpr uint64_t kSeed = 1;
constexpr int kWarmUps = 2;

double seconds_of(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Seconds on the clock on the wall and of the process on all cores together.
struct Elapsed {
  double wall = 0;
  double cpu = 0;
};

Elapsed now() {
  return {seconds_of(CLOCK_MONOTONIC), seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
}

Elapsed since(const Elapsed& start) {
  const Elapsed end = now();
  return {end.wall - start.wall, end.cpu - start.cpu};
}

/// One run. Variables keep their values from run to run, as in use.
Elapsed time_run(Interpreter* interpreter) {
  const Elapsed start = now();
  check(interpreter->invoke());
  return since(start);
}

/// An interpreter with inputs that has run once.
struct Ready {
  explicit Ready(const ModelFlags& flags) {
    const Elapsed start = now();
    session = std::make_unique<Session>(flags);
    session->allocate();
    build = since(start);
    write_random_inputs(session.get(), kSeed);
    first = time_run(&session->interpreter());
  }

  std::unique_ptr<Session> session;
  Elapsed build;  ///< of opening the model and preparing it
  Elapsed first;  ///< of the first run
};

/// The number of a line "run N"; 0 for "quit". Throws Failure for any other line.
int parse_request(const std::string& line) {
  constexpr int kMaxRuns = 1000000;
  constexpr std::string_view kRun = "run ";
  if (line == "quit") return 0;
  int runs = 0;
  if (line.starts_with(kRun)) {
    const char* end = line.data() + line.size();
    const auto [rest, error] = std::from_chars(line.data() + kRun.size(), end, runs);
    if (error == std::errc() && rest == end && runs >= 1 && runs <= kMaxRuns) return runs;
  }
  throw Failure(text("standard input: expected 'run N' with N from 1 to ", kMaxRuns,
                     ", or 'quit', got '", line, "'"));
}

void serve(const Ready& ready) {
  std::printf("ready %.3f %.3f\n", ready.build.wall * 1e3, ready.first.wall * 1e3);
  std::fflush(stdout);
  std::vector<Elapsed> times;
  for (std::string line; std::getline(std::cin, line);) {
    const int runs = parse_request(line);
    if (runs == 0) return;
    times.clear();
    for (int i = 0; i < runs; ++i) times.push_back(time_run(&ready.session->interpreter()));
    for (size_t i = 0; i < times.size(); ++i)
      std::printf("%s%.3f:%.3f", i == 0 ? "" : " ", times[i].wall * 1e6, times[i].cpu * 1e6);
    std::printf("\n");
    std::fflush(stdout);
  }
}

/// Least and median seconds of runs.
struct Summary {
  Elapsed least;
  Elapsed median;
  int runs = 0;
};

Summary summarize(const std::vector<Elapsed>& times) {
  const auto column = [&](double Elapsed::*clock, double* least, double* median) {
    std::vector<double> values;
    for (const Elapsed& time : times) values.push_back(time.*clock);
    std::sort(values.begin(), values.end());
    *least = values.front();
    *median = values[values.size() / 2];
  };
  Summary summary;
  summary.runs = static_cast<int>(times.size());
  column(&Elapsed::wall, &summary.least.wall, &summary.median.wall);
  column(&Elapsed::cpu, &summary.least.cpu, &summary.median.cpu);
  return summary;
}

/// `runs` runs; 0: a second of them, but at least five.
Summary measure(Interpreter* interpreter, int runs) {
  constexpr double kSeconds = 1;
  constexpr size_t kFewest = 5, kMost = 100000;
  // With several threads the first runs also find out which steps gain by them.
  const int warm_ups =
      kWarmUps + (interpreter->options().threads > 1 ? ThreadChoice::kMeasuredRuns : 0);
  for (int i = 0; i < warm_ups; ++i) time_run(interpreter);
  std::vector<Elapsed> times;
  Progress progress("bench", runs);
  const Elapsed start = now();
  const auto wanted = [&] {
    if (runs > 0) return times.size() < static_cast<size_t>(runs);
    return times.size() < kFewest || (since(start).wall < kSeconds && times.size() < kMost);
  };
  while (wanted()) {
    times.push_back(time_run(interpreter));
    progress.update(static_cast<int64_t>(times.size()));
  }
  return summarize(times);
}

/// Operations a second of `macs` multiply-adds in `seconds`, in units of 10⁹.
double giga_operations(int64_t macs, double seconds) {
  return seconds > 0 ? 2e-9 * static_cast<double>(macs) / seconds : 0;
}

/// One step as the table shows it.
struct Layer {
  int node = 0;
  std::string name;  ///< of the operator and of those fused into it, joined by '+'
  std::string type;
  Shape shape;       ///< of the first output
  int64_t macs = 0;  ///< −1: not known
  double least = 0;  ///< seconds
  double share = 0;  ///< of the sum over all steps
};

int64_t step_macs(const Step& step, const Node& node) {
  if (!step.callees.empty()) return callee_macs(step);
  if (node.op->macs == nullptr) return 0;
  return step.dynamic ? -1 : node.op->macs(step.context);
}

std::vector<Layer> list_layers(const Interpreter& interpreter, const Profiler& profiler) {
  std::vector<Layer> layers;
  double sum = 0;
  for (size_t i = 0; i < profiler.steps().size(); ++i) {
    const Step& step = interpreter.plan().steps[i];
    const Node& node = interpreter.subgraph().nodes[static_cast<size_t>(step.node)];
    Layer layer;
    layer.node = step.node;
    for (const Step& leader : step.leaders) layer.name.append(leader.op->name).append("+");
    layer.name += node.name;
    for (const Step& follower : step.followers) layer.name.append("+").append(follower.op->name);
    if (!node.outputs.empty()) {
      const Tensor& output = interpreter.plan().tensors[static_cast<size_t>(node.outputs[0])];
      layer.type = type_name(output.type);
      layer.shape = output.shape;
    }
    layer.macs = step_macs(step, node);
    layer.least = static_cast<double>(profiler.steps()[i].least_ns) * 1e-9;
    sum += layer.least;
    layers.push_back(std::move(layer));
  }
  for (Layer& layer : layers) layer.share = sum > 0 ? layer.least / sum : 0;
  return layers;
}

void print_layers(const std::vector<Layer>& layers) {
  Table table({">#", "operator", "type", "output", ">multiply-adds", ">us", ">%", ">GOP/s"});
  for (const Layer& layer : layers) {
    table.add({text(layer.node), layer.name, layer.type, shape_text(layer.shape).text,
               layer.macs < 0    ? "?"
               : layer.macs == 0 ? ""
                                 : human_count(layer.macs),
               number(layer.least * 1e6, 4), number(layer.share * 100, 3),
               layer.macs <= 0 ? "" : number(giga_operations(layer.macs, layer.least), 3)});
  }
  table.print();
  std::cout << '\n';
}

Json to_json(const Ready& ready, const Summary& summary, const std::vector<Layer>& layers) {
  const int64_t macs = ready.session->interpreter().plan().macs;
  Json::Object json = {{"model", ready.session->path()},
                       {"runs", summary.runs},
                       {"build_ms", ready.build.wall * 1e3},
                       {"first_ms", ready.first.wall * 1e3},
                       {"least_wall_ms", summary.least.wall * 1e3},
                       {"least_cpu_ms", summary.least.cpu * 1e3},
                       {"median_wall_ms", summary.median.wall * 1e3},
                       {"median_cpu_ms", summary.median.cpu * 1e3},
                       {"macs", macs},
                       {"gops", giga_operations(macs, summary.least.wall)}};
  if (layers.empty()) return json;
  Json::List list;
  for (const Layer& layer : layers) {
    Json::List shape;
    for (int32_t d : layer.shape) shape.emplace_back(d);
    list.push_back(Json::Object{{"index", layer.node},
                                {"operator", layer.name},
                                {"type", layer.type},
                                {"shape", std::move(shape)},
                                {"macs", layer.macs < 0 ? Json() : Json(layer.macs)},
                                {"least_us", layer.least * 1e6},
                                {"share", layer.share}});
  }
  json.emplace_back("layers", std::move(list));
  return json;
}

void print(const Ready& ready, const Summary& summary) {
  const int64_t macs = ready.session->interpreter().plan().macs;
  Table table({"", ">least", ">median"});
  table.add({"wall", human_time(summary.least.wall), human_time(summary.median.wall)});
  table.add({"CPU", human_time(summary.least.cpu), human_time(summary.median.cpu)});
  table.print();
  std::cout << "runs: " << summary.runs << " after build in " << human_time(ready.build.wall)
            << " and a first run in " << human_time(ready.first.wall) << '\n';
  if (macs > 0)
    std::cout << "multiply-adds: " << human_count(macs) << ", "
              << number(giga_operations(macs, summary.least.wall), 4) << " GOP/s\n";
}

}  // namespace

void bench(const BenchFlags& flags) {
  const Ready ready(flags.model);
  if (flags.from_stdin) return serve(ready);
  Interpreter& interpreter = ready.session->interpreter();
  const Summary summary = measure(&interpreter, flags.runs);
  std::vector<Layer> layers;
  if (flags.layers) {
    Profiler profiler;
    interpreter.set_profiler(&profiler);
    measure(&interpreter, flags.runs);
    interpreter.set_profiler(nullptr);
    layers = list_layers(interpreter, profiler);
  }
  if (flags.json) {
    print_json(to_json(ready, summary, layers));
    return;
  }
  if (flags.layers) print_layers(layers);
  print(ready, summary);
}

}  // namespace cygnet::cli
