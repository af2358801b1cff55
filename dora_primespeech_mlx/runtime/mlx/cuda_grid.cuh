// A wait of all blocks of a grid for each other. All must be resident: one block a multiprocessor, and no more blocks
// than multiprocessors. An emulation on a CPU has a wait of its own.

#ifndef EMULATED
__device__ unsigned int blocks_arrived;

template <int GRID>
__device__ __forceinline__ void grid_wait() {
  __syncthreads();
  if (threadIdx.x == 0) {
    unsigned int step = blockIdx.x == 0 ? 0x80000000u - (GRID - 1) : 1u;
    __threadfence();
    unsigned int before = atomicAdd(&blocks_arrived, step);
    while (((before ^ *(volatile unsigned int*)&blocks_arrived) & 0x80000000u) == 0) {
    }
    __threadfence();
  }
  __syncthreads();
}
#endif
