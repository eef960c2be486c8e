// SPDX-License-Identifier: Apache-2.0
// Samples from folders of pictures, arrays and raw records.
#include "cli/samples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>

#include "cli/files.h"
#include "cli/npz.h"
#include "cli/sample_readers.h"
#include "edit/editor.h"
#include "ops/builtin_ops.h"
#include "scratch_folder.h"

namespace cygnet::cli {
namespace {

/// A graph that has inputs and passes them on.
class Net {
 public:
  Net() : editor_(draft_, builtin_ops()) {}
  Net& input(const char* name, Type type, std::initializer_list<int32_t> dims, float scale = 0,
             int64_t zero_point = 0) {
    const int32_t i = editor_.input(name, type, dims);
    inputs_.push_back(i);
    if (scale > 0) {
      scale_ = scale;
      zero_point_ = zero_point;
      editor_.tensor(i).quantization = {
          .scales = &scale_, .zero_points = &zero_point_, .count = 1, .zero_point_count = 1};
    }
    editor_.set_outputs(inputs_);
    return *this;
  }
  const Graph& graph() const { return draft_.graph; }
  std::unique_ptr<FileSamples> open(const SampleFlags& flags) const {
    return open_samples(flags, graph(), "m.tflite");
  }
  std::unique_ptr<FileSamples> open(const std::string& data) const {
    return open(SampleFlags{.data = data});
  }

