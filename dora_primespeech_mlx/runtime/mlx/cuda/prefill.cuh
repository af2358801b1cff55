// Prefills of T2S on CUDA: all rows of some texts through all layers in one launch, their keys and values written to
// their places in the cache, and the scores of each text's first code. Blocks share out tiles of rows and columns of
// every product, which tensor cores compute, and wait for each other between the stages of a layer.
//
// Weights and what goes into a product are fp16; sums, residuals, norms and maxima fp32. Every sum has one order,
// wherever a row stands and whatever the tiles are: what a text has does not depend on its company.
//
// Texts begin at multiples of 16 rows; rows between them are padding, which has no place in the cache.
//
// Compiled at run time by NVRTC behind rows.cuh, whose tensor cores it shares (prefill.py);
// tests/cluster_emulation.cpp runs the same text on a CPU.

#ifndef EMULATED
DEVICE unsigned halves(float low, float high) {
  __half2 pair = __floats2half2_rn(low, high);
  return *reinterpret_cast<unsigned*>(&pair);
}
// Of 8 rows and 8 columns, of which each lane has two neighbours of a row, what it has with rows for columns.
DEVICE unsigned transposed(unsigned own) {
  unsigned other;
  asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(other) : "r"(own));
  return other;
}
// Four matrices of 8 rows and 8 columns from shared memory, of which each lane has two neighbours of a row; its `row` is
// the one that counts through them.
DEVICE void load_matrices(unsigned (&to)[4], const __half* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
               : "r"(place_of(row))
               : "memory");
}
// Copies of 16 bytes into shared memory, which go on beside the thread; those since the last close are a group.
DEVICE void fetch(__half* to, const __half* from) {
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(place_of(to)), "l"(from) : "memory");
}
DEVICE void close_fetches() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits for all groups but the last ones.
template <int BUT>
DEVICE void await_fetches() {
  asm volatile("cp.async.wait_group %0;" ::"n"(BUT) : "memory");
}
// The same number, but the compiler does not know that.
DEVICE int afresh(int number) {
  asm volatile("" : "+r"(number));
  return number;
}
DEVICE void hint(const float* from) { asm volatile("prefetch.global.L2 [%0];" ::"l"(from)); }
#endif

// D width, H heads, F feed-forward, V codes; G blocks; SPACE bytes of shared memory; FEW rows that small tiles are for.
template <int D, int H, int F, int V, int G, int SPACE, int FEW>
struct Prefill {
  // Warps of a block: parts of a sum, each two tiles of rows and two of columns.
  static constexpr int PARTS = 4, W = 4 * PARTS, THREADS = 32 * W, CHUNK = 32 * PARTS;
  static constexpr int WIDTH = D / H, OWN = ceiling<D, 128>, MOST = 16;
  static_assert(D % CHUNK == 0 && F % CHUNK == 0 && WIDTH == 32 && 4 * MOST * D <= SPACE && 2 * W * 5 * 32 * 16 <= SPACE);
  // Floats of `scratch` for each row.
  static constexpr int SCRATCH = 5 * D + F / 2;

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

  int thread, lane, warp, group, four, total, room, capacity;  // a lane is one of four in a group of the tensor cores

  DEVICE static __half* halves_at(int at) { return reinterpret_cast<__half*>(pool + at); }
  DEVICE static float* last_rows() { return reinterpret_cast<float*>(pool); }
  DEVICE float* attended() { return scratch; }
  DEVICE float* fed() { return scratch + (long)room * D; }
  DEVICE float* residual() { return scratch + 2 * (long)room * D; }
  DEVICE float* residual_between() { return scratch + 3 * (long)room * D; }
  DEVICE __half* queries() { return reinterpret_cast<__half*>(scratch + 4 * (long)room * D); }
  DEVICE __half* joined() { return queries() + (long)room * D; }
  DEVICE __half* raised() { return joined() + (long)room * D; }
  DEVICE int known(int row, int which) { return rows[row * KNOWN + which]; }
  // What follows of these numbers is computed after the call, not before the layers, whence registers would be spilled.
  DEVICE void start_afresh() {
    thread = afresh(THREAD) & (THREADS - 1), lane = thread % 32, warp = thread / 32, group = lane / 4, four = lane % 4;
    total = afresh(total), room = afresh(room), capacity = afresh(capacity);
  }
  DEVICE __half* keys_of(int slot, int layer, int of_head) {
    return cache + (((long)slot * layers + layer) * 2 * H + of_head) * capacity * WIDTH;
  }

