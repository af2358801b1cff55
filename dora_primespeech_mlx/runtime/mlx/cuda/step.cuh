// One T2S step in one kernel: every block keeps to its rows of every matrix, and all blocks wait for each other between
// the stages of a layer. Weights are fp16, sums and activations fp32.
//
// A step through separate operations is bound by their number (about 300), not by their work; here there is one.
//
// Compiled at run time by NVRTC behind grid.cuh (step.py); tests/cuda_emulation.cpp runs the same text on a
// CPU.

#ifndef EMULATED
#include <cuda_fp16.h>
#define DEVICE __device__ __forceinline__
#define THREAD (int)threadIdx.x
#define BLOCK (int)blockIdx.x
#define LOAD(pointer) __ldcg(pointer)
#define PREFETCH(pointer) asm volatile("prefetch.global.L2 [%0];" ::"l"(pointer))

DEVICE void block_wait() { __syncthreads(); }

DEVICE float lanes_sum(float value) {
  for (int other = 16; other; other >>= 1) value += __shfl_xor_sync(0xffffffffu, value, other);
  return value;
}
#endif

// Sum over the block; `room` holds a float for each warp.
template <int WARPS>
DEVICE float block_sum(float value, float* room) {
  value = lanes_sum(value);
  if (THREAD % 32 == 0) room[THREAD / 32] = value;
  block_wait();
  float sum = 0;
  for (int warp = 0; warp < WARPS; ++warp) sum += room[warp];
  block_wait();
  return sum;
}

// Dot product of a row of `count` halves (a multiple of 8) with floats, by one warp.
DEVICE float half_dot(const __half* row, const float* x, int count) {
  float sum = 0;
  for (int i = THREAD % 32 * 8; i < count; i += 256) {
    uint4 packed = *reinterpret_cast<const uint4*>(row + i);
    const __half2* pairs = reinterpret_cast<const __half2*>(&packed);
    float4 low = *reinterpret_cast<const float4*>(x + i), high = *reinterpret_cast<const float4*>(x + i + 4);
    float2 a = __half22float2(pairs[0]), b = __half22float2(pairs[1]);
    float2 c = __half22float2(pairs[2]), d = __half22float2(pairs[3]);
    sum += a.x * low.x + a.y * low.y + b.x * low.z + b.y * low.w;
    sum += c.x * high.x + c.y * high.y + d.x * high.z + d.y * high.w;
  }
  return lanes_sum(sum);
}

// D width, H heads, F feed-forward, V codes; G blocks of W warps; each head's past is cut into S parts.
template <int D, int H, int F, int V, int G, int W, int S>
struct Step {
  static constexpr int WIDTH = D / H, OWN = WIDTH / 32, PART = WIDTH + 2, THREADS = 32 * W;
  static constexpr int SCRATCH = 3 * D + H * S * PART + D + F + D;
  static constexpr int SHARED = D + (F > D ? F : D) + W * PART + W;

  const int* place;  // position in the audio, rows in the cache
  const __half *cache, *embedding, *in_weight, *out_weight, *up_weight, *down_weight;
  const float *positions, *in_bias, *out_bias, *up_bias, *down_bias, *norms, *head;
  int layers, capacity;
  float *logits, *scratch;
  __half* rows;
  float* shared;

  // Normalises `source` (or takes it as it is) into the block's own copy.
  DEVICE void normalise(const float* source, const float* gain, const float* offset, float* out, float* room) {
    float sum = 0;
    for (int i = THREAD; i < D; i += THREADS) sum += out[i] = LOAD(source + i);
    float mean = block_sum<W>(sum, room) / D, square = 0;
    for (int i = THREAD; i < D; i += THREADS) square += (out[i] - mean) * (out[i] - mean);
    float scale = rsqrtf(block_sum<W>(square, room) / D + 1e-5f);
    for (int i = THREAD; i < D; i += THREADS) out[i] = (out[i] - mean) * scale * gain[i] + offset[i];
    block_wait();
  }

  // One head over one part of its past: largest score, sum of powers, weighted values.
  DEVICE void attend(int layer, int head_index, int part, const float* qkv, float* parts, float* room) {
    int lane = THREAD % 32, warp = THREAD / 32, past = place[1];
    int size = (past + 1 + S - 1) / S, first = part * size, last = first + size < past + 1 ? first + size : past + 1;
    const __half* keys = cache + ((long)layer * 2 * H + head_index) * capacity * WIDTH;
    const __half* values = keys + (long)H * capacity * WIDTH;
    float query[OWN], sums[OWN], most = -1e30f, total = 0;
    for (int k = 0; k < OWN; ++k) {
      query[k] = LOAD(qkv + head_index * WIDTH + k * 32 + lane) * rsqrtf((float)WIDTH);
      sums[k] = 0;
    }
    for (int row = first + warp; row < last; row += W) {
      float score = 0, value[OWN];
      for (int k = 0; k < OWN; ++k) {
        int place_in_row = k * 32 + lane, from = head_index * WIDTH + place_in_row;
        bool fresh = row == past;
        long at = (long)row * WIDTH + place_in_row;
        float key = fresh ? __half2float(__float2half(LOAD(qkv + D + from))) : __half2float(keys[at]);
        value[k] = fresh ? __half2float(__float2half(LOAD(qkv + 2 * D + from))) : __half2float(values[at]);
        score += query[k] * key;
      }
      score = lanes_sum(score);
      float top = score > most ? score : most, keep = expf(most - top), power = expf(score - top);
      total = total * keep + power;
      for (int k = 0; k < OWN; ++k) sums[k] = sums[k] * keep + power * value[k];
      most = top;
    }
    float* own = room + warp * PART;
    if (lane == 0) own[0] = most, own[1] = total;
    for (int k = 0; k < OWN; ++k) own[2 + k * 32 + lane] = sums[k];
    block_wait();
    if (THREAD < WIDTH) join<W>(room, parts + (head_index * S + part) * PART, THREAD, true);
    block_wait();
  }