 private:
  Draft draft_;
  Editor editor_;
  std::vector<int32_t> inputs_;
  float scale_ = 0;
  int64_t zero_point_ = 0;
};

std::vector<float> floats(const SampleArray& array) {
  EXPECT_EQ(array.type, Type::float32);
  std::vector<float> values(array.bytes.size() / sizeof(float));
  std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
  return values;
}

std::vector<float> values_of(const FileSamples& samples, size_t i, size_t input = 0) {
  const std::optional<Sample> sample = samples.read(i);
  return sample ? floats(sample->inputs[input]) : std::vector<float>{};
}

template <class T>
Array array_of(std::vector<int64_t> shape, const std::vector<T>& values) {
  Array array{type_of<T>(), std::move(shape), {}};
  array.data.resize(values.size() * sizeof(T));
  std::memcpy(array.data.data(), values.data(), array.data.size());
  return array;
}

/// 0, 1, 2, …
template <class T>
Array counting(std::vector<int64_t> shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  std::vector<T> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(static_cast<T>(i));
  return array_of(std::move(shape), values);
}

void write_picture(const std::string& path, uint8_t red, uint8_t green = 0, uint8_t blue = 0) {
  Image image(2, 2, 3);
  for (size_t i = 0; i < image.count(); ++i) {
    image.at(i)[0] = red;
    image.at(i)[1] = green;
    image.at(i)[2] = blue;
  }
  write_png(path, image);
}

void write_text(const std::string& path, const std::string& words) {
  write_file(path, {reinterpret_cast<const uint8_t*>(words.data()), words.size()});
}

/// Sub-folders with pictures whose red is 10, 20, 30 in the order of their names.
void make_pictures(const ScratchFolder& folder) {
  std::filesystem::create_directory(folder.path() / "cats");
  std::filesystem::create_directory(folder.path() / "dogs");
  write_picture(folder.file("dogs/a.PNG"), 30);
  write_picture(folder.file("cats/b.png"), 20);
  write_picture(folder.file("cats/a.png"), 10);
}

TEST(SamplePictures, SortedAndPrepared) {
  ScratchFolder folder;
  make_pictures(folder);
  write_text(folder.file("notes.txt"), "no picture");
  Net net;
  net.input("image", Type::float32, {-1, 2, 2, 3});
  const auto samples = net.open(folder.path().string());
  ASSERT_EQ(samples->size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const std::optional<Sample> sample = samples->read(i);
    ASSERT_TRUE(sample.has_value());
    EXPECT_EQ(sample->inputs[0].shape, (Shape{1, 2, 2, 3}));
    EXPECT_EQ(sample->label, -1);
    const float red = 10.0f * static_cast<float>(i + 1);
    EXPECT_FLOAT_EQ(floats(sample->inputs[0])[0], (red - 127.5f) / 127.5f);
    EXPECT_FLOAT_EQ(floats(sample->inputs[0])[1], -1);
  }
  EXPECT_EQ(samples->read(2)->name, folder.file("dogs/a.PNG"));
  // One picture, and other normalizations.
  const std::string picture = folder.file("cats/b.png");
  EXPECT_FLOAT_EQ(values_of(*net.open(SampleFlags{.data = picture, .range = "0..1"}), 0)[0],
                  20.0f / 255);
  EXPECT_FLOAT_EQ(values_of(*net.open(SampleFlags{.data = picture, .range = "0..255"}), 0)[0], 20);
  EXPECT_FLOAT_EQ(values_of(*net.open(SampleFlags{.data = picture, .range = "-1..1"}), 0)[0],
                  -0.84313726f);
  const Normalization channels{{1, 2, 3}, {2, 4, 8}};
  EXPECT_EQ(values_of(*net.open(SampleFlags{.data = picture, .normalization = channels}), 0),
            (std::vector<float>{9.5f, -0.5f, -0.375f, 9.5f, -0.5f, -0.375f, 9.5f, -0.5f, -0.375f,
                                9.5f, -0.5f, -0.375f}));
  expect_failure("--mean: expected 1 or 3 values, got 2", [&] {
    net.open(SampleFlags{.data = picture, .normalization = {{1, 2}, {}}});
  });
  expect_failure("--range says what --mean and --std say", [&] {
    net.open(SampleFlags{.data = picture, .normalization = {{1}, {}}, .range = "0..1"});
  });
}

TEST(SamplePictures, QuantizedInputsGetTheRealValuesOfTheBytes) {
  ScratchFolder folder;
  write_picture(folder.file("a.png"), 20, 128, 255);
  const auto first = [&](const Net& net) {
    std::vector<float> values = values_of(*net.open(folder.file("a.png")), 0);
    values.resize(3);
    return values;
  };
  Net unsigned_net, signed_net, plain;
  unsigned_net.input("x", Type::uint8, {1, 2, 2, 3}, 0.5f, 100);
  EXPECT_EQ(first(unsigned_net), (std::vector<float>{-40, 14, 77.5f}));
  signed_net.input("x", Type::int8, {1, 2, 2, 3}, 0.5f, -128);
  EXPECT_EQ(first(signed_net), (std::vector<float>{10, 64, 127.5f}));
  plain.input("x", Type::uint8, {1, 2, 2, 3});
  EXPECT_EQ(first(plain), (std::vector<float>{20, 128, 255}));
}

TEST(SamplePictures, UnreadableOnesAreNamedOnceAndLeftOut) {
  ScratchFolder folder;
  make_pictures(folder);
  write_text(folder.file("cats/aa.jpg"), "no picture");
  write_text(folder.file("empty.bmp"), "");
  Net net;
  net.input("image", Type::float32, {1, 2, 2, 3});
  const auto samples = net.open(folder.path().string());
  ASSERT_EQ(samples->size(), 5u);
  testing::internal::CaptureStderr();
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (size_t i = 0; i < samples->size(); ++i) good += samples->read(i).has_value();
    });
  for (std::thread& thread : threads) thread.join();
  samples->report_unreadable();
  samples->report_unreadable();
  const std::string messages = testing::internal::GetCapturedStderr();
  EXPECT_EQ(good, 12);
  EXPECT_EQ(samples->unreadable(), 2u);
  const auto times = [&](const std::string& words) {
    int n = 0;
    for (size_t at = messages.find(words); at != std::string::npos;
         at = messages.find(words, at + 1))
      ++n;
    return n;
  };
  EXPECT_EQ(times(folder.file("cats/aa.jpg") + ": "), 1) << messages;
  EXPECT_EQ(times(folder.file("empty.bmp") + ": "), 1) << messages;
  EXPECT_EQ(times("cygnet: warning: 2 of 5 files could not be read\n"), 1) << messages;
}

