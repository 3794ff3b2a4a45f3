import Larder
import LarderInspector
import Synchronization

/// Asks the inspector, away from the console's thread, and posts the answers to it. A question
/// that was overtaken by a newer one of its kind is not asked.
final class Collector: Sendable {
    struct Request: Sendable {
        var query: Query
        var entry: EntryKey?
        /// Everything, or only the entry.
        var everything: Bool
    }

    private let inspector: any Inspector
    private let actor: Actor
    private let post: @Sendable (Message) -> Void
    private let pending = Pending()
    private let asked: AsyncStream<Void>.Continuation
    private let looking: Task<Void, Never>

    init(_ inspector: any Inspector, actor: Actor, post: @escaping @Sendable (Message) -> Void) {
        self.inspector = inspector
        self.actor = actor
        self.post = post
        let (wakes, asked) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.asked = asked
        looking = Task { [pending] in
            var seen = Seen()
            for await _ in wakes {
                guard let request = pending.take() else { continue }
                do {
                    if request.everything {
                        post(.looked(try await Self.look(inspector, request, &seen)))
                    } else if let entry = request.entry {
                        post(.lookedAtEntry(entry, try await inspector.entry(entry)))
                    }
                } catch {
                    post(.lost("\(error)"))
                }
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
        var last: [String: UInt64] = [:]
    }

    /// The first look shows events of before; after that each is seen once.
    private static func look(
        _ inspector: any Inspector, _ request: Request, _ seen: inout Seen
    ) async throws -> Look {
        let report = try await inspector.report()
        if seen.instance != report.instance { seen = Seen(instance: report.instance) }
        let page = try await inspector.entries(request.query)
        let detail = try await request.entry.asyncFlatMap { try await inspector.entry($0) }
        var events: [LoggedEvent] = []
        var dropped: UInt64 = 0
        for cache in report.caches {
            let before = seen.last[cache.name]
            let log = try await inspector.events(
                in: cache.name, after: before ?? 0, limit: .max)
            if before != nil { dropped += log.dropped }
            events += log.events
            seen.last[cache.name] = log.events.last?.number ?? before ?? 0
        }
        return Look(
            report: report, page: page, query: request.query, detail: detail,
            events: events.sorted { $0.at < $1.at }, dropped: dropped)
    }

    func plan(_ change: Change) {
        perform { inspector, _ in .planned(try await inspector.plan(change)) }
    }

    func apply(_ plan: Plan.ID) {
        perform { inspector, actor in .applied(try await inspector.apply(plan, by: actor)) }
    }

    func fetch(_ key: EntryKey) {
        perform { inspector, _ in .fetched(try await inspector.fetch(key)) }
    }

    func verify(_ key: EntryKey) {
        perform { inspector, _ in .verified(try await inspector.verify(key)) }
    }

    func freeze(_ query: Query) {
        perform { inspector, _ in .froze(try await inspector.entries(query)) }
    }

    private func perform(
        _ work: @escaping @Sendable (any Inspector, Actor) async throws -> Message
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

extension Optional {
    fileprivate func asyncFlatMap<Other>(
        _ transform: (Wrapped) async throws -> Other?
    ) async rethrows -> Other? {
        guard let self else { return nil }
        return try await transform(self)
    }
}
