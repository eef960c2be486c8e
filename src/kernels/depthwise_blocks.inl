// SPDX-License-Identifier: Apache-2.0
// How the channels of an 8-bit depthwise convolution are split into blocks, for packing and
// kernels alike.

/// `count` channels from `start` on, packed as `width` of them.
struct DepthwiseBlock {
  int64_t start;
  int64_t width;
  int64_t count;
};

/// The block after the first `done` of `c` channels; nr: KernelTable::depthwise_q8_nr. Blocks are
/// nr channels wide; the last one is narrower where that does, and moves to the left where there is
/// room, so that it repeats channels of the block before. Only the narrowest blocks (32 wide with
/// nr = 64, else 16) may have fewer channels than their width.
static inline DepthwiseBlock depthwise_block(int64_t c, int64_t done, int64_t nr) {
  const int64_t left = c - done, narrowest = nr == 64 ? 32 : 16;
  int64_t width = nr;
  while (width > narrowest && width / 2 >= left) width /= 2;
  if (left < width && c < width && width > narrowest) width /= 2;
  if (left >= width) return {done, width, width};
  if (c < width || (nr == 64 && width == 32)) return {done, width, left};
  return {c - width, width, width};
}

/// Bytes of a packed block: see pack_depthwise_q8.
static inline int64_t depthwise_block_bytes(int64_t width, int64_t kh, int64_t kw, bool words,
                                            bool two_sets) {
  return 64 + 12 * width + (kh + 3) / 4 * kw * 4 * width * (words ? 2 : 1) * (two_sets ? 2 : 1);
}
