import Foundation
import HTTPTypes
import Larder
import LarderInspector
import Synchronization
import TestSupport
import Testing

import LarderRemote
@testable import LarderSocket
@testable import LarderWire

/// HTTP as its readers and its enemies have it.
@Suite(.timeLimit(.minutes(2))) struct `On the wire` {
    private func asked(_ engine: Engine, _ text: String) throws -> String {
        let peer = try RawPeer(engine.place.socket)
        peer.send(text)
        return peer.answer(within: .seconds(5))
    }

    @Test(arguments: [
        "zz\r\n{}\r\n0\r\n\r\n", "-1\r\n\r\n", "2\r\n{}x\r\n0\r\n\r\n", "\r\n\r\n",
        "ffffffffffffffffff\r\n", "0x2\r\n{}\r\n0\r\n\r\n", "2 {}\r\n",
        "2\r\n{}\r\n0\r\nX\0: y\r\n\r\n",
    ])
    func `chunks that are none are refused`(body: String) async throws {
        try await Engine.run { engine in
            for line in ["POST /v1/plans", "GET /healthz"] {
                let answer = try asked(
                    engine,
                    "\(line) HTTP/1.1\r\nHost: larder\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
                #expect(answer.hasPrefix("HTTP/1.1 400"), "\(answer)")
            }
            let good = try asked(
                engine,
                "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nTransfer-Encoding: chunked\r\n\r\n"
                    + "8;x=y\r\n{\"invali\r\n18\r\ndateAll\":\"accounts\"    }\r\n0\r\n\r\n")
            #expect(good.hasPrefix("HTTP/1.1 200"), "\(good)")
        }
    }

    @Test(arguments: [
        ("HTTP/1.1", "", 400), ("HTTP/1.1", "Host: a\r\nHost: a\r\n", 400),
        ("HTTP/1.1", "Host: a\r\nhost: b\r\n", 400), ("HTTP/1.0", "Host: a\r\nHost: b\r\n", 400),
        ("HTTP/1.1", "Host: a/b\r\n", 400), ("HTTP/1.1", "Host: a b\r\n", 400),
        ("HTTP/1.1", "Larder-Host-Trouble: missing\r\nHost: a\r\n", 200),
        ("HTTP/1.1", "Host: \r\n", 200), ("HTTP/1.1", "Host: [::1]:80\r\n", 200),
        ("HTTP/1.0", "", 200), ("HTTP/1.0", "Host: a\r\n", 200),
    ])
    func `a request has one host, where it must have one`(
        version: String, hosts: String, status: Int
    ) async throws {
        try await Engine.run { engine in
            let answer = try asked(engine, "GET /v1/caches \(version)\r\n\(hosts)\r\n")
            #expect(answer.contains(" \(status) "), "\(answer)")
            #expect((status == 400) == answer.contains("Host"), "\(answer)")
        }
    }

    @Test(arguments: [
        ("HTTP/1.0\r\n", true), ("HTTP/1.0\r\nHost: a\r\n", true),
        ("HTTP/1.0\r\nConnection: keep-alive\r\n", false),
        ("HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n", true),
        ("HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n", true),
    ])
    func `a connection ends where the peer's version or word has it so`(
        head: String, ends: Bool
    ) async throws {
        try await Engine.run { engine in
            let peer = try RawPeer(engine.place.socket)
            peer.send("GET /healthz \(head)\r\n")
            #expect(peer.line().hasSuffix("200 OK"))
            var connection = ""
            while case let line = peer.line(), !line.isEmpty {
                if line.lowercased().hasPrefix("connection:") { connection = line.lowercased() }
            }
            #expect(connection == "connection: \(ends ? "close" : "keep-alive")")
            #expect(peer.line() == "ok")
            #expect(peer.ends(within: ends ? .seconds(5) : .milliseconds(500)) == ends)
        }
    }

    @Test func `a stream of HTTP/1.0 is not in chunks`() async throws {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            let peer = try RawPeer(engine.place.socket)
            peer.send(
                "GET /v1/caches/accounts/events HTTP/1.0\r\nConnection: keep-alive\r\n"
                    + "Accept: text/event-stream\r\n\r\n")
            var head = ""
            while case let line = peer.line(), !line.isEmpty { head += line.lowercased() + "\n" }
            #expect(!head.contains("chunked") && head.contains("connection: close"), "\(head)")
            #expect(peer.line().hasPrefix("id: "))
        }
    }

    @Test func `HEAD gets the head of a stream at once, and the next request its answer`()
        async throws
    {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            for path in ["/v1/caches/accounts/events", "/v1/changes", "/v1/caches", "/metrics"] {
                let peer = try RawPeer(engine.place.socket)
                for method in ["HEAD", "HEAD", "GET"] {
                    let isLast = method == "GET"
                    peer.send(
                        "\(method) \(isLast ? "/healthz" : path) HTTP/1.1\r\nHost: larder\r\n"
                            + "Accept: text/event-stream, */*\r\n\r\n")
                    #expect(peer.line() == "HTTP/1.1 200 OK", "\(method) \(path)")
                    var head = ""
                    while case let line = peer.line(), !line.isEmpty {
                        head += line.lowercased() + "\n"
                    }
                    let isStream =
                        !isLast && (path.hasSuffix("events") || path.hasSuffix("changes"))
                    #expect(head.contains("text/event-stream") == isStream, "\(head)")
                    #expect(!head.contains("content-length: 0"))
                }
                #expect(peer.line() == "ok")
            }
        }
    }

    @Test func `times of day are one form everywhere`() async throws {
        try await Engine.run { engine in
            engine.accounts.insert("x", for: "a")
            let plan = try await engine.remote.plan(.invalidateAll(cache: "accounts"))
            _ = try await engine.remote.apply(plan.id, by: Operator("whoever"))
            let time = /"(time|wall|started)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"/
            let stream = try run([
                "curl", "-s", "-N", "-m", "1", "-H", "Accept: text/event-stream", "--unix-socket",
                engine.place.socket, "http://larder/v1/changes",
            ]).output
            for (text, count) in [
                (try engine.curl("http://larder/v1/snapshot").body, 2),
                (try engine.curl("http://larder/v1/look").body, 2),
                (try engine.curl("http://larder/v1/changes").body, 1), (stream, 1),
            ] {
                #expect(text.matches(of: time).count == count, "\(text)")
                #expect(text.matches(of: /"(time|wall|started)":[^"]/).isEmpty, "\(text)")
            }
            let report = try await engine.remote.report()
            #expect(abs(report.wall.timeIntervalSinceNow) < 60)
            let record = try #require(try await engine.remote.changes(after: 0).first)
            #expect(abs(record.time.timeIntervalSinceNow) < 60)
        }
    }

    @Test(arguments: [(500, 200), (501, 400)])
    func `a reason is refused where it is too long, and not cut`(
        length: Int, status: Int
    ) async throws {
        try await Engine.run { engine in
            let plan = try await engine.remote.plan(.invalidateAll(cache: "accounts"))
            let reason = String(repeating: "%C3%BC", count: length)
            let reply = try engine.curl(
                "-X", "POST", "-H", "Larder-Reason: \(reason)",
                "http://larder/v1/plans/\(plan.id)/apply")
            #expect(reply.status == status, "\(reply.body)")
            #expect(status == 200 || reply.body.contains("has 500 characters at most"))
            let wrong = try engine.curl(
                "-X", "POST", "-H", "Larder-Reason: %ff",
                "http://larder/v1/plans/\(plan.id)/undo")
            #expect(wrong.status == 400)
        }
    }

    @Test func `only a plan may be long`() async throws {
        try await Engine.run { engine in
            let file = engine.place.folder + "/long"
            let long = #"{"invalidateAll":"accounts"}"# + String(repeating: " ", count: 70_000)
            try long.write(toFile: file, atomically: false, encoding: .utf8)
            func status(_ path: String) throws -> Int {
                try engine.curl("--data-binary", "@\(file)", "http://larder\(path)").status
            }
            #expect(try status("/v1/plans") == 200)
            #expect(try status("/v1/plans/1/apply") == 413)
            #expect(try status("/v1/caches/accounts/entries/1/fetch") == 413)
        }
    }

    // MARK: Peers that hold on

    @Test(arguments: [("", ""), ("GET / HTTP/1.1\r\nHo", "a")])
    func `a head that does not come is not waited for, however it drips`(
        beginning: String, drip: String
    ) async throws {
        var options = SocketService.Options()
        options.headDeadline = .milliseconds(300)
        try await Engine.run(options: options) { engine in
            let peer = try RawPeer(engine.place.socket)
            peer.send(beginning)
            var answer = ""
            for _ in 0..<500 where answer.isEmpty {
                peer.send(drip)
                answer = peer.answer(within: .milliseconds(20))
            }
            #expect(answer.hasPrefix("HTTP/1.1 408"), "\(answer)")
            #expect(peer.ends())
            #expect(try engine.curl("http://larder/healthz").status == 200)
        }
    }

    @Test(arguments: [
        "GET /healthz HTTP/1.1\r\nHost: larder\r\n\r\n",
        "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nContent-Length: 4\r\n\r\nGET ",
        "POST /v1/plans HTTP/1.1\r\nHost: larder\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "4\r\nGET \r\n0\r\n\r\n",
    ])
    func `half a head behind a whole request has a deadline as well`(
        whole: String
    ) async throws {
        var options = SocketService.Options()
        options.headDeadline = .milliseconds(300)
        try await Engine.run(options: options) { engine in
            for half in ["G", "GET ", "GET /healthz HTTP/1.1\r\nHost: larder\r\n"] {
                let peer = try RawPeer(engine.place.socket)
                peer.send(whole + half)
                #expect(peer.ends(within: .seconds(10)), "\(half)")
            }
            // However a request is cut, and whatever else comes with it, it is answered.
            let text = whole + "GET /healthz HTTP/1.1\r\nHost: larder\r\n\r\n"
            for cut in [0, 1, whole.utf8.count - 1, whole.utf8.count, whole.utf8.count + 1] {
                let peer = try RawPeer(engine.place.socket)
                peer.send(text.utf8.prefix(cut))
                peer.send(text.utf8.dropFirst(cut))
                // A document of JSON ends without a line's end, and the next answer begins there.
                let answered = (0..<40).contains { _ in peer.line().contains("HTTP/1.1 200") }
                #expect(answered, "\(cut)")
            }
        }
    }

    @Test func `who only holds places keeps nobody out`() async throws {
        var options = SocketService.Options()
        options.connections = 16
        try await Engine.run(options: options) { engine in
            let dripping = try (0..<40).map { _ in
                let peer = try RawPeer(engine.place.socket)
                peer.send("GET / HTTP/1.1\r\nX: ")
                return peer
            }
            for _ in 0..<5 { #expect(try engine.curl("http://larder/healthz").status == 200) }
            // The first have gone for the last.
            #expect(dripping[0].ends())
            withExtendedLifetime(dripping) {}
        }
    }

    @Test func `where all places are taken by those who ask, that is said`() async throws {
        var options = SocketService.Options()
        options.connections = 8
        try await Engine.run(options: options) { engine in
            let followers = try (0..<8).map { _ in
                let peer = try RawPeer(engine.place.socket)
                peer.send(
                    "GET /v1/changes HTTP/1.1\r\nHost: larder\r\nAccept: text/event-stream\r\n\r\n")
                #expect(peer.line() == "HTTP/1.1 200 OK")
                return peer
            }
            let refused = try engine.curl("http://larder/healthz")
            #expect(refused.status == 503 && refused.body.contains("as many connections"))
            withExtendedLifetime(followers) {}
        }
    }

    @Test func `one process follows only so many streams`() async throws {
        try await Engine.run { engine in
            let followers = try (0..<SocketService.Options.streams).map { _ in
                let peer = try RawPeer(engine.place.socket)
                peer.send(
                    "GET /v1/changes HTTP/1.1\r\nHost: larder\r\nAccept: text/event-stream\r\n\r\n")
                #expect(peer.line() == "HTTP/1.1 200 OK")
                return peer
            }
            let refused = try RawPeer(engine.place.socket)
            refused.send(
                "GET /v1/changes HTTP/1.1\r\nHost: larder\r\nAccept: text/event-stream\r\n\r\n")
            #expect(refused.line() == "HTTP/1.1 429 Too Many Requests")
            // Others of the same user have theirs.
            #expect(try engine.events("Accept: text/event-stream").hasPrefix("http/1.1 200"))
            #expect(try engine.curl("http://larder/v1/changes").status == 200)
            withExtendedLifetime(followers) {}
        }
    }

    @Test func `replies that nobody reads are not made without end`() async throws {
        let large = Cache<Int, String>("large", maxsize: nil, ttl: nil) { "\($0)" }
        for number in 0..<10_000 { large.insert("x", for: number) }
        try await Engine.run { engine in
            engine.inspector.add(large) { .text($0) }
            let path = "/v1/entries?limit=10000"
            let length = try engine.curl("http://larder\(path)").body.utf8.count
            let count = SocketService.Options.unread / length + 8
            let peers = try (0..<count).map { _ in
                let peer = try RawPeer(engine.place.socket)
                peer.send("GET \(path) HTTP/1.1\r\nHost: larder\r\n\r\n")
                return peer
            }
            let statuses = peers.map { $0.line() }
            #expect(statuses.contains("HTTP/1.1 200 OK"))
            #expect(statuses.contains("HTTP/1.1 429 Too Many Requests"))
            func again() -> String? {
                let peer = try? RawPeer(engine.place.socket)
                peer?.send("GET \(path) HTTP/1.1\r\nHost: larder\r\n\r\n")
                return peer?.line()
            }
            #expect(again() == "HTTP/1.1 429 Too Many Requests")
            // What is small is answered all the same, another process too, and all is once it was
            // read.
            #expect(try engine.curl("http://larder/v1/look?limit=5").status == 200)
            #expect(try engine.curl("http://larder\(path)").status == 200)
            for peer in peers { _ = peer.answer(within: .milliseconds(200)) }
            #expect(await settles { again() == "HTTP/1.1 200 OK" })
        }
    }
}

