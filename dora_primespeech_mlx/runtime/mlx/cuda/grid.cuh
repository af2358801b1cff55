// A wait of all blocks of a grid for each other. All must be resident: one block a multiprocessor, and no more blocks
// than multiprocessors. What a block has to do that needs no other goes between its arrival and its wait. An emulation
// on a CPU has a wait of its own.

#ifndef EMULATED
__device__ unsigned int blocks_arrived;

template <int GRID>
__device__ __forceinline__ unsigned int grid_arrive() {
  unsigned int before = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned int step = blockIdx.x == 0 ? 0x80000000u - (GRID - 1) : 1u;
    asm volatile("atom.add.release.gpu.global.u32 %0, [%1], %2;"
                 : "=r"(before)
                 : "l"(&blocks_arrived), "r"(step)
                 : "memory");
  }
  return before;
}

// Waits for the blocks' arrival of which `grid_arrive` told.
__device__ __forceinline__ void grid_await(unsigned int before) {
  if (threadIdx.x == 0) {
    unsigned int now;
    do asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(now) : "l"(&blocks_arrived) : "memory");
    while (((before ^ now) & 0x80000000u) == 0);
  }
  __syncthreads();
}

template <int GRID>
__device__ __forceinline__ void grid_wait() {
  grid_await(grid_arrive<GRID>());
}
#endif
