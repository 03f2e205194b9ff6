// A fixed team of threads that runs one function together and meets at barriers inside it.
//
// The caller is member 0. Members spin for some microseconds, about as long as a stage takes, then
// sleep: on a busy machine that lets the member whom everybody waits for have the processor.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

static inline void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

class Team {
  public:
    explicit Team(int size) : size_(size) {
        for (int member = 1; member < size; member++)
            threads_.emplace_back([this, member] { serve(member); });
    }

    ~Team() {
        closing_ = true;
        announce();
        for (auto& thread : threads_) thread.join();
    }

    int size() const { return size_; }

    // Every member runs work(member); returns when all have.
    void run(const std::function<void(int)>& work) {
        work_ = &work;
        announce();
        work(0);
        barrier();
    }

    void barrier() {
        const uint32_t round = round_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) == size_ - 1) {
            arrived_.store(0, std::memory_order_relaxed);
            round_.store(round + 1, std::memory_order_release);
            round_.notify_all();
        } else {
            wait_while(round_, round);
        }
    }

  private:
    static constexpr int kSpins = 1000;

    static void wait_while(const std::atomic<uint32_t>& counter, uint32_t value) {
        for (int spins = 0; spins < kSpins; spins++) {
            if (counter.load(std::memory_order_acquire) != value) return;
            pause_briefly();
        }
        counter.wait(value, std::memory_order_acquire);
    }

    void announce() {
        job_.fetch_add(1, std::memory_order_release);
        job_.notify_all();
    }

    void serve(int member) {
        for (uint32_t done = 0;; done++) {
            wait_while(job_, done);
            if (closing_) return;
            (*work_)(member);
            barrier();
        }
    }

    const int size_;
    std::vector<std::thread> threads_;
    std::atomic<uint32_t> job_{0};
    std::atomic<uint32_t> round_{0};
    std::atomic<int> arrived_{0};
    std::atomic<bool> closing_{false};
    const std::function<void(int)>* work_ = nullptr;
};
