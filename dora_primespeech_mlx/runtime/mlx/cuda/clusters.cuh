// T2S codes on clusters of blocks: layers, scores and the drawing of codes, several codes a launch. Weights are fp16,
// sums and activations fp32.
//
// A cluster has some heads and a share of the feed-forward, and each of its blocks a piece of their weights, which bulk
// copies bring into shared memory before they are asked for. Blocks of a cluster post what they computed into each
// other's shared memory, and a barrier there counts the bytes that came. Between clusters travel only sums over their
// own heads or units, as words of a value and a tick; the reader adds them in a fixed order once all words have the
// tick it waits for. So nothing waits for the whole grid, and every sum has one order: a text's scores do not depend on
// its company.
//
// No place is written before all have read it: every exchange needs something of every warp that read the one before.
//
// Shared memory leaves little of the cache that registers are spilled to, so the loops here are kept from unrolling where
// that would spill.
//
// Compiled at run time by NVRTC (clusters.py); tests/cluster_emulation.cpp runs the same text on a CPU.

#ifndef EMULATED
#include <cuda_fp16.h>
#define DEVICE __device__ __forceinline__
#define THREAD (int)threadIdx.x
#define BLOCK (int)blockIdx.x
typedef unsigned long long Word;
extern __shared__ __align__(128) unsigned char pool[];

DEVICE void block_wait() { __syncthreads(); }
DEVICE void cluster_wait() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}
DEVICE void grid_fence() { __threadfence(); }

DEVICE float lanes_xor(float value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
DEVICE float lane_value(float value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }
DEVICE unsigned lanes_most(unsigned value) { return __reduce_max_sync(0xffffffffu, value); }
DEVICE unsigned lanes_least(unsigned value) { return __reduce_min_sync(0xffffffffu, value); }
DEVICE unsigned lanes_count(unsigned value) { return __reduce_add_sync(0xffffffffu, value); }
DEVICE unsigned bits(float value) { return __float_as_uint(value); }
DEVICE float number(unsigned value) { return __uint_as_float(value); }
DEVICE float power(float value) { return __expf(value); }
DEVICE float quotient(float value, float by) { return __fdividef(value, by); }

DEVICE uint4 cache_load(const __half* from) { return __ldcg(reinterpret_cast<const uint4*>(from)); }
DEVICE void publish(Word* word, float value, unsigned tick) {
  Word both = (Word)tick << 32 | __float_as_uint(value);
  asm volatile("st.relaxed.gpu.global.b64 [%0], %1;" ::"l"(word), "l"(both) : "memory");
}
DEVICE Word look(const Word* word) {
  Word both;
  asm volatile("ld.relaxed.gpu.global.b64 %0, [%1];" : "=l"(both) : "l"(word) : "memory");
  return both;
}

DEVICE unsigned place_of(const void* pointer) { return (unsigned)__cvta_generic_to_shared(pointer); }
DEVICE unsigned place_at(const void* pointer, int rank) {
  unsigned place;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(place) : "r"(place_of(pointer)), "r"(rank));
  return place;
}
// A barrier in shared memory: one arrival, which says how many bytes are to come, and those bytes.
DEVICE void prepare(Word* barrier) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" ::"r"(place_of(barrier)) : "memory");
}
DEVICE void prepared() { asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory"); }
DEVICE void expect(Word* barrier, unsigned bytes) {
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(place_of(barrier)), "r"(bytes)
               : "memory");
}
DEVICE void await(Word* barrier, unsigned parity) {
  unsigned done;
  do {
    asm volatile(
        "{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}"
        : "=r"(done)
        : "r"(place_of(barrier)), "r"(parity)
        : "memory");
  } while (!done);
}
DEVICE void copy(void* to, const void* from, unsigned bytes, Word* barrier) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(
                   place_of(to)),
               "l"(from), "r"(bytes), "r"(place_of(barrier))
               : "memory");
}
// Posts to the same place in the block of this rank, and counts the bytes at its barrier.
DEVICE void post(float* to, int rank, float value, Word* barrier) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.b32 [%0], %1, [%2];" ::"r"(
                   place_at(to, rank)),
               "r"(__float_as_uint(value)), "r"(place_at(barrier, rank))
               : "memory");
}
DEVICE void post(float* to, int rank, float4 value, Word* barrier) {
  asm volatile("st.async.weak.shared::cluster.mbarrier::complete_tx::bytes.v4.b32 [%0], {%1, %2, %3, %4}, [%5];" ::"r"(
                   place_at(to, rank)),
               "r"(__float_as_uint(value.x)), "r"(__float_as_uint(value.y)), "r"(__float_as_uint(value.z)),
               "r"(__float_as_uint(value.w)), "r"(place_at(barrier, rank))
               : "memory");
}
#endif

// Sum over neighbouring lanes: each `COUNT` of them, or, with `STEP`, those that far apart.
template <int COUNT, int STEP = 1>
DEVICE float lanes_sum(float value) {
#pragma unroll
  for (int other = COUNT / 2 * STEP; other >= STEP; other /= 2) value += lanes_xor(value, other);
  return value;
}

