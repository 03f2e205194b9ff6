// Products of quantised weights with quantised activations.
//
// Weights lie in tiles of 16 output rows by 32 inputs. A weight is d * u + m with u of 4 or 8 bits
// (m = -128 d for 8 bits) and one d, one m for each row of a tile. Activations are whole numbers of
// 15 bits, each kept as two signed bytes (high * 128 + low), with a scale for each 32 of one token:
// 8 bits alone would lose, beside the few large ones that such models have, most of the others.
// No scale is shared between tokens, and each token's sums run in the same order always: so what a
// token gets does not depend on which others are computed with it.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

constexpr int kTile = 16;   // output rows
constexpr int kBlock = 32;  // inputs that share a scale
constexpr int kRows = 8;    // tokens that go through a tile together
constexpr int kAhead = 16;  // blocks: processors fetch ahead by themselves to a page's end only

typedef float Floats __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef uint8_t Bytes __attribute__((vector_size(64)));

// Tiles lie [tiles][blocks], or [blocks][tiles] for a matrix that is read with gaps between blocks.
struct Matrix {
    const uint8_t* quants;   // of each tile [quad of inputs][16 rows][4 inputs]; 4 bits: quads 0 to
                             // 3 in the low halves, 4 to 7 in the high halves
    const uint16_t* scales;  // of each tile [16] d, then for 4 bits [16] m; IEEE half precision
    int32_t tiles, blocks, bits;
};

// One token's activations: for each block 32 high and 32 low bytes, its scale and scale * its sum.
struct Quantised {
    const int8_t* values;
    const float* scales;
};

template <typename T>
static inline T load(const void* from) {
    T value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline Floats from_half(const uint16_t* from) {
#if defined(__AVX512F__)
    return (Floats)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i*)from));
#else
    const Words bits = __builtin_convertvector(load<Halves>(from), Words);
    const Floats size = (Floats)((bits & 0x7fff) << 13) * 0x1p112f;
    return (Floats)((Words)size | (bits & 0x8000) << 16);
#endif
}

#if defined(__AVX512VNNI__)
constexpr const char* kInstructions = "AVX-512 VNNI";
#elif defined(__AVX2__)
constexpr const char* kInstructions = "AVX2";
#else
constexpr const char* kInstructions = "portable";
#endif

// sums[row] += weights[row][0..3] · inputs[0..3]
template <int BITS>
static inline void dot4(Ints& sums, Bytes weights, int32_t inputs) {
#if defined(__AVX512VNNI__)
    sums = (Ints)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)weights, _mm512_set1_epi32(inputs));
#elif defined(__AVX2__)
    const __m256i quad = _mm256_set1_epi32(inputs), ones = _mm256_set1_epi16(1);
    for (int half = 0; half < 2; half++) {
        const __m256i bytes = load<__m256i>((const char*)&weights + 32 * half);
        __m256i sum = load<__m256i>((const char*)&sums + 32 * half);
        // Products of whole bytes would overflow the 16 bits of maddubs, so 8 bits go in two parts.
        const __m256i low = BITS == 4 ? bytes : _mm256_and_si256(bytes, _mm256_set1_epi8(15));
        sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(low, quad), ones));
        if (BITS == 8) {
            const __m256i high =
                _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
            const __m256i part = _mm256_madd_epi16(_mm256_maddubs_epi16(high, quad), ones);
            sum = _mm256_add_epi32(sum, _mm256_slli_epi32(part, 4));
        }
        memcpy((char*)&sums + 32 * half, &sum, sizeof sum);
    }
#else
    int8_t quad[4];
    memcpy(quad, &inputs, 4);
    for (int row = 0; row < kTile; row++)
        for (int i = 0; i < 4; i++) sums[row] += (int32_t)weights[4 * row + i] * quad[i];
#endif
}

// One tile's weights, unpacked.
template <int BITS>
struct Tile {
    static constexpr int kBytes = kTile * kBlock * BITS / 8,
                         kScales = BITS == 4 ? 2 * kTile : kTile;
    Bytes weights[8];
    Floats d, m;

    Tile(const Matrix& matrix, size_t index) {
        const uint8_t* quants = matrix.quants + index * kBytes;
        const uint16_t* scales = matrix.scales + index * kScales;
        for (int i = 0; i < kBytes; i += 64) __builtin_prefetch(quants + kAhead * kBytes + i);
        __builtin_prefetch(scales + kAhead * kScales);
        for (int i = 0; i < 8; i++) weights[i] = load<Bytes>(quants + 64 * (BITS == 4 ? i % 4 : i));
        if (BITS == 4)
            for (int i = 0; i < 4; i++) {
                weights[i] &= 15;
                weights[i + 4] >>= 4;
            }
        d = from_half(scales);
        m = BITS == 4 ? from_half(scales + kTile) : d * -128.0f;
    }

