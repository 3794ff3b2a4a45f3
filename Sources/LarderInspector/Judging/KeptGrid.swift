import Larder
import Synchronization

/// The last what-ifs over sizes and ttls of a cache, of two windows. They are given again for eighteen
/// times as long as it took to work them out, but not beyond a minute, and to all who ask meanwhile: those
/// who look take a tenth of a processor, unless a grid takes longer than three seconds.
final class KeptGrid: Sendable {
    private let state = Guarded(State())

    private struct State {
        var kept: [Kept] = []
        var working: [Question: Task<WhatIfAnswer, Never>] = [:]
    }

    private static let windows = 2
    private static let longest = Duration.seconds(60)

    private struct Kept {
        var answer: WhatIfAnswer
        var window: Duration
        var until: AgeInstant
    }

    private struct Question: Hashable {
        var window: Duration
        var bounds: CacheConfiguration
    }

    /// For how long it is given again. A process that was frozen meanwhile took hours by the clock.
    static func rest(after took: Duration) -> Duration { min(took * 9 * windows, longest) }

    /// - Parameters:
    ///   - bounds: The present ones.
    ///   - work: Works them out.
    func answer(
        over window: Duration, _ bounds: CacheConfiguration, _ clock: AgeClock,
        _ work: @escaping @Sendable () async -> WhatIfAnswer
    ) async -> WhatIfAnswer {
        let (now, question) = (clock.now(), Question(window: window, bounds: bounds))
        let (known, task): (WhatIfAnswer?, Task<WhatIfAnswer, Never>?) = state.withLock { state in
            let kept = state.kept.first {
                $0.window == window && now < $0.until && $0.answer.present.bounds == bounds
            }
            if let kept { return (kept.answer, nil) }
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
        let until = clock.now() + Self.rest(after: ContinuousClock.now - began)
        let kept = Kept(answer: answer, window: question.window, until: until)
        state.withLock { state in
            state.kept.removeAll { $0.window == question.window }
            state.kept = [kept] + state.kept.prefix(Self.windows - 1)
            state.working[question] = nil
        }
        return answer
    }
}
