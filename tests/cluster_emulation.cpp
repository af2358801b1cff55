// The kernel of T2S codes on a CPU. Each of its threads is a context of its own, of which one runs until it has to
// wait. A random order decides which is next, and when a post, a published word or a copied piece arrives: at any time,
// at once, or as late as can be. So what would only work by luck of timing fails here.

#include <setjmp.h>
#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#define EMULATED
#define DEVICE inline
#define THREAD emulation::running->thread
#define BLOCK emulation::running->block

typedef _Float16 __half;
typedef unsigned long long Word;
struct __half2 {
  __half x, y;
};
struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
struct uint2 {
  uint32_t x, y;
};
struct uint4 {
  uint32_t x, y, z, w;
};

namespace emulation {
constexpr int STACK = 1 << 16;
enum Arrival { LATE, AT_ONCE, ANY_TIME };

// Those who wait at one place until all have come.
struct Meeting {
  int size = 0, came = 0;
  long turn = 0;
};
// Lanes of a warp: what each has given, for two turns, since one may be a turn ahead of another's reading.
struct Warp {
  Meeting meeting;
  uint32_t given[2][6][32];
};
// A copy of 16 bytes that a thread has begun.
struct Fetch {
  void* to;
  const void* from;
  long group;
};
struct Fiber {
  int thread, block;
  ucontext_t context;  // where it begins
  jmp_buf place;       // where it goes on
  std::unique_ptr<char[]> stack;
  bool begun = false, done = false;
  std::function<bool()> ready;  // empty: now
  const Word* looked = nullptr;
  long arrived = -1;  // writes that had arrived when it looked
  size_t shared = 0;  // bytes of shared memory that have a name
  std::vector<Fetch> fetches;
  long groups = 0;  // of fetches, that are closed
};
// A write that has yet to arrive.
struct Write {
  bool piece;
  std::function<void()> arrive;
};
struct Grid {
  int blocks, threads, size;  // blocks of a cluster
  std::vector<std::vector<unsigned char>> pools;
  std::vector<Meeting> block_meetings, cluster_meetings;
  Meeting grid_meeting;
  std::vector<Warp> warps;
  std::vector<Fiber> fibers;
  std::vector<Write> under_way;
  long arrived = 0;
  Arrival arrival;
  std::mt19937 random;
  jmp_buf scheduler;