  // What is embedded at the rows' places, as if a layer had made it.
  DEVICE void embed() {
#pragma unroll 1
    for (int row = warp * G + BLOCK; row < total; row += W * G)
#pragma unroll
      for (int at = lane * 4; at < D; at += 128)
        *reinterpret_cast<float4*>(fed() + (long)row * D + at) = embedded(row, at);
  }
  DEVICE float4 embedded(int row, int at) {
    float4 sum = float4{0, 0, 0, 0};
    if (known(row, SLOT) < 0) return sum;
    if (sizes[5]) sum = *reinterpret_cast<const float4*>(added + (long)row * D + at);
    sum = plus(sum, *reinterpret_cast<const float4*>(table + (long)known(row, TABLE) * D + at));
    return plus(sum, *reinterpret_cast<const float4*>(places + (long)known(row, PLACE) * D + at));
  }

  // Some rows, each `W` after the one before, four neighbouring columns of 128 in each lane; normalised where there are
  // gains.
  template <int COUNT>
  DEVICE void bring(float4 (&own)[COUNT][OWN], int row, const float* from, const float* gains) {
    float sum[COUNT] = {}, square[COUNT] = {};
#pragma unroll
    for (int r = 0; r < COUNT; ++r)
#pragma unroll
      for (int i = 0; i < OWN; ++i) own[r][i] = late_load(from + (long)(row + r * W) * D + i * 128 + lane * 4);
    if (!gains) return;
#pragma unroll
    for (int r = 0; r < COUNT; ++r)
#pragma unroll
      for (int i = 0; i < OWN; ++i) {
        float4 each = own[r][i];
        sum[r] += each.x + each.y + each.z + each.w;
        square[r] = fmaf(each.x, each.x, fmaf(each.y, each.y, fmaf(each.z, each.z, fmaf(each.w, each.w, square[r]))));
      }
#pragma unroll
    for (int other = 16; other; other /= 2)
#pragma unroll
      for (int r = 0; r < COUNT; ++r) sum[r] += lanes_xor(sum[r], other), square[r] += lanes_xor(square[r], other);
#pragma unroll
    for (int i = 0; i < OWN; ++i) {
      float4 gain = *reinterpret_cast<const float4*>(gains + i * 128 + lane * 4);
      float4 offset = *reinterpret_cast<const float4*>(gains + D + i * 128 + lane * 4);
#pragma unroll
      for (int r = 0; r < COUNT; ++r) {
        float mean = sum[r] / D, scale = rsqrtf(fmaf(-mean, mean, square[r] / D) + 1e-5f);
        own[r][i].x = fmaf((own[r][i].x - mean) * scale, gain.x, offset.x);
        own[r][i].y = fmaf((own[r][i].y - mean) * scale, gain.y, offset.y);
        own[r][i].z = fmaf((own[r][i].z - mean) * scale, gain.z, offset.z);
        own[r][i].w = fmaf((own[r][i].w - mean) * scale, gain.w, offset.w);
      }
    }
  }

  // Where eight neighbours are in a panel, which has `CHUNK` places of some rows: in an order of the row's own, so that
  // eight rows have theirs in different banks.
  DEVICE static int place(int row, int eight) { return row * CHUNK + (eight ^ row % 8) * 8; }

