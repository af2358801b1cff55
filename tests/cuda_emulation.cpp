// The kernel of the T2S step on a CPU: a thread for each thread of the grid, barriers for the kernel's own waits.

#include <pthread.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#define EMULATED
#define DEVICE inline
#define THREAD thread_index
#define BLOCK block_index
#define LOAD(pointer) (*(pointer))
#define PREFETCH(pointer) ((void)(pointer))

typedef _Float16 __half;
struct __half2 {
  __half x, y;
};
struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
struct uint4 {
  uint32_t x, y, z, w;
};

constexpr int GRID_BLOCKS = 4, WARPS = 2;
static thread_local int thread_index, block_index;
static pthread_barrier_t whole_grid, blocks[GRID_BLOCKS], warps[GRID_BLOCKS * WARPS];
static float exchanged[GRID_BLOCKS * WARPS][32];

inline float2 __half22float2(__half2 pair) { return {(float)pair.x, (float)pair.y}; }
inline float __half2float(__half value) { return (float)value; }
inline __half __float2half(float value) { return (__half)value; }
inline float rsqrtf(float value) { return 1 / sqrtf(value); }
inline void block_wait() { pthread_barrier_wait(&blocks[block_index]); }
template <int GRID>
inline void grid_wait() {
  pthread_barrier_wait(&whole_grid);
}
inline float lanes_sum(float value) {
  int warp = block_index * WARPS + thread_index / 32;
  exchanged[warp][thread_index % 32] = value;
  pthread_barrier_wait(&warps[warp]);
  float sum = 0;
  for (float other : exchanged[warp]) sum += other;
  pthread_barrier_wait(&warps[warp]);
  return sum;
}

#include "step.cuh"

using Kernel = Step<128, 2, 256, 50, GRID_BLOCKS, WARPS, 3>;

extern "C" void run(const uint32_t* token, const int* place, const __half* cache, const __half* embedding,
                    const float* positions, const __half* in_weight, const float* in_bias, const __half* out_weight,
                    const float* out_bias, const __half* up_weight, const float* up_bias, const __half* down_weight,
                    const float* down_bias, const float* norms, const float* head, float* logits, __half* rows,
                    int layers, int capacity) {
  const float unset = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> scratch(Kernel::SCRATCH, unset);
  pthread_barrier_init(&whole_grid, nullptr, GRID_BLOCKS * WARPS * 32);
  for (auto& block : blocks) pthread_barrier_init(&block, nullptr, WARPS * 32);
  for (auto& warp : warps) pthread_barrier_init(&warp, nullptr, 32);
  std::vector<std::vector<float>> shared(GRID_BLOCKS, std::vector<float>(Kernel::SHARED, unset));
  std::vector<std::thread> threads;
  for (int block = 0; block < GRID_BLOCKS; ++block)
    for (int thread = 0; thread < WARPS * 32; ++thread)
      threads.emplace_back([&, block, thread] {
        thread_index = thread, block_index = block;
        Kernel kernel{place,       cache,   embedding, in_weight, out_weight, up_weight, down_weight,
                      positions,   in_bias, out_bias,  up_bias,   down_bias,  norms,     head,
                      layers,      capacity, logits,   scratch.data(), rows,  shared[block].data()};
        kernel.run(token);
      });
  for (auto& thread : threads) thread.join();
}