  void let_arrive() {
    // Where they are to be late, pieces wait for all posts.
    auto early = [this](Write& write) { return arrival != LATE || !write.piece; };
    auto last = std::partition(under_way.begin(), under_way.end(), early);
    size_t most = last == under_way.begin() ? under_way.size() : last - under_way.begin();
    std::swap(under_way[random() % most], under_way.back());
    auto write = std::move(under_way.back());
    under_way.pop_back();
    ++arrived;
    write.arrive();
  }
};

static Grid* grid;
static Fiber* running;

// Jumps instead of swaps of contexts, which would ask the system for every signal mask.
inline void leave() {
  if (!_setjmp(running->place)) _longjmp(grid->scheduler, 1);
}
inline void go_on(Fiber& fiber) {
  running = &fiber;
  if (_setjmp(grid->scheduler)) return;
  if (fiber.begun) _longjmp(fiber.place, 1);
  fiber.begun = true;
  setcontext(&fiber.context);
}
inline void wait_until(std::function<bool()> ready) {
  running->ready = std::move(ready);
  leave();
}
inline void meet(Meeting& meeting) {
  long turn = meeting.turn;
  if (++meeting.came == meeting.size) {
    meeting.came = 0;
    ++meeting.turn;
  } else {
    wait_until([&meeting, turn] { return meeting.turn != turn; });
  }
}
inline Warp& warp() { return grid->warps[running->block * grid->threads / 32 + running->thread / 32]; }
// Gives some values to the warp; returns what its lanes have given.
template <int COUNT>
inline const uint32_t (*exchange(const uint32_t (&values)[COUNT]))[32] {
  Warp& own = warp();
  auto* given = own.given[own.meeting.turn % 2];
  for (int i = 0; i < COUNT; ++i) given[i][running->thread % 32] = values[i];
  meet(own.meeting);
  return given;
}
inline const uint32_t* exchange(uint32_t value) { return exchange<1>({value})[0]; }
template <typename Kind>
inline Kind* at_rank(Kind* pointer, int rank) {
  int peer = running->block / grid->size * grid->size + rank;
  auto place = (unsigned char*)pointer - grid->pools[running->block].data();
  return (Kind*)(grid->pools[peer].data() + place);
}
struct Barrier {
  int32_t missing;  // bytes announced and not come
  uint16_t pending, phase;
};
inline void check(Barrier* barrier) {
  if (barrier->pending == 0 && barrier->missing == 0) barrier->pending = 1, ++barrier->phase;
}
inline void arrive_later(void* to, const void* from, unsigned bytes, Word* barrier) {
  std::vector<unsigned char> content((const unsigned char*)from, (const unsigned char*)from + bytes);
  grid->under_way.push_back({bytes > 16, [to, barrier, content = std::move(content)] {
    memcpy(to, content.data(), content.size());
    if (barrier) {
      ((Barrier*)barrier)->missing -= (int32_t)content.size();
      check((Barrier*)barrier);
    }
  }});
  if (grid->arrival == AT_ONCE) grid->let_arrive();
}

inline void enter(unsigned low, unsigned high) {
  auto* body = (std::function<void()>*)((uintptr_t)high << 32 | low);
  (*body)();
  running->done = true;
  leave();
}

template <typename Kind>
inline Kind* named(size_t count) {
  size_t at = running->shared;
  running->shared += (count * sizeof(Kind) + 15) / 16 * 16;
  return (Kind*)(grid->pools[running->block].data() + at);
}

// Runs a kernel; false if it waits for what never comes. The seed also says when writes arrive.
inline bool run(int blocks, int threads, int size, int shared, unsigned seed, std::function<void()> body) {
  Grid made{blocks, threads, size};
  grid = &made;
  made.random.seed(seed);
  made.arrival = (Arrival)(seed % 3);
  made.pools.assign(blocks, std::vector<unsigned char>(shared, 0xff));
  made.block_meetings.resize(blocks);
  for (auto& meeting : made.block_meetings) meeting.size = threads;
  made.cluster_meetings.resize(blocks / size);
  for (auto& meeting : made.cluster_meetings) meeting.size = threads * size;
  made.grid_meeting.size = blocks * threads;
  made.warps.resize(blocks * threads / 32);
  for (auto& each : made.warps) each.meeting.size = 32;
  made.fibers.resize(blocks * threads);
  uintptr_t address = (uintptr_t)&body;
  std::vector<int> left;
  for (int i = 0; i < blocks * threads; ++i) {
    Fiber& fiber = made.fibers[i];
    fiber.thread = i % threads, fiber.block = i / threads;
    fiber.stack.reset(new char[STACK]);
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = STACK;
    makecontext(&fiber.context, (void (*)())enter, 2, (unsigned)address, (unsigned)(address >> 32));
    left.push_back(i);
  }
  while (!left.empty()) {
    bool idle = true;
    std::shuffle(left.begin(), left.end(), made.random);
    for (int which : left) {
      Fiber& fiber = made.fibers[which];
      if (fiber.ready && !fiber.ready()) continue;
      idle = false;
      fiber.ready = nullptr;
      go_on(fiber);
      if (made.arrival == ANY_TIME && !made.under_way.empty() && made.random() % 4 == 0) made.let_arrive();
    }
    left.erase(std::remove_if(left.begin(), left.end(), [&](int i) { return made.fibers[i].done; }), left.end());
    if (idle && made.under_way.empty()) return false;
    if (idle) made.let_arrive();
  }
  for (auto& write : made.under_way) write.arrive();
  return true;
}
}  // namespace emulation

#define pool (emulation::grid->pools[emulation::running->block].data())
#define SHARED_FLOATS(name, count) float* name = emulation::named<float>(count)
#define SHARED_HALVES(name, count) __half* name = emulation::named<__half>(count)