  // Rows of a tile into panels in the block, for a product, and, where they are asked for, into memory for the residual.
  template <int ROWS>
  DEVICE void take_in(int tile, const float* from, const float* gains, float* kept) {
#pragma unroll 1
    for (int first = warp; first < ROWS; first += 2 * W) {
      float4 own[2][OWN];
      bring(own, tile * ROWS + first, from, gains);
#pragma unroll
      for (int r = 0; r < 2; ++r)
#pragma unroll
        for (int i = 0; i < OWN; ++i) {
          int row = first + r * W;
          put(halves_at(0) + i * ROWS * CHUNK + place(row, lane / 2) + lane % 2 * 4, own[r][i]);
          if (kept) *reinterpret_cast<float4*>(kept + (long)(tile * ROWS + row) * D + i * 128 + lane * 4) = own[r][i];
        }
    }
  }
  DEVICE static void put(__half* to, float4 value) {
    *reinterpret_cast<uint2*>(to) = uint2{halves(value.x, value.y), halves(value.z, value.w)};
  }

  // Begins to copy `CHUNK` places of some rows into a panel.
  template <int ROWS>
  DEVICE void fill(__half* panel, const __half* from, int stride) {
    constexpr int EIGHTS = CHUNK / 8, AT_ONCE = THREADS / EIGHTS;
    int row = thread / EIGHTS, eight = thread % EIGHTS;
    panel += place(row, eight), from += row * stride + eight * 8;
#pragma unroll
    for (int i = 0; i < ROWS; i += AT_ONCE) fetch(panel + i * CHUNK, from + i * stride);
  }

  // Adds a panel of rows times a panel of columns. A warp has a quarter of the tile and 32 of the places.
  template <int ROWS, int COLUMNS>
  DEVICE void multiply_panels(float (&sum)[ROWS / 32][COLUMNS / 16][4], const __half* of_rows, const __half* of_columns) {
    int first = warp / 4 * 4, matrix = lane / 8, row = lane % 8;
    of_rows += warp % 2 * (ROWS / 2) * CHUNK, of_columns += warp / 2 % 2 * (COLUMNS / 2) * CHUNK;
    const __half* low = of_rows + place(row + matrix % 2 * 8, first + matrix / 2);
    const __half* high = of_rows + place(row + matrix % 2 * 8, first + 2 + matrix / 2);
    of_columns += place(row, first + matrix);
    unsigned a[ROWS / 32][2][4], b[4];
#pragma unroll
    for (int m = 0; m < ROWS / 32; ++m)
      load_matrices(a[m][0], low + m * 16 * CHUNK), load_matrices(a[m][1], high + m * 16 * CHUNK);
#pragma unroll
    for (int n = 0; n < COLUMNS / 16; ++n) {
      load_matrices(b, of_columns + n * 8 * CHUNK);
#pragma unroll
      for (int half = 0; half < 2; ++half)
#pragma unroll
        for (int m = 0; m < ROWS / 32; ++m) {
          unsigned(&own)[4] = a[m][half];
          multiply(sum[m][n], own[0], own[1], own[2], own[3], b[2 * half], b[2 * half + 1]);
        }
    }
  }

  // Where a tile's sums over one part are, in each row spread over the banks.
  template <int ROWS, int COLUMNS>
  DEVICE static float* sums_at(int part, int row, int column) {
    float* first = reinterpret_cast<float*>(pool + SPACE) - PARTS * ROWS * COLUMNS;
    return first + (part * ROWS + row) * COLUMNS + (column ^ row % 4 * 8);
  }

