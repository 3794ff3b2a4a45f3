import Larder
import LarderInspector
import Synchronization

/// Asks the inspector, away from the console's thread, and posts the answers to it. A question
/// that was overtaken by a newer one of its kind is not asked.
final class Collector: Sendable {
    struct Request: Sendable {
        var query: EntryQuery
        var entry: EntryKey?
        var view: Model.View
        /// What the view of the memory lists.
        var largest: EntryQuery
        /// Of which cache it is foreseen what other bounds would bring.
        var cache: String?
        /// The plan that is being applied over some time.
        var underWay: Plan.ID?
        /// Everything, or only the entry.
        var everything: Bool
        /// When it was asked: the answer is not older than that.
        var asked = ContinuousClock.now
    }

    private let inspector: any Inspector
    private let actor: Operator
    private let post: @Sendable (Message) -> Void
    private let pending = Pending()
    private let asked: AsyncStream<Void>.Continuation
    private let looking: Task<Void, Never>

    init(_ inspector: any Inspector, actor: Operator, post: @escaping @Sendable (Message) -> Void) {
        self.inspector = inspector
        self.actor = actor
        self.post = post
        let (wakes, asked) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.asked = asked
        looking = Task { [pending] in
            await withDiscardingTaskGroup { group in
                var seen = Seen()
                var isFollowing = false
                for await _ in wakes {
                    guard let request = pending.take() else { continue }
                    do {
                        if seen.instance == nil, request.everything {
                            post(.looked(try await Self.firstLook(inspector, request)))
                        }
                        if request.everything {
                            let before = seen
                            let look = try await Self.look(inspector, request, &seen)
                            post(.looked(look))
                            if let since = before.unseen(until: look.report) {
                                group.addTask {
                                    await Self.remember(inspector, look.report, since, post)
                                }
                            }
                        } else if let entry = request.entry {
                            seen.detail = try await inspector.entry(entry)
                            seen.detailAge = 0
                            post(.lookedAtEntry(entry, seen.detail))
                        }
                    } catch {
                        // An error of the engine's own shows that it answers.
                        let isAnswer = error is FilterError || error is InspectorError
                        post(isAnswer ? .refused("\(error)") : .lost("\(error)"))
                    }
                    if !isFollowing { group.addTask { await Self.follow(inspector, post) } }
                    isFollowing = true
                }
                group.cancelAll()
            }
        }
    }

    /// Asks as soon as the answer before is there.
    func ask(_ request: Request) {
        pending.add(request)
        asked.yield()
    }

    /// The question to ask next.
    private final class Pending: Sendable {
        private let request = Mutex<Request?>(nil)

        /// A question about one entry does not displace one about everything.
        func add(_ new: Request) {
            request.withLock { request in
                let everything = new.everything || request?.everything ?? false
                request = new
                request?.everything = everything
            }
        }

        func take() -> Request? {
            request.withLock { request in
                defer { request = nil }
                return request
            }
        }
    }

    /// The last event seen of each cache, in one run of the engine.
    private struct Seen {
        var instance: String?
        var last: [Verbatim: UInt64] = [:]
        /// The selected entry in full.
        var detail: EntryDetail?
        var detailAge = 0
        var at: AgeInstant?
        /// How far the forecast reaches.
        var axis: Forecast.Axis?
        var forecastAt: AgeInstant?
        /// Of which cache it was foreseen what other bounds would bring, and when.
        var whatIf: (cache: String, bounds: CacheConfiguration?, at: AgeInstant)?

        /// Since when nobody looked; `nil` where somebody did just now.
        func unseen(until report: EngineReport) -> AgeInstant? {
            guard instance == report.instance, let at else {
                return AgeInstant(nanoseconds: .min)
            }
            return report.at - at > .seconds(3) ? at : nil
        }
    }

    /// Asks for what the engine kept of the time in which nobody looked.
    private static func remember(
        _ inspector: any Inspector, _ report: EngineReport, _ since: AgeInstant,
        withEvents: Bool = false,
        _ post: @Sendable (Message) -> Void
    ) async {
        var remembered = Remembered(instance: report.instance)
        for cache in report.caches {
            // Where that cannot be told, nothing is known of it, and that is shown.
            let history = try? await inspector.history(of: cache.name, since: since)
            if let history, history.instance == report.instance {
                remembered.histories.append(history)
            }
            guard withEvents else { continue }
            let log = try? await inspector.events(in: cache.name, after: 0, limit: mostOfThePast)
            remembered.events += (log?.events ?? []).suffix(mostOfThePast)
        }
        post(.remembered(remembered))
    }

    /// Most events of a cache that the past is made of.
    private static let mostOfThePast = 10_000

    /// The selected entry, asked for anew where it was written since, and else now and then.
    private static func detail(
        _ inspector: any Inspector, _ request: Request, _ page: EntryPage, _ seen: inout Seen
    ) async throws -> EntryDetail? {
        guard let entry = request.entry else { return nil }
        if var detail = seen.detail, detail.row.id == entry, seen.detailAge < 10,
            let row = page.rows.first(where: { $0.id == entry }), row.version == detail.row.version,
            row.refresh == detail.row.refresh
        {
            seen.detailAge += 1
            detail.row = row
            return detail
        }
        seen.detailAge = 0
        seen.detail = try await inspector.entry(entry)
        return seen.detail
    }

