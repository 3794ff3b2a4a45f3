import AsyncHTTPClient
import Foundation
public import Larder
public import LarderInspector
public import LarderWire
import NIOCore
import NIOHTTP1
import Synchronization

/// The inspector of an engine in another process, over its socket.
///
/// Every call throws `SocketError` where no engine that can be trusted answers in time, or where
/// the answer is of another version; `InspectorError`, with the engine's own words, where it
/// refuses; and `CancellationError` where the caller gave up.
public final class RemoteInspector: Inspector {
    /// Where the engine's socket is.
    public let place: Rendezvous
    private let http: HTTPClient
    private let reason: String?
    /// Longest wait for a reply: a peer that hangs is told apart from one that is busy.
    private let deadline: Duration
    private let known = Mutex<Known?>(nil)
    /// What the engine said last: by it the times of day that it tells are its own instants.
    private let epoch = Atomic<Int64>(0)

    /// - Parameters:
    ///   - place: Where the engine's socket is.
    ///   - reason: Why changes are made; it stands in the engine's events.
    ///   - deadline: Longest wait for a reply; what may take its time has a minute.
    /// - Throws: `SocketError` where the socket, or the folder that it is in, cannot be trusted.
    public init(
        _ place: Rendezvous, reason: String? = nil, deadline: Duration = .seconds(5)
    ) throws(SocketError) {
        try Descriptors.startLoops()
        try place.checkSocket()
        self.place = place
        self.reason = reason
        self.deadline = deadline
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(1)))
        configuration.connectionPool.retryConnectionEstablishment = false
        // As many as anybody asks at once: a wait for a connection is none for the engine.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// - Throws: `SocketError` where no engine that can be trusted stands there.
    public static func check(_ place: Rendezvous) throws(SocketError) { try place.checkSocket() }

    /// Closes the connections. To be called once, before the last reference goes.
    public func close() async { try? await http.shutdown() }

    // MARK: Looking

    /// The page that was seen last, what it was an answer to, and the mark that it has there.
    private struct Known {
        var path: String
        var mark: String
        var page: EntryPage
    }

    /// One request where at most one cache is named: a page that has not changed is not sent again.
    public func look(_ query: EntryQuery) async throws -> (report: EngineReport, page: EntryPage) {
        guard query.caches.count < 2 else { return (try await report(), try await entries(query)) }
        let path = path("/v1/look", parameters(query, query.caches.first))
        let known = known.withLock { $0?.path == path ? $0 : nil }
        let look: Look = try await send(
            "GET", path + (known.map { "&known=\($0.mark)" } ?? ""))
        guard let columns = look.page else {
            guard var page = known?.page else { throw strange }
            page.at = look.at
            return (look.report, page)
        }
        guard let page = columns.page(at: look.at) else { throw strange }
        self.known.withLock { $0 = Known(path: path, mark: look.mark, page: page) }
        return (look.report, page)
    }

    /// One request.
    public func report() async throws -> EngineReport { try await get("/v1/snapshot") }

    /// At most 10,000 entries of each cache that is named, or of all together. Several are asked
    /// for one after the other, and put together here.
    public func entries(_ query: EntryQuery) async throws -> EntryPage {
        guard query.caches.count > 1 else { return try await page(query, query.caches.first) }
        // A part of the caches is asked for one by one and put together here.
        var wide = query
        wide.offset = 0
        wide.limit = min(max(0, query.offset), Int.max / 4) + min(max(0, query.limit), Int.max / 4)
        var pages: [EntryPage] = []
        for cache in query.caches { pages.append(try await page(wide, cache)) }
        var page = try query.page(of: pages.flatMap(\.rows), at: pages[0].at)
        page.matched = pages.reduce(0) { $0 + $1.matched }
        page.total = pages.reduce(0) { $0 + $1.total }
        return page
    }

    /// Waits a minute for each cache that is named, which are asked for one after the other.
    public func matching(_ query: EntryQuery) async throws -> [SeenEntry] {
        var seen: [SeenEntry] = []
        for cache in query.caches.isEmpty ? [nil] : query.caches.map(Optional.some) {
            let parameters = [("filter", query.filter)] + (cache.map { [("cache", $0)] } ?? [])
            let columns: MatchingColumns = try await send(
                "GET", path("/v1/matching", parameters), wait: .seconds(60))
            guard let matching = columns.seen else { throw strange }
            seen += matching
        }
        guard seen.count <= EntryQuery.mostMatching else {
            throw InspectorError(
                "\(seen.count) entries are more than \(EntryQuery.mostMatching) at once; narrow the filter"
            )
        }
        return seen
    }

    private func page(_ query: EntryQuery, _ cache: String?) async throws -> EntryPage {
        try await get("/v1/entries", parameters(query, cache))
    }

    private func parameters(_ query: EntryQuery, _ cache: String?) -> [(String, String)] {
        var parameters = [
            ("filter", query.filter), ("sort", query.sort.rawValue),
            ("order", query.descending ? "desc" : "asc"), ("offset", "\(query.offset)"),
            ("limit", "\(min(query.limit, Limits.mostEntries))"),
        ]
        if let cache { parameters.append(("cache", cache)) }
        return parameters
    }

    /// `nil` where the engine says that the cache holds no such entry.
    public func entry(_ key: EntryKey) async throws -> EntryDetail? {
        do { return try await get(path(key)) } catch let error as InspectorError {
            // Of an unknown cache there can be no entry: that is an error.
            guard error.isUnknown, error.description.contains("holds no live entry") else {
                throw error
            }
            return nil
        }
    }

    /// At most 100,000 events a call.
    public func events(in cache: String, after number: UInt64, limit: Int) async throws -> EventLog
    {
        try await get(
            "/v1/caches/\(escaped(cache))/events",
            [("after", "\(number)"), ("limit", "\(min(limit, 100_000))")])
    }

    public func history(
        of cache: String, since instant: AgeInstant
    ) async throws -> CacheHistory {
        let columns: HistoryColumns = try await get(
            "/v1/caches/\(escaped(cache))/history",
            [
                (
                    "since",
                    AgeInstant.$epoch.withValue(epoch.load(ordering: .relaxed)) {
                        instant.timeOfDay
                    }
                )
            ])
        guard let history = columns.history else { throw strange }
        return history
    }

    /// The width is cut to whole milliseconds.
    public func forecast(width: Duration, count: Int) async throws -> Forecast {
        let milliseconds = width.nanoseconds / 1_000_000
        return try await get(
            "/v1/forecast", [("width", "\(milliseconds)"), ("count", "\(count)")])
    }

    /// Waits half a minute: the engine has much to work out. The window is cut to whole seconds.
    public func whatIf(_ query: WhatIfQuery) async throws -> WhatIfAnswer {
        let window = [("window", "\(query.window.nanoseconds / 1_000_000_000)")]
        let place = path(
            "/v1/caches/\(escaped(query.cache))/whatif",
            window + (query.bounds.map(WhatIfBounds.parameters) ?? []))
        return try await send("GET", place, wait: .seconds(30))
    }

    // MARK: Changing

    /// Waits a minute: an origin may be slow.
    public func fetch(_ key: EntryKey) async throws -> FetchResult {
        try await send("POST", path(key) + "/fetch", wait: .seconds(60))
    }

    /// Waits a minute: an origin may be slow.
    public func verify(_ key: EntryKey) async throws -> Verification {
        try await send("POST", path(key) + "/verify", wait: .seconds(60))
    }

    /// The engine is told by the kernel who asks. Waits a minute for a change of more than 64 KiB.
    ///
    /// - Throws: `InspectorError` where the change is more than 16 MiB as well.
    public func plan(_ change: Change) async throws -> Plan {
        let body = try PlainJSON.encode(change)
        // One that names many takes its time, and may have to wait for its turn.
        let isLarge = body.count > Limits.smallBody
        return try await send(
            "POST", "/v1/plans", body: body, wait: isLarge ? .seconds(60) : nil)
    }

    /// As the engine keeps it.
    public func plan(known id: Plan.ID) async throws -> Plan {
        try await get("/v1/plans/\(escaped(id))")
    }

    /// The engine is told by the kernel who asks, and of `actor` the reason alone. Waits a minute.
    public func apply(
        _ plan: Plan.ID, _ how: PlanApplication, by actor: Operator
    ) async throws -> Outcome {
        try await send(
            "POST", "/v1/plans/\(escaped(plan))/apply", body: try PlainJSON.encode(how),
            reason: actor.reason, wait: .seconds(60))
    }

    /// As the engine knows it.
    public func progress(of plan: Plan.ID) async throws -> LarderInspector.PlanProgress {
        try await get("/v1/plans/\(escaped(plan))/progress")
    }

    /// Of `actor` the engine is told the reason alone.
    public func cancel(
        _ plan: Plan.ID, by actor: Operator
    ) async throws -> LarderInspector.PlanProgress {
        try await send("POST", "/v1/plans/\(escaped(plan))/cancel", reason: actor.reason)
    }

    /// As the engine works it out.
    public func plan(undoing plan: Plan.ID) async throws -> Plan {
        try await get("/v1/plans/\(escaped(plan))/undo")
    }

    /// Of `actor` the engine is told the reason alone.
    public func undo(_ plan: Plan.ID, by actor: Operator) async throws -> Outcome {
        try await send("POST", "/v1/plans/\(escaped(plan))/undo", reason: actor.reason)
    }

    /// As the engine keeps them.
    public func changes(after number: UInt64) async throws -> [ChangeRecord] {
        try await get("/v1/changes", [("after", "\(number)")])
    }

    /// Over a connection of its own, without a deadline; `SocketError` once it ends.
    public func follow(after number: UInt64) -> AsyncThrowingStream<ChangeRecord, any Error> {
        AsyncThrowingStream { records in
            let reading = Task {
                do {
                    try await read(after: number) { records.yield($0) }
                    throw SocketError("\(place.name) has ended")
                } catch { records.finish(throwing: error) }
            }
            records.onTermination = { _ in reading.cancel() }
        }
    }

    /// Reads the stream of changes for as long as there is one.
    private func read(
        after number: UInt64, _ take: (ChangeRecord) -> Void
    ) async throws {
        try place.checkSocket()
        var request = HTTPClientRequest(
            url: "http+unix://\(escaped(place.socket))/v1/changes?after=\(number)")
        request.headers.add(name: "Host", value: "larder")
        request.headers.add(name: "Accept", value: "text/event-stream")
        let response = try await http.execute(request, deadline: .distantFuture)
        guard response.status == .ok else {
            throw SocketError("\(place.name) answered HTTP \(response.status.code)")
        }
        let epoch = noteEpoch(response)
        var reader = ServerSentEvents.Reader()
        for try await piece in response.body {
            for data in try reader.take(piece.readableBytesView) {
                let record = try decode(ChangeRecord.self, from: data, by: epoch)
                guard record.isPlausible else { throw strange }
                take(record)
            }
        }
    }

    // MARK: Asking

    private struct Refused: Decodable {
        var error: String
    }

    private func path(_ key: EntryKey) -> String {
        "/v1/caches/\(escaped(key.cache))/entries/\(escaped(key.key))"
    }

    private func escaped(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: Self.plain) ?? ""
    }

    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

    private func get<Value: Decodable & Sendable & Plausible>(
        _ path: String, _ query: [(String, String)] = []
    ) async throws -> Value {
        try await send("GET", self.path(path, query))
    }

    private func path(_ path: String, _ query: [(String, String)]) -> String {
        let parameters = query.map { "\($0.0)=\(escaped($0.1))" }.joined(separator: "&")
        return parameters.isEmpty ? path : "\(path)?\(parameters)"
    }

    private func send<Value: Decodable & Sendable & Plausible>(
        _ method: String, _ path: String, body: Data? = nil, reason: String? = nil,
        wait: Duration? = nil
    ) async throws -> Value {
        var request = HTTPClientRequest(
            url: "http+unix://\(escaped(place.socket))\(path)")
        request.method = HTTPMethod(rawValue: method)
        // The client does not make a host of the path of a socket.
        request.headers.add(name: "Host", value: "larder")
        if let body {
            // The engine would hang up on it, and seem to have ended.
            guard body.count <= Limits.usualBody else {
                throw InspectorError(
                    "this names more than goes into one request, "
                        + "\(Format.bytes(Limits.usualBody)); narrow it")
            }
            request.body = .bytes(ByteBuffer(bytes: body))
            request.headers.add(name: "Content-Type", value: "application/json")
        }
        if let reason = reason ?? self.reason {
            request.headers.add(name: "Larder-Reason", value: escaped(reason))
        }
        let (status, data, epoch) = try await answer(to: request, within: wait ?? deadline)
        guard status == 200 else {
            let sentence =
                (try? PlainJSON.decode(Refused.self, from: data))?.error
                ?? "\(place.name) answered HTTP \(status)"
            throw InspectorError(sentence, isUnknown: status == 404)
        }
        do { return try decode(Value.self, from: data, by: epoch) } catch {
            throw strange
        }
    }

    /// When the age line began that an answer counts by.
    private func noteEpoch(_ response: HTTPClientResponse) -> Int64 {
        let said = response.headers.first(name: Limits.epochHeader).flatMap { Int64($0) }
        guard let said else { return epoch.load(ordering: .relaxed) }
        epoch.store(said, ordering: .relaxed)
        return said
    }

    private func decode<Value: Decodable>(
        _: Value.Type, from data: Data, by epoch: Int64
    ) throws -> Value {
        try AgeInstant.$epoch.withValue(epoch) {
            try PlainJSON.decode(Value.self, from: data)
        }
    }

    private var strange: SocketError {
        SocketError(
            "\(place.name) answered what is none of this version; use the larder that belongs to it"
        )
    }

    private func answer(
        to request: HTTPClientRequest, within limit: Duration
    ) async throws -> (Int, Data, epoch: Int64) {
        // The folder may have changed hands since.
        try place.checkSocket()
        let (http, name) = (http, place.name)
        do {
            // It is the deadline of the whole answer.
            let response = try await http.execute(
                request, deadline: .now() + .nanoseconds(limit.nanoseconds))
            let epoch = noteEpoch(response)
            let buffer = try await response.body.collect(upTo: 256 << 20)
            return (Int(response.status.code), Data(buffer.readableBytesView), epoch)
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as HTTPClientError where error == .deadlineExceeded {
            throw SocketError("\(name) did not answer within \(Units.text(limit))")
        } catch let error as HTTPClientError where error == .getConnectionFromPoolTimeout {
            throw SocketError("\(name) is busy: no connection was free within a second")
        } catch {
            throw SocketError("\(name) cannot be reached: it has ended, or is not accepting")
        }
    }
}