  // Products of all rows with the N rows of a weight: `give(row, column, sum)` gets four neighbouring sums with their
  // bias and, where there is any, what they are added `onto`. Blocks share out tiles, those of the same rows together.
  //
  // Panels of columns come by a ring, `MOST_DEEP` at a time, the first ones while the blocks wait for each other; panels
  // of rows come `from` memory with them, or `bring(tile, first)` brings a tile's rows whole, `first` in just one block.
  template <int K, int N, int ROWS, int COLUMNS, int MOST_DEEP, bool WHOLE, typename Bring, typename Give>
  DEVICE void products(const __half* weight, const float* bias, const __half* from, const float* onto, Bring bring,
                       Give give) {
    constexpr int CHUNKS = K / CHUNK, DEEP = CHUNKS < MOST_DEEP ? CHUNKS : MOST_DEEP, STEPS = CHUNKS / DEEP;
    constexpr int ALL = N / COLUMNS, FOURS = ROWS * COLUMNS / 4, RING_AT = WHOLE ? 2 * ROWS * K : 0;
    constexpr int PANELS = (COLUMNS + (WHOLE ? 0 : ROWS)) * CHUNK, STAGE = DEEP * PANELS;
    constexpr int FIT = (SPACE - RING_AT - 4 * PARTS * ROWS * COLUMNS) / (2 * STAGE);
    constexpr int STAGES = FIT < 2 * STEPS ? FIT : 2 * STEPS;
    static_assert(N % COLUMNS == 0 && CHUNKS % DEEP == 0 && STAGES >= 2);

    int jobs = (total + ROWS - 1) / ROWS * ALL, each = (jobs + G - 1) / G, first = BLOCK * each;
    int end = first + each < jobs ? first + each : jobs, steps = end > first ? (end - first) * STEPS : 0;
    auto stage_of = [&](int step) { return halves_at(RING_AT) + step % STAGES * STAGE; };
    auto columns_to_come = [&](int step) {
      int job = first + step / STEPS;
      const __half* of_step = weight + (long)(job % ALL * COLUMNS) * K + step % STEPS * DEEP * CHUNK;
      if (step < steps)
#pragma unroll
        for (int i = 0; i < DEEP; ++i) fill<COLUMNS>(stage_of(step) + i * PANELS, of_step + i * CHUNK, K);
    };
    auto rows_to_come = [&](int step) {
      int job = first + step / STEPS;
      const __half* of_step = from + (long)(job / ALL * ROWS) * K + step % STEPS * DEEP * CHUNK;
      if (!WHOLE && step < steps)
#pragma unroll
        for (int i = 0; i < DEEP; ++i)
          fill<ROWS>(stage_of(step) + i * PANELS + COLUMNS * CHUNK, of_step + i * CHUNK, K);
    };

    auto arrival = grid_arrive<G>();
    start_afresh();
#pragma unroll 1
    for (int step = 0; step < STAGES; ++step) columns_to_come(step);
    grid_await(arrival);
    start_afresh();
#pragma unroll 1
    for (int step = 0; step < STAGES; ++step) rows_to_come(step), close_fetches();

    int step = 0, taken = -1;
#pragma unroll 1
    for (int job = first; job < end; ++job) {
      int tile = job / ALL, columns = job % ALL * COLUMNS;
      if (WHOLE && tile != taken) bring(tile, columns == 0);
      taken = tile;
      float4 more[ceiling<FOURS, THREADS>];
#pragma unroll
      for (int i = 0; i < ceiling<FOURS, THREADS>; ++i) {
        int at = i * THREADS + thread, row = tile * ROWS + at / (COLUMNS / 4), column = columns + at % (COLUMNS / 4) * 4;
        if (at >= FOURS) break;
        more[i] = *reinterpret_cast<const float4*>(bias + column);
        if (onto) more[i] = plus(more[i], late_load(onto + (long)row * D + column));
      }
      float sum[ROWS / 32][COLUMNS / 16][4] = {};
      bool real = tile * ROWS + warp % 2 * (ROWS / 2) < total;
#pragma unroll 1
      for (int chunk = 0; chunk < CHUNKS; chunk += DEEP, ++step) {
        if (step)
          await_fetches<STAGES - 2>();
        else
          await_fetches<STAGES - 1>();
        block_wait();
        // All have left the stage before this one.
        if (step) columns_to_come(step - 1 + STAGES), rows_to_come(step - 1 + STAGES), close_fetches();
        if (real)
#pragma unroll
          for (int i = 0; i < DEEP; ++i) {
            const __half* panel = stage_of(step) + i * PANELS;
            const __half* of_rows = WHOLE ? halves_at(0) + (chunk + i) * ROWS * CHUNK : panel + COLUMNS * CHUNK;
            multiply_panels<ROWS, COLUMNS>(sum, of_rows, panel);
          }
      }
#pragma unroll
      for (int m = 0; m < ROWS / 32; ++m)
#pragma unroll
        for (int n = 0; n < COLUMNS / 16; ++n) {
          int row = warp % 2 * (ROWS / 2) + m * 16 + group, column = warp / 2 % 2 * (COLUMNS / 2) + n * 8 + four * 2;
          float* to = sums_at<ROWS, COLUMNS>(warp / 4, row, column);
          *reinterpret_cast<float2*>(to) = float2{sum[m][n][0], sum[m][n][1]};
          *reinterpret_cast<float2*>(to + 8 * COLUMNS) = float2{sum[m][n][2], sum[m][n][3]};
        }
      block_wait();
#pragma unroll
      for (int i = 0; i < ceiling<FOURS, THREADS>; ++i) {
        int at = i * THREADS + thread, row = at / (COLUMNS / 4), column = at % (COLUMNS / 4) * 4;
        if (at >= FOURS || tile * ROWS + row >= total) break;
        float4 all = *reinterpret_cast<float4*>(sums_at<ROWS, COLUMNS>(0, row, column));
#pragma unroll
        for (int part = 1; part < PARTS; ++part)
          all = plus(all, *reinterpret_cast<float4*>(sums_at<ROWS, COLUMNS>(part, row, column)));
        give(tile * ROWS + row, columns + column, plus(all, more[i]));
      }
    }
  }
  DEVICE static float4 plus(float4 one, float4 other) {
    return float4{one.x + other.x, one.y + other.y, one.z + other.z, one.w + other.w};
  }
  DEVICE void hint_at_gains(const float* gains) {
    if (thread < 2 * D / 32) hint(gains + thread * 32);
  }