    /// Most events of a cache that one look brings.
    private static let mostEvents = 250

    /// What is seen first comes first: the entries, without what happened before.
    private static func firstLook(
        _ inspector: any Inspector, _ request: Request
    ) async throws -> Look {
        let began = ContinuousClock.now
        let (report, page) = try await inspector.look(request.query)
        var look = Look(
            report: report, page: page, query: request.query, events: [], dropped: 0)
        look.asked = request.asked
        look.took = ContinuousClock.now - began
        return look
    }

    /// The first of these shows events of before; after that each is seen once.
    private static func look(
        _ inspector: any Inspector, _ request: Request, _ seen: inout Seen
    ) async throws -> Look {
        let began = ContinuousClock.now
        let (report, page) = try await inspector.look(request.query)
        if seen.instance != report.instance { seen = Seen(instance: report.instance) }
        seen.at = report.at
        let detail = try await detail(inspector, request, page, &seen)
        var events: [LoggedEvent] = []
        var dropped: UInt64 = 0
        for cache in report.caches {
            let before = seen.last[Verbatim(cache.name)]
            if before == cache.snapshot.lastEvent { continue }
            var log = try await inspector.events(
                in: cache.name, after: before ?? 0, limit: mostEvents)
            let read = log.events.last?.number ?? log.last
            if log.last > read + UInt64(mostEvents) {
                // There are more than anybody can read: the latest are what matters.
                let after = log.last - UInt64(mostEvents)
                log = try await inspector.events(in: cache.name, after: after, limit: mostEvents)
                log.dropped += after - (before ?? after)
            }
            if before != nil { dropped += log.dropped }
            events += log.events
            seen.last[Verbatim(cache.name)] = log.events.last?.number ?? before ?? 0
        }
        var look = Look(
            report: report, page: page, query: request.query, detail: detail,
            events: events.inOrder, dropped: dropped)
        look.asked = request.asked
        switch request.view {
        case .expiry: look.forecast = try await forecast(inspector, report, &seen)
        case .whatIf, .evictions: try await foresee(inspector, request, &look, &seen)
        case .memory:
            do { look.largest = try await inspector.entries(request.largest).rows } catch {
                // Its filter may name what an engine that came back does not have any more.
                guard error is InspectorError else { throw error }
                look.largestProblem = "\(error)"
            }
        default:
            // That a storm is coming is said wherever one looks.
            let isDue = seen.forecastAt.map { report.at - $0 >= Self.forecastInterval } ?? true
            if isDue { look.forecast = try? await forecast(inspector, report, &seen) }
        }
        if look.forecast != nil { seen.forecastAt = report.at }
        if let plan = request.underWay {
            (look.progressOf, look.progress) = (plan, try? await inspector.progress(of: plan))
        }
        look.took = ContinuousClock.now - began
        return look
    }

    /// How often what is foreseen is worked out anew where somebody looks at it.
    static let whatIfInterval = Duration.seconds(10)

    /// It takes some hundred replays of the record: it is asked for anew now and then.
    private static func foresee(
        _ inspector: any Inspector, _ request: Request, _ look: inout Look, _ seen: inout Seen
    ) async throws {
        let now = look.report.at
        let interval = request.view == .whatIf ? whatIfInterval : .seconds(60)
        guard let cache = request.cache else { return }
        let known = look.report.caches.first { $0.name.isExactly(cache) }
        let bounds = known?.snapshot.configuration
        if let last = seen.whatIf, last.cache.isExactly(cache), last.bounds == bounds,
            now - last.at < interval
        {
            return
        }
        seen.whatIf = (cache, bounds, now)
        look.whatIfCache = cache
        do { look.whatIf = try await inspector.whatIf(WhatIfQuery(cache)) } catch {
            guard error is InspectorError else { throw error }
            look.whatIfProblem = "\(error)"
        }
    }

    /// A forecast goes through all entries: where nobody looks at it, it is made seldom.
    private static let forecastInterval = Duration.seconds(30)

    /// A forecast as far as the longest life reaches, which the one before has told.
    private static func forecast(
        _ inspector: any Inspector, _ report: EngineReport, _ seen: inout Seen
    ) async throws -> Forecast {
        let ttl = report.caches.compactMap(\.snapshot.configuration.ttl).max()
        let axis = seen.axis ?? Forecast.Axis(for: ttl)
        let forecast = try await inspector.forecast(width: axis.width, count: axis.count)
        let right = Forecast.Axis(for: forecast.longest)
        // One that is a little too long stays: what is seen does not move about.
        let isRight = axis.reach >= right.reach && axis.reach <= right.reach * 3
        seen.axis = isRight ? axis : right
        guard !isRight else { return forecast }
        return try await inspector.forecast(width: right.width, count: right.count)
    }

