// A fixed team of threads that runs one function together and meets at barriers inside it.
//
// The caller is member 0. Members spin for a moment, then yield or sleep: a decode step is a few
// milliseconds with hundreds of barriers, but the machine also has other work.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
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
            return;
        }
        for (int spins = 0; round_.load(std::memory_order_acquire) == round; spins++)
            spins < kSpins ? pause_briefly() : std::this_thread::yield();
    }

  private:
    static constexpr int kSpins = 4000;

    void announce() {
        {
            std::lock_guard<std::mutex> lock(mutex_);
            job_.fetch_add(1, std::memory_order_release);
        }
        wake_.notify_all();
    }

    void serve(int member) {
        for (uint32_t done = 0;; done++) {
            for (int spins = 0; spins < kSpins && job_.load(std::memory_order_acquire) == done; spins++)
                pause_briefly();
            {
                std::unique_lock<std::mutex> lock(mutex_);
                wake_.wait(lock, [&] { return job_.load(std::memory_order_acquire) != done; });
            }
            if (closing_) return;
            (*work_)(member);
            barrier();
        }
    }

    const int size_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::atomic<uint32_t> job_{0};
    std::atomic<uint32_t> round_{0};
    std::atomic<int> arrived_{0};
    std::atomic<bool> closing_{false};
    const std::function<void(int)>* work_ = nullptr;
};
