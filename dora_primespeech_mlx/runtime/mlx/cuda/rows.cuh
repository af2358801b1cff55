// T2S codes of many texts on CUDA: layers, scores and the drawing of codes, several codes a launch. Every block keeps to
// its columns of every product, which tensor cores compute for all texts at once, and all blocks wait for each other
// between the stages of a layer.
//
// Weights are fp16 and sums fp32. An activation goes into a product as two halves, the nearest and what that lacks, so
// products are those of fp32 activations. Every sum has one order, whatever the number of texts: a text's scores do not
// depend on its company.
//
// Compiled at run time by NVRTC behind clusters.cuh, whose texts and draws it shares, and grid.cuh
// (rows.py); tests/cluster_emulation.cpp runs the same text on a CPU.

#ifndef EMULATED
DEVICE float4 late_load(const float* from) { return __ldcg(reinterpret_cast<const float4*>(from)); }
DEVICE float late_load1(const float* from) { return __ldcg(from); }
DEVICE int late_load1(const int* from) { return __ldcg(from); }
DEVICE uint4 weight_load(const __half* from) { return __ldg(reinterpret_cast<const uint4*>(from)); }

// Adds the product of 16 rows and 8 columns over 16 places to a lane's four sums.
DEVICE void multiply(float (&sums)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}
#endif

// D width, H heads, F feed-forward, V codes; G blocks; at most R texts.
template <int D, int H, int F, int V, int G, int R>
struct ManyCodes {
  static constexpr int TILES = R / 16, PARTS = 4, W = TILES * PARTS, THREADS = 32 * W;
  static constexpr int WIDTH = D / H, LANES = WIDTH / 8, TURN = 32 / LANES, AHEAD = 4;
  static constexpr int STRIDE = D + 32, SEEN = ceiling<V, 32>;  // a stride that spreads rows over the banks
  static_assert(D % (32 * PARTS) == 0 && F % (32 * PARTS) == 0 && WIDTH % 32 == 0 && 32 % LANES == 0 && G >= R && R % 16 == 0);
  // Places in shared memory: both halves of what goes into a product, its sums, and the block's own text.
  static constexpr int LOW_AT = 2 * R * STRIDE, SUMS_AT = 2 * LOW_AT, SCORES_AT = SUMS_AT + 4 * PARTS * R * 8;
  static constexpr int SEEN_AT = SCORES_AT + 4 * V, TEXT_AT = SEEN_AT + 4 * SEEN, SHARED = TEXT_AT + 4 * Text::SIZE;
  // Floats of `scratch`.
  static constexpr long SCRATCH = (long)R * (6 * D + F);

  const int* sizes;  // texts, codes to make, rows a cache has room for
  const Sampling* sampling;
  const int* texts;
  const float *noise, *positions, *in_bias, *out_bias, *up_bias, *down_bias, *norms;
  const __half *embedding, *in_weight, *out_weight, *up_weight, *down_weight, *head;
  __half* cache;
  int layers;
  int *drawn, *texts_after;
  float *logits, *scratch;

  int lane, warp, rows, count, capacity;

  DEVICE static __half* high() { return reinterpret_cast<__half*>(pool); }
  DEVICE static __half* low() { return reinterpret_cast<__half*>(pool + LOW_AT); }
  DEVICE static float* sums() { return reinterpret_cast<float*>(pool + SUMS_AT); }
  DEVICE static float* scores() { return reinterpret_cast<float*>(pool + SCORES_AT); }
  DEVICE static unsigned* seen() { return reinterpret_cast<unsigned*>(pool + SEEN_AT); }
  DEVICE static Text& text() { return *reinterpret_cast<Text*>(pool + TEXT_AT); }
  DEVICE float* queries() { return scratch; }
  DEVICE float* joined() { return scratch + R * D; }
  DEVICE float* attended() { return scratch + 2 * R * D; }
  DEVICE float* fed() { return scratch + 3 * R * D; }
  DEVICE float* residual() { return scratch + 4 * R * D; }
  DEVICE float* residual_between() { return scratch + 5 * R * D; }
  DEVICE __half* raised_high() { return reinterpret_cast<__half*>(scratch + 6 * R * D); }
  DEVICE __half* raised_low() { return raised_high() + R * F; }

