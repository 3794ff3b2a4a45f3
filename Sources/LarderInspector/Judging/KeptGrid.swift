import Larder
import Synchronization

/// The last what-ifs over sizes and ttls of a cache. They are given again for nine times as long as
/// it took to work them out: whoever may look takes a tenth of a processor at most.
final class KeptGrid: Sendable {
    private let kept = Guarded<Kept?>(nil)

    private struct Kept {
        var answer: WhatIfAnswer
        var window: Duration
        var until: AgeInstant
    }

    /// - Parameters:
    ///   - bounds: The present ones.
    ///   - work: Works them out.
    func answer(
        over window: Duration, _ bounds: CacheConfiguration, _ clock: AgeClock,
        _ work: () async -> WhatIfAnswer
    ) async -> WhatIfAnswer {
        if let kept = kept.withLock({ $0 }), kept.window == window, clock.now() < kept.until,
            kept.answer.present.bounds == bounds
        {
            return kept.answer
        }
        let began = ContinuousClock.now
        let answer = await work()
        let until = clock.now() + (ContinuousClock.now - began) * 9
        kept.withLock { $0 = Kept(answer: answer, window: window, until: until) }
        return answer
    }
}