TEST(SamplePictures, LabelsAndSubsets) {
  ScratchFolder folder, other;
  make_pictures(folder);
  Net net;
  net.input("image", Type::float32, {1, 2, 2, 3});
  const auto labels = [&](const std::string& file, size_t count = 0) {
    const auto samples =
        net.open(SampleFlags{.data = folder.path().string(), .count = count, .labels = file});
    std::vector<int64_t> result;
    for (size_t i = 0; i < samples->size(); ++i) result.push_back(samples->read(i)->label);
    return result;
  };
  using Classes = std::vector<int64_t>;
  EXPECT_EQ(labels("folders"), (Classes{0, 0, 1}));
  const std::string file = other.file("labels.txt");
  write_text(file, "cats/a.png 7\nb.png\t8\nunknown.png, 9\n");
  EXPECT_EQ(labels(file), (Classes{7, 8, -1}));
  write_text(file, "4\n5\n6\n");
  EXPECT_EQ(labels(file), (Classes{4, 5, 6}));
  // The labels' order is that of all samples.
  EXPECT_EQ(labels(file, 2), (Classes{4, 5}));
  EXPECT_EQ(labels(file, 1), (Classes{4}));
  EXPECT_EQ(labels(file, 9), (Classes{4, 5, 6}));
  write_arrays(other.file("l.npy"), std::vector<NamedArray>{{"", counting<uint8_t>({3})}});
  EXPECT_EQ(labels(other.file("l.npy")), (Classes{0, 1, 2}));
  write_text(file, "4\n5\n");
  expect_failure(file + ": 2 labels for 3 samples", [&] { labels(file); });
  write_text(file, "a.png 4\nb.png cat\n");
  expect_failure(file + ": line 2: expected 'NAME CLASS' or the number of a class, got 'b.png cat'",
                 [&] { labels(file); });
  write_text(file, "x.png 4\n");
  expect_failure(file + ": none of the samples' files has a name in it", [&] { labels(file); });
  write_text(file, "a.png 4\n5\n");
  expect_failure("some lines have a name and some have none", [&] { labels(file); });
  write_arrays(other.file("l.npy"), std::vector<NamedArray>{{"", counting<float>({3})}});
  expect_failure("expected whole numbers, got FLOAT32", [&] { labels(other.file("l.npy")); });
}

// Made by Python's zlib: PNG files of 3 × 2 pixels with class numbers 0 1 15, 20 2 0 and a palette;
// 8-bit grey 0 1 15, 20 2 255; 2-bit grey 0 1 2 3; one red, green and blue.
constexpr uint8_t kPalette[] = {
    137, 80,  78,  71,  13,  10,  26,  10,  0,   0,   0,   13,  73,  72,  68,  82,  0,   0,   0,
    3,   0,   0,   0,   2,   8,   3,   0,   0,   0,   170, 170, 150, 40,  0,   0,   0,   63,  80,
    76,  84,  69,  0,   0,   0,   37,  91,  13,  74,  182, 26,  111, 17,  39,  148, 108, 52,  185,
    199, 65,  222, 34,  78,  3,   125, 91,  40,  216, 104, 77,  51,  117, 114, 142, 130, 151, 233,
    143, 188, 68,  156, 225, 159, 169, 6,   250, 182, 43,  85,  195, 80,  176, 208, 117, 11,  221,
    154, 102, 234, 191, 193, 247, 228, 28,  4,   75,  14,  20,  8,   0,   0,   0,   16,  73,  68,
    65,  84,  120, 218, 99,  96,  96,  228, 103, 16,  97,  98,  0,   0,   0,   153, 0,   39,  136,
    255, 53,  175, 0,   0,   0,   0,   73,  69,  78,  68,  174, 66,  96,  130};
constexpr uint8_t kGrey[] = {137, 80,  78,  71, 13, 10,  26, 10, 0,  0,   0,  13,  73,  72,  68,
                             82,  0,   0,   0,  3,  0,   0,  0,  2,  8,   0,  0,   0,   0,   184,
                             31,  57,  198, 0,  0,  0,   16, 73, 68, 65,  84, 120, 218, 99,  96,
                             96,  228, 103, 16, 97, 250, 15, 0,  1,  152, 1,  38,  114, 236, 179,
                             164, 0,   0,   0,  0,  73,  69, 78, 68, 174, 66, 96,  130};
