// A whole forward pass of a Llama decoder with experts in one call, over quantised weights.
//
// Python packs the weights (packing.py) and owns every buffer that outlives a call; the structs
// below are mirrored by ctypes in kernel_llama.py. A team of threads walks through the layers
// together and meets at a barrier after each stage.
#include <algorithm>
#include <memory>
#include <vector>

#include "attention.h"
#include "mixture.h"
#include "products.h"
#include "rows.h"
#include "threads.h"

extern "C" {

struct Shape {
    int32_t layers, hidden, neurons, heads, kv_heads, head_dim, vocab, max_tokens;
    float norm_eps;
};

// Neurons lie expert by expert: first the shared ones, then the routed experts, all of one size.
struct Layer {
    const float *attn_norm, *ffn_norm;
    Matrix qkv, o, gate, up, down;                 // down: [blocks][tiles]
    int32_t routed, shared_blocks, expert_blocks;  // blocks of 32 neurons
    int32_t rank;
    const uint16_t *router, *correction_in, *correction_out;  // bfloat16 [routed or rank][hidden]
    const float *router_bias, *correction_bias;               // [routed], [hidden]
};

// One call: `tokens` new tokens of any number of sequences, each sequence's together and in order.
struct Call {
    int32_t tokens, outputs;
    const int32_t *token_ids, *positions;
    const int32_t* table_starts;  // of each token: where its sequence's blocks begin in `tables`
    const int32_t* tables;
    const int32_t* per_token;    // routed experts a token, for each layer
    float correction_scale;      // 0: no correction
    const int32_t* output_rows;  // tokens whose logits are wanted
    uint16_t* cache;             // [layers][blocks][kv_heads][2][32 * head_dim], bfloat16
    int64_t cache_blocks;
    float* logits;    // [outputs][vocab]
    uint8_t* chosen;  // [tokens][layers][routed], 0 or 1
};
}

namespace {

constexpr int kFew = 2;

struct ActiveBlock {
    int block, expert;
};

// What a layer makes of each token on its way.
struct Stage {
    QuantisedRows normed, attended;
    std::vector<float> low;       // [tokens][rank], the correction's first half
    std::vector<uint8_t> chosen;  // [tokens][routed]

    Stage(int tokens, int hidden, int heads_width, int rank, int routed)
        : normed(tokens, hidden),
          attended(tokens, heads_width),
          low((size_t)tokens * rank),
          chosen((size_t)tokens * routed) {}
};

// What each member of the team keeps for itself.
struct Own {
    std::unique_ptr<Stage> stage;
    std::vector<float> attention, normed, scores;
    std::vector<uint8_t> masks;  // [group of 8 tokens][1 + routed]
    std::vector<ActiveBlock> active;
    std::unique_ptr<Floats[][kRows]> sums;  // [output tile]
};

class Decoder {
  public:
    Decoder(const Shape& shape, const Layer* layers, const float* final_norm,
            const Matrix& embedding, const Matrix& head, const float* rotary, int threads)
        : s_(shape),
          layers_(layers, layers + shape.layers),
          final_norm_(final_norm),
          embedding_(embedding),
          head_(head),
          rotary_(rotary),
          team_(threads),
          heads_width_(shape.heads * shape.head_dim),
          qkv_width_((shape.heads + 2 * shape.kv_heads) * shape.head_dim),
          x_((size_t)shape.max_tokens * shape.hidden),
          qkv_((size_t)shape.max_tokens * qkv_width_),
          attended_((size_t)shape.max_tokens * heads_width_),
          neurons_(shape.max_tokens, shape.neurons),
          own_(threads) {
        int rank = 0, routed = 0;
        for (const Layer& layer : layers_) {
            rank = std::max(rank, layer.rank);
            routed = std::max(routed, layer.routed);
        }
        auto stage = [&](int tokens) {
            return std::make_unique<Stage>(tokens, shape.hidden, heads_width_, rank, routed);
        };
        shared_ = stage(shape.max_tokens);
        const int groups = (shape.max_tokens + kRows - 1) / kRows;
        for (Own& own : own_) {
            own.stage = stage(kFew);
            own.normed.resize(shape.hidden);
            own.masks.resize((size_t)groups * (routed + 1));
            own.sums.reset(new Floats[shape.hidden / kTile][kRows]);
        }
    }