// Adds the product of 8 halves with 8 floats.
DEVICE float dot8(uint4 packed, const float* x, float sum) {
  const __half2* pairs = reinterpret_cast<const __half2*>(&packed);
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    float2 pair = __half22float2(pairs[i]);
    sum = fmaf(pair.x, x[2 * i], sum);
    sum = fmaf(pair.y, x[2 * i + 1], sum);
  }
  return sum;
}
DEVICE uint4 halves(const __half* from) { return *reinterpret_cast<const uint4*>(from); }
DEVICE void floats(const float* from, float* to) {
  float4 low = *reinterpret_cast<const float4*>(from), high = *reinterpret_cast<const float4*>(from + 4);
  to[0] = low.x, to[1] = low.y, to[2] = low.z, to[3] = low.w;
  to[4] = high.x, to[5] = high.y, to[6] = high.z, to[7] = high.w;
}

template <int COUNT, int SIZE>
constexpr int ceiling = (COUNT + SIZE - 1) / SIZE;
template <int COUNT>
constexpr int least_power = 2 * least_power<(COUNT + 1) / 2>;
template <>
constexpr int least_power<1> = 1;

// How codes are drawn; see sampling.py.
struct Sampling {
  float top_k, top_p, temperature, penalty, minimum, end;
};

// What is known of a text between launches, before the bits of the codes it has seen. `slot` is its place in the cache.
struct Text {
  int token, position, filled, index, slot, ended;
  static constexpr int SIZE = 6;
};

// The largest of a value that has a float's order as bits, and the lowest index that has it.
DEVICE unsigned ordered(float value) {
  unsigned plain = bits(value);
  return plain >> 31 ? ~plain : plain | 0x80000000u;
}

// Draws a text's next code, by one warp: exponential race among all codes, until one wins that top-k and top-p keep.
// Whoever is not kept takes all less likely ones with it, so a few rounds are enough. Where it is wanted, the code and
// whether it ends the text go to `drawn` and `ends_to`. A code from scores that were `given` follows no step.
template <int V>
DEVICE void draw_code(const float* scores, const float* chance, const Sampling how, Text& own, unsigned* seen,
                      int lane, bool given, int* drawn, int* ends_to) {
  constexpr int EACH = ceiling<V, 32>;
  const float lowest = number(0xff800000u);
  const float eased = 1 / how.penalty, sharpness = 1 / how.temperature;
  float score[EACH], race[EACH];
#pragma unroll
  for (int i = 0; i < EACH; ++i) {
    int code = i * 32 + lane;
    race[i] = code < V ? chance[code] : 1;
    score[i] = code < V ? scores[code] : lowest;
    if (code == (int)how.end && own.index < how.minimum) score[i] = lowest;
    if (seen[i] >> lane & 1) score[i] *= score[i] < 0 ? how.penalty : eased;
  }
  float top = score[0];
#pragma unroll
  for (int i = 1; i < EACH; ++i) top = fmaxf(top, score[i]);
#pragma unroll
  for (int other = 16; other; other /= 2) top = fmaxf(top, lanes_xor(top, other));
  unsigned likeliest = V;
  float mass = 0;
#pragma unroll
  for (int i = 0; i < EACH; ++i) {
    if (score[i] == top && likeliest == V) likeliest = i * 32 + lane;
    race[i] = quotient(power((score[i] - top) * sharpness), race[i]);
    if (how.top_p < 1) mass += power(score[i] - top);
  }
  likeliest = lanes_least(likeliest);
  if (how.top_p < 1) mass = lanes_sum<32>(mass);
  float floor = lowest, winner;
  unsigned code;
  bool kept;
  do {
    float best = -1, value = 0;
    code = V;
#pragma unroll
    for (int i = 0; i < EACH; ++i)
      if (score[i] > floor && race[i] > best) best = race[i], value = score[i], code = i * 32 + lane;
    unsigned most = lanes_most(ordered(best));
    code = lanes_least(ordered(best) == most ? code : V);
    winner = lane_value(value, code % 32);
    unsigned greater = 0;
    float above = 0;
#pragma unroll
    for (int i = 0; i < EACH; ++i)
      if (score[i] > winner) {
        ++greater;
        if (how.top_p < 1) above += power(score[i] - top);
      }
    greater = lanes_count(greater);
    kept = greater < how.top_k;
    if (how.top_p < 1 && greater) {
      above = lanes_sum<32>(above) + power(winner - top);
      kept = kept && above / mass <= how.top_p;
    }
    floor = winner;
  } while (!kept);
  if (lane == 0) {
    bool lost = code == V, ends = lost || code == how.end || likeliest == how.end;
    if (lost) code = V - 1;  // scores that are no numbers end the text
    seen[code / 32] |= 1u << code % 32;
    own.token = code, own.index += 1, own.ended |= ends;
    if (!given) own.position += 1, own.filled += 1;
    if (drawn) *drawn = code, *ends_to = ends;
  }
}