constexpr uint8_t kGrey2[] = {137, 80,  78,  71, 13,  10, 26, 10,  0,  0,  0,   13,  73,  72,
                              68,  82,  0,   0,  0,   4,  0,  0,   0,  1,  2,   0,   0,   0,
                              0,   150, 231, 72, 176, 0,  0,  0,   10, 73, 68,  65,  84,  120,
                              218, 99,  144, 6,  0,   0,  29, 0,   28, 35, 124, 143, 172, 0,
                              0,   0,   0,   73, 69,  78, 68, 174, 66, 96, 130};
constexpr uint8_t kRgb[] = {137, 80,  78,  71,  13,  10, 26, 10, 0,  0,   0,  13,  73,  72,
                            68,  82,  0,   0,   0,   1,  0,  0,  0,  1,   8,  2,   0,   0,
                            0,   144, 119, 83,  222, 0,  0,  0,  12, 73,  68, 65,  84,  120,
                            218, 99,  96,  100, 98,  6,  0,  0,  14, 0,   7,  233, 146, 55,
                            212, 0,   0,   0,   0,   73, 69, 78, 68, 174, 66, 96,  130};

TEST(SamplePictures, ClassMaps) {
  ScratchFolder pictures, masks;
  using Classes = std::vector<uint8_t>;
  write_file(masks.file("p.png"), kPalette);
  write_file(masks.file("g.png"), kGrey);
  write_file(masks.file("g2.png"), kGrey2);
  write_file(masks.file("c.png"), kRgb);
  EXPECT_EQ(load_class_map(masks.file("p.png")).classes, (Classes{0, 1, 15, 20, 2, 0}));
  EXPECT_EQ(load_class_map(masks.file("g.png")).classes, (Classes{0, 1, 15, 20, 2, 255}));
  EXPECT_EQ(load_class_map(masks.file("g2.png")).classes, (Classes{0, 1, 2, 3}));
  EXPECT_EQ(load_class_map(masks.file("p.png")).width, 3);
  expect_failure("c.png: no class map: expected a PNG of 8-bit grey or with a palette",
                 [&] { load_class_map(masks.file("c.png")); });
  write_text(masks.file("t.png"), "text");
  expect_failure("t.png: damaged PNG", [&] { load_class_map(masks.file("t.png")); });

  // At the size of the model's first output, here its input [1,2,2,3].
  std::filesystem::create_directory(pictures.path() / "x");
  write_picture(pictures.file("x/p.png"), 1);
  write_picture(pictures.file("z.png"), 1);
  Net net;
  net.input("image", Type::float32, {1, 2, 2, 3});
  const auto samples =
      net.open(SampleFlags{.data = pictures.path().string(), .masks = masks.path().string()});
  EXPECT_EQ(samples->read(0)->classes.size(), 4u);
  EXPECT_EQ(samples->read(0)->classes[0], 0);
  EXPECT_TRUE(samples->read(1)->classes.empty());
  expect_failure(": no .png file has the name of a sample's file", [&] {
    net.open(SampleFlags{.data = pictures.path().string(), .masks = pictures.file("x/none")});
  });
}

TEST(SampleArrays, RowsOfEveryForm) {
  const auto rows = [](std::vector<int64_t> array, const Shape& input) {
    const ArrayRows r = rows_of(array, input);
    return text(r.count, " ", shape_text(r.shape).text);
  };
  const Shape fixed = {1, 28, 28, 1}, open = {-1, 28, 28, 1}, four = {4, 3}, scalar = {};
  EXPECT_EQ(rows({1, 28, 28, 1}, fixed), "1 [1,28,28,1]");
  EXPECT_EQ(rows({50, 28, 28, 1}, fixed), "50 [1,28,28,1]");
  EXPECT_EQ(rows({50, 28, 28, 1}, open), "50 [1,28,28,1]");
  EXPECT_EQ(rows({50, 1, 28, 28, 1}, fixed), "50 [1,28,28,1]");
  EXPECT_EQ(rows({50, 7, 28, 28, 1}, open), "50 [7,28,28,1]");
  EXPECT_EQ(rows({28, 28, 1}, fixed), "1 [1,28,28,1]");
  EXPECT_EQ(rows({50, 28, 28}, fixed), "50 [1,28,28,1]");
  EXPECT_EQ(rows({50, 28, 28}, open), "50 [1,28,28,1]");
  EXPECT_EQ(rows({28, 28}, open), "1 [1,28,28,1]");
  EXPECT_EQ(rows({8, 3}, four), "2 [4,3]");
  EXPECT_EQ(rows({5, 4, 3}, four), "5 [4,3]");
  EXPECT_EQ(rows({}, scalar), "1 []");
  EXPECT_EQ(rows({6}, scalar), "6 []");
  EXPECT_EQ(rows({5, 9}, {1, -1}), "5 [1,9]");
  for (const std::vector<int64_t>& bad : std::vector<std::vector<int64_t>>{
           {}, {28}, {0, 28, 28, 1}, {1, 28, 27, 1}, {1, 28, 28, 3}, {2, 3, 28, 28, 1}})
    EXPECT_EQ(rows_of(bad, fixed).count, 0) << dims_text(bad);
  EXPECT_EQ(rows_of({7, 3}, four).count, 0);
}

