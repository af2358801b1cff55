// Prefills of T2S on CUDA: all rows of some texts through all layers in one launch, their keys and values written to
// their places in the cache, and the scores of each text's first code. Blocks share out tiles of rows and columns of
// every product, which tensor cores compute, and wait for each other between the stages of a layer.
//
// Weights and what goes into a product are fp16; sums, residuals and norms fp32. Every sum has one order, wherever a row
// stands: what a text has does not depend on its company.
//
// Texts begin at multiples of 16 rows; rows between them are padding, which has no place in the cache.
//
// Compiled at run time by NVRTC behind cuda_rows.cuh, whose tensor cores it shares (cuda_prefill.py);
// tests/cluster_emulation.cpp runs the same text on a CPU.

#ifndef EMULATED
DEVICE void store(__half* to, uint4 value) { *reinterpret_cast<uint4*>(to) = value; }
#endif

// D width, H heads, F feed-forward, V codes; G blocks; tiles of 16 rows that a block computes at once.
template <int D, int H, int F, int V, int G, int TILES>
struct Prefill {
  static constexpr int PARTS = 4, W = TILES * PARTS, THREADS = 32 * W, R = 16 * TILES, COLUMNS = 32;
  static constexpr int WIDTH = D / H, LANES = WIDTH / 8, TURN = 32 / LANES, AHEAD = 2, TOGETHER = 4, MOST = 16;
  static constexpr int STRIDE = D + 32, OWN = ceiling<D, 128>;  // a stride that spreads rows over the banks
  static_assert(D % (32 * PARTS) == 0 && F % (32 * PARTS) == 0 && WIDTH % 32 == 0 && 32 % LANES == 0);
  // Places in shared memory: what goes into a product, or the last rows of all texts, and the sums of a product.
  static constexpr int STAGED = 2 * R * STRIDE, LASTS = 4 * MOST * D, SUMS_AT = STAGED > LASTS ? STAGED : LASTS;
  static constexpr int SHARED = SUMS_AT + 4 * PARTS * R * COLUMNS;
  // Floats of `scratch` for each row.
  static constexpr int SCRATCH = 5 * D + D / 2 + F / 2;

  enum { TABLE, PLACE, SLOT, INDEX, SEEN, KNOWN };  // of a row, `KNOWN` numbers; its slot is negative where it is padding
  const int *sizes;  // rows, rows that `scratch` has room for, texts, numbers of a state, rows a cache has room for, is there `added`
  const int *rows, *lasts, *states, *after;
  const float *added, *table, *places, *in_bias, *out_bias, *up_bias, *down_bias, *norms;
  const __half *in_weight, *out_weight, *up_weight, *down_weight, *head;
  __half* cache;
  int layers;
  float* scores;
  int* texts;
  float* scratch;

  int lane, warp, total, room, capacity;

  DEVICE static __half* staged() { return reinterpret_cast<__half*>(pool); }
  DEVICE static float* last_rows() { return reinterpret_cast<float*>(pool); }
  DEVICE static float* sums() { return reinterpret_cast<float*>(pool + SUMS_AT); }
  DEVICE float* queries() { return scratch; }
  DEVICE float* attended() { return scratch + (long)room * D; }
  DEVICE float* fed() { return scratch + 2 * (long)room * D; }
  DEVICE float* residual() { return scratch + 3 * (long)room * D; }
  DEVICE float* residual_between() { return scratch + 4 * (long)room * D; }
  DEVICE __half* joined() { return reinterpret_cast<__half*>(scratch + 5 * (long)room * D); }
  DEVICE __half* raised() { return joined() + (long)room * D; }
  DEVICE int known(int row, int which) { return rows[row * KNOWN + which]; }
  DEVICE __half* keys_of(int slot, int layer, int of_head) {
    return cache + (((long)slot * layers + layer) * 2 * H + of_head) * capacity * WIDTH;
  }

