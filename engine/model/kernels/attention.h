// Attention over a cache of blocks of 32 positions in bfloat16, for tokens that follow one another.
//
// A block holds, for each key head, the keys as [head_dim][32] and then the values as
// [32][head_dim]: so both products run over contiguous numbers without a sum across a vector.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "products.h"

constexpr int kTogether = 4;  // tokens of one sequence that read a block together

static inline uint16_t to_bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline Floats from_bfloat16(const uint16_t* from) {
    return (Floats)(__builtin_convertvector(load<Halves>(from), Words) << 16);
}

// The cache of one layer and key head, through one sequence's block table.
struct Blocks {
    const uint16_t* layer;  // block 0 of this layer, at this head
    const int32_t* table;
    size_t stride;  // numbers from one block to the next
    int head_dim;

    const uint16_t* keys(int block) const { return layer + table[block] * stride; }
    const uint16_t* values(int block) const { return keys(block) + (size_t)kBlock * head_dim; }
};

// scores[g][0..31] = q[g] · key of each position, for the G query heads that share a key head.
// `next`, what is read after these keys, is fetched meanwhile: blocks lie anywhere.
template <int G>
static inline void score_block(const float* q, const uint16_t* keys, const uint16_t* next,
                               int head_dim, float* scores, size_t stride) {
    Floats left[G] = {}, right[G] = {};
    for (int i = 0; i < head_dim; i++) {
        __builtin_prefetch(next + kBlock * i);
        const Floats a = from_bfloat16(keys + kBlock * i),
                     b = from_bfloat16(keys + kBlock * i + 16);
        for (int g = 0; g < G; g++) {
            left[g] += a * q[g * head_dim + i];
            right[g] += b * q[g * head_dim + i];
        }
    }
    for (int g = 0; g < G; g++) {
        memcpy(scores + g * stride, &left[g], sizeof(Floats));
        memcpy(scores + g * stride + 16, &right[g], sizeof(Floats));
    }
}

// out[g] += sum over positions of weights[g][position] * value; `next` as for score_block
template <int G>
static inline void mix_block(const float* weights, size_t stride, const uint16_t* values,
                             const uint16_t* next, int head_dim, float* out) {
    for (int part = 0; part < head_dim; part += 64) {
        Floats sums[G][4];
        for (int g = 0; g < G; g++) memcpy(sums[g], out + g * head_dim + part, sizeof sums[g]);
        for (int i = 0; i < kBlock; i++) {
            const size_t row = (size_t)i * head_dim + part;
            __builtin_prefetch(next + row);
            __builtin_prefetch(next + row + 32);
            for (int j = 0; j < 4; j++) {
                const Floats v = from_bfloat16(values + row + 16 * j);
                for (int g = 0; g < G; g++) sums[g][j] += v * weights[g * stride + i];
            }
        }
        for (int g = 0; g < G; g++) memcpy(out + g * head_dim + part, sums[g], sizeof sums[g]);
    }
}

// In place; what lies past `length` up to a whole block becomes 0.
static inline void softmax(float* scores, int length, int padded) {
    float largest = scores[0];
#pragma omp simd reduction(max : largest)
    for (int i = 0; i < length; i++) largest = larger(largest, scores[i]);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < length; i++) {
        scores[i] = exponential(scores[i] - largest);
        sum += scores[i];
    }
    const float inverse = 1.0f / sum;
    for (int i = 0; i < length; i++) scores[i] *= inverse;
    for (int i = length; i < padded; i++) scores[i] = 0;
}

// `count` tokens of one sequence, the first at `position`, for the G query heads of one key head.
// q: token i's queries [G][head_dim] at q + i * q_stride, scaled; out likewise.
template <int G>
static void attend(const float* q, size_t q_stride, int count, int position, const Blocks& cache,
                   float* out, size_t out_stride, std::vector<float>& scratch) {
    const int head_dim = cache.head_dim;
    const int blocks = (position + count + kBlock - 1) / kBlock;
    const size_t stride = (size_t)blocks * kBlock;
    scratch.resize(stride * G * count);
    auto last = [&](int token) { return (position + token) / kBlock; };
    for (int block = 0; block < blocks; block++) {
        const uint16_t* next = block + 1 < blocks ? cache.keys(block + 1) : cache.values(0);
        for (int token = 0; token < count; token++)
            if (block <= last(token))
                score_block<G>(q + token * q_stride, cache.keys(block), next, head_dim,
                               &scratch[token * G * stride + block * kBlock], stride);
    }
    for (int token = 0; token < count; token++) {
        for (int g = 0; g < G; g++)
            softmax(&scratch[(token * G + g) * stride], position + token + 1,
                    (last(token) + 1) * kBlock);
        memset(out + token * out_stride, 0, sizeof(float) * G * head_dim);
    }
    for (int block = 0; block < blocks; block++) {
        const uint16_t* next = cache.values(std::min(block + 1, blocks - 1));
        for (int token = 0; token < count; token++)
            if (block <= last(token))
                mix_block<G>(&scratch[token * G * stride + block * kBlock], stride,
                             cache.values(block), next, head_dim, out + token * out_stride);
    }
}
