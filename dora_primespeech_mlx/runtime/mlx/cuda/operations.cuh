// What SoVITS does between its products, each in one kernel: by operations it is three launches of four, and a host takes
// longer to submit them than a device to do them. Arrays are fp16, computed in fp32.
//
// Compiled at run time by NVRTC (operations.py); tests/test_cuda_operations.py runs the same text on a CPU.

#ifndef EMULATED
#include <cuda_fp16.h>
#define DEVICE __device__ __forceinline__
#define THREAD (int)threadIdx.x
#define BLOCK (int)blockIdx.x
#define SHARED_FLOATS(name, count) __shared__ float name[count]
#define SHARED_HALVES(name, count) __shared__ __half name[count]
DEVICE void block_wait() { __syncthreads(); }
DEVICE float lanes_xor(float value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
DEVICE float power(float value) { return __expf(value); }
#endif

constexpr int THREADS = 256, EIGHT = 8;

DEVICE void taken(const __half* from, float (&to)[EIGHT]) {
  uint4 packed = *reinterpret_cast<const uint4*>(from);
  const __half* own = reinterpret_cast<const __half*>(&packed);
#pragma unroll
  for (int i = 0; i < EIGHT; ++i) to[i] = __half2float(own[i]);
}
DEVICE void given(const float (&from)[EIGHT], __half* to) {
  uint4 packed;
  __half* own = reinterpret_cast<__half*>(&packed);
#pragma unroll
  for (int i = 0; i < EIGHT; ++i) own[i] = __float2half(from[i]);
  *reinterpret_cast<uint4*>(to) = packed;
}
template <int LANES>
DEVICE float sum_of(float value) {
#pragma unroll
  for (int other = LANES / 2; other; other /= 2) value += lanes_xor(value, other);
  return value;
}
DEVICE float real(const __half* keep, long row) { return keep ? __half2float(keep[row]) : 1; }

// x and a bias, `ADDED` to what was before, and bent: eight channels of [rows, channels] a thread.
template <bool ADDED>
struct Bend {
  const __half *x, *bias, *keep, *before;
  __half *both, *bent;
  long count;
  int channels;
  float slope;

  DEVICE void run() {
    long at = ((long)BLOCK * THREADS + THREAD) * EIGHT;
    if (at >= count) return;
    float own[EIGHT], more[EIGHT], there = real(keep, at / channels);
    taken(x + at, own), taken(bias + at % channels, more);
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) own[i] = (own[i] + more[i]) * there;
    if (ADDED) {
      taken(before + at, more);
#pragma unroll
      for (int i = 0; i < EIGHT; ++i) own[i] += more[i];
      given(own, both + at);
    }
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) own[i] = own[i] > 0 ? own[i] : own[i] * slope;
    given(own, bent + at);
  }
};

// One half's tanh times the other's sigmoid, of x [batch, length, 2 * channels] with a bias and a condition.
struct Gate {
  const __half *x, *bias, *condition;
  __half* gated;
  long count, apart;  // halves between the conditions of two of a batch
  int channels, length;

  DEVICE void run() {
    long at = ((long)BLOCK * THREADS + THREAD) * EIGHT, row = at / channels;
    if (at >= count) return;
    int channel = at % channels;
    float one[EIGHT], other[EIGHT];
    sum(row, channel, one), sum(row, channels + channel, other);
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) one[i] = tanhf(one[i]) / (1 + power(-other[i]));
    given(one, gated + at);
  }
  DEVICE void sum(long row, int channel, float (&to)[EIGHT]) {
    float more[EIGHT], most[EIGHT];
    taken(x + row * 2 * channels + channel, to), taken(bias + channel, more);
    taken(condition + row / length * apart + channel, most);
#pragma unroll
    for (int i = 0; i < EIGHT; ++i) to[i] += more[i] + most[i];
  }
};

// The norm of x and what is added to it, [rows, C]: a row a warp.
template <int C>
struct Norm {
  static constexpr int OWN = (C + 32 * EIGHT - 1) / (32 * EIGHT);
  const __half *x, *more, *bias, *gain, *offset, *keep;
  __half* normed;
  long rows;
  float least;

  DEVICE void run() {
    long row = (long)BLOCK * (THREADS / 32) + THREAD / 32;
    if (row >= rows) return;
    int lane = THREAD % 32;
    float own[OWN][EIGHT] = {}, other[EIGHT], sum = 0;
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      int at = (i * 32 + lane) * EIGHT;
      if (at >= C) continue;
      taken(x + row * C + at, own[i]), taken(more + row * C + at, other);
#pragma unroll
      for (int k = 0; k < EIGHT; ++k) own[i][k] += other[k];
      if (bias) {
        taken(bias + at, other);
#pragma unroll
        for (int k = 0; k < EIGHT; ++k) own[i][k] += other[k];
      }
#pragma unroll
      for (int k = 0; k < EIGHT; ++k) sum += own[i][k];
    }
    float mean = sum_of<32>(sum) / C, square = 0;
#pragma unroll
    for (int i = 0; i < OWN; ++i)
#pragma unroll
      for (int k = 0; k < EIGHT; ++k)
        if ((i * 32 + lane) * EIGHT < C) square += (own[i][k] - mean) * (own[i][k] - mean);
    float scale = rsqrtf(sum_of<32>(square) / C + least), there = real(keep, row);
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      int at = (i * 32 + lane) * EIGHT;
      if (at >= C) continue;
      float gains[EIGHT];
      taken(gain + at, gains), taken(offset + at, other);
#pragma unroll
      for (int k = 0; k < EIGHT; ++k) own[i][k] = ((own[i][k] - mean) * scale * gains[k] + other[k]) * there;
      given(own[i], normed + row * C + at);
    }
  }
};

