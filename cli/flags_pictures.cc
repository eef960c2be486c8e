// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "cli/flags.h"

namespace cygnet::cli {
namespace {

constexpr const char* kClassifyExamples =
    "Examples:\n"
    "  cygnet classify mobilenet.tflite cat.jpg dog.png --labels imagenet.txt\n"
    "  cygnet classify model.tflite cat.jpg --top 1 --json\n"
    "  cygnet classify model.tflite cat.jpg --mean 123.7,116.3,103.5 --std 58.4,57.1,57.4\n\n"
    "JPEG, PNG and BMP pictures are stretched to the model's size. 8-bit inputs get their bytes,\n"
    "floating-point inputs the values mapped to -1..1; --mean and --std give (byte - MEAN) / STD.";

constexpr const char* kSegmentExamples =
    "Examples:\n"
    "  cygnet segment deeplab.tflite bird.jpg -o bird.png --labels voc.txt\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background blur\n"
    "  cygnet segment selfie.tflite me.jpg -o out.png --background beach.jpg --mask mask.png\n\n"
    "Class maps are painted over the picture in the Pascal VOC colours, portraits are cut out. "
    "Floating-\n"
    "point inputs get values of 0..1 for portraits, of -1..1 for class maps, or what --mean and "
    "--std\n"
    "say.";

}  // namespace

void add_classify(CLI::App* app, ClassifyFlags* flags) {
  CLI::App* command = app->add_subcommand("classify", "Name what pictures show");
  command->footer(kClassifyExamples);
  add_model_flags(command, &flags->model);
  command->add_option("IMAGE", flags->images, "JPEG, PNG or BMP pictures")->required();
  command->add_option("--labels", flags->labels, "A text file with a label a line");
  command->add_option("--top", flags->top, "How many classes to show (5)")
      ->check(CLI::Range(1, 1000000));
  add_normalization(command, &flags->normalization);
  add_run_flags(command, &flags->model);
  command->add_flag("--json", flags->json, "Print JSON");
}

void add_segment(CLI::App* app, SegmentFlags* flags) {
  CLI::App* command = app->add_subcommand("segment", "Draw a class map, or cut out a portrait");
  command->footer(kSegmentExamples);
  add_model_flags(command, &flags->model);
  command->add_option("IMAGE", flags->image, "A JPEG, PNG or BMP picture")->required();
  CLI::Option_group* results = command->add_option_group("results");
  results->add_option("-o,--output", flags->output, "The PNG picture to write");
  results->add_option("--mask", flags->mask,
                      "The PNG mask to write: the foreground as grey, or the class numbers");
  results->require_option(1, 2);
  command->add_option("--background", flags->background,
                      "Behind the cut-out: blur, transparent, #RRGGBB, black, white, green or a "
                      "picture (portraits: blur)");
  command->add_option("--opacity", flags->opacity, "Of the class colours, 0 to 1 (0.6)")
      ->check(CLI::Range(0.0f, 1.0f));
  command->add_option("--labels", flags->labels, "A text file with a label a line");
  add_normalization(command, &flags->normalization);
  add_run_flags(command, &flags->model);
  command->add_flag("--json", flags->json, "Print JSON");
}

}  // namespace cygnet::cli