  enum { TOKEN, POSITION, FILLED, INDEX, SLOT };
  DEVICE int known(int row, int which) { return late_load1(texts_after + row * (Text::SIZE + SEEN) + which); }
  DEVICE __half* keys_of(int row, int layer, int of_head) {
    return cache + ((((long)known(row, SLOT) * layers + layer) * 2 * H + of_head) * capacity) * WIDTH;
  }

  DEVICE void put(int row, int at, float value) {
    __half near = __float2half(value);
    high()[row * STRIDE + at] = near;
    low()[row * STRIDE + at] = __float2half(value - __half2float(near));
  }

  // Brings all rows into the block, for a product: normalised where there are gains, and then kept for the residual by
  // one of the blocks. Without a source, embeddings at their places.
  DEVICE void take_in(const float* from, const float* gains, float* kept) {
    constexpr int OWN = ceiling<D, 128>;
    block_wait();
#pragma unroll 1
    for (int row = warp; row < ceiling16(rows); row += W) {
      float4 own[OWN];
      float sum = 0, square = 0;
#pragma unroll
      for (int i = 0; i < OWN; ++i) {
        int at = i * 128 + lane * 4;
        own[i] = float4{0, 0, 0, 0};
        if (at < D && row < rows) own[i] = from ? late_load(from + row * D + at) : embedded(row, at);
        sum += own[i].x + own[i].y + own[i].z + own[i].w;
        square += own[i].x * own[i].x + own[i].y * own[i].y + own[i].z * own[i].z + own[i].w * own[i].w;
      }
      float mean = lanes_sum<32>(sum) / D, scale = rsqrtf(lanes_sum<32>(square) / D - mean * mean + 1e-5f);
#pragma unroll
      for (int i = 0; i < OWN; ++i) {
        int at = i * 128 + lane * 4;
        if (at < D) {
          if (gains) {
            float4 gain = *reinterpret_cast<const float4*>(gains + at);
            float4 offset = *reinterpret_cast<const float4*>(gains + D + at);
            own[i].x = fmaf((own[i].x - mean) * scale, gain.x, offset.x);
            own[i].y = fmaf((own[i].y - mean) * scale, gain.y, offset.y);
            own[i].z = fmaf((own[i].z - mean) * scale, gain.z, offset.z);
            own[i].w = fmaf((own[i].w - mean) * scale, gain.w, offset.w);
          }
          put(row, at, own[i].x), put(row, at + 1, own[i].y), put(row, at + 2, own[i].z), put(row, at + 3, own[i].w);
          if (kept && row < rows && row % G == BLOCK) *reinterpret_cast<float4*>(kept + row * D + at) = own[i];
        }
      }
    }
    block_wait();
  }
  DEVICE static int ceiling16(int number) { return (number + 15) / 16 * 16; }
  DEVICE float4 embedded(int row, int at) {
    const __half* code = embedding + (long)known(row, TOKEN) * D + at;
    float4 place = *reinterpret_cast<const float4*>(positions + (long)known(row, POSITION) * D + at);
    return float4{place.x + __half2float(code[0]), place.y + __half2float(code[1]), place.z + __half2float(code[2]),
                  place.w + __half2float(code[3])};
  }

  // A product with eight rows of a weight, of which `real` are there; this thread's sum of it, of one row and column.
  // A lane's eight neighbouring places stand for those that the tensor core expects of it, in both factors alike.
  template <int K, bool STAGED>
  DEVICE float product(const __half* weight, int real, const __half* near, const __half* rest, int stride) {
    int tile = warp % TILES, part = warp / TILES, group = lane / 4, at = part * (K / PARTS) + lane % 4 * 8;
    if (tile * 16 < rows) {
      float sum[4] = {0, 0, 0, 0};
      const __half* own = weight + (long)(group < real ? group : real - 1) * K + at;
      long first = (long)(tile * 16 + group) * stride + at, second = first + 8 * stride;
#pragma unroll 4
      for (int k = 0; k < K / PARTS; k += 32) {
        uint4 b = weight_load(own + k);
        uint4 upper = factor<STAGED>(near + first + k), lower = factor<STAGED>(near + second + k);
        multiply(sum, upper.x, lower.x, upper.y, lower.y, b.x, b.y);
        multiply(sum, upper.z, lower.z, upper.w, lower.w, b.z, b.w);
        upper = factor<STAGED>(rest + first + k), lower = factor<STAGED>(rest + second + k);
        multiply(sum, upper.x, lower.x, upper.y, lower.y, b.x, b.y);
        multiply(sum, upper.z, lower.z, upper.w, lower.w, b.z, b.w);
      }
      float* to = sums() + (part * R + tile * 16 + group) * 8 + lane % 4 * 2;
      to[0] = sum[0], to[1] = sum[1], to[64] = sum[2], to[65] = sum[3];
    }
    block_wait();
    float total = 0;
#pragma unroll
    for (int i = 0; i < PARTS; ++i) total += sums()[i * R * 8 + THREAD];
    block_wait();
    return total;
  }
  template <bool STAGED>
  DEVICE static uint4 factor(const __half* from) {
    if (STAGED) return *reinterpret_cast<const uint4*>(from);
    return cache_load(from);
  }

