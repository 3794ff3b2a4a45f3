/// How long entries live under the bounds there are, and which of them ended under former ones.
///
/// An entry ends a ttl after its write, or a little sooner where lives are jittered. Its end is not
/// stored: so a new ttl acts at once, on a million entries as on one. One thing has to be known
/// beside it: which entries had ended before lives became longer, since a longer ttl must not bring
/// them back to life. As entries of a class end in the order of their writes, it is enough to know
/// when lives became longer, and how long they were until then.
@usableFromInline
struct Lives: Hashable, Sendable {
    /// In nanoseconds; the largest number stands for ever.
    @usableFromInline var ttl = Int64.max
    /// By how much the next class of entries lives shorter.
    @usableFromInline var jitterStep: Int64 = 0
    private var former: [Former] = []
    /// What was written up to then may have ended under former bounds.
    @usableFromInline private(set) var newestFormer = Int64.min

    private struct Former: Hashable, Sendable {
        var ttl: Int64
        var jitterStep: Int64
        /// When lives became longer, and the last version that was written before.
        var until: Int64
        var version: UInt64

        func life(_ jitterClass: Int) -> Int64 { ttl - jitterStep * Int64(jitterClass) }
    }

    /// So many former lives are remembered one by one; older ones become one.
    private static let most = 16

    init() {}

    init(_ configuration: CacheConfiguration) {
        ttl = configuration.ttl?.nanoseconds ?? .max
        jitterStep = configuration.jitterStep
    }

    /// How long an entry of a class lives.
    @inlinable
    func life(_ jitterClass: Int) -> Int64 {
        ttl == .max ? .max : ttl &- jitterStep &* Int64(truncatingIfNeeded: jitterClass)
    }

    /// When an entry ends, but for an end of its value's own.
    func end(_ record: Record) -> Int64 {
        var end = Self.sum(record.writtenAt, life(record.jitterClass))
        guard record.writtenAt <= newestFormer else { return end }
        for lives in former where record.version <= lives.version {
            let formerEnd = Self.sum(record.writtenAt, lives.life(record.jitterClass))
            if formerEnd <= lives.until { end = min(end, formerEnd) }
        }
        return end
    }

    /// When an entry ends whose value ends at `expiry`, where it does by itself.
    func end(_ record: Record, expiry: Int64?) -> Int64 { min(end(record), expiry ?? .max) }

    /// Lives as they are under other bounds from `now` on. What has ended until then stays so,
    /// unless the change is taken back that has ended it: `isUndone`.
    ///
    /// - Parameter version: The last that was written.
    func changed(
        to new: CacheConfiguration, isUndone: Bool = false, version: UInt64, at now: Int64
    ) -> Lives {
        var next = Lives(new)
        (next.former, next.newestFormer) = (former, newestFormer)
        let isLonger = [0, Int(Record.jitterClasses) - 1].contains { next.life($0) > life($0) }
        if isLonger, !isUndone, ttl != .max {
            next.remember(
                Former(ttl: ttl, jitterStep: jitterStep, until: now, version: version))
        }
        return next
    }

    private mutating func remember(_ lives: Former) {
        if former.count >= Self.most {
            // The two oldest become one, with the shorter life: nothing comes back or stays longer.
            former[1].ttl = min(former[0].ttl, former[1].ttl)
            former[1].jitterStep = max(former[0].jitterStep, former[1].jitterStep)
            former.removeFirst()
        }
        former.append(lives)
        newestFormer = former.map { former in
            let (end, overflow) = former.until.subtractingReportingOverflow(
                former.life(Int(Record.jitterClasses) - 1))
            return overflow ? .min : end
        }.max()!
    }

    /// Forgets former lives that can concern nothing any more: all was written after `oldest`.
    mutating func forget(before oldest: Int64) {
        guard oldest > newestFormer, !former.isEmpty else { return }
        former = []
        newestFormer = .min
    }

    private static func sum(_ writtenAt: Int64, _ life: Int64) -> Int64 {
        if life == .max { return .max }
        let (end, overflow) = writtenAt.addingReportingOverflow(life)
        return overflow ? .max : end
    }
}