  // A row, four neighbouring columns of 128 in each lane: from memory, or without it what is embedded at its place;
  // normalised where there are gains.
  DEVICE void bring(float4 (&own)[OWN], int row, const float* from, const float* gains) {
    float sum = 0, square = 0;
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      int at = i * 128 + lane * 4;
      own[i] = float4{0, 0, 0, 0};
      if (at < D) own[i] = from ? late_load(from + (long)row * D + at) : embedded(row, at);
      sum += own[i].x + own[i].y + own[i].z + own[i].w;
      square += own[i].x * own[i].x + own[i].y * own[i].y + own[i].z * own[i].z + own[i].w * own[i].w;
    }
    if (!gains) return;
    float mean = lanes_sum<32>(sum) / D, scale = rsqrtf(lanes_sum<32>(square) / D - mean * mean + 1e-5f);
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      int at = i * 128 + lane * 4;
      if (at < D) {
        float4 gain = *reinterpret_cast<const float4*>(gains + at);
        float4 offset = *reinterpret_cast<const float4*>(gains + D + at);
        own[i].x = fmaf((own[i].x - mean) * scale, gain.x, offset.x);
        own[i].y = fmaf((own[i].y - mean) * scale, gain.y, offset.y);
        own[i].z = fmaf((own[i].z - mean) * scale, gain.z, offset.z);
        own[i].w = fmaf((own[i].w - mean) * scale, gain.w, offset.w);
      }
    }
  }
  DEVICE float4 embedded(int row, int at) {
    float4 sum = float4{0, 0, 0, 0};
    if (known(row, SLOT) < 0) return sum;
    float4 own = *reinterpret_cast<const float4*>(table + (long)known(row, TABLE) * D + at);
    float4 place = *reinterpret_cast<const float4*>(places + (long)known(row, PLACE) * D + at);
    if (sizes[5]) sum = *reinterpret_cast<const float4*>(added + (long)row * D + at);
    return float4{sum.x + own.x + place.x, sum.y + own.y + place.y, sum.z + own.z + place.z, sum.w + own.w + place.w};
  }

  // Brings a tile's rows into the block, for a product, and, where they are asked for, into memory for the residual.
  DEVICE void take_in(int tile, const float* from, const float* gains, float* kept) {
    block_wait();
#pragma unroll 1
    for (int row = warp; row < R && tile * R + row < total; row += W) {
      float4 own[OWN];
      bring(own, tile * R + row, from, gains);
#pragma unroll
      for (int i = 0; i < OWN; ++i) {
        int at = i * 128 + lane * 4;
        if (at < D) {
          put(staged() + row * STRIDE + at, own[i]);
          if (kept) *reinterpret_cast<float4*>(kept + (long)(tile * R + row) * D + at) = own[i];
        }
      }
    }
    block_wait();
  }
  DEVICE static void put(__half* to, float4 value) {
    to[0] = __float2half(value.x), to[1] = __float2half(value.y), to[2] = __float2half(value.z);
    to[3] = __float2half(value.w);
  }

  // A product of a tile's rows with `COLUMNS` rows of a weight; this thread's sums of it, of one row and four columns.
  // A lane's eight neighbouring places stand for those that the tensor core expects of it, in both factors alike.
  template <int K, bool HERE>
  DEVICE float4 product(int tile, const __half* weight, const __half* rows_of, int stride) {
    int own = warp % TILES, part = warp / TILES, group = lane / 4, at = part * (K / PARTS) + lane % 4 * 8;
    if (tile * R + own * 16 < total) {
      float sum[COLUMNS / 8][4] = {};
      const __half* column = weight + (long)group * K + at;
      long first = (long)(own * 16 + group) * stride + at, second = first + 8 * stride;
#pragma unroll 2
      for (int k = 0; k < K / PARTS; k += 32) {
        uint4 upper = factor<HERE>(rows_of + first + k), lower = factor<HERE>(rows_of + second + k);
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; ++n) {
          uint4 b = weight_load(column + (long)n * 8 * K + k);
          multiply(sum[n], upper.x, lower.x, upper.y, lower.y, b.x, b.y);
          multiply(sum[n], upper.z, lower.z, upper.w, lower.w, b.z, b.w);
        }
      }
#pragma unroll
      for (int n = 0; n < COLUMNS / 8; ++n) {
        float* to = sums() + (part * R + own * 16 + group) * COLUMNS + n * 8 + lane % 4 * 2;
        to[0] = sum[n][0], to[1] = sum[n][1], to[8 * COLUMNS] = sum[n][2], to[8 * COLUMNS + 1] = sum[n][3];
      }
    }
    block_wait();
    float4 all = float4{0, 0, 0, 0};