    /// Posts each change of the engine as it is made, and that the engine is lost.
    private static func follow(
        _ inspector: any Inspector, _ post: @Sendable (Message) -> Void
    ) async {
        var failures = 0
        while !Task.isCancelled {
            do {
                let before = try await inspector.changes(after: 0)
                post(.changesBefore(before))
                failures = 0
                for try await record in inspector.follow(after: before.last?.number ?? 0) {
                    post(.changed(record))
                }
            } catch {}
            if Task.isCancelled { return }
            post(.silent)
            try? await Task.sleep(for: .milliseconds(100 * (1 << min(failures, 3))))
            failures += 1
        }
    }

    func plan(_ change: Change) {
        perform { inspector, _ in .planned(try await inspector.plan(change)) }
    }

    func planShown(_ seen: [SeenEntry]) {
        perform { inspector, _ in
            .plannedMatching(try await inspector.plan(.invalidate(seen)), left: 0)
        }
    }

    /// One question, since page after page would pass over entries that move meanwhile.
    func planMatching(_ query: EntryQuery, drawn: AgeInstant) {
        perform { inspector, _ in
            var whole = query
            (whole.offset, whole.limit) = (0, EntryQuery.mostMatching)
            let page = try await inspector.entries(whole)
            var seen = page.rows.filter { $0.wasThere(at: drawn) }
                .map { SeenEntry(id: $0.id, version: $0.version) }
            // Not all of them come in one answer.
            if page.rows.count < page.matched {
                seen = try await inspector.matching(query.older(than: page.at - drawn))
            }
            return .plannedMatching(
                try await inspector.plan(.invalidate(seen)), left: max(0, page.matched - seen.count)
            )
        }
    }

    func planUndo(_ plan: Plan.ID) {
        perform { inspector, _ in .planned(try await inspector.plan(undoing: plan)) }
    }

    func seek(_ key: EntryKey) {
        perform { inspector, _ in .sought(key, try await inspector.entry(key)) }
    }

    func find(_ key: EntryKey, in query: EntryQuery) {
        perform { inspector, _ in
            .found(key, try await inspector.entries(query).rows.firstIndex { $0.id == key })
        }
    }

    func search(_ text: String, from: Int, backwards: Bool, in query: EntryQuery) {
        perform { inspector, _ in
            let rows = try await inspector.entries(query).rows
            let place = Search.place(of: text, in: rows, from: from, backwards: backwards)
            return .searched(text, place.map { rows[$0].id }, place ?? 0)
        }
    }

    func apply(_ plan: Plan.ID, _ how: PlanApplication, reason: String?) {
        perform { inspector, actor in
            let actor = reason.map { actor.because($0) } ?? actor
            do {
                return .applied(plan, try await inspector.apply(plan, how, by: actor))
            } catch let error as InspectorError {
                // What was done of it until then can be taken back.
                guard let progress = try? await inspector.progress(of: plan), progress.share > 0
                else { throw error }
                return .halfDone(plan, progress.outcome, "\(error)")
            }
        }
    }

    func cancel(_ plan: Plan.ID) {
        perform { inspector, actor in
            let progress = try await inspector.cancel(plan, by: actor)
            return .said("stopped: \(progress.outcome.removed) removed until then")
        }
    }

    func undo(_ plan: Plan.ID, reason: String?) {
        perform { inspector, actor in
            let actor = reason.map { actor.because($0) } ?? actor
            do { return .undone(plan, try await inspector.undo(plan, by: actor)) } catch {
                return .notUndone(plan, "\(error)")
            }
        }
    }

    func fetch(_ key: EntryKey) {
        perform { inspector, _ in .fetched(try await inspector.fetch(key)) }
    }

    func verify(_ key: EntryKey) {
        perform { inspector, _ in .verified(try await inspector.verify(key)) }
    }

    func freeze(_ query: EntryQuery) {
        Task { [inspector, post] in
            do { post(.froze(try await inspector.entries(query))) } catch {
                return post(.failed("\(error)"))
            }
            guard let report = try? await inspector.report() else { return }
            await Self.remember(
                inspector, report, AgeInstant(nanoseconds: .min), withEvents: true, post)
        }
    }

    private func perform(
        _ work: @escaping @Sendable (any Inspector, Operator) async throws -> Message
    ) {
        Task { [inspector, actor, post] in
            do { post(try await work(inspector, actor)) } catch { post(.failed("\(error)")) }
        }
    }

    func stop() {
        asked.finish()
        looking.cancel()
    }
}

extension EntryQuery {
    /// The query for entries older than `age`: a second more, since it is asked a little later.
    fileprivate func older(than age: Duration) -> EntryQuery {
        let isOlder = "age>=\(Int(clamping: age.inSeconds.rounded(.up)) + 1)s"
        var older = self
        older.filter = filter.isEmpty ? isOlder : "(\(filter)) and \(isOlder)"
        return older
    }
}

extension EntryRow {
    /// Whether it was there at an instant as it is now: not written since, nor begun to fail.
    fileprivate func wasThere(at instant: AgeInstant) -> Bool {
        (isHeld ? writtenAt : refresh?.trouble?.since ?? writtenAt) <= instant
    }
}
