// SPDX-License-Identifier: Apache-2.0
// ModelFile: what a .h5 or .keras file holds, and Weights: where a layer finds its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "importers/keras/config.h"
#include "importers/keras/hdf5_file.h"

namespace cygnet::keras {

/// The variables of one layer. A .h5 file names them ("conv/kernel:0"), a .keras file numbers them
/// in the order in which the layer made them (".../vars/0").
class Weights {
 public:
  /// Where the layer's next variable lies. Layers ask in the order of creation. Throws Failure
  /// when the file has none.
  std::string next(const std::string& variable);
  /// Whether next would find one.
  bool has_next(const std::string& variable) const;
  /// The variables of a layer that this one owns: its name in a .h5 file, and the attribute that
  /// holds it, which is its name in a .keras file ("cell", "layers/dense_1").
  Weights child(const std::string& layer_name, const std::string& attribute) const;
  /// The prefix of the path of all variables, unique for each layer.
  const std::string& path() const { return path_; }
  /// Whether the variables have numbers and no names.
  bool numbered() const { return numbered_; }
  /// Where variable i of a numbered layer lies.
  std::string numbered(int i) const;
  /// How many variables a numbered layer has of its own.
  int count() const;
  Array array(const std::string& place) const { return file_->array(place); }

 private:
  friend class ModelFile;
  struct Named {
    std::string place;               ///< path of the data set
    std::vector<std::string> parts;  ///< of the variable's name below this layer
  };
  const Named* find(const std::string& variable) const;

  const Hdf5File* file_ = nullptr;
  bool numbered_ = false;
  std::string path_;
  int count_ = 0;             ///< variables handed out
  std::vector<Named> named_;  ///< of a .h5 file
};

/// A whole model as Keras saved it: {"class_name": ..., "config": ...} and weights.
class ModelFile {
 public:
  /// Opens a .h5 or .keras file, told apart by their first bytes.
  static ModelFile open(const std::string& path);

  const Config& config() const { return config_; }
  /// "2.15.0"; empty when the file does not say.
  const std::string& keras_version() const { return version_; }
  /// Whether a Keras older than major.minor wrote the file; one that does not say is taken for new.
  bool keras_before(int major, int minor) const;
  /// The weights of the model's own layers are children of this.
  Weights weights() const;
  /// The weights of layer `name` of the outermost model, which stands under `attribute` in a .keras
  /// file ("layers/conv2d_1").
  Weights layer_weights(const std::string& name, const std::string& attribute) const;

 private:
  static ModelFile open_hdf5(const std::string& path);
  static ModelFile open_archive(const std::string& path);

  Config config_;
  std::string version_;
  std::shared_ptr<Hdf5File> file_;
  bool numbered_ = false;
};

/// Names of a container's elements in a .keras file: the class in snake case, with _1, _2, ... from
/// the second of a class on. Call it for each layer in the container's order.
class ContainerNames {
 public:
  std::string next(const std::string& class_name);

 private:
  std::vector<std::pair<std::string, int>> used_;
};

}  // namespace cygnet::keras