    void forward(const Call& call) {
        team_.run([&](int member) { pass(call, member); });
    }

  private:
    // With few tokens, every member does the small things itself and for all of them: that takes
    // less time than to meet. With many, each does them for some, and they meet more often.
    void pass(const Call& call, int member) {
        const bool few = call.tokens <= kFew;
        const Share some = share(call.tokens, member, team_.size());
        const Share mine = few ? Share{0, call.tokens} : some;
        Stage& stage = few ? *own_[member].stage : *shared_;
        auto meet_if_many = [&] {
            if (!few) team_.barrier();
        };

        for (int t = some.begin; t < some.end; t++) embed(call.token_ids[t], x(t));
        team_.barrier();
        for (int l = 0; l < s_.layers; l++) {
            const Layer& layer = layers_[l];
            for (int t = mine.begin; t < mine.end; t++)
                normalise(x(t), layer.attn_norm, stage.normed, t, member);
            meet_if_many();
            product(layer.qkv, stage.normed, call.tokens, member, qkv_.data(), qkv_width_, false);
            team_.barrier();
            attention(call, l, member, few);
            team_.barrier();
            for (int t = mine.begin; t < mine.end; t++)
                stage.attended.set(t, &attended_[(size_t)t * heads_width_]);
            meet_if_many();
            product(layer.o, stage.attended, call.tokens, member, x_.data(), s_.hidden, true);
            team_.barrier();
            for (int t = mine.begin; t < mine.end; t++)
                route(call, l, t, stage, member, !few || member == 0);
            meet_if_many();
            feed_forward(call, l, stage, member);
        }
        outputs(call, member);
    }

    float* x(int token) { return &x_[(size_t)token * s_.hidden]; }

    void embed(int id, float* out) const {
        const int row = id % kTile, bytes = kTile * kBlock;
        for (int b = 0; b < embedding_.blocks; b++) {
            const size_t at = (size_t)(id / kTile) * embedding_.blocks + b;
            const uint8_t* quants = embedding_.quants + at * bytes;
            const float d = from_half(embedding_.scales + at * kTile)[row];
            for (int i = 0; i < kBlock; i++)
                out[b * kBlock + i] = d * ((int)quants[i / 4 * 64 + row * 4 + i % 4] - 128);
        }
    }

    // RMS norm of x, returned as it is and put quantised into `to`.
    const float* normalise(const float* x, const float* weight, QuantisedRows& to, int row,
                           int member) {
        float* normed = own_[member].normed.data();
        const float scale =
            1.0f / std::sqrt(sum_of_squares(x, s_.hidden) / s_.hidden + s_.norm_eps);
        for (int i = 0; i < s_.hidden; i++) normed[i] = x[i] * scale * weight[i];
        to.set(row, normed);
        return normed;
    }

    // out[token] = (or, adding, +=) matrix · row: each member computes some of the output tiles.
    void product(const Matrix& matrix, const QuantisedRows& rows, int count, int member, float* out,
                 int width, bool adding) {
        multiply_tiles(matrix, share(matrix.tiles, member, team_.size()), rows, count, out, width,
                       adding);
    }

    // Turns a key head's queries and key by their position, and puts key and value into the cache.
    void place(const Call& call, int l, int token, int head) {
        const int dim = s_.head_dim, position = call.positions[token],
                  group = s_.heads / s_.kv_heads;
        float* q = &qkv_[(size_t)token * qkv_width_];
        float* k = q + heads_width_ + head * dim;
        const float* v = k + s_.kv_heads * dim;
        const float scale = 1.0f / std::sqrt((float)dim);
        for (int i = head * group; i < (head + 1) * group; i++) turn(q + i * dim, position, scale);
        turn(k, position, 1.0f);
        const int slot = position % kBlock;
        const int32_t block = call.tables[call.table_starts[token] + position / kBlock];
        uint16_t* keys = cache(call, l, head) + block * cache_stride();
        uint16_t* values = keys + kBlock * dim + slot * dim;
        for (int i = 0; i < dim; i++) keys[i * kBlock + slot] = to_bfloat16(k[i]);
        for (int i = 0; i < dim; i++) values[i] = to_bfloat16(v[i]);
    }

