import Larder
import LarderTesting
@testable import LarderInspector
import Synchronization
import TestSupport
import Testing

@testable import LarderConsole

@Suite struct `The past` {
    /// What an engine kept, a sample each of these seconds: 10 look-ups and 1 miss a second.
    private func record(
        _ seconds: any Sequence<Int>, instance: String = "1f", maxsize: Int = 64
    ) -> Message {
        let samples = seconds.map { second in
            var sample = CacheSample(at: at(1000 + Double(second)))
            sample.hits = UInt64(10_000 + 9 * second)
            sample.misses = UInt64(5000 + second)
            (sample.count, sample.bytes) = (40, 16_080)
            (sample.maxsize, sample.ttl) = (maxsize, .seconds(120))
            return sample
        }
        return .remembered(
            Remembered(
                instance: instance,
                histories: [
                    CacheHistory(
                        cache: "accounts", instance: instance, at: at(1000), samples: samples)
                ]))
    }

    private func frozen(_ model: inout Model, _ shown: [EntryRow] = rows) {
        _ = press(&model, .char("Z"))
        _ = update(
            &model,
            .froze(EntryPage(at: at(1000), rows: shown, matched: shown.count, total: shown.count)))
    }

    private func screen(_ model: Model) -> [String] { render(model).text }

    @Test(arguments: [(40, 10), (80, 24), (120, 40), (200, 60)])
    func `before the first record is no number, and that is said`(columns: Int, height: Int) {
        var model = model(columns, height)
        frozen(&model)
        _ = press(&model, .char("{"))
        let text = screen(model)
        #expect(text.contains { $0.contains("no record before 14:06:59") }, "\(text)")
        let top = text.prefix(model.layout.rates.map { $0.row + $0.height } ?? 3).joined()
        for word in ["0/s", "never", "no entries", "%", "64", "402", "9.2K", "40.0M"] {
            #expect(!top.contains(word), "\(word) in \(top)")
        }
        for word in ["no entries are held", "never", "0/s", "100000000001"] {
            #expect(!text.contains { $0.contains(word) }, "\(word) in \(text)")
        }
    }

    @Test(arguments: ["2", "3", "5", "6", "7"])
    func `is told where a view has the figures of now alone`(view: Character) {
        var model = model(120, 40)
        _ = update(&model, record(-600 ... -2))
        _ = press(&model, .char(view))
        #expect(!screen(model).contains { $0.contains("as it is now") })
        _ = press(&model, .escape)
        frozen(&model)
        _ = press(&model, .char("{"), .char(view))
        #expect(screen(model).contains { $0.contains("as it is now, not then") })
        // The caches have what they held then.
        _ = press(&model, .char("9"))
        #expect(!screen(model).contains { $0.contains("as it is now") })
    }