inline float2 __half22float2(__half2 pair) { return {(float)pair.x, (float)pair.y}; }
inline float __half2float(__half value) { return (float)value; }
inline __half __float2half(float value) { return (__half)value; }
inline float rsqrtf(float value) { return 1 / sqrtf(value); }
inline uint32_t bits(float value) {
  uint32_t plain;
  memcpy(&plain, &value, 4);
  return plain;
}
inline float number(uint32_t plain) {
  float value;
  memcpy(&value, &plain, 4);
  return value;
}
inline float power(float value) { return expf(value); }
inline float quotient(float value, float by) { return value / by; }
inline void block_wait() { emulation::meet(emulation::grid->block_meetings[BLOCK]); }
inline void cluster_wait() { emulation::meet(emulation::grid->cluster_meetings[BLOCK / emulation::grid->size]); }
inline void grid_fence() {}
inline float lanes_xor(float value, int mask) { return number(emulation::exchange(bits(value))[(THREAD % 32) ^ mask]); }
inline float lane_value(float value, int lane) { return number(emulation::exchange(bits(value))[lane % 32]); }
inline unsigned lanes_most(unsigned value) {
  const uint32_t* given = emulation::exchange(value);
  unsigned most = 0;
  for (int i = 0; i < 32; ++i) most = given[i] > most ? given[i] : most;
  return most;
}
inline unsigned lanes_least(unsigned value) { return ~lanes_most(~value); }
inline unsigned lanes_count(unsigned value) {
  const uint32_t* given = emulation::exchange(value);
  unsigned sum = 0;
  for (int i = 0; i < 32; ++i) sum += given[i];
  return sum;
}
inline uint4 cache_load(const __half* from) { return *(const uint4*)from; }
inline void publish(Word* word, float value, unsigned tick) {
  Word both = (Word)tick << 32 | bits(value);
  emulation::arrive_later(word, &both, sizeof both, nullptr);
}
inline Word look(const Word* word) {
  // A second look is worth while once something has arrived.
  emulation::Fiber& own = *emulation::running;
  if (own.looked == word && own.arrived == emulation::grid->arrived)
    emulation::wait_until([&own] { return own.arrived != emulation::grid->arrived; });
  own.looked = word, own.arrived = emulation::grid->arrived;
  return *word;
}
inline void prepare(Word* barrier) { *(emulation::Barrier*)barrier = {0, 1, 0}; }
inline void prepared() {}
inline void expect(Word* barrier, unsigned bytes) {
  auto* own = (emulation::Barrier*)barrier;
  own->missing += (int32_t)bytes;
  --own->pending;
  emulation::check(own);
}
inline void await(Word* barrier, unsigned parity) {
  auto* own = (emulation::Barrier*)barrier;
  emulation::wait_until([own, parity] { return (own->phase & 1) != parity; });
}
inline void copy(void* to, const void* from, unsigned bytes, Word* barrier) {
  emulation::arrive_later(to, from, bytes, barrier);
}
inline void post(float* to, int rank, float value, Word* barrier) {
  emulation::arrive_later(emulation::at_rank(to, rank), &value, 4, emulation::at_rank(barrier, rank));
}
inline void post(float* to, int rank, float4 value, Word* barrier) {
  emulation::arrive_later(emulation::at_rank(to, rank), &value, 16, emulation::at_rank(barrier, rank));
}

inline float4 late_load(const float* from) { return *(const float4*)from; }
inline float late_load1(const float* from) { return *from; }
inline int late_load1(const int* from) { return *from; }
inline uint4 weight_load(const __half* from) { return *(const uint4*)from; }
// Returns the turn that has to come.
template <int GRID>
inline long grid_arrive() {
  auto& meeting = emulation::grid->grid_meeting;
  block_wait();
  long turn = meeting.turn + 1;
  if (++meeting.came == meeting.size) meeting.came = 0, ++meeting.turn;
  return turn;
}
inline void grid_await(long turn) {
  emulation::wait_until([turn] { return emulation::grid->grid_meeting.turn >= turn; });
}
template <int GRID>
inline void grid_wait() {
  grid_await(grid_arrive<GRID>());
}
inline float half_of(uint32_t pair, int which) {
  __half both[2];
  memcpy(both, &pair, 4);
  return (float)both[which];
}
inline void multiply(float (&sums)[4], uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1) {
  auto* of = emulation::exchange<6>({a0, a1, a2, a3, b0, b1});
  int group = THREAD % 32 / 4, four = THREAD % 4;
  for (int i = 0; i < 4; ++i) {
    int row = group + i / 2 * 8, column = four * 2 + i % 2;
    for (int k = 0; k < 16; ++k) {
      float a = half_of(of[row / 8 + k / 8 * 2][row % 8 * 4 + k % 8 / 2], k % 2);
      sums[i] += a * half_of(of[4 + k / 8][column * 4 + k % 8 / 2], k % 2);
    }
  }
}

#include "clusters.cuh"

struct Inputs {
  const int* sizes;
  const float* sampling;
  const int* texts;
  const float *noise, *first_logits;
  __half* cache;
  Word* words;
  const __half* embedding;
  const float* positions;
  const unsigned char *weights, *head;
  int *drawn, *texts_after;
  float* logits;
};