    // Rotary embedding of one head, pairs side by side as GGUF has them.
    void turn(float* head, int position, float scale) const {
        const float* cosine = rotary_ + (size_t)position * s_.head_dim;  // then the sines
        const float* sine = cosine + s_.head_dim / 2;
        for (int i = 0; i < s_.head_dim / 2; i++) {
            const float even = head[2 * i], odd = head[2 * i + 1];
            head[2 * i] = (even * cosine[i] - odd * sine[i]) * scale;
            head[2 * i + 1] = (odd * cosine[i] + even * sine[i]) * scale;
        }
    }

    size_t cache_stride() const { return (size_t)s_.kv_heads * 2 * kBlock * s_.head_dim; }

    uint16_t* cache(const Call& call, int l, int head) const {
        return call.cache + l * call.cache_blocks * cache_stride() +
               (size_t)head * 2 * kBlock * s_.head_dim;
    }

    // Whoever attends to a key head with few tokens also places it, and so needs to wait for
    // nobody.
    void attention(const Call& call, int l, int member, bool few) {
        const int members = team_.size();
        for (int i = few ? 0 : member; i < call.tokens * s_.kv_heads; i += few ? 1 : members)
            if (!few || i % s_.kv_heads % members == member)
                place(call, l, i / s_.kv_heads, i % s_.kv_heads);
        if (!few) team_.barrier();
        int task = 0;
        for (int first = 0, count = 0; first < call.tokens; first += count) {
            count = 1;
            while (count < kTogether && first + count < call.tokens &&
                   call.table_starts[first + count] == call.table_starts[first])
                count++;
            for (int head = 0; head < s_.kv_heads; head++, task++)
                if ((few ? head : task) % members == member)
                    attend_head(call, l, head, first, count, member);
        }
    }

    void attend_head(const Call& call, int l, int head, int first, int count, int member) {
        const int group = s_.heads / s_.kv_heads, offset = head * group * s_.head_dim;
        const Blocks blocks{cache(call, l, head), call.tables + call.table_starts[first],
                            cache_stride(), s_.head_dim};
        const float* q = &qkv_[(size_t)first * qkv_width_ + offset];
        float* out = &attended_[(size_t)first * heads_width_ + offset];
        auto run = [&](auto attend) {
            attend(q, qkv_width_, count, call.positions[first], blocks, out, heads_width_,
                   own_[member].attention);
        };
        switch (group) {
            case 1:
                return run(attend<1>);
            case 2:
                return run(attend<2>);
            case 3:
                return run(attend<3>);
            case 4:
                return run(attend<4>);
            case 5:
                return run(attend<5>);
            case 6:
                return run(attend<6>);
            case 7:
                return run(attend<7>);
            default:
                return run(attend<8>);
        }
    }

    // Normalises for the feed-forward, chooses the token's experts, and starts the correction.
    void route(const Call& call, int l, int token, Stage& stage, int member, bool telling) {
        const Layer& layer = layers_[l];
        const float* normed = normalise(x(token), layer.ffn_norm, stage.normed, token, member);
        if (layer.routed == 0) return;
        uint8_t* chosen = &stage.chosen[(size_t)token * layer.routed];
        choose(layer, normed, call.per_token[l], chosen, own_[member]);
        if (telling)
            memcpy(call.chosen + ((size_t)token * s_.layers + l) * layer.routed, chosen,
                   layer.routed);
        if (call.correction_scale != 0)
            for (int i = 0; i < layer.rank; i++)
                stage.low[(size_t)token * layer.rank + i] =
                    dot(layer.correction_in + (size_t)i * s_.hidden, normed, s_.hidden);
    }

