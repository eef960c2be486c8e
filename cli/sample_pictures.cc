// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "cli/sample_readers.h"

namespace cygnet::cli {
namespace {

class PictureReader final : public SampleReader {
 public:
  PictureReader(std::vector<FoundFile> files, const Graph& graph, const std::string& model_path,
                const Normalization& normalization)
      : files_(std::move(files)),
        model_path_(model_path),
        input_(find_picture_input(graph.subgraphs[0], model_path)),
        model_input_(model_inputs(graph)[0]),
        normalization_(normalization) {
    // What is wrong with flags or model shows before any file is read.
    picture_values(model_input_.tensor, Image(1, 1, input_.channels), normalization_,
                   PixelRange::minus_one_to_one, model_path_);
  }

  size_t size() const override { return files_.size(); }
  size_t files() const override { return files_.size(); }
  std::string file_of(size_t i) const override { return files_[i].name; }

  Sample read(size_t i) const override {
    const Image fitted = fit_picture(input_, load(files_[i].path));
    const std::vector<float> values = picture_values(model_input_.tensor, fitted, normalization_,
                                                     PixelRange::minus_one_to_one, model_path_);
    SampleArray array{Type::float32, {1, fitted.height, fitted.width}, {}};
    if (model_input_.shape.rank == 4) array.shape.push(fitted.channels);
    array.bytes.resize(values.size() * sizeof(float));
    std::memcpy(array.bytes.data(), values.data(), array.bytes.size());
    Sample sample;
    sample.name = files_[i].path;
    sample.inputs.push_back(std::move(array));
    return sample;
  }

 private:
  static Image load(const std::string& path) {
    try {
      return load_image(path);
    } catch (const Failure& failure) {
      throw Unreadable(path, failure.what());
    }
  }

  std::vector<FoundFile> files_;
  std::string model_path_;
  PictureInput input_;
  ModelInput model_input_;
  Normalization normalization_;
};

}  // namespace

std::unique_ptr<SampleReader> read_pictures(std::vector<FoundFile> files, const Graph& graph,
                                            const std::string& model_path,
                                            const Normalization& normalization) {
  return std::make_unique<PictureReader>(std::move(files), graph, model_path, normalization);
}

}  // namespace cygnet::cli