#pragma unroll
    for (int i = 0; i < PARTS; ++i) {
      float4 of_part = *reinterpret_cast<float4*>(sums() + i * R * COLUMNS + THREAD * 4);
      all.x += of_part.x, all.y += of_part.y, all.z += of_part.z, all.w += of_part.w;
    }
    block_wait();
    return all;
  }
  template <bool HERE>
  DEVICE static uint4 factor(const __half* from) {
    if (HERE) return *reinterpret_cast<const uint4*>(from);
    return cache_load(from);
  }
  // The row, in all texts, and the first column, in a tile of columns, of this thread's sums.
  DEVICE static int row_of(int tile) { return tile * R + THREAD / (COLUMNS / 4); }
  DEVICE static int column_of(int columns) { return columns * COLUMNS + THREAD % (COLUMNS / 4) * 4; }
  DEVICE static float4 plus(float4 one, const float* other) {
    return float4{one.x + other[0], one.y + other[1], one.z + other[2], one.w + other[3]};
  }

  // This block's share of so many tiles of columns for each tile of rows: those of one tile of rows together.
  DEVICE void share(int columns, int& job, int& end) {
    int jobs = (total + R - 1) / R * columns, each = (jobs + G - 1) / G;
    job = BLOCK * each, end = job + each < jobs ? job + each : jobs;
  }

  // Queries, and keys and values to their places.
  DEVICE void project(int layer, const float* from, const float* gains) {
    constexpr int ALL = 3 * D / COLUMNS;
    int job, end, taken = -1;
#pragma unroll 1
    for (share(ALL, job, end); job < end; ++job) {
      int tile = job / ALL, columns = job % ALL, row = row_of(tile), column = column_of(columns);
      if (tile != taken) take_in(tile, from, gains, columns ? nullptr : residual());
      taken = tile;
      const __half* weight = in_weight + ((long)layer * 3 * D + columns * COLUMNS) * D;
      float4 sum = plus(product<D, true>(tile, weight, staged(), STRIDE), in_bias + layer * 3 * D + column);
      if (row >= total || known(row, SLOT) < 0) continue;
      if (column < D) {
        *reinterpret_cast<float4*>(queries() + (long)row * D + column) = sum;
      } else {
        int kind = column / D - 1, own = column % D;
        put(keys_of(known(row, SLOT), layer, kind * H + own / WIDTH) + (long)known(row, INDEX) * WIDTH + own % WIDTH, sum);
      }
    }
  }

  // One head of a few neighbouring rows, by one warp.
  DEVICE void attend(int first, int of_head, int layer) {
    float query[TOGETHER][8], sum[TOGETHER][8] = {}, most[TOGETHER], all[TOGETHER] = {};
    int sees[TOGETHER], last = 0;
#pragma unroll
    for (int q = 0; q < TOGETHER; ++q) {
      sees[q] = known(first + q, SEEN), last = sees[q] > last ? sees[q] : last, most[q] = -1e30f;
      float4 low = float4{0, 0, 0, 0}, high = low;
      if (sees[q]) {
        const float* asked = queries() + (long)(first + q) * D + of_head * WIDTH + lane % LANES * 8;
        low = late_load(asked), high = late_load(asked + 4);
      }
      query[q][0] = low.x, query[q][1] = low.y, query[q][2] = low.z, query[q][3] = low.w;
      query[q][4] = high.x, query[q][5] = high.y, query[q][6] = high.z, query[q][7] = high.w;
#pragma unroll
      for (int i = 0; i < 8; ++i) query[q][i] *= rsqrtf((float)WIDTH);
    }
    const __half* from = keys_of(last ? known(first, SLOT) : 0, layer, of_head) + lane % LANES * 8;
#pragma unroll 1
    for (int turn = 0; turn < last; turn += AHEAD * TURN) {
      uint4 keys[AHEAD], values[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; ++i) {
        int at = turn + i * TURN + lane / LANES;
        keys[i] = values[i] = uint4{0, 0, 0, 0};
        if (at < last) {
          keys[i] = cache_load(from + (long)at * WIDTH);
          values[i] = cache_load(from + ((long)H * capacity + at) * WIDTH);
        }
      }
#pragma unroll
      for (int i = 0; i < AHEAD; ++i) {
        const __half2* pairs = reinterpret_cast<const __half2*>(&values[i]);
#pragma unroll
        for (int q = 0; q < TOGETHER; ++q) {
          float score = lanes_sum<LANES>(dot8(keys[i], query[q], 0));
          if (turn + i * TURN + lane / LANES < sees[q]) {
            float top = fmaxf(most[q], score), keep = power(most[q] - top), share = power(score - top);
            all[q] = fmaf(all[q], keep, share);
#pragma unroll
            for (int k = 0; k < 4; ++k) {
              float2 pair = __half22float2(pairs[k]);
              sum[q][2 * k] = fmaf(sum[q][2 * k], keep, share * pair.x);
              sum[q][2 * k + 1] = fmaf(sum[q][2 * k + 1], keep, share * pair.y);
            }
            most[q] = top;
          }
        }
      }
    }
#pragma unroll
    for (int q = 0; q < TOGETHER; ++q) {
      float top = most[q];
#pragma unroll
      for (int other = LANES; other < 32; other *= 2) top = fmaxf(top, lanes_xor(top, other));
      float share = power(most[q] - top), whole = lanes_sum<TURN, LANES>(all[q] * share);
      __half out[8];
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        float part = lanes_sum<TURN, LANES>(sum[q][i] * share);
        out[i] = __float2half(sees[q] ? part / whole : 0);
      }
      if (lane < LANES) store(joined() + (long)(first + q) * D + of_head * WIDTH + lane * 8, packed(out));
    }
  }
  DEVICE static uint4 packed(const __half (&from)[8]) {
    uint4 value;
    __half* to = reinterpret_cast<__half*>(&value);
#pragma unroll
    for (int i = 0; i < 8; ++i) to[i] = from[i];
    return value;
  }

  DEVICE void put_out(int layer) {
    constexpr int ALL = D / COLUMNS;
    int job, end;
#pragma unroll 1
    for (share(ALL, job, end); job < end; ++job) {
      int tile = job / ALL, columns = job % ALL, row = row_of(tile), column = column_of(columns);
      const __half* weight = out_weight + ((long)layer * D + columns * COLUMNS) * D;
      float4 sum = product<D, false>(tile, weight, joined() + (long)tile * R * D, D);
      if (row < total) added_to(attended(), residual(), row, column, plus(sum, out_bias + layer * D + column));
    }
  }
  DEVICE static void added_to(float* to, const float* from, int row, int column, float4 sum) {
    long at = (long)row * D + column;
    float4 kept = late_load(from + at);
    *reinterpret_cast<float4*>(to + at) = float4{kept.x + sum.x, kept.y + sum.y, kept.z + sum.z, kept.w + sum.w};
  }

  DEVICE void raise(int layer, const float* gains) {
    constexpr int ALL = F / COLUMNS;
    int job, end, taken = -1;
#pragma unroll 1
    for (share(ALL, job, end); job < end; ++job) {
      int tile = job / ALL, columns = job % ALL, row = row_of(tile), column = column_of(columns);
      if (tile != taken) take_in(tile, attended(), gains, columns ? nullptr : residual_between());
      taken = tile;
      const __half* weight = up_weight + ((long)layer * F + columns * COLUMNS) * D;
      float4 sum = plus(product<D, true>(tile, weight, staged(), STRIDE), up_bias + layer * F + column);
      sum = float4{fmaxf(sum.x, 0), fmaxf(sum.y, 0), fmaxf(sum.z, 0), fmaxf(sum.w, 0)};
      if (row < total) put(raised() + (long)row * F + column, sum);
    }
  }

  DEVICE void lower(int layer) {
    constexpr int ALL = D / COLUMNS;
    int job, end;
#pragma unroll 1
    for (share(ALL, job, end); job < end; ++job) {
      int tile = job / ALL, columns = job % ALL, row = row_of(tile), column = column_of(columns);
      const __half* weight = down_weight + ((long)layer * D + columns * COLUMNS) * F;
      float4 sum = product<F, false>(tile, weight, raised() + (long)tile * R * F, F);
      if (row < total) added_to(fed(), residual_between(), row, column, plus(sum, down_bias + layer * D + column));
    }
  }

  // The scores of each text's first code, of its last row.
  DEVICE void score(const float* gains) {
    int count = sizes[2];
    block_wait();
#pragma unroll 1
    for (int text = warp; text < count; text += W) {
      float4 own[OWN];
      bring(own, lasts[text], fed(), gains);
#pragma unroll
      for (int i = 0; i < OWN; ++i) {
        int at = i * 128 + lane * 4;
        if (at < D) *reinterpret_cast<float4*>(last_rows() + text * D + at) = own[i];
      }
    }
    block_wait();
#pragma unroll 1
    for (int code = warp * G + BLOCK; code < V; code += W * G)
#pragma unroll 1
      for (int text = 0; text < count; ++text) {
        float sum = 0;
#pragma unroll 1
        for (int at = lane * 8; at < D; at += 256) {
          float own[8];
          floats(last_rows() + text * D + at, own);
          sum = dot8(weight_load(head + (long)code * D + at), own, sum);
        }
        sum = lanes_sum<32>(sum);
        if (lane == 0) scores[text * V + code] = sum;
      }
  }

  DEVICE void run() {
    lane = THREAD % 32, warp = THREAD / 32, total = sizes[0], room = sizes[1], capacity = sizes[4];
    for (int at = BLOCK * THREADS + THREAD; at < sizes[2] * sizes[3]; at += G * THREADS) texts[at] = states[at];
    for (int layer = 0; layer < layers; ++layer) {
      const float* norm = norms + (long)layer * 4 * D;
      project(layer, layer ? fed() : nullptr, layer ? norm - 2 * D : nullptr);
      grid_wait<G>();
#pragma unroll 1
      for (int job = warp * G + BLOCK; job < total / TOGETHER * H; job += W * G) attend(job / H * TOGETHER, job % H, layer);
      grid_wait<G>();
      put_out(layer);
      grid_wait<G>();
      raise(layer, norm);
      grid_wait<G>();
      lower(layer);
      grid_wait<G>();
    }
    score(norms + (long)layers * 4 * D - 2 * D);
  }
};