    void choose(const Layer& layer, const float* normed, int wanted, uint8_t* chosen,
                Own& own) const {
        if (wanted <= 0 || wanted >= layer.routed) {
            memset(chosen, wanted > 0, layer.routed);
            return;
        }
        own.scores.resize(layer.routed);
        float* scores = own.scores.data();
        for (int e = 0; e < layer.routed; e++)
            scores[e] = dot(layer.router + (size_t)e * s_.hidden, normed, s_.hidden) +
                        layer.router_bias[e];
        // Chosen is whom fewer than `wanted` others beat: without branches faster than sorting.
        for (int e = 0; e < layer.routed; e++) {
            int better = 0;
            for (int other = 0; other < layer.routed; other++)
                better += (scores[other] > scores[e]) |
                          ((scores[other] == scores[e]) & (other < e));
            chosen[e] = better < wanted;
        }
    }

    // Which of a group of 8 tokens use each expert; expert 0 is the shared part.
    const uint8_t* gather_masks(const Call& call, const Layer& layer, const Stage& stage,
                                int member) {
        uint8_t* masks = own_[member].masks.data();
        for (int first = 0; first < call.tokens; first += kRows, masks += layer.routed + 1) {
            const int count = std::min(kRows, call.tokens - first);
            memset(masks, 0, layer.routed + 1);
            masks[0] = (uint8_t)((1 << count) - 1);
            for (int r = 0; r < count; r++) {
                const uint8_t* chosen = stage.chosen.data() + (size_t)(first + r) * layer.routed;
                for (int e = 0; e < layer.routed; e++) masks[e + 1] |= (uint8_t)(chosen[e] << r);
            }
        }
        return own_[member].masks.data();
    }

    void feed_forward(const Call& call, int l, const Stage& stage, int member) {
        const Layer& layer = layers_[l];
        const uint8_t* masks = gather_masks(call, layer, stage, member);
        const int groups = (call.tokens + kRows - 1) / kRows, experts = layer.routed + 1;
        // The blocks of neurons that anybody uses, shared out evenly.
        auto& active = own_[member].active;
        active.clear();
        for (int e = 0, block = 0; e < experts; e++) {
            const int size = e == 0 ? layer.shared_blocks : layer.expert_blocks;
            bool used = false;
            for (int g = 0; g < groups; g++) used |= masks[g * experts + e] != 0;
            for (int i = 0; i < size; i++, block++)
                if (used) active.push_back({block, e});
        }
        const Share mine = share((int)active.size(), member, team_.size());
        for (int i = mine.begin; i < mine.end; i++)
            for (int g = 0; g < groups; g++)
                fire(layer, stage, active[i].block, g * kRows,
                     masks[g * experts + active[i].expert]);
        team_.barrier();
        for (int g = 0; g < groups; g++)
            sum_up(call, layer, stage, g * kRows, &masks[g * experts], member);
        team_.barrier();
    }

    // 32 neurons for those of 8 tokens that use them: silu(gate) * up, quantised.
    void fire(const Layer& layer, const Stage& stage, int block, int first, uint8_t mask) {
        Quantised tokens[kRows];
        int rows[kRows], count = 0;
        for (int r = 0; r < kRows; r++)
            if (mask >> r & 1) {
                rows[count] = first + r;
                tokens[count++] = stage.normed.row(first + r);
            }
        if (count == 0) return;
        Floats gate[2][kRows] = {}, up[2][kRows] = {};
        for (int half = 0; half < 2; half++) {
            multiply(layer.gate, 2 * block + half, count, tokens, gate[half]);
            multiply(layer.up, 2 * block + half, count, tokens, up[half]);
        }
        for (int r = 0; r < count; r++) {
            float out[kBlock];
            for (int half = 0; half < 2; half++)
                for (int i = 0; i < kTile; i++)
                    out[half * kTile + i] = silu(gate[half][r][i]) * up[half][r][i];
            neurons_.set_block(rows[r], block, out);
        }
    }

