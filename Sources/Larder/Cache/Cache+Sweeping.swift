import Synchronization

extension Cache {
    /// Removes what has reached its deadline; returns how many. It runs by itself within a
    /// moment of each deadline, and within a second of a clock step.
    @discardableResult
    public func expire() -> Int {
        let now = clock.now()
        let expired = inSlices(of: \.expiring) { $0.expire(limit: $1, at: now) }
        if expired >= 16 * Store<Key, Value>.slice { trim() }
        return expired
    }

    /// Sleeps until there is something to do by itself, but never more than a second: a clock step
    /// wakes nobody.
    func scheduleSweep() {
        guard let deadline = store.withLock({ $0.nextDeadline() }) else { return }
        let wake = min(deadline, clock.now() + .seconds(1))
        sweeper.withLock { sweeper in
            guard wake < sweeper.wake else { return }
            sweeper.task?.cancel()
            sweeper.wake = wake
            nextSweep.store(wake.nanoseconds, ordering: .relaxed)
            sweeper.task = Task { [weak self, clock] in
                do { try await clock.sleep(until: wake) } catch { return }
                self?.sweep()
            }
        }
    }

    private func sweep() {
        sweeper.withLock {
            $0.wake = .distantFuture
            nextSweep.store(.max, ordering: .relaxed)
        }
        expire()
        scheduleSweep()
    }
}

/// The one sleep ahead of the next sweep.
struct Sweeper {
    var wake = AgeInstant.distantFuture
    var task: Task<Void, Never>?
}