template <typename Kernel>
static bool launch(const Inputs& from, int layers, unsigned seed) {
  return emulation::run(Kernel::GRID, Kernel::THREADS, Kernel::GRID / Kernel::CLUSTERS, Kernel::SHARED, seed, [&] {
    Kernel kernel;
    kernel.sizes = from.sizes, kernel.sampling = (const Sampling*)from.sampling, kernel.texts = from.texts;
    kernel.noise = from.noise, kernel.first_logits = from.first_logits, kernel.cache = from.cache;
    kernel.words = from.words, kernel.embedding = from.embedding, kernel.positions = from.positions;
    kernel.weights = from.weights, kernel.head = from.head, kernel.layers = layers, kernel.drawn = from.drawn;
    kernel.texts_after = from.texts_after, kernel.logits = from.logits;
    kernel.run();
  });
}

#ifdef MANY_SIZES
#include "rows.cuh"

struct ManyInputs {
  const int* sizes;
  const float* sampling;
  const int* texts;
  const float* noise;
  __half* cache;
  const __half* embedding;
  const float* positions;
  const __half* in_weight;
  const float* in_bias;
  const __half* out_weight;
  const float* out_bias;
  const __half* up_weight;
  const float* up_bias;
  const __half* down_weight;
  const float *down_bias, *norms;
  const __half* head;
  int *drawn, *texts_after;
  float *logits, *scratch;
};

extern "C" bool run_many(const ManyInputs* from, int layers, unsigned seed) {
  typedef ManyCodes<MANY_SIZES> Kernel;
  static_assert(Kernel::SHARED == MANY_SHARED && Kernel::SCRATCH == MANY_SCRATCH);
  return emulation::run(MANY_BLOCKS, Kernel::THREADS, MANY_BLOCKS, Kernel::SHARED, seed, [&] {
    Kernel kernel;
    kernel.sizes = from->sizes, kernel.sampling = (const Sampling*)from->sampling, kernel.texts = from->texts;
    kernel.noise = from->noise, kernel.cache = from->cache, kernel.embedding = from->embedding;
    kernel.positions = from->positions, kernel.in_weight = from->in_weight, kernel.in_bias = from->in_bias;
    kernel.out_weight = from->out_weight, kernel.out_bias = from->out_bias, kernel.up_weight = from->up_weight;
    kernel.up_bias = from->up_bias, kernel.down_weight = from->down_weight, kernel.down_bias = from->down_bias;
    kernel.norms = from->norms, kernel.head = from->head, kernel.layers = layers, kernel.drawn = from->drawn;
    kernel.texts_after = from->texts_after, kernel.logits = from->logits, kernel.scratch = from->scratch;
    kernel.run();
  });
}
#endif

#ifdef PREFILL_SIZES
inline uint32_t halves(float low, float high) {
  __half both[2] = {(__half)low, (__half)high};
  uint32_t pair;
  memcpy(&pair, both, 4);
  return pair;
}
inline uint32_t transposed(uint32_t own) {
  auto* given = emulation::exchange(own);
  int row = THREAD % 32 / 4, column = THREAD % 4 * 2;
  uint32_t first = given[column * 4 + row / 2], second = given[(column + 1) * 4 + row / 2];
  return row % 2 ? first >> 16 | (second & 0xffff0000) : (first & 0xffff) | second << 16;
}
inline void load_matrices(uint32_t (&to)[4], const __half* row) {
  uintptr_t place = (uintptr_t)row;
  auto* given = emulation::exchange<2>({(uint32_t)place, (uint32_t)(place >> 32)});
  int group = THREAD % 32 / 4, four = THREAD % 4;
  for (int i = 0; i < 4; ++i) {
    uintptr_t of = (uintptr_t)given[1][i * 8 + group] << 32 | given[0][i * 8 + group];
    memcpy(&to[i], (const __half*)of + four * 2, 4);
  }
}
// A fetch is done at once or when it is waited for; until then there is nothing to be read.
inline void fetch(__half* to, const __half* from) {
  emulation::Fiber& own = *emulation::running;
  auto* grid = emulation::grid;
  bool now = grid->arrival == emulation::AT_ONCE || (grid->arrival == emulation::ANY_TIME && grid->random() % 2);
  if (now) {
    memcpy(to, from, 16);
  } else {
    memset(to, 0xff, 16);
    own.fetches.push_back({to, from, own.groups});
  }
}
inline void close_fetches() { ++emulation::running->groups; }
template <int BUT>
inline void await_fetches() {
  emulation::Fiber& own = *emulation::running;
  auto waited = [&](emulation::Fetch& each) { return each.group < own.groups - BUT; };
  for (auto& each : own.fetches)
    if (waited(each)) memcpy(each.to, each.from, 16);
  own.fetches.erase(std::remove_if(own.fetches.begin(), own.fetches.end(), waited), own.fetches.end());
}
inline int afresh(int number) { return number; }
inline void hint(const float*) {}

