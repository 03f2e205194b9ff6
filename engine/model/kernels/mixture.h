// Products by a team of threads, for decoders that are not compiled as a whole: one matrix, or all
// routed experts of a layer.
#pragma once
#include <algorithm>
#include <vector>

#include "rows.h"
#include "threads.h"

// Experts of one size: gate and up [neurons, hidden], down [hidden, neurons].
struct Mixture {
    const Matrix *gate, *up, *down;
    int32_t experts, hidden, neurons;
};

struct MixtureCall {
    int32_t tokens, per_token;
    const float* x;         // [tokens][hidden]
    const int64_t* chosen;  // [tokens][per_token]
    const float* gains;     // [tokens][per_token]
    float* y;               // [tokens][hidden]
};

// y[rows][width] = matrix · x[rows][32 * blocks]
static void multiply_rows(Team& team, const Matrix& matrix, const float* x, int rows, float* y,
                          int width) {
    QuantisedRows quantised(rows, matrix.blocks * kBlock);
    team.run([&](int member) {
        const Share mine = share(rows, member, team.size());
        for (int r = mine.begin; r < mine.end; r++)
            quantised.set(r, x + (size_t)r * matrix.blocks * kBlock);
        team.barrier();
        multiply_tiles(matrix, share(matrix.tiles, member, team.size()), quantised, rows, y, width,
                       false);
    });
}

// One pass through a layer's routed experts. Tokens are sorted by expert; a pair is a token with
// one of its experts.
class MixturePass {
  public:
    MixturePass(Team& team, const Mixture& mixture, const MixtureCall& call)
        : team_(team),
          m_(mixture),
          call_(call),
          starts_(mixture.experts + 1),
          order_((size_t)call.tokens * call.per_token),
          inputs_(call.tokens, mixture.hidden),
          activations_(order_.size() * mixture.neurons),
          quantised_((int)order_.size(), mixture.neurons) {
        sort();
    }

    void run() {
        team_.run([&](int member) {
            const Share tokens = share(call_.tokens, member, team_.size());
            for (int t = tokens.begin; t < tokens.end; t++)
                inputs_.set(t, call_.x + (size_t)t * m_.hidden);
            team_.barrier();
            gate_and_up(member);
            team_.barrier();
            const Share pairs = share((int)order_.size(), member, team_.size());
            for (int p = pairs.begin; p < pairs.end; p++)
                quantised_.set(p, &activations_[(size_t)p * m_.neurons]);
            team_.barrier();
            down(member);
        });
    }

  private:
    void sort() {
        for (size_t i = 0; i < order_.size(); i++) starts_[call_.chosen[i] + 1]++;
        for (int e = 0; e < m_.experts; e++) {
            if (starts_[e + 1]) active_.push_back(e);
            starts_[e + 1] += starts_[e];
        }
        std::vector<int> next(starts_.begin(), starts_.end() - 1);
        for (size_t i = 0; i < order_.size(); i++) order_[next[call_.chosen[i]]++] = (int)i;
    }

    int token(int pair) const { return order_[pair] / call_.per_token; }

    void gate_and_up(int member) {
        const int tiles = m_.neurons / kTile;
        const Share items = share((int)active_.size() * tiles, member, team_.size());
        for (int item = items.begin; item < items.end; item++) {
            const int expert = active_[item / tiles], tile = item % tiles;
            for (int first = starts_[expert]; first < starts_[expert + 1]; first += kRows) {
                const int count = std::min(kRows, starts_[expert + 1] - first);
                Quantised rows[kRows];
                Floats gate[kRows] = {}, up[kRows] = {};
                for (int r = 0; r < count; r++) rows[r] = inputs_.row(token(first + r));
                multiply(m_.gate[expert], tile, count, rows, gate);
                multiply(m_.up[expert], tile, count, rows, up);
                for (int r = 0; r < count; r++)
                    for (int i = 0; i < kTile; i++)
                        activations_[(size_t)(first + r) * m_.neurons + tile * kTile + i] =
                            silu(gate[r][i]) * up[r][i];
            }
        }
    }

    // Each member adds up some of the outputs, of all tokens: nobody else writes to them.
    void down(int member) {
        const Share tiles = share(m_.hidden / kTile, member, team_.size());
        for (int t = 0; t < call_.tokens; t++)
            std::fill(call_.y + (size_t)t * m_.hidden + tiles.begin * kTile,
                      call_.y + (size_t)t * m_.hidden + tiles.end * kTile, 0.0f);
        for (int expert : active_)
            for (int tile = tiles.begin; tile < tiles.end; tile++)
                for (int first = starts_[expert]; first < starts_[expert + 1]; first += kRows)
                    add(expert, tile, first);
    }

    void add(int expert, int tile, int first) {
        const int count = std::min(kRows, starts_[expert + 1] - first);
        Quantised rows[kRows];
        Floats sums[kRows] = {};
        for (int r = 0; r < count; r++) rows[r] = quantised_.row(first + r);
        multiply(m_.down[expert], tile, count, rows, sums);
        for (int r = 0; r < count; r++) {
            float* y = call_.y + (size_t)token(first + r) * m_.hidden + tile * kTile;
            const float gain = call_.gains[order_[first + r]];
            for (int i = 0; i < kTile; i++) y[i] += gain * sums[r][i];
        }
    }

    Team& team_;
    const Mixture& m_;
    const MixtureCall& call_;
    std::vector<int> starts_;  // of each expert's pairs in order_
    std::vector<int> order_;   // pairs, sorted by expert
    std::vector<int> active_;  // experts that somebody chose
    QuantisedRows inputs_;
    std::vector<float> activations_;
    QuantisedRows quantised_;
};