@Suite struct `A line of those who wait` {
    /// How many of each user have their turn.
    private final class Running: Sendable {
        private let counts = Guarded<[UInt32: Int]>([:])

        /// Whether it may be.
        func begin(_ uid: UInt32) -> Bool {
            counts.withLock { counts in
                counts[uid, default: 0] += 1
                return counts[uid] == 1 && counts.values.reduce(0, +) <= 2
            }
        }

        func end(_ uid: UInt32) { counts.withLock { $0[uid]! -= 1 } }
    }

    @Test func `serves each user in turn, and each process of one`() {
        var queue = FairQueue<UInt32, Int>()
        for item in 0..<100 { queue.add(item, to: 1) }
        #expect(queue.next()?.item == 0)
        queue.add(200, to: 2)
        queue.add(201, to: 2)
        // Whoever comes anew waits for one other at most.
        let served = (0..<5).compactMap { _ in queue.next()?.item }
        #expect(Set(served.prefix(2)).contains(200) && Set(served.prefix(4)).contains(201))
        #expect(served.filter { $0 < 100 } == [1, 2, 3])
    }

    @Test(arguments: [0, 1]) func `forgets those who were served`(others: Int) {
        var queue = FairQueue<Int, Int>()
        for other in 0..<others { queue.add(0, to: -1 - other) }
        for process in 0..<1000 {
            queue.add(process, to: process)
            _ = queue.next()
        }
        #expect(queue.lines.count <= 258)
    }