  // Queries, and keys and values to their places.
  template <int ROWS, int COLUMNS, int DEEP>
  DEVICE void project(int layer) {
    const float* gains = layer ? norms + (long)layer * 4 * D - 2 * D : nullptr;
    if (layer) hint_at_gains(gains);
    products<D, 3 * D, ROWS, COLUMNS, DEEP, true>(
        in_weight + (long)layer * 3 * D * D, in_bias + layer * 3 * D, nullptr, nullptr,
        [&](int tile, bool first) { take_in<ROWS>(tile, fed(), gains, first ? residual() : nullptr); },
        [&](int row, int column, float4 sum) {
          if (column < D) {
            put(queries() + (long)row * D + column, sum);
          } else if (known(row, SLOT) >= 0) {
            int kind = column / D - 1, own = column % D;
            __half* keys = keys_of(known(row, SLOT), layer, kind * H + own / WIDTH);
            put(keys + (long)known(row, INDEX) * WIDTH + own % WIDTH, sum);
          }
        });
  }

  // All heads of all rows, a head of 16 rows by four warps, which share out its keys.
  DEVICE void attend(int layer) {
    constexpr int SHARES = 4, TEAMS = W / SHARES;
    int jobs = total / 16 * H, share = warp % SHARES, round = 0;
#pragma unroll 1
    for (int begin = 0; begin < jobs; begin += TEAMS * G, ++round) {
      int job = begin + warp / SHARES * G + BLOCK;
      // Two rounds do not use the same places, so a round's writers need not wait for the readers of the one before.
      float4* found = reinterpret_cast<float4*>(pool) + (round % 2 * TEAMS + warp / SHARES) * SHARES * 5 * 32 + lane;
      if (job < jobs) attend_share<SHARES>(job / H * 16, job % H, layer, share, found + share * 5 * 32);
      block_wait();
      start_afresh();
      if (job < jobs) join_shares<SHARES>(job / H * 16, job % H, share, found);
    }
  }

