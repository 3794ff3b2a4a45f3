import Foundation
import Larder
import LarderInspector
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import LarderRemote
@testable import LarderSocket
@testable import LarderWire

/// An engine behind a socket, and what it is without one.
struct Engine {
    let accounts = Cache<String, String>("accounts", maxsize: 64, ttl: .seconds(300)) { key in
        if key == "missing" { throw Missing() }
        return "account \(key)"
    }
    let inspector: LocalInspector
    let remote: RemoteInspector
    let place: Rendezvous

    struct Missing: Error, CustomStringConvertible {
        var description: String { "there is no such account" }
    }

    static let quiet = Logger(label: "quiet") { _ in SwiftLogNoOpLogHandler() }

    static func run(
        options: SocketService.Options = .init(), _ body: (Engine) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path + "/own", name: "pantry")
        try place.makeFolder()
        let engine = try await started(place, options)
        let service = engine.service
        let result: Result<Void, any Error>
        do { result = .success(try await body(engine.engine)) } catch { result = .failure(error) }
        await engine.engine.remote.close()
        service.cancel()
        _ = await service.result
        try result.get()
    }

    static func started(
        _ place: Rendezvous, _ options: SocketService.Options
    ) async throws -> (engine: Engine, service: Task<Void, any Error>) {
        let local = LocalInspector("pantry")
        let service = Task {
            try await SocketService(local, "pantry", at: place, options: options, logger: quiet)
                .run()
        }
        // The last of its steps is the socket's mode.
        let isOpen = await settles {
            var status = stat()
            return stat(place.socket, &status) == 0 && status.st_mode & 0o007 == 0
                && status.st_mode & 0o111 == 0
        }
        guard isOpen else {
            service.cancel()
            try await service.value
            throw Failure("no socket came")
        }
        let engine = Engine(local, place, try RemoteInspector(place))
        return (engine, service)
    }

    private init(_ local: LocalInspector, _ place: Rendezvous, _ remote: RemoteInspector) {
        self.place = place
        self.remote = remote
        inspector = local
        local.add(accounts)
    }

    /// What curl gets: status, headers and body.
    func curl(_ arguments: String...) throws -> (status: Int, head: String, body: String) {
        let ran = try TestSupport.run(
            ["curl", "-s", "-i", "-m", "20", "--unix-socket", place.socket] + arguments)
        let parts = ran.output.split(separator: "\r\n\r\n", maxSplits: 1).map(String.init)
        let status = Int(parts.first?.split(separator: " ").dropFirst().first ?? "") ?? 0
        return (status, parts.first ?? "", parts.count > 1 ? parts[1] : "")
    }

    /// The keys of a page, in their order.
    func keys(_ query: String) throws -> [String] {
        let body = try curl("http://larder/v1/entries?sort=key&\(query)").body
        return try JSONDecoder().decode(EntryPage.self, from: Data(body.utf8)).rows.map(\.id.key)
    }

    /// What comes within a second where a cache's events are asked for, in small letters.
    func events(_ headers: String...) throws -> String {
        try TestSupport.run(
            ["curl", "-s", "-i", "-N", "-m", "1", "--unix-socket", place.socket]
                + headers.flatMap { ["-H", $0] } + ["http://larder/v1/caches/accounts/events"]
        ).output.lowercased()
    }
}