#include "prefill.cuh"

struct PrefillInputs {
  const int *sizes, *rows, *lasts, *states, *after;
  const float* added;
  __half* cache;
  const float *table, *places;
  const __half* in_weight;
  const float* in_bias;
  const __half* out_weight;
  const float* out_bias;
  const __half* up_weight;
  const float* up_bias;
  const __half* down_weight;
  const float *down_bias, *norms;
  const __half* head;
  float* scores;
  int* texts;
  float* scratch;
};

extern "C" bool run_prefill(const PrefillInputs* from, int layers, unsigned seed) {
  typedef Prefill<PREFILL_SIZES> Kernel;
  static_assert(Kernel::SCRATCH == PREFILL_SCRATCH);
  return emulation::run(PREFILL_BLOCKS, Kernel::THREADS, PREFILL_BLOCKS, PREFILL_SHARED, seed, [&] {
    Kernel kernel;
    kernel.sizes = from->sizes, kernel.rows = from->rows, kernel.lasts = from->lasts, kernel.states = from->states;
    kernel.added = from->added, kernel.cache = from->cache, kernel.table = from->table, kernel.places = from->places;
    kernel.in_weight = from->in_weight, kernel.in_bias = from->in_bias, kernel.out_weight = from->out_weight;
    kernel.out_bias = from->out_bias, kernel.up_weight = from->up_weight, kernel.up_bias = from->up_bias;
    kernel.down_weight = from->down_weight, kernel.down_bias = from->down_bias, kernel.norms = from->norms;
    kernel.head = from->head, kernel.layers = layers, kernel.scores = from->scores, kernel.texts = from->texts;
    kernel.scratch = from->scratch;
    kernel.run();
  });
}
#endif

#ifdef OPERATIONS
#include "operations.cuh"

struct OperationInputs {
  const __half *one, *two, *three, *four, *five, *six;
  const float* mask;
  __half *made, *more;
  long count, apart;
  int channels, length, heads;
  float number;
};

template <typename Kernel>
static void run_operation(long threads, Kernel kernel) {
  // Blocks do not wait for each other, so a few are enough at a time.
  int blocks = (threads + THREADS - 1) / THREADS;
  emulation::run(blocks, THREADS, 1, 1 << 16, 1, [&] { Kernel(kernel).run(); });
}
extern "C" void run_bend(const OperationInputs* from, bool added) {
  if (added)
    run_operation(from->count / EIGHT, Bend<true>{from->one, from->two, from->three, from->four, from->more, from->made,
                                                  from->count, from->channels, from->number});
  else
    run_operation(from->count / EIGHT, Bend<false>{from->one, from->two, from->three, nullptr, nullptr, from->made,
                                                   from->count, from->channels, from->number});
}
extern "C" void run_gate(const OperationInputs* from) {
  run_operation(from->count / EIGHT, Gate{from->one, from->two, from->three, from->made, from->count, from->apart,
                                          from->channels, from->length});
}
extern "C" void run_norm(const OperationInputs* from) {
  run_operation(32 * from->count, Norm<NORM_CHANNELS>{from->one, from->two, from->three, from->four, from->five,
                                                      from->six, from->made, from->count, from->number});
}
extern "C" void run_attention(const OperationInputs* from) {
  typedef Attention<ATTENTION_SIZES> Kernel;
  long blocks = from->count * from->heads * ((from->length + Kernel::ROWS - 1) / Kernel::ROWS);
  run_operation(blocks * THREADS, Kernel{from->one, from->two, from->three, from->four, from->five, from->mask,
                                         from->made, from->length, from->heads});
}
#endif

static_assert(Codes<KERNEL_SIZES>::SHARED == KERNEL_SHARED);
extern "C" bool run(const Inputs* from, int layers, unsigned seed) {
  return launch<Codes<KERNEL_SIZES>>(*from, layers, seed);
}
