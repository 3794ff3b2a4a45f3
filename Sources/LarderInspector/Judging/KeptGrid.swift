import Larder
import Synchronization

/// The last what-ifs over sizes and ttls of a cache. They are given again for nine times as long as
/// it took to work them out, and to all who ask meanwhile: whoever may look takes a tenth of a
/// processor at most.
final class KeptGrid: Sendable {
    private let state = Guarded(State())

    private struct State {
        var kept: Kept?
        var working: [Question: Task<WhatIfAnswer, Never>] = [:]
    }

    private struct Kept {
        var answer: WhatIfAnswer
        var window: Duration
        var until: AgeInstant
    }

    private struct Question: Hashable {
        var window: Duration
        var bounds: CacheConfiguration
    }

    /// - Parameters:
    ///   - bounds: The present ones.
    ///   - work: Works them out.
    func answer(
        over window: Duration, _ bounds: CacheConfiguration, _ clock: AgeClock,
        _ work: @escaping @Sendable () async -> WhatIfAnswer
    ) async -> WhatIfAnswer {
        let (now, question) = (clock.now(), Question(window: window, bounds: bounds))
        let (known, task): (WhatIfAnswer?, Task<WhatIfAnswer, Never>?) = state.withLock { state in
            if let kept = state.kept, kept.window == window, now < kept.until,
                kept.answer.present.bounds == bounds
            {
                return (kept.answer, nil)
            }
            let task = state.working[question] ?? Task { await self.workOut(question, clock, work) }
            state.working[question] = task
            return (nil, task)
        }
        if let known { return known }
        return await task!.value
    }

    private func workOut(
        _ question: Question, _ clock: AgeClock, _ work: () async -> WhatIfAnswer
    ) async -> WhatIfAnswer {
        let began = ContinuousClock.now
        let answer = await work()
        let until = clock.now() + (ContinuousClock.now - began) * 9
        state.withLock { state in
            state.kept = Kept(answer: answer, window: question.window, until: until)
            state.working[question] = nil
        }
        return answer
    }
}