@Suite(.timeLimit(.minutes(2))) struct SocketTests {
    @Test func `what is seen over the socket is what is seen in process`() async throws {
        try await Engine.run { engine in
            for number in 0..<20 { engine.accounts.insert("a \(number)", for: "key \(number)/é") }
            for _ in 0..<3 { _ = engine.accounts.cached("key 3/é") }
            _ = try? await engine.accounts.value(for: "missing")
            for sort in EntryColumn.allCases {
                let query = EntryQuery(filter: "key", sort: sort, descending: true, limit: 7)
                let (here, there) = (
                    try await engine.inspector.entries(query),
                    try await engine.remote.entries(query)
                )
                #expect(here.rows == there.rows)
                #expect(here.matched == there.matched && here.total == there.total)
            }
            let id = EntryKey(cache: "accounts", key: "key 3/é")
            #expect(try await engine.remote.entry(id) == engine.inspector.entry(id))
            #expect(
                try await engine.remote.entry(EntryKey(cache: "accounts", key: "nobody")) == nil)
            let (here, there) = (
                try await engine.inspector.events(in: "accounts", after: 3, limit: 50),
                try await engine.remote.events(in: "accounts", after: 3, limit: 50)
            )
            #expect(here == there)
            let report = try await engine.remote.report()
            #expect(report.instance == engine.inspector.instance)
            #expect(report.caches.map(\.name) == ["accounts"])
            #expect(report.caches[0].snapshot.counters.hits == 3)
        }
    }

    @Test
    func `a look brings what the engine and a page of its entries are, the same twice as well`()
        async throws
    {
        try await Engine.run { engine in
            for number in 0..<20 { engine.accounts.insert("a \(number)", for: "key \(number)/é") }
            _ = try? await engine.accounts.value(for: "missing")
            let query = EntryQuery(sort: .key, descending: true, limit: 15)
            for round in 0..<4 {
                // The second is left out on the way; before the third something changes.
                if round == 2 { engine.accounts.insert("other", for: "key 7/é") }
                if round == 3 { _ = engine.accounts.cached("key 9/é") }
                let here = try await engine.inspector.look(query)
                let there = try await engine.remote.look(query)
                #expect(here.page.rows == there.page.rows)
                #expect(here.page.matched == there.page.matched)
                #expect(here.page.total == there.page.total && there.page.at >= here.page.at)
                #expect(
                    here.report.caches.map(\.snapshot.count)
                        == there.report.caches.map(\.snapshot.count))
                let others = try await engine.remote.look(EntryQuery(filter: "key 1", limit: 3))
                #expect(others.page.rows.count == 3)
            }
            let address = "http://larder/v1/look?limit=2&sort=key"
            let whole = try engine.curl(address)
            let mark = try #require(whole.body.firstMatch(of: /"mark":"([0-9a-f]+)"/)?.1)
            #expect(whole.body.contains("\"page\":{"))
            let known = try engine.curl(address + "&known=\(mark)")
            #expect(known.status == 200 && !known.body.contains("\"page\""))
        }
    }

    @Test func `a change goes by its plan, and names the peer that the kernel knows`() async throws
    {
        try await Engine.run { engine in
            for number in 0..<5 { engine.accounts.insert("a", for: "\(number)") }
            let plan = try await engine.remote.plan(
                .all([
                    .invalidate([
                        SeenEntry(id: EntryKey(cache: "accounts", key: "1"), version: 2),
                        SeenEntry(id: EntryKey(cache: "accounts", key: "2"), version: 77),
                    ])
                ]))
            #expect(plan.entries == 1 && plan.skipped.count == 1)
            let outcome = try await engine.remote.apply(
                plan.id, by: Operator("whoever", reason: "leaked, ünd so"))
            #expect(outcome.removed == 1)
            let event = try #require(
                try await engine.remote.events(in: "accounts", after: 5, limit: 9).events.first)
            #expect(event.by?.reason == "leaked, ünd so")
            #expect(event.by?.uid == getuid() && event.by?.pid == getpid())
            #expect(event.by?.plan == plan.id)
            #expect(try await engine.remote.undo(plan.id, by: Operator("whoever")).restored == 1)
            #expect(engine.accounts.cached("1") == "a")
            var smaller = engine.accounts.configuration
            smaller.maxsize = 2
            smaller.policy = .lfu(ages: false)
            let change = try await engine.remote.plan(.configure(cache: "accounts", to: smaller))
            _ = try await engine.remote.apply(change.id, by: Operator("whoever"))
            #expect(engine.accounts.configuration == smaller)
            let fetched = try await engine.remote.fetch(EntryKey(cache: "accounts", key: "x"))
            #expect(fetched.value == .text("account x") && !fetched.wasHit)
            let known = try await engine.remote.verify(EntryKey(cache: "accounts", key: "x"))
            #expect(known.differences.isEmpty)
        }
    }

    @Test func `what is refused is refused in the engine's own words`() async throws {
        try await Engine.run { engine in
            await #expect(
                throws: InspectorError("this plan is not known any more; plan the change again")
            ) {
                try await engine.remote.apply("none", by: Operator("whoever"))
            }
            var bad = engine.accounts.configuration
            bad.maxsize = -1
            let wrong = bad
            await #expect(throws: InspectorError("maxsize -1 is negative; 0 or more is accepted")) {
                try await engine.remote.plan(.configure(cache: "accounts", to: wrong))
            }
            await #expect(throws: InspectorError("there is no such account")) {
                try await engine.remote.fetch(EntryKey(cache: "accounts", key: "missing"))
            }
        }
    }

    @Test(arguments: [
        ("GET", "/v1/nothing", 404, "there is nothing at /v1/nothing"),
        ("GET", "/v2/entries", 404, "speaks version 1, and not 2"),
        ("DELETE", "/v1/entries", 405, "is there for GET"),
        ("POST", "/v1/plans", 400, "the body is no Change in JSON"),
        ("GET", "/v1/entries?limit=99999999999", 400, "0 to 10000 are accepted"),
        ("GET", "/v1/entries?sort=colour", 400, "sort: "),
        ("GET", "/v1/entries?colour=red", 400, "colour is no parameter here"),
        ("GET", "/v1/entries?cache=none", 404, "no cache is called"),
        ("GET", "/v1/caches/none/events", 404, "no cache is called"),
        ("GET", "/v1/caches/accounts/entries/none", 404, "holds no live entry"),
    ])
    func `what cannot be answered says why`(
        method: String, path: String, status: Int, words: String
    ) async throws {
        try await Engine.run { engine in
            let reply = try engine.curl("-X", method, "http://larder\(path)")
            #expect(reply.status == status)
            #expect(reply.body.contains(words), "\(reply.body)")
            #expect(reply.head.contains("Larder-Instance: \(engine.inspector.instance)"))
            #expect(reply.head.contains("Allow: GET") == (status == 405))
        }
    }

    @Test func `a change may name a hundred thousand entries, and says when they are too many`()
        async throws
    {
        try await Engine.run { engine in
            func all(_ length: Int) -> Change {
                let tail = String(repeating: "x", count: length)
                return .invalidate(
                    (0..<100_000).map {
                        SeenEntry(id: EntryKey(cache: "accounts", key: "\($0)\(tail)"), version: 1)
                    })
            }
            let plan = try await engine.remote.plan(all(60))
            #expect(plan.skipped.count + plan.unnamed == 100_000)
            let tooMuch = all(200)
            await #expect(throws: InspectorError.self) { try await engine.remote.plan(tooMuch) }
        }
    }

    @Test func `all that passes is one set over the socket as well, whatever moves meanwhile`()
        async throws
    {
        let orders = Cache<String, String>("orders\r\n", maxsize: nil, ttl: nil) { $0 }
        try await Engine.run { engine in
            engine.inspector.add(orders) { .text($0) }
            for number in 0..<30_000 {
                orders.insert("x", for: number % 2 == 0 ? "stays \(number)" : "\(number)")
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var random = Seeded(2)
                    while !Task.isCancelled {
                        orders.insert("y", for: "moves \(Int.random(in: 0..<999, using: &random))")
                        orders.invalidate("moves \(Int.random(in: 0..<999, using: &random))")
                        _ = orders.cached("stays \(Int.random(in: 0..<9999, using: &random) * 2)")
                        await Task.yield()
                    }
                }
                for caches in [[], ["orders\r\n"], ["accounts", "orders\r\n"]] {
                    let query = EntryQuery(caches: caches, filter: "s")
                    let seen = try await engine.remote.matching(query)
                    #expect(Set(seen.map(\.id)).count == seen.count)
                    #expect(seen.allSatisfy { $0.id.key.contains("s") })
                    let stayed = seen.filter { $0.id.key.hasPrefix("stays ") }
                    #expect(stayed.count == 15_000)
                    #expect(
                        stayed.allSatisfy { $0.version == orders.peek($0.id.key)?.facts.version })
                }
                group.cancelAll()
            }
            await #expect(throws: InspectorError.self) {
                try await engine.remote.matching(EntryQuery(filter: "hits="))
            }
        }
    }

    @Test func `too many to change at once are said to be`() async throws {
        let numbers = Cache<Int, Int>("numbers", maxsize: nil, ttl: nil) { $0 }
        try await Engine.run { engine in
            engine.inspector.add(numbers) { .number("\($0)") }
            for number in 0...EntryQuery.mostMatching { numbers.insert(number, for: number) }
            await #expect(
                throws: InspectorError(
                    "100001 entries are more than 100000 at once; narrow the filter")
            ) { try await engine.remote.matching(EntryQuery()) }
        }
    }

    @Test func `caches may be called anything, and by names that differ in their bytes alone`()
        async throws
    {
        let names = [
            "a\r\nb", "a\nb", "a\rb", "quote\"s", "back\\slash", "caf\u{e9}", "cafe\u{301}", "n\0l",
            "a/b?c#d%20", "\u{2028}", "\"\u{301}",
        ]
        try await Engine.run { engine in
            for name in names {
                let cache = Cache<String, String>(name, maxsize: 8, ttl: .seconds(300)) { $0 }
                cache.insert("v", for: name)
                engine.inspector.add(cache) { .text($0) }
            }
            for name in names {
                let look = try await engine.remote.look(EntryQuery(caches: [name]))
                #expect(look.page.rows.map(\.id) == [EntryKey(cache: name, key: name)])
                let id = EntryKey(cache: name, key: name)
                #expect(try await engine.remote.entry(id)?.row.id == id)
                #expect(
                    try await engine.remote.matching(EntryQuery(caches: [name])).map(\.id) == [id])
                let log = try await engine.remote.events(in: name, after: 0, limit: 9)
                #expect(log.events.count == 1 && log.events[0].cache.utf8.elementsEqual(name.utf8))
            }
            let all = try await engine.remote.look(EntryQuery(sort: .cache, limit: 99))
            #expect(Set(all.page.rows.map(\.id)).count == names.count)
            let metrics = try engine.curl("http://larder/metrics").body
            let lines = metrics.split(whereSeparator: \.isNewline)
            let sample =
                /[a-z_]+(\{[a-z]+="([^"\\]|\\["\\n])*"(,[a-z]+="([^"\\]|\\["\\n])*")*\})? [0-9.e+-]+/
                .matchingSemantics(.unicodeScalar)
            #expect(lines.allSatisfy { $0.hasPrefix("# ") || $0.wholeMatch(of: sample) != nil })
            #expect(lines.contains { $0.hasPrefix("larder_entries{cache=\"a\\\\r\\nb\"} 1") })
        }
    }

    @Test func `times are seconds and times of day, and any number of seconds is one`()
        async throws
    {
        try await Engine.run { engine in
            for ttl in ["0.5", "300", "1e-320", "2.5e-150", "9000000000", "null"] {
                let body = #"{"configure":{"cache":"accounts","to":{"maxsize":64,"ttl":\#(ttl)}}}"#
                let reply = try engine.curl("-X", "POST", "-d", body, "http://larder/v1/plans")
                #expect(reply.status == 200, "\(ttl): \(reply.body)")
                #expect(
                    reply.body.contains(/"at":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{9}Z"/))
            }
            let history = "http://larder/v1/caches/accounts/history?since="
            #expect(try engine.curl(history + "2026-03-29T12:00:00.5Z").status == 200)
            #expect(try engine.curl(history + "1000").status == 400)
        }
    }

    @Test func `a body that is too large or no JSON is refused, and the engine goes on`()
        async throws
    {
        try await Engine.run { engine in
            let folder = try TemporaryFolder()
            let file = folder.path + "/large"
            try Data(repeating: 0x20, count: 20 << 20).write(to: URL(filePath: file))
            let large = try engine.curl(
                "-X", "POST", "--data-binary", "@\(file)", "http://larder/v1/plans")
            #expect(large.status == 413 || large.status == 0)
            for body in ["{", "null", "[]", #"{"invalidate":1}"#, #"{"all":[],"soften":[]}"#] {
                let reply = try engine.curl("-X", "POST", "-d", body, "http://larder/v1/plans")
                #expect(reply.status == 400, "\(body)")
            }
            #expect(try engine.curl("http://larder/healthz").body == "ok\n")
        }
    }

    @Test func `events come as they happen, from where the reader was`() async throws {
        try await Engine.run { engine in
            for number in 0..<3 { engine.accounts.insert("a", for: "\(number)") }
            let ran = try run([
                "curl", "-s", "-N", "-m", "1", "-H", "Accept: text/event-stream", "-H",
                "Last-Event-ID: 1", "--unix-socket", engine.place.socket,
                "http://larder/v1/caches/accounts/events?every=50",
            ])
            let ids = ran.output.split(separator: "\n").filter { $0.hasPrefix("id: ") }
            let instance = engine.inspector.instance
            #expect(ids == ["id: \(instance)-2", "id: \(instance)-3"])
            // Of another run of the engine its numbers say nothing, and what is none is refused.
            for (id, count) in [("\(instance)-2", 1), ("1234-3", 3), ("9", 0)] {
                let ran = try run([
                    "curl", "-s", "-N", "-m", "0.5", "-H", "Accept: text/event-stream", "-H",
                    "Last-Event-ID: \(id)", "--unix-socket", engine.place.socket,
                    "http://larder/v1/caches/accounts/events?every=50",
                ])
                #expect(ran.output.matches(of: #/id: /#).count == count, "\(id)")
            }
            let wrong = try engine.curl(
                "-H", "Last-Event-ID: a-b-c", "http://larder/v1/caches/accounts/events")
            #expect(wrong.status == 400)
            #expect(ran.output.contains(#""kind":"written""#))
        }
    }

    @Test func `a plus in a query is a blank, and what is escaped is itself`() async throws {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a b")
            engine.accounts.insert("x", for: "a+b")
            #expect(try engine.keys("filter=key%3D'a+b'") == ["a b"])
            #expect(try engine.keys("filter=key%3D'a%20b'") == ["a b"])
            #expect(try engine.keys("filter=key%3D'a%2Bb'") == ["a+b"])
            #expect(try engine.keys("filter=hits%3C5+and+not+%22+%22") == ["a+b"])
            #expect(try await engine.remote.entries(EntryQuery(filter: "a+b")).matched == 1)
            let wrong = try engine.curl("http://larder/v1/entries?filter=%ff")
            #expect(wrong.status == 400)
        }
    }

    @Test func `a body that waits to be asked for is asked for at once`() async throws {
        try await Engine.run { engine in
            let body = #"{"invalidateAll":"accounts"}"#
            let peer = try RawPeer(engine.place.socket)
            peer.send(
                "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nContent-Length: \(body.utf8.count)\r\n"
                    + "Expect: 100-Continue\r\n\r\n")
            // The interim answer ends in no object: reading goes on until the rest is sent.
            let first = peer.line()
            #expect(first == "HTTP/1.1 100 Continue")
            peer.send(body)
            let answer = peer.answer()
            #expect(answer.contains("HTTP/1.1 200 OK"), "\(answer)")
            let refused = try RawPeer(engine.place.socket)
            refused.send(
                "POST /v1/nothing HTTP/1.1\r\nHost: larder\r\nContent-Length: 5\r\n"
                    + "Expect: 100-continue\r\n\r\n")
            let refusal = refused.answer()
            #expect(refusal.hasPrefix("HTTP/1.1 404"), "\(refusal)")
            #expect(refusal.lowercased().contains("connection: close"))
        }
    }

    @Test func `metrics come as they are asked for, and HEAD gets their head`() async throws {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            let url = "http://larder/metrics"
            let prometheus =
                "application/openmetrics-text;version=1.0.0;q=0.5,"
                + "application/openmetrics-text;version=0.0.1;q=0.4,"
                + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
            let open = try engine.curl("-H", "Accept: \(prometheus)", url)
            #expect(open.head.lowercased().contains("content-type: application/openmetrics-text"))
            #expect(open.body.hasSuffix("# EOF\n"))
            #expect(open.body.contains("# TYPE larder_hits counter\n"))
            #expect(open.body.contains("larder_hits_total{cache=\"accounts\"} 0\n"))
            for accept in [
                "*/*", "text/plain", "TEXT/PLAIN; q=1", "application/json", "",
                "application/openmetrics-text;q=0", "application/openmetrics-text;version=9.9",
                "application/openmetrics-text;q=0.1, text/plain",
                "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5",
            ] {
                let plain = try engine.curl("-H", "Accept: \(accept)", url)
                #expect(plain.status == 200, "\(accept)")
                #expect(plain.head.lowercased().contains("content-type: text/plain"), "\(accept)")
                #expect(plain.body.contains("# TYPE larder_hits_total counter\n"), "\(accept)")
                #expect(!plain.body.contains("# EOF"), "\(accept)")
            }
            let head = try engine.curl("-I", "-H", "Accept: \(prometheus)", url)
            #expect(head.status == 200 && head.body.isEmpty)
            #expect(head.head.lowercased().contains("content-type: application/openmetrics-text"))
        }
    }

    @Test func `a stream is asked for in any case, over several lines, and from the start`()
        async throws
    {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            let stream = "content-type: text/event-stream"
            #expect(try engine.events("Accept: TEXT/Event-Stream").contains(stream))
            #expect(
                try engine.events("Accept: text/html", "accept: text/event-stream;q=0.5").contains(
                    stream))
            #expect(try !engine.events("Accept: text/event-stream;q=0").contains(stream))
            #expect(try !engine.events("Accept: */*").contains(stream))
            let fresh = try engine.events("Accept: text/event-stream", "Last-Event-ID;")
            #expect(fresh.contains(stream) && fresh.contains(#""kind":"written""#), "\(fresh)")
        }
    }

    @Test func `numbers in requests are taken or refused, and the engine goes on`() async throws {
        var random = Fuzz.random("requests")
        let paths = (0..<min(Fuzz.count / 50, 2000)).map { _ -> String in
            func number() -> String {
                Fuzz.number(using: &random)
                    .addingPercentEncoding(withAllowedCharacters: .alphanumerics)!
            }
            return [
                "/v1/entries?offset=\(number())&limit=\(number())&sort=age",
                "/v1/look?offset=\(number())&limit=\(number())",
                "/v1/caches/accounts/events?after=\(number())&limit=\(number())",
                "/v1/forecast?width=\(number())&count=\(number())",
                "/v1/changes?after=\(number())", "/v1/entries?filter=hits%3E\(number())",
                "/v1/entries?filter=ttl%3C\(number())", "/v1/plans/\(number())",
                "/v1/caches/accounts/entries/x\(number())",
                "/v1/caches/accounts/history?since=\(number())",
            ].randomElement(using: &random)!
        }
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            // Many in one run of curl.
            for part in stride(from: 0, to: paths.count, by: 200) {
                let urls = paths[part..<min(part + 200, paths.count)].map { "http://larder\($0)" }
                let ran = try TestSupport.run(
                    [
                        "curl", "-s", "-g", "-m", "60", "-w", "\n%{http_code}\n", "--unix-socket",
                        engine.place.socket,
                    ] + urls)
                let codes = ran.output.split(separator: "\n").compactMap { Int($0) }
                    .filter { (100..<600).contains($0) }
                #expect(codes.count >= urls.count)
                #expect(!codes.contains(500) && !codes.contains(0))
            }
            #expect(try await engine.remote.report().caches.count == 1)
        }
    }

    @Test func `the document has every route, and metrics have every cache`() async throws {
        try await Engine.run { engine in
            let text = try engine.curl("http://larder/openapi.json").body
            let document = try #require(
                try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            #expect(paths.count >= 14)
            for (path, operations) in paths {
                for method in operations.keys {
                    let filled = path.replacing(/\{[a-z]+\}/, with: "none")
                    let reply = try engine.curl(
                        "-X", method.uppercased(), "-d", "{}", "http://larder\(filled)")
                    #expect(![0, 405, 500].contains(reply.status), "\(method) \(path)")
                    #expect(!reply.body.contains("there is nothing at"), "\(method) \(path)")
                }
            }
            let metrics = try engine.curl("http://larder/metrics").body
            #expect(metrics.contains("# TYPE larder_hits_total counter\n"))
            #expect(metrics.contains("larder_maxsize{cache=\"accounts\"} 64\n"))
        }
    }

    @Test func `a plan can be read, before and after it is applied, and HEAD has no body`()
        async throws
    {
        try await Engine.run { engine in
            engine.accounts.insert("a", for: "1")
            let plan = try await engine.remote.plan(.invalidateAll(cache: "accounts"))
            #expect(try await engine.remote.plan(known: plan.id) == plan)
            let early = try engine.curl("http://larder/v1/plans/\(plan.id)/progress")
            #expect(early.status == 409 && early.body.contains("not applied yet"))
            _ = try await engine.remote.apply(plan.id, by: Operator("whoever"))
            #expect(try await engine.remote.plan(known: plan.id) == plan)
            #expect(try await engine.remote.progress(of: plan.id).state == .done)
            #expect(try engine.curl("http://larder/v1/plans/77").status == 404)
            let head = try engine.curl("--head", "http://larder/v1/caches")
            #expect(head.status == 200 && head.body.isEmpty)
            let wrong = try engine.curl("--head", "http://larder/v1/plans")
            #expect(wrong.status == 405 && wrong.body.isEmpty)
        }
    }

    @Test func `a service ends though somebody does not read what was asked for`() async throws {
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path + "/own", name: "pantry")
        try place.makeFolder()
        let local = LocalInspector("pantry")
        let cache = Cache<String, String>("accounts", maxsize: 64) { $0 }
        local.add(cache) { .text($0) }
        let service = SocketService(local, "pantry", at: place, logger: Engine.quiet)
        let group = ServiceGroup(
            services: [service], gracefulShutdownSignals: [], logger: Engine.quiet)
        let running = Task { try await group.run() }
        #expect(await settles { (try? RemoteInspector.check(place)) != nil })
        let peer = try RawPeer(place.socket)
        peer.send(
            "GET /v1/caches/accounts/events?every=50 HTTP/1.1\r\nHost: larder\r\n"
                + "Accept: text/event-stream\r\n\r\n")
        for round in 0..<20 {
            for number in 0..<1000 { cache.insert("a", for: "\(round)-\(number)") }
            try await Task.sleep(for: .milliseconds(60))
        }
        let began = ContinuousClock.now
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(ContinuousClock.now - began < .seconds(15))
        withExtendedLifetime(peer) {}
    }

    @Test func `where it is read-only, what changes is not there`() async throws {
        var options = SocketService.Options()
        options.isReadOnly = true
        try await Engine.run(options: options) { engine in
            engine.accounts.insert("a", for: "1")
            let plan = try await engine.remote.plan(.invalidateAll(cache: "accounts"))
            #expect(plan.entries == 1)
            await #expect(throws: (any Error).self) {
                try await engine.remote.apply(plan.id, by: Operator("whoever"))
            }
            #expect(engine.accounts.snapshot().count == 1)
            // Nothing of it was kept, and entries cannot be named: that would be.
            #expect(try engine.curl("http://larder/v1/plans/\(plan.id)").status == 404)
            let id = EntryKey(cache: "accounts", key: "1")
            for change in [
                Change.invalidate([SeenEntry(id: id, version: nil)]),
                .all([.soften([SeenEntry(id: id, version: 1)])]),
            ] {
                await #expect {
                    try await engine.remote.plan(change)
                } throws: { "\($0)".contains("lets nobody change anything") }
            }
            let long = String(repeating: " ", count: 70_000)
            #expect(
                try engine.curl(
                    "-d", #"{"invalidateAll":"accounts"}"# + long, "http://larder/v1/plans"
                ).status == 413)
            #expect(!(try engine.curl("http://larder/openapi.json").body.contains("/apply")))
        }
    }

    // MARK: Peers that mean no good, or know no better

    @Test func `500 idle connections and readers that do not read leave the engine as it was`()
        async throws
    {
        try await Engine.run { engine in
            let idle = try (0..<500).map { _ in try RawPeer(engine.place.socket) }
            let readers = try (0..<10).map { _ in try RawPeer(engine.place.socket) }
            for reader in readers {
                reader.send(
                    "GET /v1/caches/accounts/events HTTP/1.1\r\nHost: larder\r\n"
                        + "Accept: text/event-stream\r\n\r\n")
            }
            // More than all buffers on the way hold.
            for round in 0..<20 {
                for number in 0..<1000 { engine.accounts.insert("a", for: "\(round)-\(number)") }
                #expect(try await engine.remote.report().caches[0].snapshot.count == 64)
            }
            let began = ContinuousClock.now
            for _ in 0..<20 { #expect(try engine.curl("http://larder/healthz").status == 200) }
            #expect(ContinuousClock.now - began < .seconds(20))
            withExtendedLifetime((idle, readers)) {}
        }
    }

    @Test func `a body of 1 GB is refused before it is sent`() async throws {
        try await Engine.run { engine in
            let peer = try RawPeer(engine.place.socket)
            peer.send(
                "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nContent-Type: application/json\r\n"
                    + "Content-Length: 1073741824\r\n\r\n")
            let megabyte = [UInt8](repeating: 32, count: 1 << 20)
            var sent = 0
            #expect(peer.answer(within: .seconds(2)).hasPrefix("HTTP/1.1 413"))
            while sent < 1024, peer.send(megabyte) { sent += 1 }
            #expect(sent < 1024, "all was taken")
            #expect(try engine.curl("http://larder/healthz").status == 200)
        }
    }

    @Test func `a body that dribbles in is given up`() async throws {
        var options = SocketService.Options()
        options.bodyDeadline = .milliseconds(300)
        try await Engine.run(options: options) { engine in
            let peer = try RawPeer(engine.place.socket)
            peer.send(
                "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nContent-Length: 1000\r\n\r\n{")
            #expect(peer.answer().hasPrefix("HTTP/1.1 408"))
        }
    }

    /// What peers send that is no request: a start of TLS, nothing, half a line, a version to come,
    /// a length in words, a host, headers and a path without end.
    static let noRequests = [
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}", "\r\n\r\n\r\n", "GET\r\n\r\n",
        "GET /v1/caches HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nContent-Length: many\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: " + String(repeating: "a", count: 1 << 20) + "\r\n\r\n",
        "GET / HTTP/1.1\r\n" + String(repeating: "A: b\r\n", count: 100_000) + "\r\n",
        "GET /" + String(repeating: "a", count: 1 << 20) + " HTTP/1.1\r\nHost: a\r\n\r\n",
    ]

    // By their places: a run prints its arguments.
    @Test(arguments: noRequests.indices)
    func `what is no request of HTTP is refused or hung up on`(place: Int) async throws {
        try await Engine.run { engine in
            let peer = try RawPeer(engine.place.socket)
            peer.send(Self.noRequests[place])
            let answer = peer.answer(within: .seconds(1))
            #expect(answer.isEmpty || answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(200))")
            #expect(try engine.curl("http://larder/healthz").status == 200)
        }
    }

    @Test(arguments: [
        "GET /v1/entries?limit=-1", "GET /v1/entries?limit=99999999999999999999",
        "GET /v1/entries?offset=-9", "GET /v1/entries?limit=1e9", "GET /v1/entries?filter=%FF%FE",
        "GET /v1/caches/%FF/events", "GET /v1/caches/accounts/entries/%C3%28",
        "GET /v1/forecast?width=0&count=1", "GET /v1/forecast?width=1000&count=1000000000",
        "GET /v1/caches/accounts/events?after=-1", "GET /v1/entries?limit=1&limit=2&sort=%00",
        "GET /%2e%2e/%2e%2e/etc/passwd", "POST /v1/plans",
    ])
    func `what asks for the absurd gets a word and no more`(line: String) async throws {
        try await Engine.run { engine in
            let peer = try RawPeer(engine.place.socket)
            let body: [UInt8] = [0x7b, 0xff, 0xfe, 0x00, 0x7d]
            peer.send("\(line) HTTP/1.1\r\nHost: larder\r\nContent-Length: 5\r\n\r\n")
            peer.send(body)
            let answer = peer.answer(within: .seconds(3))
            #expect(answer.hasPrefix("HTTP/1.1 4"), "\(answer.prefix(200))")
        }
    }

    // MARK: Where they meet

    @Test func `a second instance of a service has a number behind its name`() async throws {
        try await Engine.run { engine in
            let (listening, isListening) = AsyncStream<Void>.makeStream()
            var options = SocketService.Options()
            options.onListening = { isListening.yield() }
            let service = SocketService(
                LocalInspector("second"), "pantry", at: engine.place, options: options,
                logger: Engine.quiet)
            let running = Task { try await service.run() }
            for await _ in listening { break }
            let second = try Rendezvous(folder: engine.place.folder, name: "pantry-2")
            let remote = try RemoteInspector(second)
            #expect(try await remote.report().name == "second")
            #expect(try await engine.remote.report().name == "pantry")
            await remote.close()
            running.cancel()
            _ = await running.result
        }
    }

    @Test func `a socket that cannot be there does not end the service it belongs to`() async throws
    {
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path, name: "pantry")
        chmod(folder.path, 0o777)
        let log = Recorded()
        let service = SocketService(
            LocalInspector("pantry"), "pantry", at: place,
            logger: Logger(label: "test") { _ in log })
        let running = Task { try await service.run() }
        while log.lines.isEmpty { await Task.yield() }
        #expect(log.lines[0].contains("nobody can look into the caches"))
        running.cancel()
        try await running.value
    }

    @Test func `a live engine keeps its name, a dead one's socket is taken over`() async throws {
        try await Engine.run { engine in
            do {
                var options = SocketService.Options()
                options.isRequired = true
                try await SocketService(
                    LocalInspector("other"), "pantry", at: engine.place, options: options,
                    logger: Engine.quiet
                ).run()
                Issue.record("a second engine came up")
            } catch let error as SocketError {
                #expect(error.description.contains("is running already (pid \(getpid()))"))
            }
            #expect(try await engine.remote.report().name == "pantry")
        }
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path + "/own", name: "pantry")
        try place.makeFolder()
        // What a process leaves behind that was killed.
        let left = try run([
            "python3", "-c",
            "import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])", place.socket,
        ])
        #expect(left.status == 0)
        let (engine, service) = try await Engine.started(place, .init())
        #expect(try await engine.remote.report().name == "pantry")
        await engine.remote.close()
        service.cancel()
        _ = await service.result
        #expect(!FileManager.default.fileExists(atPath: place.socket))
    }

    @Test func `a folder that others can write to, or a link, is refused by both sides`()
        async throws
    {
        let folder = try TemporaryFolder()
        let open = folder.path + "/open"
        mkdir(open, 0o700)
        chmod(open, 0o777)
        let link = folder.path + "/link"
        mkdir(folder.path + "/real", 0o700)
        symlink(folder.path + "/real", link)
        for (path, words) in [(open, "written to by others"), (link, "no folder of its own")] {
            let place = try Rendezvous(folder: path, name: "pantry")
            do {
                var options = SocketService.Options()
                options.isRequired = true
                try await SocketService(
                    LocalInspector("pantry"), "pantry", at: place, options: options,
                    logger: Engine.quiet
                ).run()
                Issue.record("\(path) was taken")
            } catch let error as SocketError {
                #expect(error.description.contains(words))
            }
            do {
                _ = try RemoteInspector(place)
                Issue.record("\(path) was trusted")
            } catch {
                #expect(error.description.contains(words))
            }
        }
    }

    /// As systemd has it for a service with a user of its own.
    @Test(.enabled(if: geteuid() == 0 && access("/run", W_OK) == 0))
    func `root's link to a folder that is good is as good`() async throws {
        let (link, place) = ("/run/larder-\(UUID().uuidString)", "/run/larder-\(UUID().uuidString)")
        mkdir(place, 0o700)
        mkdir(place + "/larder", 0o700)
        symlink(place + "/larder", link)
        defer {
            try? FileManager.default.removeItem(atPath: link)
            try? FileManager.default.removeItem(atPath: place)
        }
        let rendezvous = try Rendezvous(folder: link, name: "pantry")
        let (engine, service) = try await Engine.started(rendezvous, .init())
        #expect(try await engine.remote.report().name == "pantry")
        await engine.remote.close()
        service.cancel()
        _ = await service.result
        // A service's user owns the folder: root may look, others' folders are nobody's.
        chown(place + "/larder", 65_533, 65_533)
        try rendezvous.checkFolder(asMember: true)
        chmod(place + "/larder", 0o777)
        #expect(throws: SocketError.self) { try rendezvous.checkFolder(asMember: true) }
        chmod(place + "/larder", 0o700)
        // The link itself is another's, or leads nowhere.
        lchown(link, 65_533, 65_533)
        #expect(throws: SocketError.self) { try rendezvous.checkFolder(asMember: true) }
        lchown(link, 0, 0)
        try FileManager.default.removeItem(atPath: place + "/larder")
        #expect(throws: SocketError.self) { try rendezvous.makeFolder() }
    }

    @Test func `names and paths that no socket can have are refused`() {
        #expect(throws: SocketError.self) { try Rendezvous(folder: "/tmp", name: "a/b") }
        #expect(throws: SocketError.self) { try Rendezvous(folder: "/tmp", name: "") }
        #expect(throws: SocketError.self) {
            try Rendezvous(folder: "/" + String(repeating: "a", count: 100), name: "pantry")
        }
    }

    @Test func `an engine that hangs is told apart, and one that is gone`() async throws {
        let folder = try TemporaryFolder()
        let place = try Rendezvous(folder: folder.path + "/own", name: "pantry")
        try place.makeFolder()
        #expect(throws: SocketError.self) { try RemoteInspector(place) }
        let (engine, service) = try await Engine.started(place, .init())
        service.cancel()
        _ = await service.result
        await #expect(throws: SocketError.self) { try await engine.remote.report() }
        await engine.remote.close()
    }

    @Test func `a folder that cannot be trusted is not evaded`() throws {
        let folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
        mkdir(folder.path + "/larder", 0o700)
        chmod(folder.path + "/larder", 0o777)
        #expect {
            try Rendezvous.own("pantry", ["XDG_RUNTIME_DIR": folder.path])
        } throws: { "\($0)".contains("written to by others") }
        chmod(folder.path + "/larder", 0o700)
        #expect(
            try Rendezvous.own("pantry", ["XDG_RUNTIME_DIR": folder.path]).folder
                == folder.path + "/larder")
    }

    // MARK: Another user

    /// What curl comes to as the user nobody, with a group.
    private func asNobody(_ place: Rendezvous, group: Int = 65534) throws -> Ran {
        try run([
            "setpriv", "--reuid=65534", "--regid=\(group)", "--clear-groups", "curl", "-s", "-m",
            "10", "--unix-socket", place.socket, "http://larder/v1/caches",
        ])
    }

    @Test(.enabled(if: geteuid() == 0, "only root can be another user"))
    func `another user is refused by the modes, and else by the kernel's word`() async throws {
        try await Engine.run { engine in
            let shut = try asNobody(engine.place)
            #expect(shut.status == 7)
            chmod(engine.place.folder, 0o755)
            chmod(engine.place.socket, 0o666)
            let refused = try asNobody(engine.place)
            #expect(refused.status == 0)
            #expect(refused.output.contains("(uid 65534, pid "))
            #expect(refused.output.contains("may not look into this engine"))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can be another user"))
    func `a group that is let in gets in, and no other`() async throws {
        var options = SocketService.Options()
        options.group = 12_345
        try await Engine.run(options: options) { engine in
            let (member, other) = (
                try asNobody(engine.place, group: 12_345), try asNobody(engine.place, group: 54_321)
            )
            #expect(member.output.hasPrefix("[{"), "\(member)")
            #expect(other.status == 7)
        }
    }
}