    @Test func `is what the engine kept of it, for whoever comes later`() {
        var model = model(120, 40)
        _ = update(&model, record(-600 ... -2))
        #expect(
            abs(model.histories[Verbatim("accounts")]!.at(at(700)).rate(\.lookups)! - 10) < 0.01)
        frozen(&model)
        for _ in 0..<5 { _ = press(&model, .char("{")) }
        let text = screen(model)
        #expect(text[0].contains(" PAST 14:02:00 "))
        #expect(text[0].contains("hit 1m 90.0%") && text[0].contains(" 10/s"))
        #expect(text.contains { $0.contains(" 40/64 ") }, "\(text)")
        #expect(text.contains { $0.contains("2m ") && $0.contains("16 KiB") }, "\(text)")
        for _ in 0..<6 { _ = press(&model, .char("{")) }
        #expect(screen(model).contains { $0.contains("no record before 13:57:00") })
    }

    @Test func `has no number where nobody looked, and goes on behind it`() {
        var model = model(120, 40)
        _ = update(&model, record(Array(-600 ... -300) + Array(-100 ... -2)))
        let history = model.histories[Verbatim("accounts")]!
        #expect(history.at(at(700)).rate(\.lookups) != nil)
        #expect(history.at(at(701)).rate(\.lookups) == nil)
        #expect(history.at(at(750)).hitRatio() == nil && history.at(at(750)).point == nil)
        #expect(history.at(at(899)).point == nil)
        #expect(history.at(at(900)).point != nil && history.at(at(900)).rate(\.misses) == nil)
        #expect(history.at(at(905)).rate(\.misses) != nil)
        #expect(!history.spikes(\.misses).contains(at(900)))
        #expect(history.samples.filter(\.isGap).count == 1)
    }

    @Test func `of a lost engine is asked for again, and closes the gap`() {
        var model = model(80, 24)
        _ = update(&model, look(model, rows, report(seconds: 60, hits: 1500, misses: 160)))
        #expect(model.history(of: "accounts").rate(\.lookups) == nil, "nobody looked for a minute")
        _ = update(&model, record(0...59))
        #expect(model.history(of: "accounts").rate(\.lookups) != nil)
        #expect(model.history(of: "accounts").points.last?.at == at(1060))
    }

    @Test func `of another run of the engine is not shown`() {
        var model = model(80, 24)
        _ = update(&model, record(-600 ... -2, instance: "2e"))
        #expect(model.recordStart == at(999))
        _ = update(&model, record(-600 ... -2))
        #expect(model.recordStart == at(400))
        var other = report(seconds: 1)
        other.instance = "2e"
        _ = update(&model, look(model, rows, other))
        #expect(model.recordStart == at(1001))
        frozen(&model)
        _ = press(&model, .char("{"))
        #expect(screen(model).contains { $0.contains("no record before 14:07:01") })
    }

    @Test func `events of a cache keep the order of their numbers, whatever their instants say`() {
        func event(_ cache: String, _ number: UInt64, _ second: Double) -> LoggedEvent {
            LoggedEvent(
                cache: cache, number: number, at: at(second), key: "k",
                kind: .softened(version: number), by: nil)
        }
        var model = model(120, 40)
        _ = update(&model, look(model, rows, report(), events: [event("accounts", 4, 990)]))
        let kept = [
            event("accounts", 1, 900), event("accounts", 2, 905), event("accounts", 3, 904.5),
            event("credentials", 1, 904.7), event("credentials", 2, 904),
        ]
        _ = update(&model, .remembered(Remembered(instance: "1f", events: kept.reversed())))
        let order = model.events.map { "\($0.cache.prefix(1))\($0.number)" }
        #expect(order == ["a1", "c1", "c2", "a2", "a3", "a4"])
        // Of any instants: each cache by its numbers, and by the time what is in order by itself.
        var random = Seeded(5)
        for _ in 0..<50 {
            let wild = (0..<40).map { place in
                event(
                    ["a", "b", "c"][place % 3], UInt64(place / 3),
                    Double(place / 3) + .random(in: 0...3, using: &random))
            }
            let sorted = wild.shuffled(using: &random).inOrder
            for cache in ["a", "b", "c"] {
                let numbers = sorted.filter { $0.cache == cache }.map(\.number)
                #expect(numbers == Array(0..<UInt64(numbers.count)))
            }
            let calm = (0..<40).map { event(["a", "b"][$0 % 2], UInt64($0 / 2), Double($0)) }
            #expect(calm.shuffled(using: &random).inOrder == calm)
        }
    }

    @Test func `knows the hits of a row only where none came since`() {
        var model = model(120, 40)
        _ = update(&model, record(-600 ... -2))
        var hit = account("100000000001", left: 200, hits: 50, version: 7)
        hit.lastHit = at(999)
        var quiet = account("100000000002", left: 210, hits: 33, version: 8)
        quiet.lastHit = at(900)
        let cold = account("100000000003", left: 220, hits: 0, version: 9)
        frozen(&model, [hit, quiet, cold])
        _ = press(&model, .char("{"))
        let shown = Dictionary(uniqueKeysWithValues: model.rows.map { ($0.id.key, $0) })
        #expect(shown.count == 3)
        #expect(!model.knows(.hits, of: hit.id) && !model.knows(.state, of: hit.id))
        #expect(model.knows(.hits, of: quiet.id) && shown["100000000002"]?.hits == 33)
        #expect(model.knows(.hits, of: cold.id) && model.knows(.state, of: cold.id))
        let line = screen(model).first { $0.contains("100000000001") }
        #expect(line?.contains(" 50 ") == false, "\(line ?? "")")
        // Lives were shorter then.
        #expect(shown["100000000003"]?.deadline == cold.writtenAt + .seconds(120))
        _ = press(&model, .char("}"))
        #expect(model.rows.first { $0.id == hit.id }?.hits == 50)
        #expect(model.knows(.hits, of: hit.id))
    }

    @Test func `says where entries that went before are not known`() {
        var model = model(120, 40)
        _ = update(&model, record(-600 ... -2))
        var engine = report()
        engine.caches[0].snapshot.lastEvent = 12
        let events = (8...12).map { evicted(UInt64($0), "k\($0)", seconds: Double($0 * 5 - 61)) }
        _ = update(&model, look(model, rows, engine, events: events))
        frozen(&model)
        _ = press(&model, .char("{"))
        #expect(model.incompleteness == "entries that went before 14:06:39 are not known")
        #expect(screen(model).contains { $0.contains("went before 14:06:39") })
        // The engine holds more of them.
        let more = (1...9).map { evicted(UInt64($0), "k\($0)", seconds: Double($0 * 5 - 61)) }
        _ = update(&model, .remembered(Remembered(instance: "1f", events: more)))
        #expect(model.incompleteness == nil)
        #expect(model.events.map(\.number) == Array(1...12))
        _ = press(&model, .char("{"))
        #expect(model.incompleteness == nil, "there were none before the first")
    }

    @Test func `has the events of then, also those that nobody here saw`() {
        var model = model(120, 40)
        _ = update(&model, record(-600 ... -2))
        frozen(&model)
        let events = (1...3).map { evicted(UInt64($0), "k\($0)", seconds: Double($0 * 60 - 300)) }
        _ = update(&model, .remembered(Remembered(instance: "1f", events: events)))
        for _ in 0..<2 { _ = press(&model, .char("{")) }
        let text = screen(model)
        #expect(text.contains { $0.contains("14:04:00 accounts    evicted     k2") }, "\(text)")
        #expect(model.eventLines(until: model.shownNow).map(\.keys) == [["k1"], ["k2"], ["k3"]])
    }

    @Test func `frozen, entries are found by who changed them`() {
        var model = model(80, 24)
        let restored = LoggedEvent(
            cache: "accounts", number: 1, at: at(990), key: rows[0].id.key,
            kind: .restored(version: 7), by: Operator("ann", uid: 1001))
        _ = update(&model, look(model, rows, report(seconds: 0.5), events: [restored]))
        frozen(&model)
        for (filter, found) in [("by=1001", 1), ("by=ann", 1), ("by!=ann", 2), ("by=bob", 0)] {
            _ = press(&model, .char("/"), .control("u"))
            type(&model, filter)
            _ = press(&model, .enter)
            #expect(model.matched == found, "\(filter)")
        }
    }

    @Test func `of an engine is as it was, whatever happened since`() async throws {
        var random = Fuzz.random("the past of an engine")
        for _ in 0..<Fuzz.count(usually: 40) {
            try await rewind(&random)
        }
    }

    /// An engine lives for a while; then what is rebuilt of each instant is compared with what was
    /// there.
    private func rewind(_ random: inout Seeded) async throws {
        let clock = TestClock()
        let cache = Cache<String, String>(
            "accounts", maxsize: 6, ttl: .seconds(20), clock: clock.neverWaking
        ) { $0 }
        let inspector = LocalInspector("pantry", clock: clock.neverWaking)
        inspector.add(cache) { .text($0) }
        var undo: [UndoID] = []
        var seen: [(at: AgeInstant, rows: [EntryRow])] = []
        for _ in 0..<40 {
            clock.advance(by: .milliseconds(.random(in: 1...2500, using: &random)))
            cache.expire()
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let key = "k\(Int.random(in: 0..<9, using: &random))"
                switch Int.random(in: 0..<9, using: &random) {
                case 0:
                    let id = UndoID()
                    undo.append(id)
                    _ = cache.invalidate(key, version: nil, undo: id)
                case 1: if let id = undo.popLast() { _ = cache.restore(id, by: Operator("ann")) }
                case 2:
                    try cache.update {
                        $0.maxsize = .random(in: 1...8, using: &random); $0.ttl = .seconds(20)
                    }
                case 3...5: cache.insert("x", for: key)
                default: _ = try await cache.value(for: key)
                }
            }
            cache.sample()
            seen.append((clock.now, try await inspector.entries(EntryQuery(limit: 100)).rows))
        }
        let whole = AgeInstant(nanoseconds: .min)
        var model = Model(size: Size(columns: 80, rows: 24), glyphs: .unicode)
        var report = try await inspector.report()
        report.instance = "1f"
        _ = update(&model, look(model, [], report))
        let page = try await inspector.entries(EntryQuery(limit: 100))
        var remembered = Remembered(instance: "1f")
        remembered.histories = [try await inspector.history(of: "accounts", since: whole)]
        remembered.events = try await inspector.events(in: "accounts", after: 0, limit: 9999).events
        _ = press(&model, .char("Z"))
        _ = update(&model, .froze(page))
        _ = update(&model, .remembered(remembered))
        for (instant, there) in seen.dropLast() {
            _ = go(&model, to: instant)
            let truth = Dictionary(uniqueKeysWithValues: there.map { ($0.id, $0) })
            #expect(Set(model.rows.map(\.id)) == Set(truth.keys), "at \(instant)")
            #expect(model.incompleteness == nil)
            for row in model.rows {
                guard let real = truth[row.id] else { continue }
                #expect(row.version == real.version && row.writtenAt == real.writtenAt)
                for column in EntryColumn.allCases where model.knows(column, of: row.id) {
                    #expect(
                        column.value(of: row, at: instant) == column.value(of: real, at: instant),
                        "\(column) of \(row.id.key) at \(instant)")
                }
            }
        }
    }
}