    @Test func `passes over nobody for more than a turn of each other`() {
        var random = Fuzz.random("fair queues")
        var queue = FairQueue<Int, Int>()
        var waiting: [Int: Int] = [:]
        var passedOver: [Int: [Int: Int]] = [:]
        for item in 0..<min(Fuzz.count, 20_000) {
            if Bool.random(using: &random) {
                let line =
                    Int.random(in: 0..<6, using: &random) / Int.random(in: 1...3, using: &random)
                queue.add(item, to: line)
                waiting[line, default: 0] += 1
            } else if let (line, _) = queue.next() {
                waiting[line]! -= 1
                passedOver[line] = nil
                for other in waiting.keys where other != line && waiting[other]! > 0 {
                    passedOver[other, default: [:]][line, default: 0] += 1
                    #expect(passedOver[other]![line]! <= 2, "\(other) waits for \(line)")
                }
            } else {
                #expect(waiting.values.allSatisfy { $0 == 0 })
            }
        }
    }

    @Test func `lets go on only so many at once, and one of each user`() async throws {
        let turns = Turns([.anyone, .anyone], ofUser: 1)
        let running = Running()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<200 as Range<UInt32> {
                group.addTask { [turns, running] in
                    let peer = PeerID(uid: number % 5, pid: Int32(number % 7))
                    try await turns.take(of: peer) { _ in
                        #expect(running.begin(peer.uid))
                        await Task.yield()
                        running.end(peer.uid)
                    }
                }
            }
            try await group.waitForAll()
        }
        // Who fails gives the turn back as well.
        let (one, failing) = (PeerID(uid: 1, pid: 1), Turns([.anyone]))
        for _ in 0..<3 {
            await #expect(throws: CancellationError.self) {
                try await failing.take(of: one) { _ in throw CancellationError() }
            }
        }
    }

    /// A turn that lasts until its gate is opened; returned once it is had.
    private func hold(
        _ turns: Turns, _ peer: PeerID, _ group: inout ThrowingTaskGroup<Void, any Error>
    ) async -> (seat: Int, gate: Gate) {
        let (gate, had) = (Gate(), AsyncStream<Int>.makeStream())
        group.addTask {
            try await turns.take(of: peer) { seat in
                had.continuation.yield(seat)
                try await gate.pass()
            }
        }
        var seats = had.stream.makeAsyncIterator()
        return (await seats.next()!, gate)
    }

    @Test func `gives up with the task, and no turn is lost`() async throws {
        let turns = Turns([.anyone])
        let (first, second) = (PeerID(uid: 1, pid: 1), PeerID(uid: 2, pid: 2))
        try await withThrowingTaskGroup(of: Void.self) { group in
            let held = await hold(turns, first, &group)
            let waiting = (0..<20).map { number in
                Task { try await turns.take(of: number % 2 == 0 ? first : second) { _ in } }
            }
            // Before it waits, while it does, or at any moment between.
            for task in waiting {
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
            }
            held.gate.open()
            try await turns.take(of: second) { _ in }
        }
    }

    @Test func `is a budget that comes back with time`() {
        var budget = Budget<Int>()
        let start = ContinuousClock.now
        #expect(!budget.isSpent(by: 1, at: start))
        budget.spend(.seconds(1), of: 1, at: start)
        #expect(budget.isSpent(by: 1, at: start) && !budget.isSpent(by: 2, at: start))
        #expect(budget.isSpent(by: 1, at: start + .seconds(2)))
        #expect(!budget.isSpent(by: 1, at: start + .milliseconds(2001)))
        // An hour's use is over within a minute.
        budget.spend(.seconds(3600), of: 1, at: start)
        #expect(!budget.isSpent(by: 1, at: start + .seconds(60)))
    }

    @Test func `is a share of each process, and twice that of each user`() {
        let quota = Quota(ofProcess: 10)
        let peers = [(1, 1), (1, 2), (1, 3), (2, 4)].map { PeerID(uid: $0, pid: $1) }
        var shares = [quota.take(10, of: peers[0])]
        #expect(peers.map(quota.isUsedUp) == [true, false, false, false])
        shares.append(quota.take(12, of: peers[1]))
        #expect(peers.map(quota.isUsedUp) == [true, true, true, false])
        shares.removeFirst()
        #expect(peers.map(quota.isUsedUp) == [false, true, false, false])
        shares = []
        #expect(peers.map(quota.isUsedUp) == [false, false, false, false])
    }

    @Test func `keeps seats for processes, and for users, that have asked for little`()
        async throws
    {
        let time = Mutex(ContinuousClock.now)
        let turns = Turns(now: { time.withLock { $0 } })
        let (dear, other, third) = (
            PeerID(uid: 1, pid: 1), PeerID(uid: 1, pid: 2), PeerID(uid: 2, pid: 3)
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            // Somebody's page takes long, and more of them wait.
            let page = await hold(turns, dear, &group)
            #expect(page.seat == 0)
            for _ in 0..<60 { group.addTask { try await turns.take(of: dear) { _ in } } }
            // Another process of the same user has its turn beside it, a third user as well.
            let second = await hold(turns, other, &group)
            #expect(second.seat == 1)
            let last = await hold(turns, third, &group)
            #expect(last.seat == 2)
            // Whoever is new has the first seat next, though sixty have waited longer.
            time.withLock { $0 += .seconds(5) }
            page.gate.open()
            let next = await hold(turns, PeerID(uid: 3, pid: 4), &group)
            #expect(next.seat == 0)
            second.gate.open()
            last.gate.open()
            next.gate.open()
            try await group.waitForAll()
        }
    }
}