// D width, H heads, F feed-forward, V codes; clusters of C blocks for A heads each; W warps a block, at most R texts.
template <int D, int H, int F, int V, int C, int A, int W, int R>
struct Codes {
  static constexpr int WIDTH = D / H, CLUSTERS = H / A, GRID = CLUSTERS * C, THREADS = 32 * W;
  static constexpr int SHARERS = C / A;          // blocks that share a head
  static constexpr int IN = 3 * WIDTH / SHARERS;  // rows of queries, keys and values of a block
  static constexpr int SLICE = D / C;            // columns whose sums a block gathers
  static constexpr int JOINED = A * WIDTH;       // values of a cluster's heads
  static constexpr int SHARE = JOINED / 8, OUT_ROWS = 32 / SHARE;  // lanes of a row of the output projection
  static constexpr int UNITS = F / CLUSTERS;     // of a cluster
  static constexpr int UP = UNITS / C;
  static constexpr int HEAD = ceiling<V, GRID>;
  static constexpr int SEEN = ceiling<V, 32>;
  static constexpr int GROUPS = ceiling<D, 256>;  // a lane has 8 of each 256 columns
  // Lanes that gather one column, from a cluster each, and columns that a warp gathers at once.
  static constexpr int SOURCES = least_power<CLUSTERS>, AT_ONCE = 32 / SOURCES;

  // Bytes of the pieces of a layer, as they lie in `weights`.
  static constexpr int IN_BYTES = 8 * D + 4 * IN + 2 * IN * D, OUT_BYTES = 4 * SLICE + 2 * SLICE * JOINED;
  static constexpr int UP_BYTES = 8 * D + 4 * UP + 2 * UP * D, DOWN_BYTES = 4 * SLICE + 2 * SLICE * UNITS;
  static constexpr int LAYER_BYTES = IN_BYTES + OUT_BYTES + UP_BYTES + DOWN_BYTES, HEAD_BYTES = 8 * D + 2 * HEAD * D;

  // Floats of shared memory for a text: what is posted, and what stays in the block.
  static constexpr int PART = WIDTH + 4, QKV = 3 * WIDTH, PARTS = A * SHARERS * PART;
  static_assert(WIDTH % 32 == 0 && 32 % (WIDTH / 8) == 0 && D % 32 == 0 && H % A == 0 && C % A == 0 && CLUSTERS <= 8);
  static_assert(3 * WIDTH % (4 * SHARERS) == 0 && 32 % SHARE == 0 && UNITS % 64 == 0 && UP % 4 == 0 && R <= W);
  static_assert(SLICE % AT_ONCE == 0 && SLICE % OUT_ROWS == 0 && SLICE % 4 == 0 && C * AT_ONCE / 4 <= 32);
  // Every warp has something to do in every stage; else it could miss a barrier's turn.
  static_assert(IN >= W && UP >= W && SLICE >= W * AT_ONCE && SLICE >= W * OUT_ROWS && SLICE >= W * 4);
  static_assert(D + UNITS + W * PART >= V);

  // Words: how many ticks there were, then sums after attention, after the feed-forward, and scores.
  static constexpr long WORDS = 2 + 2L * R * D * CLUSTERS + R * V;

  const int* sizes;  // texts, codes to make, rows a cache has room for
  const Sampling* sampling;
  const int* texts;
  const float *noise, *positions, *first_logits;
  const __half* embedding;
  const unsigned char *weights, *head;
  __half* cache;
  Word* words;
  int layers;
  int *drawn, *texts_after;
  float* logits;

  int lane, warp, cluster, rank, rows, count, capacity;

  // Barriers in shared memory: posts that came, then pieces of weights.
  enum { X_CAME, Y_CAME, QKV_CAME, PARTS_CAME, UNITS_CAME, IN_CAME, OUT_CAME, UP_CAME, DOWN_CAME, HEAD_CAME, BARRIERS };

  // Places in shared memory: pieces of weights, barriers, what is posted, what stays in the block.
  static constexpr int OUT_AT = IN_BYTES, UP_AT = OUT_AT + OUT_BYTES, DOWN_AT = UP_AT + UP_BYTES;
  static constexpr int HEAD_AT = LAYER_BYTES, BARRIERS_AT = HEAD_AT + HEAD_BYTES, X_AT = BARRIERS_AT + 8 * BARRIERS;
  static constexpr int QKV_AT = X_AT + 4 * R * D, PARTS_AT = QKV_AT + 4 * R * QKV, Y_AT = PARTS_AT + 4 * R * PARTS;
  static constexpr int UNITS_AT = Y_AT + 4 * R * D, WARPS_AT = UNITS_AT + 4 * R * UNITS;
  static constexpr int RESIDUAL_AT = WARPS_AT + 4 * R * W * PART, SEEN_AT = RESIDUAL_AT + 4 * R * SLICE;
  static constexpr int TEXT_AT = SEEN_AT + 4 * R * SEEN, SHARED = TEXT_AT + 4 * R * Text::SIZE;
  DEVICE static unsigned char* in_piece() { return pool; }
  DEVICE static unsigned char* out_piece() { return pool + OUT_AT; }
  DEVICE static unsigned char* up_piece() { return pool + UP_AT; }
  DEVICE static unsigned char* down_piece() { return pool + DOWN_AT; }
  DEVICE static unsigned char* head_piece() { return pool + HEAD_AT; }
  DEVICE static Word* barrier(int which) { return reinterpret_cast<Word*>(pool + BARRIERS_AT) + which; }
  DEVICE static float* floats_at(int at) { return reinterpret_cast<float*>(pool + at); }
  DEVICE static float* x(int row) { return floats_at(X_AT) + row * D; }
  DEVICE static float* qkv(int row) { return floats_at(QKV_AT) + row * QKV; }
  DEVICE static float* parts(int row) { return floats_at(PARTS_AT) + row * PARTS; }
  DEVICE static float* y(int row) { return floats_at(Y_AT) + row * D; }
  // Over y and what lies behind it, where no block posts before all have drawn.
  DEVICE static float* scores(int row) { return floats_at(Y_AT) + row * V; }
  DEVICE static float* units(int row) { return floats_at(UNITS_AT) + row * UNITS; }
  DEVICE static float* warp_part(int row, int of) { return floats_at(WARPS_AT) + (row * W + of) * PART; }
  DEVICE static float& residual(int row, int own) { return floats_at(RESIDUAL_AT)[row * SLICE + own]; }
  DEVICE static unsigned& seen(int row, int of) { return reinterpret_cast<unsigned*>(pool + SEEN_AT)[row * SEEN + of]; }
  DEVICE static Text& text(int row) { return reinterpret_cast<Text*>(pool + TEXT_AT)[row]; }