TEST(SampleArrays, OneFileOfSeveralInputs) {
  ScratchFolder folder;
  Net net;
  net.input("image", Type::float32, {1, 2}).input("tokens", Type::int32, {1, 3});
  const std::string file = folder.file("in.npz");
  write_arrays(file, std::vector<NamedArray>{{"tokens", counting<int64_t>({2, 3})},
                                             {"in:image", counting<double>({2, 2})},
                                             {"out:y", counting<float>({1})}});
  const auto samples = net.open(file);
  ASSERT_EQ(samples->size(), 2u);
  const std::optional<Sample> sample = samples->read(1);
  EXPECT_EQ(sample->name, file + " (sample 1)");
  EXPECT_EQ(floats(sample->inputs[0]), (std::vector<float>{2, 3}));
  EXPECT_EQ(sample->inputs[1].type, Type::int32);
  EXPECT_EQ(sample->inputs[1].bytes, array_of<int32_t>({3}, {3, 4, 5}).data);

  const auto fails = [&](std::vector<NamedArray> arrays, const std::string& words) {
    write_arrays(file, arrays);
    expect_failure(file + words, [&] { net.open(file); });
  };
  fails({{"tokens", counting<int32_t>({2, 3})}, {"image", counting<float>({3, 2})}},
        ": 'tokens': 2 samples, but 'image' has 3");
  fails({{"tokens", counting<float>({2, 3})}, {"image", counting<float>({2, 2})}},
        ": 'tokens': expected INT32 [1,3], or several along a first dimension, got FLOAT32 [2,3]");
  fails({{"tokens", counting<int32_t>({2, 3})}, {"image", counting<float>({2, 5})}},
        ": 'image': expected FLOAT32 [1,2], or several along a first dimension, got FLOAT32 [2,5]");
  fails({{"image", counting<float>({2, 2})}}, ": no array for input 'tokens'");
  write_arrays(
      file, std::vector<NamedArray>{{"tokens", array_of<int64_t>({1, 3}, {1, int64_t{1} << 40, 2})},
                                    {"image", counting<float>({1, 2})}});
  expect_failure("'tokens': element 1 is 1099511627776, which the model's input can't hold",
                 [&] { net.open(file)->read(0); });
}

TEST(SampleArrays, IntegersOfQuantizedInputsAndOthers) {
  ScratchFolder folder;
  const std::string file = folder.file("in.npy");
  write_arrays(file, std::vector<NamedArray>{{"", counting<uint8_t>({2, 2})}});
  Net quantized, real;
  quantized.input("x", Type::uint8, {1, 2}, 0.5f, 1);
  EXPECT_EQ(values_of(*quantized.open(file), 1), (std::vector<float>{0.5f, 1}));
  real.input("x", Type::float32, {1, 2});
  EXPECT_EQ(values_of(*real.open(file), 1), (std::vector<float>{2, 3}));
  EXPECT_EQ(values_of(*real.open(SampleFlags{.data = file, .range = "0..1"}), 1),
            (std::vector<float>{2.0f / 255, 3.0f / 255}));
}