  // Joins `COUNT` partial results; returns this thread's value, and writes it unnormalised with its share if asked.
  template <int COUNT>
  DEVICE float join(const float* from, float* to, int index, bool write) {
    float most = -1e30f, total = 0, sum = 0;
    for (int i = 0; i < COUNT; ++i) {
      float other = write ? from[i * PART] : LOAD(from + i * PART);
      most = other > most ? other : most;
    }
    for (int i = 0; i < COUNT; ++i) {
      const float* one = from + i * PART;
      float share = expf((write ? one[0] : LOAD(one)) - most);
      total += share * (write ? one[1] : LOAD(one + 1));
      sum += share * (write ? one[2 + index] : LOAD(one + 2 + index));
    }
    if (write) {
      if (index == 0) to[0] = most, to[1] = total;
      to[2 + index] = sum;
    }
    return sum / total;
  }

  DEVICE void run(const unsigned int* token) {
    float *qkv = scratch, *parts = qkv + 3 * D, *attended = parts + H * S * PART, *raised = attended + D;
    float* fed = raised + F;
    float *x = shared, *input = x + D, *room = input + (F > D ? F : D), *sums = room + W * PART;
    int lane = THREAD % 32, warp = BLOCK * W + THREAD / 32;
    constexpr int WARPS = G * W;
    for (int i = THREAD; i < D; i += THREADS)
      x[i] = __half2float(embedding[(long)token[0] * D + i]) + positions[(long)place[0] * D + i];
    block_wait();
    for (int layer = 0; layer < layers; ++layer) {
      const float* norm = norms + layer * 4 * D;
      if (layer) normalise(fed, norm - 2 * D, norm - D, x, sums);
      for (int row = warp; row < 3 * D; row += WARPS) {
        float sum = half_dot(in_weight + ((long)layer * 3 * D + row) * D, x, D) + in_bias[layer * 3 * D + row];
        if (lane == 0) {
          qkv[row] = sum;
          if (row >= D) rows[(long)layer * 2 * D + row - D] = __float2half(sum);
        }
      }
      for (int row = warp; row < D; row += WARPS) PREFETCH(out_weight + ((long)layer * D + row) * D + lane * (D / 32));
      grid_wait<G>();

      for (int job = BLOCK; job < H * S; job += G) attend(layer, job / S, job % S, qkv, parts, room);
      for (int row = warp; row < F; row += WARPS) PREFETCH(up_weight + ((long)layer * F + row) * D + lane * (D / 32));
      grid_wait<G>();

      for (int i = THREAD; i < D; i += THREADS)
        input[i] = join<S>(parts + i / WIDTH * S * PART, nullptr, i % WIDTH, false);
      block_wait();
      for (int row = warp; row < D; row += WARPS) {
        float sum = half_dot(out_weight + ((long)layer * D + row) * D, input, D);
        if (lane == 0) attended[row] = x[row] + sum + out_bias[layer * D + row];
      }
      grid_wait<G>();

      normalise(attended, norm, norm + D, x, sums);
      for (int row = warp; row < F; row += WARPS) {
        float sum = half_dot(up_weight + ((long)layer * F + row) * D, x, D) + up_bias[layer * F + row];
        if (lane == 0) raised[row] = sum > 0 ? sum : 0;
      }
      for (int row = warp; row < D; row += WARPS) PREFETCH(down_weight + ((long)layer * D + row) * F + lane * (F / 32));
      grid_wait<G>();

      for (int i = THREAD; i < F; i += THREADS) input[i] = LOAD(raised + i);
      block_wait();
      down(layer, x, input, fed, sums);
      if (layer + 1 < layers)
        for (int row = warp; row < 3 * D; row += WARPS)
          PREFETCH(in_weight + ((long)(layer + 1) * 3 * D + row) * D + lane * (D / 32));
      grid_wait<G>();
    }
    const float* norm = norms + (layers - 1) * 4 * D;
    normalise(fed, norm + 2 * D, norm + 3 * D, x, sums);
    for (int row = warp; row < V; row += WARPS) {
      float sum = 0;
      for (int i = lane; i < D; i += 32) sum += head[(long)row * D + i] * x[i];
      sum = lanes_sum(sum);
      if (lane == 0) logits[row] = sum;
    }
  }

  // The second half of the feed-forward: few long rows, so all warps of a block share each.
  DEVICE void down(int layer, const float* x, const float* input, float* fed, float* sums) {
    constexpr int PIECE = F / W;
    int warp = THREAD / 32;
    for (int row = BLOCK; row < D; row += G) {
      const __half* weight = down_weight + ((long)layer * D + row) * F + warp * PIECE;
      float sum = half_dot(weight, input + warp * PIECE, PIECE);
      if (THREAD % 32 == 0) sums[warp] = sum;
      block_wait();
      if (THREAD == 0) {
        float total = x[row] + down_bias[layer * D + row];
        for (int i = 0; i < W; ++i) total += sums[i];
        fed[row] = total;
      }
      block_wait();
    }
  }
};
