// SPDX-License-Identifier: Apache-2.0
// One emitter for each layer class; layers.cc has the table.
#pragma once

#include <string>

#include "importers/keras/layer.h"

namespace cygnet::keras {

/// The emitter of a layer class; null where the class is not supported.
Emit find_layer(const std::string& class_name);
/// The emitter of an operation that a Functional graph holds between its layers (classes of
/// keras.src.ops); null where it is not supported.
Emit find_operation(const std::string& class_name);
/// As find_operation, by the function's name ("math.multiply") as TFOpLambda of Keras 2 stores it.
Emit find_function(const std::string& function);

// activations.cc
/// x above 0, alpha·(e^x − 1) below.
int32_t elu(Layer&, int32_t x, float alpha);
Tensors emit_activation(Layer&);
Tensors emit_elu(Layer&);
Tensors emit_leaky_relu(Layer&);
Tensors emit_prelu(Layer&);
Tensors emit_relu(Layer&);
Tensors emit_softmax(Layer&);
Tensors emit_thresholded_relu(Layer&);
// convolution.cc
Tensors emit_conv_1d(Layer&);
Tensors emit_conv_1d_transpose(Layer&);
Tensors emit_conv_2d(Layer&);
Tensors emit_conv_2d_transpose(Layer&);
Tensors emit_conv_3d(Layer&);
Tensors emit_depthwise_conv_1d(Layer&);
Tensors emit_depthwise_conv_2d(Layer&);
Tensors emit_separable_conv_1d(Layer&);
Tensors emit_separable_conv_2d(Layer&);
// dense.cc
Tensors emit_dense(Layer&);
Tensors emit_einsum_dense(Layer&);
Tensors emit_embedding(Layer&);
Tensors emit_masking(Layer&);
Tensors emit_reversible_embedding(Layer&);
// einsum.cc
Tensors emit_einsum(Layer&);
// pooling.cc
Tensors emit_adaptive_average_pooling(Layer&);
Tensors emit_adaptive_max_pooling(Layer&);
Tensors emit_average_pooling_1d(Layer&);
Tensors emit_average_pooling_2d(Layer&);
Tensors emit_average_pooling_3d(Layer&);
Tensors emit_global_average_pooling(Layer&);
Tensors emit_global_max_pooling(Layer&);
Tensors emit_max_pooling_1d(Layer&);
Tensors emit_max_pooling_2d(Layer&);
Tensors emit_max_pooling_3d(Layer&);
// normalization.cc
Tensors emit_batch_normalization(Layer&);
Tensors emit_group_normalization(Layer&);
Tensors emit_layer_normalization(Layer&);
Tensors emit_normalization(Layer&);
Tensors emit_rescaling(Layer&);
Tensors emit_rms_normalization(Layer&);
Tensors emit_scale_layer(Layer&);
Tensors emit_unit_normalization(Layer&);
// merge.cc
Tensors emit_add(Layer&);
Tensors emit_average(Layer&);
Tensors emit_concatenate(Layer&);
Tensors emit_custom_scale(Layer&);
Tensors emit_dot(Layer&);
Tensors emit_maximum(Layer&);
Tensors emit_minimum(Layer&);
Tensors emit_multiply(Layer&);
Tensors emit_subtract(Layer&);
// shape.cc
Tensors emit_center_crop(Layer&);
Tensors emit_cropping_1d(Layer&);
Tensors emit_cropping_2d(Layer&);
Tensors emit_cropping_3d(Layer&);
Tensors emit_flatten(Layer&);
Tensors emit_nothing(Layer&);
Tensors emit_permute(Layer&);
Tensors emit_repeat_vector(Layer&);
Tensors emit_reshape(Layer&);
Tensors emit_resize(Layer&);
Tensors emit_resizing(Layer&);
Tensors emit_to_float(Layer&);
Tensors emit_up_sampling_1d(Layer&);
Tensors emit_up_sampling_2d(Layer&);
Tensors emit_up_sampling_3d(Layer&);
Tensors emit_wrapper(Layer&);
Tensors emit_zero_padding_1d(Layer&);
Tensors emit_zero_padding_2d(Layer&);
Tensors emit_zero_padding_3d(Layer&);
// recurrent.cc
Tensors emit_bidirectional(Layer&);
Tensors emit_gru(Layer&);
Tensors emit_lstm(Layer&);
Tensors emit_rnn(Layer&);
Tensors emit_simple_rnn(Layer&);
Tensors emit_time_distributed(Layer&);
// attention.cc
Tensors emit_additive_attention(Layer&);
Tensors emit_attention(Layer&);
Tensors emit_group_query_attention(Layer&);
Tensors emit_multi_head_attention(Layer&);

}  // namespace cygnet::keras
