// SPDX-License-Identifier: Apache-2.0
// Field numbers: meta_graph.proto, saver.proto, saved_model.proto of TensorFlow 2.21.
#include <algorithm>

#include "importers/tensorflow/graph_reader.h"

namespace cygnet::tensorflow {

namespace {

TensorInfo read_tensor_info(Message message, std::string_view key) {
  TensorInfo info;
  info.key = key;
  info.shape.unknown_rank = true;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        info.name = message.bytes();
        break;
      case 2:
        info.dtype = static_cast<DataType>(message.integer() & INT16_MAX);
        break;
      case 3:
        info.shape = read_shape(message.message());
        break;
      default:
        message.skip();
    }
  }
  return info;
}

void read_tensor_infos(Message entry, std::vector<TensorInfo>& infos) {
  entry.budget().charge(2 * sizeof(TensorInfo));
  TensorInfo info;
  const std::string_view key =
      read_map_entry(entry, [&](Message& at) { info = read_tensor_info(at.message(), ""); });
  info.key = key;
  infos.push_back(std::move(info));
}

/// Sorts by key; a key that occurs twice is an error.
template <class T>
void sort_by_key(std::vector<T>& list, const char* what) {
  std::sort(list.begin(), list.end(), [](const T& a, const T& b) { return a.key < b.key; });
  for (size_t i = 1; i < list.size(); ++i) {
    if (list[i].key == list[i - 1].key) {
      throw Failure(text("I2: two ", what, " are called '", list[i].key, "'"));
    }
  }
}

SignatureDef read_signature(Message message) {
  SignatureDef signature;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        read_tensor_infos(message.message(), signature.inputs);
        break;
      case 2:
        read_tensor_infos(message.message(), signature.outputs);
        break;
      case 3:
        signature.method_name = message.bytes();
        break;
      default:
        message.skip();
    }
  }
  sort_by_key(signature.inputs, "inputs of a signature");
  sort_by_key(signature.outputs, "outputs of a signature");
  return signature;
}

SaverDef read_saver(Message message) {
  SaverDef saver;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        saver.filename_tensor_name = message.bytes();
        break;
      case 2:
        saver.save_tensor_name = message.bytes();
        break;
      case 3:
        saver.restore_op_name = message.bytes();
        break;
      default:
        message.skip();
    }
  }
  return saver;
}

void read_tags(Message message, MetaGraphDef& meta) {
  while (message.next()) {
    if (message.field() == 4) {
      message.budget().charge(2 * sizeof(std::string_view));
      meta.tags.push_back(message.bytes());
    } else {
      message.skip();
    }
  }
}

MetaGraphDef read_meta(Message message) {
  MetaGraphDef meta;
  while (message.next()) {
    switch (message.field()) {
      case 1:
        read_tags(message.message(), meta);
        break;
      case 2:
        meta.graph = read_graph(message.message());
        break;
      case 3:
        meta.saver = read_saver(message.message());
        break;
      case 5: {
        message.budget().charge(2 * sizeof(SignatureDef));
        SignatureDef signature;
        const std::string_view key = read_map_entry(
            message.message(), [&](Message& at) { signature = read_signature(at.message()); });
        signature.key = key;
        meta.signatures.push_back(std::move(signature));
        break;
      }
      default:
        message.skip();
    }
  }
  sort_by_key(meta.signatures, "signatures");
  check_graph(meta.graph);
  return meta;
}

}  // namespace

MetaGraphDef read_meta_graph(std::string_view bytes) {
  Budget budget(bytes.size());
  return read_meta(Message(bytes, budget));
}

SavedModel read_saved_model(std::string_view bytes) {
  Budget budget(bytes.size());
  Message message(bytes, budget);
  SavedModel model;
  while (message.next()) {
    if (message.field() == 2) {
      budget.charge(2 * sizeof(MetaGraphDef));
      model.meta_graphs.push_back(read_meta(message.message()));
    } else {
      message.skip();
    }
  }
  return model;
}

}  // namespace cygnet::tensorflow