  // One of the shares of a head's keys, 32 at a time. A lane has two of the rows and eight dimensions: their sums, not
  // yet divided, go to the first four places of `found`, maxima and sums of shares to the fifth.
  template <int SHARES>
  DEVICE void attend_share(int first, int of_head, int layer, int share, float4* found) {
    int sees[2] = {known(first + group, SEEN), known(first + group + 8, SEEN)};
    int last = lanes_most(sees[0] > sees[1] ? sees[0] : sees[1]);
    long own = (long)(first + group) * D + of_head * WIDTH + four * 8;
    uint4 upper = cache_load(queries() + own), lower = cache_load(queries() + own + 8 * D);
    const __half* from = keys_of(known(first, SLOT), layer, of_head) + group * WIDTH + four * 8;
    uint4 keys[4], values[4];
    auto load = [&](uint4(&to)[4], const __half* from, int turn) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        int at = turn + i * 8;
        to[i] = at + group < last ? cache_load(from + (long)at * WIDTH) : uint4{0, 0, 0, 0};
      }
    };
    load(keys, from, share * 32), load(values, from + (long)H * capacity * WIDTH, share * 32);
    float sum[4][4] = {}, most[2] = {-1e30f, -1e30f}, all[2] = {};
#pragma unroll 1
    for (int turn = share * 32; turn < last; turn += SHARES * 32) {
      float score[4][4] = {};
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        multiply(score[i], upper.x, lower.x, upper.y, lower.y, keys[i].x, keys[i].y);
        multiply(score[i], upper.z, lower.z, upper.w, lower.w, keys[i].z, keys[i].w);
      }
      load(keys, from, turn + SHARES * 32);
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        float top = most[half];
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int k = 2 * half; k < 2 * half + 2; ++k) {
            bool seen = turn + i * 8 + four * 2 + k % 2 < sees[half];
            score[i][k] = seen ? score[i][k] * rsqrtf((float)WIDTH) : -1e30f;
            top = fmaxf(top, score[i][k]);
          }
        top = fmaxf(top, lanes_xor(top, 1));
        top = fmaxf(top, lanes_xor(top, 2));
        float keep = power(most[half] - top);
        most[half] = top, all[half] *= keep;
#pragma unroll
        for (int i = 0; i < 4; ++i)
#pragma unroll
          for (int k = 2 * half; k < 2 * half + 2; ++k) {
            sum[i][k] *= keep, score[i][k] = power(score[i][k] - top);
            all[half] += score[i][k];
          }
      }
      // Keys stand for places now, and dimensions for columns: the eight of a lane, two in each of four products.
