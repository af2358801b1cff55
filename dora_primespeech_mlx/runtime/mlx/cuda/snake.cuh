// An activation of BigVGAN in one kernel: doubled, bent and halved again, without the doubled signal ever being in
// memory. A thread has a channel and some neighbouring samples of it; see nets/bigvgan.py.
//
// Compiled at run time by NVRTC (snake.py); tests/test_cuda_snake.py runs the same text on a CPU.

#ifndef EMULATED
#include <cuda_fp16.h>
#define DEVICE __device__ __forceinline__
#endif

// Of x and out [batch, length, channels], both of one channel; `SPAN` samples a thread. Filters have six taps.
template <int SPAN, typename In, typename Out>
struct Snake {
  static constexpr int TAPS = 6;
  const In* x;
  Out* out;
  int length, channels;
  float alpha, inverse_beta, up_even[TAPS], up_odd[TAPS], down_even[TAPS], down_odd[TAPS];

  DEVICE void take(const float* from, float (&to)[TAPS]) {
#pragma unroll
    for (int i = 0; i < TAPS; ++i) to[i] = from[i];
  }
  // A sample of the signal, which goes on as it ends.
  DEVICE float at(int index) {
    index = index < 0 ? 0 : index >= length ? length - 1 : index;
    return (float)x[(long)index * channels];
  }
  DEVICE float bent(const float (&window)[TAPS], const float (&taps)[TAPS]) {
    float y = 0;
#pragma unroll
    for (int i = 0; i < TAPS; ++i) y = fmaf(window[i], taps[i], y);
    float wave = sinf(y * alpha);
    return fmaf(wave * wave, inverse_beta, y);
  }
  // The same from any place, whose samples are loaded for it.
  DEVICE float bent_at(int first, const float (&taps)[TAPS]) {
    float window[TAPS];
#pragma unroll
    for (int i = 0; i < TAPS; ++i) window[i] = at(first + i);
    return bent(window, taps);
  }

  DEVICE void run(int first) {
    float window[TAPS], even[TAPS], odd[TAPS];
    // Beyond its ends the doubled signal repeats its first sample, which is even, and its last, which is odd.
    float before = bent_at(-3, up_even), after = bent_at(length - 3, up_odd);
#pragma unroll
    for (int i = 0; i < TAPS; ++i) window[i] = at(first - TAPS + i), even[i] = odd[i] = 0;
#pragma unroll
    for (int step = 1 - TAPS; step < SPAN; ++step) {
      int place = first + step;
#pragma unroll
      for (int i = 0; i + 1 < TAPS; ++i) window[i] = window[i + 1], even[i] = even[i + 1], odd[i] = odd[i + 1];
      window[TAPS - 1] = at(place + TAPS - 1);
      even[TAPS - 1] = place + 3 < 0 ? before : place + 3 >= length ? after : bent(window, up_even);
      odd[TAPS - 1] = place + 2 < 0 ? before : place + 2 >= length ? after : bent(window, up_odd);
      if (step < 0 || place >= length) continue;
      float sum = 0;
#pragma unroll
      for (int i = 0; i < TAPS; ++i) sum = fmaf(even[i], down_even[i], fmaf(odd[i], down_odd[i], sum));
      out[(long)place * channels] = (Out)sum;
    }
  }
};