    // The member's part of the down projection's outputs for 8 tokens, over the experts that each
    // of them uses, and the correction for what is left out.
    void sum_up(const Call& call, const Layer& layer, const Stage& stage, int first,
                const uint8_t* masks, int member) {
        const Share tiles = share(layer.down.tiles, member, team_.size());
        Floats(*sums)[kRows] = own_[member].sums.get();
        memset(sums, 0, sizeof *sums * (tiles.end - tiles.begin));
        for (int e = 0, block = 0; e <= layer.routed; e++) {
            Quantised tokens[kRows];
            uint8_t rows[kRows];
            int count = 0;
            for (int r = 0; r < kRows; r++)
                if (masks[e] >> r & 1) {
                    rows[count] = (uint8_t)r;
                    tokens[count++] = neurons_.row(first + r);
                }
            const int end = block + (e == 0 ? layer.shared_blocks : layer.expert_blocks);
            for (; block < end; block++)
                if (count)
                    spread(layer.down, block, tiles.begin, tiles.end, count, tokens, rows, sums);
        }
        const float scale = layer.routed > 0 ? call.correction_scale : 0;
        const int count = std::min(kRows, call.tokens - first);
        for (int tile = tiles.begin; tile < tiles.end; tile++)
            for (int r = 0; r < count; r++) {
                Floats out = sums[tile - tiles.begin][r];
                if (scale != 0) {
                    const float* low = stage.low.data() + (size_t)(first + r) * layer.rank;
                    out += correct(layer, tile, low) * scale;
                }
                float* to = x(first + r) + tile * kTile;
                for (int i = 0; i < kTile; i++) to[i] += out[i];
            }
    }

    Floats correct(const Layer& layer, int tile, const float* low) const {
        Floats out = load<Floats>(layer.correction_bias + tile * kTile);
        for (int i = 0; i < layer.rank; i++)
            out +=
                from_bfloat16(layer.correction_out + (size_t)i * s_.hidden + tile * kTile) * low[i];
        return out;
    }

    void outputs(const Call& call, int member) {
        const Share mine = share(call.outputs, member, team_.size());
        for (int i = mine.begin; i < mine.end; i++)
            normalise(x(call.output_rows[i]), final_norm_, shared_->normed, i, member);
        team_.barrier();
        product(head_, shared_->normed, call.outputs, member, call.logits, s_.vocab, false);
    }

    const Shape s_;
    const std::vector<Layer> layers_;
    const float* final_norm_;
    const Matrix embedding_, head_;
    const float* rotary_;  // [position][cosines, sines][head_dim / 2]
    Team team_;
    const int heads_width_, qkv_width_;
    std::vector<float> x_, qkv_, attended_;
    QuantisedRows neurons_;
    std::unique_ptr<Stage> shared_;
    std::vector<Own> own_;
};

}  // namespace

extern "C" {

void* breakeven_create(const Shape* shape, const Layer* layers, const float* final_norm,
                       const Matrix* embedding, const Matrix* head, const float* rotary,
                       int threads) {
    return new Decoder(*shape, layers, final_norm, *embedding, *head, rotary, threads);
}

void breakeven_forward(void* decoder, const Call* call) {
    static_cast<Decoder*>(decoder)->forward(*call);
}

void breakeven_destroy(void* decoder) { delete static_cast<Decoder*>(decoder); }

// What the products were compiled to.
const char* breakeven_instructions() { return kInstructions; }

void* breakeven_team(int threads) { return new Team(threads); }

void breakeven_team_destroy(void* team) { delete static_cast<Team*>(team); }

void breakeven_multiply(void* team, const Matrix* matrix, const float* x, int rows, float* y,
                        int width) {
    multiply_rows(*static_cast<Team*>(team), *matrix, x, rows, y, width);
}

void breakeven_mixture(void* team, const Mixture* mixture, const MixtureCall* call) {
    MixturePass(*static_cast<Team*>(team), *mixture, *call).run();
}
}