@Suite struct `Places for connections` {
    private func places() -> ConnectionPlaces { ConnectionPlaces(most: 80, owner: 1000) }

    @Test func `are kept for the owner and for root, however many others come`() {
        var places = places()
        var id: ConnectionPlaces.ID = 0
        func come(_ uid: UInt32) -> ConnectionPlaces.Answer {
            id += 1
            let answer = places.come(id, uid)
            if answer != .full { places.ask(id) }
            return answer
        }
        for uid in [1, 2, 3] as [UInt32] { for _ in 0..<200 { _ = come(uid) } }
        #expect(places.counts[1] == places.mostOfOther)
        #expect(places.counts.values.reduce(0, +) == 80 - 2 * places.kept)
        for uid in [0, 1000] as [UInt32] {
            for _ in 0..<places.kept { #expect(come(uid) == .welcome) }
            #expect(come(uid) == .full)
        }
    }

    @Test func `go to newcomers from whoever waits longest, and never asked`() {
        var places = ConnectionPlaces(most: 4, owner: 0)
        // One is kept for root, which has the others as well.
        for id in 1...4 as ClosedRange<ConnectionPlaces.ID> {
            #expect(places.come(id, 0) == .welcome)
        }
        places.ask(1)
        places.rest(1)
        places.ask(3)
        #expect(places.come(5, 0) == .instead(of: 2))
        #expect(places.come(6, 0) == .instead(of: 4))
        places.ask(5)
        places.ask(6)
        #expect(places.come(7, 0) == .instead(of: 1))
        places.ask(7)
        #expect(places.come(8, 0) == .full)
        places.leave(3)
        #expect(places.come(9, 0) == .welcome)
    }

    @Test func `are never more than there are, whatever comes and goes`() {
        var random = Fuzz.random("places")
        for most in [4, 5, 17, 80] {
            var places = ConnectionPlaces(most: most, owner: 1000)
            var there: [ConnectionPlaces.ID: UInt32] = [:]
            for id in 0..<ConnectionPlaces.ID(min(Fuzz.count, 5000)) {
                let uid = ([0, 1000, 1, 2, 3] as [UInt32]).randomElement(using: &random)!
                let one = there.keys.randomElement(using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: if let one { places.ask(one) }
                case 1: if let one { places.rest(one) }
                case 2:
                    if let one {
                        places.leave(one)
                        there[one] = nil
                    }
                default:
                    switch places.come(id, uid) {
                    case .full: continue
                    case .welcome: there[id] = uid
                    case .instead(let victim):
                        let gone = there.removeValue(forKey: victim)
                        #expect(gone == uid || gone.map { ![0, 1000].contains($0) } ?? false)
                        there[id] = uid
                    }
                }
                #expect(there.count <= most)
                #expect(
                    places.counts
                        == Dictionary(grouping: there.values, by: { $0 }).mapValues(\.count))
                let others = places.counts.filter { ![0, 1000].contains($0.key) }
                #expect(others.values.allSatisfy { $0 <= places.mostOfOther })
                #expect(others.values.reduce(0, +) <= most - 2 * places.kept)
            }
        }
    }
}