  DEVICE Word* attended(int row) { return words + 2 + (long)row * D * CLUSTERS; }
  DEVICE Word* fed(int row) { return attended(R + row); }
  DEVICE Word* scored(int row) { return attended(2 * R) + (long)row * V; }

  DEVICE void fetch(unsigned char* piece, const unsigned char* from, unsigned bytes, Word* came) {
    if (THREAD == 0) {
      expect(came, bytes);
      copy(piece, from, bytes, came);
    }
  }
  DEVICE const unsigned char* piece_of(int layer) {
    return weights + ((long)(layer % layers) * GRID + BLOCK) * LAYER_BYTES;
  }

  // The columns of a lane: the code's embedding at its place.
  DEVICE void embed(int row, float (&column)[GROUPS][8]) {
    const __half* code = embedding + (long)text(row).token * D;
    const float* place = positions + (long)text(row).position * D;
#pragma unroll
    for (int group = 0; group < GROUPS; ++group) {
      int at = group * 256 + lane * 8;
      if (at < D) {
        float2 pair;
        uint4 packed = halves(code + at);
        floats(place + at, column[group]);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          pair = __half22float2(reinterpret_cast<const __half2*>(&packed)[i]);
          column[group][2 * i] += pair.x, column[group][2 * i + 1] += pair.y;
        }
      }
    }
#pragma unroll
    for (int turn = 0; turn < ceiling<SLICE, W * AT_ONCE>; ++turn) {
      int own = (turn * W + warp) * AT_ONCE + lane / SOURCES, from = rank * SLICE + own;
      if (own < SLICE && lane % SOURCES == 0) residual(row, own) = __half2float(code[from]) + place[from];
    }
  }

  // The columns of a lane: the posted values, normalised. Gains and offsets lie together.
  DEVICE void normalise(int row, const float* posted, const float* gains, float (&column)[GROUPS][8]) {
    float sum = 0, square = 0;
#pragma unroll
    for (int group = 0; group < GROUPS; ++group) {
      int at = group * 256 + lane * 8;
      if (at < D) {
        floats(posted + at, column[group]);
#pragma unroll
        for (int i = 0; i < 8; ++i) sum += column[group][i], square = fmaf(column[group][i], column[group][i], square);
      }
    }
    float mean = lanes_sum<32>(sum) / D, scale = rsqrtf(lanes_sum<32>(square) / D - mean * mean + 1e-5f);
#pragma unroll
    for (int group = 0; group < GROUPS; ++group) {
      int at = group * 256 + lane * 8;
      if (at < D) {
        float gain[8], offset[8];
        floats(gains + at, gain), floats(gains + D + at, offset);
#pragma unroll
        for (int i = 0; i < 8; ++i) column[group][i] = fmaf((column[group][i] - mean) * scale, gain[i], offset[i]);
      }
    }
#pragma unroll
    for (int turn = 0; turn < ceiling<SLICE, W * AT_ONCE>; ++turn) {
      int own = (turn * W + warp) * AT_ONCE + lane / SOURCES, from = rank * SLICE + own;
      if (own < SLICE && lane % SOURCES == 0)
        residual(row, own) = fmaf((posted[from] - mean) * scale, gains[from], gains[D + from]);
    }
  }

  // Products of a warp's rows with the columns of its lanes; `COUNT` rows in the piece, each warp has every `W`-th.
  template <int COUNT>
  DEVICE void rows_dot(const __half* weight, const float (&column)[GROUPS][8], float (&sums)[ceiling<COUNT, W>]) {
#pragma unroll
    for (int k = 0; k < ceiling<COUNT, W>; ++k) {
      int row = warp + k * W < COUNT ? warp + k * W : 0;
      sums[k] = 0;
#pragma unroll
      for (int group = 0; group < GROUPS; ++group) {
        int at = group * 256 + lane * 8;
        if (at < D) sums[k] = dot8(halves(weight + row * D + at), column[group], sums[k]);
      }
    }
#pragma unroll
    for (int k = 0; k < ceiling<COUNT, W>; ++k) sums[k] = lanes_sum<32>(sums[k]);
  }

  DEVICE void project(int row, int layer) {
    const float* gains = reinterpret_cast<const float*>(in_piece());
    const float* bias = gains + 2 * D;
    float column[GROUPS][8], sums[ceiling<IN, W>];
    if (layer)
      normalise(row, x(row), gains, column);
    else
      embed(row, column);
    rows_dot<IN>(reinterpret_cast<const __half*>(bias + IN), column, sums);
#pragma unroll
    for (int k = 0; k < ceiling<IN, W>; ++k) {
      int own = warp + k * W, sharer = rank % SHARERS;
      if (own < IN && lane < SHARERS)
        post(qkv(row) + sharer * IN + own, rank - sharer + lane, sums[k] + bias[own], barrier(QKV_CAME));
    }
  }

  // Lanes of a row of keys, rows of a warp's turn, turns that are loaded ahead.
  static constexpr int LANES = WIDTH / 8, TURN = 32 / LANES, AHEAD = 2;

  DEVICE int turn_row(int turn) { return ((turn * W + warp) * SHARERS + rank % SHARERS) * TURN + lane / LANES; }
  DEVICE __half* keys_of(int row, int layer) {
    int own_head = cluster * A + rank / SHARERS;
    return cache + ((((long)text(row).slot * layers + layer) * 2 * H + own_head) * capacity) * WIDTH;
  }
  DEVICE void load_turns(int row, int layer, uint4 (&keys)[AHEAD], uint4 (&values)[AHEAD]) {
    const __half* from = keys_of(row, layer) + lane % LANES * 8;
#pragma unroll
    for (int turn = 0; turn < AHEAD; ++turn) {
      int at = turn_row(turn);
      if (at < text(row).filled) {
        keys[turn] = cache_load(from + (long)at * WIDTH);
        values[turn] = cache_load(from + ((long)H * capacity + at) * WIDTH);
      }
    }
  }

  // One turn: a row of keys and values for each `LANES` lanes, the newest from what was posted.
  DEVICE void attend_turn(int row, int at, uint4 key, uint4 value, const float* query, float& most, float& total,
                          float* sums) {
    int past = text(row).filled;
    if (at == past) {
      const float* fresh = qkv(row) + WIDTH + lane % LANES * 8;
      key = rounded(fresh), value = rounded(fresh + WIDTH);
    }
    float score = lanes_sum<LANES>(at <= past ? dot8(key, query, 0) : 0);
    if (at <= past) {
      float top = fmaxf(most, score), keep = power(most - top), share = power(score - top);
      const __half2* pairs = reinterpret_cast<const __half2*>(&value);
      total = fmaf(total, keep, share);
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        float2 pair = __half22float2(pairs[i]);
        sums[2 * i] = fmaf(sums[2 * i], keep, share * pair.x);
        sums[2 * i + 1] = fmaf(sums[2 * i + 1], keep, share * pair.y);
      }
      most = top;
    }
  }
  DEVICE uint4 rounded(const float* from) {
    uint4 packed;
    __half* each = reinterpret_cast<__half*>(&packed);
#pragma unroll
    for (int i = 0; i < 8; ++i) each[i] = __float2half(from[i]);
    return packed;
  }

  // The block's share of a head's past, by warps: values weighted, largest score, sum of powers.
  DEVICE void attend(int row, int layer, const uint4 (&keys)[AHEAD], const uint4 (&values)[AHEAD]) {
    float query[8], sums[8] = {0, 0, 0, 0, 0, 0, 0, 0}, most = -1e30f, total = 0;
    floats(qkv(row) + lane % LANES * 8, query);
#pragma unroll
    for (int i = 0; i < 8; ++i) query[i] *= rsqrtf((float)WIDTH);
    int past = text(row).filled;
#pragma unroll
    for (int turn = 0; turn < AHEAD; ++turn)
      if (turn_row(turn) - lane / LANES <= past)
        attend_turn(row, turn_row(turn), keys[turn], values[turn], query, most, total, sums);
    const __half* from = keys_of(row, layer) + lane % LANES * 8;
#pragma unroll 1
    for (int turn = AHEAD; turn_row(turn) - lane / LANES <= past; ++turn) {
      int at = turn_row(turn);
      uint4 key, value;
      if (at < past) {
        key = cache_load(from + (long)at * WIDTH);
        value = cache_load(from + ((long)H * capacity + at) * WIDTH);
      }
      attend_turn(row, at, key, value, query, most, total, sums);
    }
    float top = most;
#pragma unroll
    for (int other = LANES; other < 32; other *= 2) top = fmaxf(top, lanes_xor(top, other));
    float share = power(most - top);
    total = lanes_sum<TURN, LANES>(total * share);
    float* own = warp_part(row, warp);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sums[i] = lanes_sum<TURN, LANES>(sums[i] * share);
      if (lane < LANES) own[lane * 8 + i] = sums[i];
    }
    if (lane == 0) own[WIDTH] = top, own[WIDTH + 1] = total;
    if (rank % SHARERS == 0)