// Self attention of heads D wide that knows the distance of neighbours up to WINDOW away. A block has `ROWS` rows of a
// head, and of each row 16 neighbouring threads; keys come in turns, and what they are worth is kept as it is by then.
template <int D, int WINDOW>
struct Attention {
  static constexpr int ROWS = THREADS / 16, TURN = 64, STRIDE = D + 2, REACH = 2 * WINDOW + 1, OWN = D / 16;
  static_assert(D % 32 == 0);
  const __half *queries, *keys, *values, *near_keys, *near_values;
  const float* mask;
  __half* attended;
  int length, heads;

  DEVICE void run() {
    SHARED_FLOATS(query, ROWS * D);
    SHARED_FLOATS(near, ROWS * REACH);
    SHARED_FLOATS(share, ROWS * (TURN + 1));
    SHARED_HALVES(there, TURN * STRIDE);
    int blocks = (length + ROWS - 1) / ROWS, head = BLOCK / blocks % heads, first = BLOCK % blocks * ROWS;
    long batch = BLOCK / blocks / heads, from = batch * length * heads * D + head * D;
    for (int at = THREAD; at < ROWS * D; at += THREADS) {
      int row = first + at / D < length ? first + at / D : length - 1;
      query[at] = __half2float(queries[from + (long)row * heads * D + at % D]) * rsqrtf((float)D);
    }
    block_wait();
    for (int at = THREAD; at < ROWS * REACH; at += THREADS) {
      float sum = 0;
      for (int k = 0; k < D; ++k) sum += query[at / REACH * D + k] * __half2float(near_keys[at % REACH * D + k]);
      near[at] = sum;
    }
    int own = THREAD / 16, lane = THREAD % 16, row = first + own;
    float most = -1e30f, whole = 0, sum[OWN] = {};
    for (int turn = 0; turn < length; turn += TURN) {
      bring(keys + from, turn, there);
      float score[TURN / 16], top = most;
#pragma unroll
      for (int i = 0; i < TURN / 16; ++i) {
        int key = turn + i * 16 + lane;
        score[i] = 0;
#pragma unroll 8
        for (int k = 0; k < D; k += 2) {
          float2 pair = pair_at(there + (i * 16 + lane) * STRIDE + k);
          score[i] += query[own * D + k] * pair.x + query[own * D + k + 1] * pair.y;
        }
        int offset = key - row + WINDOW;
        if (offset >= 0 && offset < REACH) score[i] += near[own * REACH + offset];
        if (key >= length)
          score[i] = -1e30f;
        else if (mask)
          score[i] += mask[batch * length + key];
        top = fmaxf(top, score[i]);
      }
#pragma unroll
      for (int other = 8; other; other /= 2) top = fmaxf(top, lanes_xor(top, other));
      float before = power(most - top);
      most = top, whole *= before;
#pragma unroll
      for (int i = 0; i < TURN / 16; ++i) {
        float worth = power(score[i] - top);
        whole += worth;
        share[own * (TURN + 1) + i * 16 + lane] = worth;
      }
#pragma unroll
      for (int i = 0; i < OWN; ++i) sum[i] *= before;
      block_wait();
      bring(values + from, turn, there);
      int end = length - turn < TURN ? length - turn : TURN;
      for (int key = 0; key < end; ++key) {
        float worth = share[own * (TURN + 1) + key];
        int offset = turn + key - row + WINDOW;
        bool is_near = offset >= 0 && offset < REACH;
#pragma unroll
        for (int i = 0; i < OWN / 2; ++i) {
          int at = i * 32 + lane * 2;
          float2 pair = pair_at(there + key * STRIDE + at);
          if (is_near) {
            float2 more = pair_at(near_values + offset * D + at);
            pair.x += more.x, pair.y += more.y;
          }
          sum[2 * i] += worth * pair.x, sum[2 * i + 1] += worth * pair.y;
        }
      }
      block_wait();
    }
    whole = sum_of<16>(whole);
    if (row >= length) return;
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      int at = i / 2 * 32 + lane * 2 + i % 2;
      attended[from + (long)row * heads * D + at] = __float2half(sum[i] / whole);
    }
  }

  DEVICE static float2 pair_at(const __half* from) { return __half22float2(*reinterpret_cast<const __half2*>(from)); }

  // The rows of a turn; there are zeros behind the last.
  DEVICE void bring(const __half* from, int turn, __half* to) {
    for (int at = THREAD * EIGHT; at < TURN * D; at += THREADS * EIGHT) {
      int row = turn + at / D;
      float own[EIGHT] = {};
      if (row < length) taken(from + (long)row * heads * D + at % D, own);
#pragma unroll
      for (int i = 0; i < EIGHT; ++i) to[at / D * STRIDE + at % D + i] = __float2half(own[i]);
    }
    block_wait();
  }
};