@Suite struct `What a folder is in` {
    @Test(arguments: [
        (0o777, "", true), (0o707, "", true), (0o702, "", true), (0o1777, "", false),
        (0o755, "", false), (0o777, "/in/between", true), (0o1777, "/in/between", false),
    ])
    func `is nothing that others may change`(mode: Int, between: String, isRefused: Bool) throws {
        let folder = try TemporaryFolder()
        let outer = folder.path + "/outer"
        try FileManager.default.createDirectory(
            atPath: outer + between, withIntermediateDirectories: true)
        chmod(outer, mode_t(mode))
        let place = try Rendezvous(folder: outer + between + "/larder", name: "pantry")
        guard isRefused else { return try place.makeFolder() }
        func isSaid(_ error: any Error) -> Bool {
            "\(error)".contains(
                "\(outer) can be written to by others, who could put another folder")
        }
        #expect { try place.makeFolder() } throws: { isSaid($0) }
        #expect(!FileManager.default.fileExists(atPath: place.folder))
        // Nor is it where an engine would go by itself, nor looked at by those who want to look.
        #expect {
            try Rendezvous.own("pantry", ["XDG_RUNTIME_DIR": outer + between])
        } throws: { isSaid($0) }
        mkdir(place.folder, 0o700)
        #expect { try place.checkFolder(asMember: true) } throws: { isSaid($0) }
    }

    @Test func `is what a link leads to as well`() throws {
        let folder = try TemporaryFolder()
        for name in ["open", "open/real", "shut"] { mkdir(folder.path + "/\(name)", 0o755) }
        chmod(folder.path + "/open", 0o777)
        symlink(folder.path + "/open/real", folder.path + "/shut/link")
        let place = try Rendezvous(folder: folder.path + "/shut/link/larder", name: "pantry")
        #expect { try place.makeFolder() } throws: { "\($0)".contains("/open can be written to") }
    }
}