#pragma unroll 1
      for (int i = THREAD; i < 2 * WIDTH; i += THREADS) {
        __half* to = keys_of(row, layer) + ((long)(i / WIDTH) * H * capacity + past) * WIDTH;
        to[i % WIDTH] = __float2half(qkv(row)[WIDTH + i]);
      }
  }

  // Joins the parts of the block's warps, by one warp, and posts the whole to the cluster.
  DEVICE void join_warps(int row) {
    constexpr int QUADS = WIDTH / 4, JOINERS = 32 / QUADS;
    int quad = lane % QUADS, joiner = lane / QUADS;
    const float* from = warp_part(row, 0);
    float most = -1e30f, total = 0;
    float4 sum = {0, 0, 0, 0};
#pragma unroll
    for (int i = 0; i < W; ++i) most = fmaxf(most, from[i * PART + WIDTH]);
#pragma unroll
    for (int k = 0; k < ceiling<W, JOINERS>; ++k) {
      int part = joiner + k * JOINERS;
      if (part < W) {
        const float* one = from + part * PART;
        float share = power(one[WIDTH] - most);
        float4 values = *reinterpret_cast<const float4*>(one + quad * 4);
        total = fmaf(share, one[WIDTH + 1], total);
        sum.x = fmaf(share, values.x, sum.x), sum.y = fmaf(share, values.y, sum.y);
        sum.z = fmaf(share, values.z, sum.z), sum.w = fmaf(share, values.w, sum.w);
      }
    }
    total = lanes_sum<JOINERS, QUADS>(total);
    sum.x = lanes_sum<JOINERS, QUADS>(sum.x), sum.y = lanes_sum<JOINERS, QUADS>(sum.y);
    sum.z = lanes_sum<JOINERS, QUADS>(sum.z), sum.w = lanes_sum<JOINERS, QUADS>(sum.w);
    float* to = parts(row) + rank * PART;
    for (int other = joiner; other < C; other += JOINERS) {
      post(to + quad * 4, other, sum, barrier(PARTS_CAME));
      if (quad == 0) post(to + WIDTH, other, float4{most, total, 0, 0}, barrier(PARTS_CAME));
    }
  }

  // The cluster's heads through the block's rows of the output projection.
  DEVICE void put_out(int row, unsigned tick) {
    int at = lane % SHARE * 8;
    const float* from = parts(row) + at / WIDTH * SHARERS * PART;
    float most = -1e30f, total = 0, value[8] = {0, 0, 0, 0, 0, 0, 0, 0};
#pragma unroll
    for (int i = 0; i < SHARERS; ++i) most = fmaxf(most, from[i * PART + WIDTH]);
#pragma unroll
    for (int i = 0; i < SHARERS; ++i) {
      float each[8], share = power(from[i * PART + WIDTH] - most);
      floats(from + i * PART + at % WIDTH, each);
      total = fmaf(share, from[i * PART + WIDTH + 1], total);
#pragma unroll
      for (int k = 0; k < 8; ++k) value[k] = fmaf(share, each[k], value[k]);
    }
    float share_of_total = 1 / total;
#pragma unroll
    for (int k = 0; k < 8; ++k) value[k] *= share_of_total;
    const __half* weight = reinterpret_cast<const __half*>(out_piece() + 4 * SLICE);
#pragma unroll
    for (int turn = 0; turn < ceiling<SLICE, W * OUT_ROWS>; ++turn) {
      int own = (turn * W + warp) * OUT_ROWS + lane / SHARE;
      bool real = SLICE % (W * OUT_ROWS) == 0 || own < SLICE;
      float sum = lanes_sum<SHARE>(real ? dot8(halves(weight + own * JOINED + at), value, 0) : 0);
      if (real && lane % SHARE == 0) publish(attended(row) + (rank * SLICE + own) * CLUSTERS + cluster, sum, tick);
    }
  }

  // Adds the clusters' sums of the block's columns to bias and residual, and posts them to the cluster.
  DEVICE void gather(const Word* from, const float* bias, float* to, Word* came, unsigned tick) {
    constexpr int TEXTS = R < 4 ? R : 4;
#pragma unroll
    for (int turn = 0; turn < ceiling<SLICE, W * AT_ONCE>; ++turn) {
      int first = (turn * W + warp) * AT_ONCE, source = lane % SOURCES, own = first + lane / SOURCES;
      int other = lane % C, quad = lane / C % (AT_ONCE / 4);
      bool real = source < CLUSTERS;
      if (SLICE % (W * AT_ONCE) && first >= SLICE) break;
#pragma unroll 1
      for (int text = 0; text < rows; text += TEXTS) {
        const Word* word = from + ((long)text * D + rank * SLICE + own) * CLUSTERS + source;
        Word both[TEXTS];
        float rest[TEXTS];
#pragma unroll
        for (int i = 0; i < TEXTS; ++i)
          if (text + i < rows) {
            if (real) both[i] = look(word + i * D * CLUSTERS);
            rest[i] = source ? 0 : residual(text + i, own) + bias[own];
          }
#pragma unroll
        for (int i = 0; i < TEXTS; ++i)
          if (text + i < rows) {
            while (real && (unsigned)(both[i] >> 32) != tick) both[i] = look(word + i * D * CLUSTERS);
            float value = lanes_sum<SOURCES>(real ? rest[i] + number((unsigned)both[i]) : 0);
            float4 four = {lane_value(value, quad * 4 * SOURCES), lane_value(value, (quad * 4 + 1) * SOURCES),
                           lane_value(value, (quad * 4 + 2) * SOURCES), lane_value(value, (quad * 4 + 3) * SOURCES)};
            if (lane < C * AT_ONCE / 4) post(to + (text + i) * D + rank * SLICE + first + quad * 4, other, four, came);
          }
      }
    }
  }

  DEVICE void raise(int row) {
    const float* gains = reinterpret_cast<const float*>(up_piece());
    const float* bias = gains + 2 * D;
    float column[GROUPS][8], sums[ceiling<UP, W>];
    normalise(row, y(row), gains, column);
    rows_dot<UP>(reinterpret_cast<const __half*>(bias + UP), column, sums);
#pragma unroll
    for (int k = 0; k < ceiling<UP, W>; ++k) {
      int own = warp + k * W;
      if (own < UP && lane < C)
        post(units(row) + rank * UP + own, lane, fmaxf(sums[k] + bias[own], 0), barrier(UNITS_CAME));
    }
  }

  // The cluster's units through the block's rows of the second half of the feed-forward.
  DEVICE void lower(int row, unsigned tick) {
    const __half* weight = reinterpret_cast<const __half*>(down_piece() + 4 * SLICE);
    float unit[UNITS / 64][8];
#pragma unroll
    for (int k = 0; k < UNITS / 64; ++k) floats(units(row) + k * 64 + lane % 8 * 8, unit[k]);
#pragma unroll
    for (int turn = 0; turn < ceiling<SLICE, W * 4>; ++turn) {
      int own = (turn * W + warp) * 4 + lane / 8;
      bool real = SLICE % (W * 4) == 0 || own < SLICE;
      float sum = 0;
#pragma unroll
      for (int k = 0; k < UNITS / 64; ++k)
        if (real) sum = dot8(halves(weight + own * UNITS + k * 64 + lane % 8 * 8), unit[k], sum);
      sum = lanes_sum<8>(sum);
      if (real && lane % 8 == 0) publish(fed(row) + (rank * SLICE + own) * CLUSTERS + cluster, sum, tick);
    }
  }

  DEVICE void score(int row, unsigned tick) {
    const float* gains = reinterpret_cast<const float*>(head_piece());
    await(barrier(HEAD_CAME), 0);
    float column[GROUPS][8], sums[ceiling<HEAD, W>];
    normalise(row, x(row), gains, column);
    rows_dot<HEAD>(reinterpret_cast<const __half*>(gains + 2 * D), column, sums);
#pragma unroll
    for (int k = 0; k < ceiling<HEAD, W>; ++k) {
      int own = warp + k * W, code = BLOCK * HEAD + own;
      if (own < HEAD && code < V && lane == 0) publish(scored(row) + code, sums[k], tick);
    }
  }

  // All layers for the newest codes. `run` counts layers since the launch, so its parity is that of the barriers.
  DEVICE void step(int& run, int last, unsigned ticks) {
    for (int layer = 0; layer < layers; ++layer, ++run) {
      unsigned parity = run & 1, tick = ticks + run + 1;
      bool more = run + 1 < last;
      const unsigned char* next = piece_of(layer + 1);
      uint4 keys[AHEAD], values[AHEAD], next_keys[AHEAD], next_values[AHEAD];
      load_turns(0, layer, keys, values);
      if (THREAD == 0) {
        expect(barrier(QKV_CAME), 4 * rows * QKV);
        expect(barrier(PARTS_CAME), 4 * rows * PARTS);
        expect(barrier(Y_CAME), 4 * rows * D);
        expect(barrier(UNITS_CAME), 4 * rows * UNITS);
        expect(barrier(X_CAME), 4 * rows * D);
      }
      await(barrier(IN_CAME), parity);
#pragma unroll 1
      for (int row = 0; row < rows; ++row) project(row, layer);
      await(barrier(QKV_CAME), parity);
      if (more) fetch(in_piece(), next, IN_BYTES, barrier(IN_CAME));
#pragma unroll 1
      for (int row = 0; row < rows; ++row) {
        if (row + 1 < rows) load_turns(row + 1, layer, next_keys, next_values);
        attend(row, layer, keys, values);
#pragma unroll
        for (int i = 0; i < AHEAD; ++i) keys[i] = next_keys[i], values[i] = next_values[i];
      }
      block_wait();
      if (warp < rows) join_warps(warp);
      await(barrier(OUT_CAME), parity);
      await(barrier(PARTS_CAME), parity);
#pragma unroll 1
      for (int row = 0; row < rows; ++row) put_out(row, tick);
      gather(attended(0), reinterpret_cast<const float*>(out_piece()), y(0), barrier(Y_CAME), tick);
      await(barrier(UP_CAME), parity);
      await(barrier(Y_CAME), parity);
      if (more) fetch(out_piece(), next + IN_BYTES, OUT_BYTES, barrier(OUT_CAME));
#pragma unroll 1
      for (int row = 0; row < rows; ++row) raise(row);
      await(barrier(DOWN_CAME), parity);
      await(barrier(UNITS_CAME), parity);
      if (more) fetch(up_piece(), next + IN_BYTES + OUT_BYTES, UP_BYTES, barrier(UP_CAME));
#pragma unroll 1
      for (int row = 0; row < rows; ++row) lower(row, tick);
      gather(fed(0), reinterpret_cast<const float*>(down_piece()), x(0), barrier(X_CAME), tick);
      await(barrier(X_CAME), parity);
      if (more) fetch(down_piece(), next + IN_BYTES + OUT_BYTES + UP_BYTES, DOWN_BYTES, barrier(DOWN_CAME));
    }
    if (lane == 0) grid_fence();  // what this step wrote into the cache is seen by whoever has seen its scores
#pragma unroll 1
    for (int row = 0; row < rows; ++row) score(row, ticks + run);
  }

  // Brings the scores of all texts into the block.
  DEVICE void gather_scores(bool given, bool wanted, unsigned tick) {
    constexpr int EACH = ceiling<V, THREADS>;
#pragma unroll 1
    for (int row = 0; row < rows; ++row) {
      const Word* word = scored(row) + THREAD;
      Word both[EACH];
#pragma unroll
      for (int i = 0; i < EACH; ++i)
        if (i * THREADS + THREAD < V && !given) both[i] = look(word + i * THREADS);
#pragma unroll
      for (int i = 0; i < EACH; ++i) {
        int at = row * V + i * THREADS + THREAD;
        if (i * THREADS + THREAD < V) {
          while (!given && (unsigned)(both[i] >> 32) != tick) both[i] = look(word + i * THREADS);
          scores(0)[at] = given ? first_logits[at] : number((unsigned)both[i]);
          if (BLOCK == 0 && wanted) logits[at] = scores(0)[at];
        }
      }
    }
    grid_fence();
    block_wait();
  }

  DEVICE void draw(int row, int turn, bool given) {
    const float* chance = noise + ((long)turn * rows + row) * V;
    int* to = BLOCK == 0 ? drawn + turn * 2 * rows + row : nullptr;
    draw_code<V>(scores(row), chance, sampling[row], text(row), &seen(row, 0), lane, given, to, to + rows);
  }

  DEVICE bool all_ended() {
    bool ended = true;
    for (int row = 0; row < rows; ++row) ended = ended && text(row).ended;
    return ended;
  }

  // Makes `count` codes of each text, fewer once all have ended. Texts that have none yet draw the first from
  // `first_logits`.
  DEVICE void run() {
    lane = THREAD % 32, warp = THREAD / 32, cluster = BLOCK / C, rank = BLOCK % C;
    rows = R == 1 ? 1 : sizes[0], count = sizes[1], capacity = sizes[2];
    if (THREAD == 0) {
      for (int which = 0; which < BARRIERS; ++which) prepare(barrier(which));
      prepared();
    }
    for (int i = THREAD; i < rows * (Text::SIZE + SEEN); i += THREADS) {
      int row = i / (Text::SIZE + SEEN), at = i % (Text::SIZE + SEEN);
      if (at < Text::SIZE)
        reinterpret_cast<int*>(&text(row))[at] = texts[i];
      else
        seen(row, at - Text::SIZE) = texts[i];
    }
    unsigned ticks = (unsigned)look(words);
    block_wait();
    cluster_wait();
    bool given = text(0).token < 0;
    int layer_runs = 0, steps = given ? count - 1 : count, last = steps * layers;
    if (last) {
      const unsigned char* piece = piece_of(0);
      fetch(in_piece(), piece, IN_BYTES, barrier(IN_CAME));
      fetch(out_piece(), piece + IN_BYTES, OUT_BYTES, barrier(OUT_CAME));
      fetch(up_piece(), piece + IN_BYTES + OUT_BYTES, UP_BYTES, barrier(UP_CAME));
      fetch(down_piece(), piece + IN_BYTES + OUT_BYTES + UP_BYTES, DOWN_BYTES, barrier(DOWN_CAME));
      fetch(head_piece(), head + (long)BLOCK * HEAD_BYTES, HEAD_BYTES, barrier(HEAD_CAME));
    }
    int turn = 0;
    for (; turn < count && !all_ended(); ++turn) {
      bool drawn_from_given = given && turn == 0;
      if (!drawn_from_given) step(layer_runs, last, ticks);
      gather_scores(drawn_from_given, turn + 1 == count, ticks + layer_runs);
      if (warp < rows) draw(warp, turn, drawn_from_given);
      block_wait();
    }
    if (layer_runs < last) {  // nothing may come into a block that is gone
      unsigned parity = layer_runs & 1;
      for (int which = IN_CAME; which <= DOWN_CAME; ++which) await(barrier(which), parity);
      await(barrier(HEAD_CAME), 0);
    }
    if (BLOCK == 0)
      for (int i = turn * 2 * rows + THREAD; i < count * 2 * rows; i += THREADS) drawn[i] = 1;
    if (BLOCK == 0)
      for (int i = THREAD; i < rows * (Text::SIZE + SEEN); i += THREADS) {
        int row = i / (Text::SIZE + SEEN), at = i % (Text::SIZE + SEEN);
        texts_after[i] = at < Text::SIZE ? reinterpret_cast<int*>(&text(row))[at] : seen(row, at - Text::SIZE);
      }
    if (BLOCK == 0 && THREAD == 0) publish(words, number(ticks + layer_runs), 0);
    block_wait();
    cluster_wait();
  }
};
