public import Synchronization

/// The lock in front of a shard, for the few dozen instructions of a hit.
///
/// Letting go of it is a plain store, where a `Mutex` needs a locked instruction that costs as
/// much as the look-up behind it. The price: who finds it taken spins, then yields, then sleeps;
/// so it is held only for short, bounded work, and never while anybody's code may block.
@usableFromInline
struct Latch: ~Copyable {
    @usableFromInline let state = Atomic<UInt32>(0)
    /// Those who have found it taken for so long that they give up their processor.
    private let waiting = Atomic<UInt32>(0)

    init() {}

    @inlinable @inline(__always)
    borrowing func lock() {
        if !state.weakCompareExchange(
            expected: 0, desired: 1, successOrdering: .acquiring, failureOrdering: .relaxed
        ).exchanged {
            wait()
        }
    }

    @inlinable @inline(__always)
    borrowing func unlock() { state.store(0, ordering: .releasing) }

    @usableFromInline @inline(never)
    borrowing func wait() {
        var tries = 0
        defer { if tries >= 100 { waiting.wrappingSubtract(1, ordering: .relaxed) } }
        while true {
            // Only looking leaves the line with whoever holds the latch.
            if state.load(ordering: .relaxed) == 0,
                state.weakCompareExchange(
                    expected: 0, desired: 1, successOrdering: .acquiring,
                    failureOrdering: .relaxed
                ).exchanged
            {
                return
            }
            tries += 1
            if tries < 100 {
                _spinHint()
            } else {
                if tries == 100 { waiting.wrappingAdd(1, ordering: .relaxed) }
                // The holder may have lost its processor: give it ours.
                SystemClock.pause(isLong: tries > 140)
            }
        }
    }

    /// Lets those in who wait, before the caller takes it once more: whoever takes it again and
    /// again is otherwise always faster than they are.
    borrowing func giveWay() {
        for tries in 0..<120 where isAwaited { SystemClock.pause(isLong: tries >= 100) }
    }

    /// Whether somebody waits, and has for a while.
    var isAwaited: Bool { waiting.load(ordering: .relaxed) > 0 }

    private borrowing func _spinHint() {
        for _ in 0..<8 { _ = state.load(ordering: .relaxed) }
    }
}