  // Queries, and the new rows of keys and values.
  DEVICE void project(int layer) {
#pragma unroll 1
    for (int first = BLOCK * 8; first < 3 * D; first += G * 8) {
      long from = (long)layer * 3 * D + first;
      float sum = product<D, true>(in_weight + from * D, 8, high(), low(), STRIDE);
      int row = THREAD / 8, column = first + THREAD % 8;
      if (row < rows) {
        sum += in_bias[layer * 3 * D + column];
        if (column < D) {
          queries()[row * D + column] = sum;
        } else {
          int kind = column / D - 1, own = column % D;
          __half* to = keys_of(row, layer, kind * H + own / WIDTH) + (long)known(row, FILLED) * WIDTH;
          to[own % WIDTH] = __float2half(sum);
        }
      }
    }
  }

  // One head of one text, by one warp.
  DEVICE void attend(int row, int of_head, int layer) {
    float query[8], sum[8] = {0, 0, 0, 0, 0, 0, 0, 0}, most = -1e30f, total = 0;
    const float* asked = queries() + row * D + of_head * WIDTH + lane % LANES * 8;
    float4 half = late_load(asked);
    query[0] = half.x, query[1] = half.y, query[2] = half.z, query[3] = half.w;
    half = late_load(asked + 4);
    query[4] = half.x, query[5] = half.y, query[6] = half.z, query[7] = half.w;
#pragma unroll
    for (int i = 0; i < 8; ++i) query[i] *= rsqrtf((float)WIDTH);
    int past = known(row, FILLED);
    const __half* from = keys_of(row, layer, of_head) + lane % LANES * 8;
#pragma unroll 1
    for (int turn = 0; turn <= past; turn += AHEAD * TURN) {
      uint4 keys[AHEAD], values[AHEAD];
#pragma unroll
      for (int i = 0; i < AHEAD; ++i) {
        int at = turn + i * TURN + lane / LANES;
        if (at <= past) {
          keys[i] = cache_load(from + (long)at * WIDTH);
          values[i] = cache_load(from + ((long)H * capacity + at) * WIDTH);
        }
      }
#pragma unroll
      for (int i = 0; i < AHEAD; ++i) {
        bool real = turn + i * TURN + lane / LANES <= past;
        float score = lanes_sum<LANES>(real ? dot8(keys[i], query, 0) : 0);
        if (real) {
          float top = fmaxf(most, score), keep = power(most - top), share = power(score - top);
          const __half2* pairs = reinterpret_cast<const __half2*>(&values[i]);
          total = fmaf(total, keep, share);
#pragma unroll
          for (int k = 0; k < 4; ++k) {
            float2 pair = __half22float2(pairs[k]);
            sum[2 * k] = fmaf(sum[2 * k], keep, share * pair.x);
            sum[2 * k + 1] = fmaf(sum[2 * k + 1], keep, share * pair.y);
          }
          most = top;
        }
      }
    }
    float top = most;
#pragma unroll
    for (int other = LANES; other < 32; other *= 2) top = fmaxf(top, lanes_xor(top, other));
    float share = power(most - top);
    total = lanes_sum<TURN, LANES>(total * share);
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      sum[i] = lanes_sum<TURN, LANES>(sum[i] * share) / total;
      if (lane < LANES) joined()[row * D + of_head * WIDTH + lane * 8 + i] = sum[i];
    }
  }

  DEVICE void put_out(int layer) {
#pragma unroll 1
    for (int first = BLOCK * 8; first < D; first += G * 8) {
      float sum = product<D, true>(out_weight + ((long)layer * D + first) * D, 8, high(), low(), STRIDE);
      int row = THREAD / 8, column = first + THREAD % 8, at = row * D + column;
      if (row < rows) attended()[at] = late_load1(residual() + at) + out_bias[layer * D + column] + sum;
    }
  }

  DEVICE void raise(int layer) {
#pragma unroll 1
    for (int first = BLOCK * 8; first < F; first += G * 8) {
      float sum = product<D, true>(up_weight + ((long)layer * F + first) * D, 8, high(), low(), STRIDE);
      int row = THREAD / 8, column = first + THREAD % 8;
      sum = fmaxf(sum + up_bias[layer * F + column], 0);
      __half near = __float2half(sum);
      if (row < ceiling16(rows)) {
        raised_high()[row * F + column] = near;
        raised_low()[row * F + column] = __float2half(sum - __half2float(near));
      }
    }
  }

  DEVICE void lower(int layer) {
#pragma unroll 1
    for (int first = BLOCK * 8; first < D; first += G * 8) {
      const __half* weight = down_weight + ((long)layer * D + first) * F;
      float sum = product<F, false>(weight, 8, raised_high(), raised_low(), F);
      int row = THREAD / 8, column = first + THREAD % 8, at = row * D + column;
      if (row < rows) fed()[at] = late_load1(residual_between() + at) + down_bias[layer * D + column] + sum;
    }
  }

  DEVICE void score() {
#pragma unroll 1
    for (int first = BLOCK * 8; first < V; first += G * 8) {
      int real = V - first < 8 ? V - first : 8;
      float sum = product<D, true>(head + (long)first * D, real, high(), low(), STRIDE);
      int row = THREAD / 8, column = first + THREAD % 8;
      if (row < rows && column < V) logits[row * V + column] = sum;
    }
  }

  DEVICE void run() {
    lane = THREAD % 32, warp = THREAD / 32, rows = sizes[0], count = sizes[1], capacity = sizes[2];
    bool owner = BLOCK < rows;
    int* after = texts_after + BLOCK * (Text::SIZE + SEEN);
    if (owner)
      for (int i = THREAD; i < Text::SIZE + SEEN; i += THREADS) {
        int value = texts[BLOCK * (Text::SIZE + SEEN) + i];
        after[i] = value;
        if (i < Text::SIZE)
          reinterpret_cast<int*>(&text())[i] = value;
        else
          seen()[i - Text::SIZE] = value;
      }
    grid_wait<G>();
    for (int turn = 0; turn < count; ++turn) {
      for (int layer = 0; layer < layers; ++layer) {
        const float* norm = norms + (long)layer * 4 * D;
        take_in(layer ? fed() : nullptr, layer ? norm - 2 * D : nullptr, residual());
        project(layer);
        grid_wait<G>();
        for (int job = warp * G + BLOCK; job < rows * H; job += W * G) attend(job / H, job % H, layer);
        grid_wait<G>();
        take_in(joined(), nullptr, nullptr);
        put_out(layer);
        grid_wait<G>();
        take_in(attended(), norm, residual_between());
        raise(layer);
        grid_wait<G>();
        lower(layer);
        grid_wait<G>();
      }
      take_in(fed(), norms + (long)layers * 4 * D - 2 * D, nullptr);
      score();
      grid_wait<G>();
      if (owner) {
        for (int i = THREAD; i < V; i += THREADS) scores()[i] = late_load1(logits + BLOCK * V + i);
        block_wait();
        if (warp == 0) {
          const float* chance = noise + ((long)turn * rows + BLOCK) * V;
          int* to = drawn + turn * 2 * rows + BLOCK;
          draw_code<V>(scores(), chance, sampling[BLOCK], text(), seen(), lane, false, to, to + rows);
        }
        block_wait();
        for (int i = THREAD; i < Text::SIZE + SEEN; i += THREADS)
          after[i] = i < Text::SIZE ? reinterpret_cast<int*>(&text())[i] : seen()[i - Text::SIZE];
      }
      grid_wait<G>();
    }
  }
};