TEST(SampleArrays, FoldersOfFiles) {
  ScratchFolder folder;
  Net net;
  net.input("x", Type::float32, {1, 2});
  write_arrays(folder.file("b.npy"), std::vector<NamedArray>{{"", counting<float>({3, 2})}});
  write_arrays(folder.file("a.npz"), std::vector<NamedArray>{{"x", array_of<float>({2}, {8, 9})}});
  write_text(folder.file("c.npy"), "damaged");
  testing::internal::CaptureStderr();
  const auto samples = net.open(folder.path().string());
  ASSERT_EQ(samples->size(), 5u);
  EXPECT_EQ(values_of(*samples, 0), (std::vector<float>{8, 9}));
  EXPECT_EQ(values_of(*samples, 3), (std::vector<float>{4, 5}));
  EXPECT_FALSE(samples->read(4).has_value());
  EXPECT_EQ(samples->unreadable(), 1u);
  EXPECT_NE(testing::internal::GetCapturedStderr().find(folder.file("c.npy")), std::string::npos);
  // The only file is at fault at once, as is one that does not fit.
  expect_failure(folder.file("c.npy"), [&] { net.open(folder.file("c.npy")); });
  write_arrays(folder.file("c.npy"), std::vector<NamedArray>{{"", counting<float>({3})}});
  expect_failure(folder.file("c.npy") + ": expected FLOAT32 [1,2]",
                 [&] { net.open(folder.path().string()); });
}

TEST(SampleRecords, FilesAndFolders) {
  ScratchFolder folder;
  Net net;
  net.input("x", Type::float32, {-1, 2, 2});
  write_file(folder.file("b.bin"), counting<float>({2, 4}).data);
  write_file(folder.file("a.bin"), counting<float>({4}).data);
  const auto samples = net.open(SampleFlags{.raw = folder.path().string()});
  ASSERT_EQ(samples->size(), 3u);
  EXPECT_EQ(values_of(*samples, 2), (std::vector<float>{4, 5, 6, 7}));
  EXPECT_EQ(samples->read(2)->name, folder.file("b.bin") + " (record 1)");
  EXPECT_EQ(samples->read(2)->inputs[0].shape, (Shape{1, 2, 2}));
  const auto bytes = net.open(SampleFlags{
      .raw = folder.file("a.bin"), .record_type = "uint8", .normalization = {{1}, {2}}});
  ASSERT_EQ(bytes->size(), 4u);
  EXPECT_EQ(values_of(*bytes, 1), (std::vector<float>{-0.5f, -0.5f, 63.5f, 31}));
  write_text(folder.file("c.bin"), "12345");
  expect_failure(folder.file("c.bin") +
                     ": 5 bytes are not records of 16 bytes each, which FLOAT32 [1,2,2] takes",
                 [&] { net.open(SampleFlags{.raw = folder.path().string()}); });
  expect_failure("--record-type: expected float32, uint8, int8 or int32, got 'half'", [&] {
    net.open(SampleFlags{.raw = folder.file("a.bin"), .record_type = "half"});
  });
  Net free_net, two;
  free_net.input("x", Type::float32, {1, -1});
  expect_failure("m.tflite: input 'x' is FLOAT32 [1,-1], which records of FLOAT32 can't feed",
                 [&] { free_net.open(SampleFlags{.raw = folder.file("a.bin")}); });
  two.input("x", Type::float32, {1}).input("y", Type::float32, {1});
  expect_failure("raw records are for models with one input; this one has 2",
                 [&] { two.open(SampleFlags{.raw = folder.file("a.bin")}); });
}

TEST(Samples, NothingThere) {
  ScratchFolder folder;
  Net net;
  net.input("x", Type::float32, {1, 2});
  const std::string empty = folder.path().string();
  expect_failure("there are no samples: give --data or --raw", [&] { net.open(SampleFlags()); });
  expect_failure(empty + ": the folder has no pictures", [&] { net.open(empty); });
  expect_failure(empty + ": the folder is empty", [&] { net.open(SampleFlags{.raw = empty}); });
  expect_failure("cannot read " + folder.file("none") + ": No such file or directory",
                 [&] { net.open(folder.file("none")); });
  write_text(folder.file("words.txt"), "words");
  expect_failure(folder.file("words.txt") + ": neither a picture",
                 [&] { net.open(folder.file("words.txt")); });
  write_picture(folder.file("a.png"), 1);
  expect_failure("m.tflite: input 'x' is FLOAT32 [1,2], which is no picture",
                 [&] { net.open(folder.file("a.png")); });
}

}  // namespace
}  // namespace cygnet::cli