#pragma unroll
      for (int i = 0; i < 4; i += 2) {
        unsigned a0 = halves(score[i][0], score[i][1]), a1 = halves(score[i][2], score[i][3]);
        unsigned a2 = halves(score[i + 1][0], score[i + 1][1]), a3 = halves(score[i + 1][2], score[i + 1][3]);
        multiply(sum[0], a0, a1, a2, a3, transposed(values[i].x), transposed(values[i + 1].x));
        multiply(sum[1], a0, a1, a2, a3, transposed(values[i].y), transposed(values[i + 1].y));
        multiply(sum[2], a0, a1, a2, a3, transposed(values[i].z), transposed(values[i + 1].z));
        multiply(sum[3], a0, a1, a2, a3, transposed(values[i].w), transposed(values[i + 1].w));
      }
      load(values, from + (long)H * capacity * WIDTH, turn + SHARES * 32);
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) found[i * 32] = float4{sum[i][0], sum[i][1], sum[i][2], sum[i][3]};
    found[4 * 32] = float4{most[0], most[1], lanes_sum<4>(all[0]), lanes_sum<4>(all[1])};
  }

  // Two of the eight dimensions, of two rows, of what all shares have found.
  template <int SHARES>
  DEVICE void join_shares(int first, int of_head, int pair, const float4* found) {
    float4 known[SHARES], sum = float4{0, 0, 0, 0};
    float top[2] = {-1e30f, -1e30f}, all[2] = {};
#pragma unroll
    for (int i = 0; i < SHARES; ++i) {
      known[i] = found[(i * 5 + 4) * 32];
      top[0] = fmaxf(top[0], known[i].x), top[1] = fmaxf(top[1], known[i].y);
    }
#pragma unroll
    for (int i = 0; i < SHARES; ++i) {
      float upper = power(known[i].x - top[0]), lower = power(known[i].y - top[1]);
      float4 each = found[(i * 5 + pair) * 32];
      all[0] = fmaf(known[i].z, upper, all[0]), all[1] = fmaf(known[i].w, lower, all[1]);
      sum.x = fmaf(each.x, upper, sum.x), sum.y = fmaf(each.y, upper, sum.y);
      sum.z = fmaf(each.z, lower, sum.z), sum.w = fmaf(each.w, lower, sum.w);
    }
    __half* to = joined() + (long)(first + group) * D + of_head * WIDTH + four * 8 + pair * 2;
    *reinterpret_cast<unsigned*>(to) = halves(sum.x / all[0], sum.y / all[0]);
    *reinterpret_cast<unsigned*>(to + 8 * D) = halves(sum.z / all[1], sum.w / all[1]);
  }

  // Products that are added to a residual.
  template <int K, int ROWS, int COLUMNS, int DEEP>
  DEVICE void join(const __half* weight, const float* bias, const __half* from, const float* onto, float* to) {
    products<K, D, ROWS, COLUMNS, DEEP, false>(
        weight, bias, from, onto, [](int, bool) {},
        [&](int row, int column, float4 sum) { *reinterpret_cast<float4*>(to + (long)row * D + column) = sum; });
  }

  template <int ROWS, int COLUMNS, int DEEP>
  DEVICE void raise(int layer) {
    const float* gains = norms + (long)layer * 4 * D;
    hint_at_gains(gains);
    products<D, F, ROWS, COLUMNS, DEEP, true>(
        up_weight + (long)layer * F * D, up_bias + layer * F, nullptr, nullptr,
        [&](int tile, bool first) { take_in<ROWS>(tile, attended(), gains, first ? residual_between() : nullptr); },
        [&](int row, int column, float4 sum) {
          sum = float4{fmaxf(sum.x, 0), fmaxf(sum.y, 0), fmaxf(sum.z, 0), fmaxf(sum.w, 0)};
          put(raised() + (long)row * F + column, sum);
        });
  }

  template <int ROWS, int COLUMNS, int DEEP>
  DEVICE void put_out(int layer) {
    const __half* weight = out_weight + (long)layer * D * D;
    join<D, ROWS, COLUMNS, DEEP>(weight, out_bias + layer * D, joined(), residual(), attended());
  }
  template <int ROWS, int COLUMNS, int DEEP>
  DEVICE void lower(int layer) {
    const __half* weight = down_weight + (long)layer * D * F;
    join<F, ROWS, COLUMNS, DEEP>(weight, down_bias + layer * D, raised(), residual_between(), fed());
  }

  // The scores of each text's first code, of its last row.
  DEVICE void score(const float* gains) {
    int count = sizes[2];
    block_wait();
#pragma unroll 1
    for (int text = warp; text < count; text += W) {
      float4 own[1][OWN];
      bring(own, lasts[text], fed(), gains);
#pragma unroll
      for (int i = 0; i < OWN; ++i)
        *reinterpret_cast<float4*>(last_rows() + text * D + i * 128 + lane * 4) = own[0][i];
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
    total = sizes[0], room = sizes[1], capacity = sizes[4], start_afresh();
    for (int at = BLOCK * THREADS + THREAD; at < sizes[2] * sizes[3]; at += G * THREADS) texts[at] = states[at];
    embed();
    bool few = total <= FEW;
#pragma unroll 1
    for (int layer = 0; layer < layers; ++layer) {
      few ? project<32, 96, 2>(layer) : project<64, 64, 2>(layer);
      grid_wait<G>();
      start_afresh();
      attend(layer);
      few ? put_out<32, 32, 2>(layer) : put_out<64, 64, 1>(layer);
      few ? raise<32, 128, 2>(layer) : raise<64, 64, 2>(layer);
      few ? lower<32, 32, 4>(layer) : lower<64, 64, 1>(layer);
    }
    grid_wait<G>();
    score(norms + (long)layers * 4 * D - 2 * D);
  }
};