@Suite struct `The gateway of an engine` {
    private static let pass = GatewayPass(
        url: "http://127.0.0.1:1", token: "the-token", region: "eu-west-1", isDemo: true)

    private func ask(
        _ uid: uid_t?, _ gateway: (@Sendable () throws -> GatewayPass)? = { pass }
    ) async throws -> String {
        let routes = Routes(LocalInspector("pantry"), isReadOnly: true, gateway: gateway)
        guard case .route(let route, let parts) = routes.find(.get, "/v1/gateway") else {
            throw Failure("there is no such route")
        }
        let peer = PeerID(uid: uid ?? 0, pid: 1)
        let answer = try await route.answer(
            Asked(
                parts: parts, query: [:], headers: [:], body: Data(),
                actor: Operator("somebody", uid: uid, pid: 1), instance: "",
                lane: PeerLane(lane: Lanes().short(peer), peer: peer)))
        guard case .json(let data) = answer else { throw Failure("no JSON") }
        return String(decoding: data, as: UTF8.self)
    }

    @Test func `is opened to its own user and root`() async throws {
        for uid in [geteuid(), 0] {
            let text = try await ask(uid)
            #expect(text.contains("\"token\":\"the-token\"") && text.contains("127.0.0.1:1"))
        }
    }

    @Test func `is hidden from a group that may look in, and from whom nobody knows`() async {
        for uid in [geteuid() + 1, nil] {
            await #expect {
                _ = try await ask(uid)
            } throws: {
                ($0 as? Refusal)?.status == .forbidden && !"\($0)".contains("the-token")
            }
        }
    }

    @Test func `is said not to be there where it is not`() async {
        await #expect {
            _ = try await ask(0, nil)
        } throws: { ($0 as? Refusal)?.status == .notFound }
    }
}
