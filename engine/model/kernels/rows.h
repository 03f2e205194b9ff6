// Small things that are done token by token: sums, norms' parts, and rows of quantised activations.
#pragma once
#include <algorithm>
#include <vector>

#include "attention.h"
#include "products.h"

// A part of `count` tasks, for one member of a team.
struct Share {
    int begin, end;
};

static inline Share share(int count, int member, int members) {
    return {(int)((int64_t)count * member / members),
            (int)((int64_t)count * (member + 1) / members)};
}

static inline float sum(Floats x) {
    float half[8], quarter[4];
    for (int i = 0; i < 8; i++) half[i] = x[i] + x[i + 8];
    for (int i = 0; i < 4; i++) quarter[i] = half[i] + half[i + 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

static inline float sum_of_squares(const float* x, int size) {
    Floats even = {}, odd = {};
    for (int i = 0; i < size; i += 32) {
        const Floats a = load<Floats>(x + i), b = load<Floats>(x + i + 16);
        even += a * a;
        odd += b * b;
    }
    return sum(even + odd);
}

static inline float dot(const uint16_t* weights, const float* x, int size) {
    Floats even = {}, odd = {};
    for (int i = 0; i < size; i += 32) {
        even += from_bfloat16(weights + i) * load<Floats>(x + i);
        odd += from_bfloat16(weights + i + 16) * load<Floats>(x + i + 16);
    }
    return sum(even + odd);
}

static inline float silu(float x) { return x / (1.0f + exponential(-x)); }

// Activations of many tokens, quantised.
struct QuantisedRows {
    int width = 0;
    std::vector<int8_t> values;
    std::vector<float> scales;

    QuantisedRows(int rows, int width)
        : width(width),
          values((size_t)rows * width * 2),
          scales((size_t)rows * width / kBlock * 2) {}

    Quantised row(int r) const { return {&values[value_at(r)], &scales[scale_at(r)]}; }
    void set(int r, const float* x) {
        quantise(x, width, &values[value_at(r)], &scales[scale_at(r)]);
    }
    void set_block(int r, int block, const float* x) {
        quantise_block(x, &values[value_at(r) + block * kBlock * 2],
                       &scales[scale_at(r) + block * 2]);
    }

  private:
    size_t value_at(int r) const { return (size_t)r * width * 2; }
    size_t scale_at(int r) const { return (size_t)r * (width / kBlock * 2); }
};

// out[row][tile's outputs] = (or, adding, +=) tile · row, for some of a matrix's tiles and the first
// `count` rows; out has `width` columns, which the last tile may exceed.
static void multiply_tiles(const Matrix& matrix, Share tiles, const QuantisedRows& rows, int count,
                           float* out, int width, bool adding) {
    for (int tile = tiles.begin; tile < tiles.end; tile++) {
        const int valid = std::min(kTile, width - tile * kTile);
        for (int first = 0; first < count; first += kRows) {
            const int group = std::min(kRows, count - first);
            Quantised tokens[kRows];
            Floats sums[kRows] = {};
            for (int r = 0; r < group; r++) tokens[r] = rows.row(first + r);
            multiply(matrix, tile, group, tokens, sums);
            for (int r = 0; r < group; r++) {
                float* to = out + (size_t)(first + r) * width + tile * kTile;
                for (int i = 0; i < valid; i++) to[i] = adding ? to[i] + sums[r][i] : sums[r][i];
            }
        }
    }
}