@Suite struct `Whoever attaches` {
    private final class Mail: Sendable {
        private let letters = Guarded<[Remembered]>([])
        private let looked = Guarded(0)

        func post(_ message: Message) {
            if case .remembered(let letter) = message { letters.withLock { $0.append(letter) } }
            if case .looked = message { looked.withLock { $0 += 1 } }
        }

        /// How many looks were made.
        var looks: Int { looked.withLock { $0 } }

        var all: [Remembered] { letters.withLock { $0 } }
    }

    @Test func `is told of the last hour once, and again of a time in which nobody looked`()
        async throws
    {
        let clock = TestClock()
        let cache = Cache<String, String>("accounts", maxsize: 9, clock: clock.neverWaking) { $0 }
        let inspector = LocalInspector("engine", clock: clock.neverWaking)
        inspector.add(cache) { .text($0) }
        func live(_ seconds: Int) {
            for second in 0..<seconds {
                cache.insert("x", for: "\(second)")
                clock.advance(by: .seconds(1))
                cache.sample()
            }
        }
        live(600)
        let mail = Mail()
        let collector = Collector(inspector, actor: Operator("test")) { mail.post($0) }
        defer { collector.stop() }
        let request = Collector.Request(
            query: EntryQuery(), entry: nil, view: .entries, largest: EntryQuery(), underWay: nil,
            everything: true)
        collector.ask(request)
        var isTold = await settles { mail.all.count == 1 }
        #expect(isTold)
        #expect(mail.all.first?.histories.first?.samples.count == 601)
        // Each look is over before time goes on. The first is two.
        _ = await settles { mail.looks == 2 }
        live(1)
        collector.ask(request)
        _ = await settles { mail.looks == 3 }
        live(60)
        collector.ask(request)
        isTold = await settles { mail.all.count == 2 }
        #expect(isTold)
        #expect(mail.all.last?.histories.first?.samples.count ?? 0 >= 59)
        #expect(mail.all.allSatisfy { $0.instance == inspector.instance && $0.events.isEmpty })
        // The past takes all that is kept of the entries.
        collector.freeze(EntryQuery())
        isTold = await settles { mail.all.count == 3 }
        #expect(isTold)
        #expect(mail.all.last?.events.map(\.number) == Array(1...cache.lastEvent))
    }
}