    // y[row] += weights[row] · the block of one token's activations
    void add(Floats& y, const Quantised& token, int block) const {
        const int8_t* values = token.values + 2 * kBlock * block;
        const float* scale = token.scales + 2 * block;
        Ints high = {}, low = {};
        for (int i = 0; i < 8; i++) {
            dot4<BITS>(high, weights[i], load<int32_t>(values + 4 * i));
            dot4<BITS>(low, weights[i], load<int32_t>(values + kBlock + 4 * i));
        }
        y += __builtin_convertvector(high * 128 + low, Floats) * (d * scale[0]);
        y += m * scale[1];
    }
};

// y[r] += one tile's rows · token r, over all blocks
template <int R, int BITS>
static inline void multiply_tile(const Matrix& m, int tile, const Quantised* tokens, Floats* y) {
    for (int b = 0; b < m.blocks; b++) {
        const Tile<BITS> weights(m, (size_t)tile * m.blocks + b);
        for (int r = 0; r < R; r++) weights.add(y[r], tokens[r], b);
    }
}

// y[tile - begin][rows[r]] += one block of inputs of many tiles · token r; tiles lie
// [blocks][tiles]
template <int R, int BITS>
static inline void spread_block(const Matrix& m, int block, int begin, int end,
                                const Quantised* tokens, const uint8_t* rows, Floats (*y)[kRows]) {
    for (int tile = begin; tile < end; tile++) {
        const Tile<BITS> weights(m, (size_t)block * m.tiles + tile);
        for (int r = 0; r < R; r++) weights.add(y[tile - begin][rows[r]], tokens[r], block);
    }
}

// Chooses the variants for a number of tokens and of bits. Never inlined: that would compile them
// all once more for each use.
#define BREAKEVEN_FOR_ROWS(BITS, CALL) \
    switch (count) {                   \
        case 1:                        \
            return CALL(1, BITS);      \
        case 2:                        \
            return CALL(2, BITS);      \
        case 3:                        \
            return CALL(3, BITS);      \
        case 4:                        \
            return CALL(4, BITS);      \
        case 5:                        \
            return CALL(5, BITS);      \
        case 6:                        \
            return CALL(6, BITS);      \
        case 7:                        \
            return CALL(7, BITS);      \
        default:                       \
            return CALL(8, BITS);      \
    }
#define BREAKEVEN_FOR_BITS(CALL)                 \
    if (m.bits == 4) BREAKEVEN_FOR_ROWS(4, CALL) \
    BREAKEVEN_FOR_ROWS(8, CALL)

__attribute__((noinline)) static void multiply(const Matrix& m, int tile, int count,
                                               const Quantised* tokens, Floats* y) {
#define CALL(R, BITS) multiply_tile<R, BITS>(m, tile, tokens, y)
    BREAKEVEN_FOR_BITS(CALL)
#undef CALL
}

__attribute__((noinline)) static void spread(const Matrix& m, int block, int begin, int end,
                                             int count, const Quantised* tokens,
                                             const uint8_t* rows, Floats (*y)[kRows]) {
#define CALL(R, BITS) spread_block<R, BITS>(m, block, begin, end, tokens, rows, y)
    BREAKEVEN_FOR_BITS(CALL)
#undef CALL
}

constexpr float kLargest = 16256.0f;  // 127 * 128: as large as the high byte allows

// Unlike std::fmax this says nothing of NaN, and so becomes vector code.
static inline float larger(float a, float b) { return a > b ? a : b; }

// One block of 32 numbers; values gets the high bytes, then the low ones.
static inline void quantise_block(const float* x, int8_t* values, float* scales) {
    float largest = 0;
#pragma omp simd reduction(max : largest)
    for (int i = 0; i < kBlock; i++) largest = larger(largest, std::fabs(x[i]));
    const float inverse = largest > 0 ? kLargest / largest : 0.0f;
    int32_t sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < kBlock; i++) {
        // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
        const float shifted = x[i] * inverse + 12582912.0f;
        int32_t whole;
        memcpy(&whole, &shifted, 4);
        whole -= 0x4b400000;
        const int32_t high = (whole + 64) >> 7;
        values[i] = (int8_t)high;
        values[kBlock + i] = (int8_t)(whole - high * 128);
        sum += whole;
    }
    scales[0] = largest / kLargest;
    scales[1] = scales[0] * (float)sum;
}

static inline void quantise(const float* x, int size, int8_t* values, float* scales) {
    for (int i = 0; i < size; i += kBlock)
        quantise_block(x + i, values + 2 * i, scales + i / kBlock * 2);
}

// e^x to about 2 ulp; without branches, so that loops over it become vector code.
static inline float exponential(float x) {
    x = x < -87.0f ? -87.0f : (x > 88.0f ? 88.0f : x);
    const float shifted = x * 1.44269504f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    memcpy(&bits, &shifted, 4);
    bits = (bits - 0x4b400000 + 127) << 23;
    float power;
    memcpy(&power, &bits, 4);
    return p * power;
}