@Suite struct `The graphs of the header` {
    @Test func `have look-ups and misses on one scale`() throws {
        var model = Model(size: Size(columns: 120, rows: 40), glyphs: Glyphs(.blocks))
        for second in 0..<20 {
            let engine = report(
                seconds: Double(second - 19), hits: UInt64(second * 95), misses: UInt64(second * 5))
            _ = update(&model, look(model, rows, engine))
        }
        let text = render(model).text
        let lookUps = try #require(text.first { $0.contains("look-ups") })
        let misses = try #require(text.first { $0.contains("misses") && $0.contains("5.0/s") })
        #expect(lookUps.contains("████"))
        #expect(misses.contains("▂▂▂▂") && !misses.prefix(60).contains("█"), "\(misses)")
    }
}

@Suite struct `A storm` {
    private func forecast(_ fetches: Double, rate: Int) -> Forecast {
        var forecast = Forecast(at: at(1000), width: .seconds(5), count: 180)
        forecast.caches = [Forecast.Cache(name: "accounts", count: 180)]
        forecast.caches[0].peak = .init(at: at(1180), fetches: fetches)
        forecast.caches[0].rate = Double(rate)
        return forecast
    }

    @Test(arguments: [
        // Fetches a second now, those of five seconds to come, and whether that is a storm.
        (0, 19.0, false), (0, 21, true), (10, 60, false), (10, 105, false), (10, 111, true),
        (60, 300, false), (60, 400, false), (60, 500, true), (20, 64, false),
    ])
    func `is what clearly exceeds the fetches of now, or the budget`(
        rate: Int, fetches: Double, isStorm: Bool
    ) {
        var model = model(120, 40)
        model.forecast = forecast(fetches, rate: rate)
        #expect((model.storm != nil) == isStorm)
        _ = press(&model, .char("2"))
        #expect(render(model).text.contains { $0.contains("STORM at 14:10:00") } == isStorm)
    }

    @Test(arguments: [
        (45.0, 60.0, "20s"), (300, 300, "1m"), (900, 900, "5m"), (3601, 10_800, "1h"),
        (86_400, 86_400, "8h"), (7e6, 2_592_000, "10d"),
    ])
    func `comes on an axis as long as the longest life`(
        longest: Double, reach: Double, label: String
    ) {
        let axis = Forecast.Axis(for: .seconds(longest))
        #expect(axis.reach == .seconds(reach))
        #expect(axis.width * axis.count == axis.reach && axis.count <= 180 + 20)
        var model = Model(size: Size(columns: 120, rows: 40), glyphs: Glyphs(.blocks))
        _ = update(&model, look(model, rows, report()))
        var forecast = Forecast(at: at(1000), width: axis.width, count: axis.count)
        forecast.caches = [Forecast.Cache(name: "accounts", count: axis.count)]
        model.forecast = forecast
        _ = press(&model, .char("2"))
        let text = render(model).text
        #expect(text.contains { $0.contains("now") && $0.contains(" \(label) ") }, "\(text)")
    }
}
