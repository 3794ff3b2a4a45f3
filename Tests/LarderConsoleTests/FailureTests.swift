import Larder
import Testing

@testable import LarderConsole
@testable import LarderInspector

/// Failures by kind, keys that fail, and what is forgotten of them, on the screen.
@Suite struct FailureTests {
    private static func failing() -> EngineReport {
        var report = report()
        var counters = report.caches[0].snapshot.counters
        (counters.failures.absent, counters.failures.throttled) = (12, 3)
        counters.failures.timedOut = 1
        counters.fetchFailures = 16
        report.caches[0].snapshot.counters = counters
        report.caches[0].snapshot.failuresLately.throttled = 3
        report.caches[0].snapshot.lastFailures = [
            .absent: LastFailure(at: at(990), reason: "there is no such account"),
            .throttled: LastFailure(at: at(998), reason: "GetItem: slow down"),
            .timedOut: LastFailure(at: at(900), reason: "no answer within 1s"),
        ]
        report.caches[0].mostFetched = [
            FetchedRow(
                key: "100000000404", fetches: 42, failures: 42, kind: .absent,
                reason: "there is no such account"),
            FetchedRow(key: "100000000001", fetches: 7, failures: 0),
        ]
        report.caches[0].fetchedSince = at(700)
        return report
    }

    private func screen(_ columns: Int, _ height: Int, _ key: Key) -> [String] {
        var model = model(columns, height)
        _ = update(&model, look(model, rows, Self.failing()))
        _ = press(&model, key)
        return render(model).text
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `origins say how often each kind failed and why, and what is fetched most`(
        columns: Int, height: Int
    ) {
        let text = screen(columns, height, .char("7"))
        func line(_ words: String...) -> Bool {
            text.contains { line in words.allSatisfy { line.contains($0) } }
        }
        #expect(line("KIND", "IN ALL", "IN 1m", "LAST", "WHY"))
        #expect(line("absent", "12", "10s", "there is no such"))
        #expect(line("throttled", "3", "2s", "slow down"))
        #expect(line("timed out", "1", "1m40s"))
        #expect(!text.contains { $0.contains("broken") })
        #expect(line("MOST SINCE 14:02:00"))
        #expect(line("100000000404", "42", "absent"))
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `ghost hits are two knobs, in percent of the misses`(columns: Int, height: Int) {
        var model = model(columns, height)
        var report = report()
        // What was long ago is not told.
        report.caches[0].snapshot.counters.ghostEvicted = 99
        var lately = Lately(since: report.at + .seconds(-598))
        (lately.misses, lately.ghostEvicted, lately.ghostExpired) = (100, 25, 10)
        report.caches[0].snapshot.lately = lately
        report.caches[1].snapshot.lately = Lately(since: lately.since)
        _ = update(&model, look(model, rows, report))
        _ = press(&model, .char("3"))
        let text = render(model).text
        #expect(text.contains { $0.contains("GHOSTS IN 10m") })
        #expect(text.contains { $0.contains("accounts") && $0.contains("25.0%   10.0%") })
        #expect(text.contains { $0.contains("credentials") && $0.contains("      -       -") })
        let words = text.joined(separator: " ").split { " │|".contains($0) }
            .joined(separator: " ")
        #expect(words.contains("25.0% of the misses of the last 10m were"))
        #expect(words.contains("raise maxsize, now 64 (m)"))
        // Whatever row is selected elsewhere, the key does what is said here.
        _ = press(&model, .char("1"), .char("G"))
        #expect(model.cursor?.cache == "credentials")
        // That a bound is clearly short is told wherever one looks, but not while fetches fail.
        #expect(render(model).text.contains { $0.contains("3 raise maxsize of accounts") })
        report.caches[0].snapshot.failuresLately.broken = 50
        _ = update(&model, look(model, rows, report))
        #expect(!render(model).text.contains { $0.contains("3 raise") })
        report.caches[0].snapshot.failuresLately.broken = 0
        _ = update(&model, look(model, rows, report))
        _ = press(&model, .char("3"), .char("m"))
        #expect(render(model).text.contains { $0.contains("maxsize of accounts") })
    }

    @Test func `ghost hits name no time that is not of every cache, and nothing that is not known`()
    {
        var model = model(120, 40)
        var report = report()
        report.caches[0].snapshot.counters.ghostEvicted = 99
        report.caches[1].snapshot.lately = Lately(since: report.at + .seconds(-61))
        _ = update(&model, look(model, rows, report))
        _ = press(&model, .char("3"))
        let text = render(model).text
        #expect(text.contains { $0.contains("GHOST HITS") })
        #expect(!text.joined().contains("raise maxsize"))
        _ = press(&model, .char("1"))
        #expect(!render(model).text.joined().contains("3 raise"))
        _ = press(&model, .char("3"))
        report.caches[0].snapshot.lately = report.caches[1].snapshot.lately
        _ = update(&model, look(model, rows, report))
        #expect(render(model).text.contains { $0.contains("GHOSTS IN 1m01s") })
    }

    @Test func `the header tells refusals, and the kinds that failed of late`() {
        var model = model(160, 40)
        var report = Self.failing()
        report.at = at(1001)
        report.caches[0].snapshot.at = at(1001)
        report.caches[0].snapshot.counters.refused = 40
        _ = update(&model, look(model, rows, report))
        let text = render(model).text.prefix(8)
        #expect(text.contains { $0.contains("throttled   3/min") })
        #expect(text.contains { $0.contains("refused") })
        #expect(!text.contains { $0.contains("absent") })
        // Of a hundred and forty look-ups since the last but one, a hundred were hits.
        #expect(model.history(of: "accounts").samples.last?.lookups == 40)
    }

    // MARK: Forgetting

    private static let missing: EntryRow = {
        var row = account("100000000404", left: 4, hits: 12, version: 0, ttl: 5)
        var trouble = Trouble(
            kind: .absent, reason: "there is no such account", since: at(940), last: at(999),
            until: at(1004), failures: 3)
        (trouble.refusals, trouble.lastRefusal) = (12, at(998))
        row.refresh = RefreshFacts()
        row.refresh?.trouble = trouble
        return row
    }()

    @Test func `a failure in full has its own times and counts`() {
        var model = model(120, 40, [Self.missing])
        _ = press(&model, .enter)
        let text = render(model).text
        for (label, words) in [
            ("first", "1m00s ago"), ("last", "1s ago"), ("count", "3  such answers"),
            ("refusals", "12  last 2s ago"), ("state", "negative  absent"),
        ] {
            #expect(text.contains { $0.contains(label) && $0.contains(words) }, "\(label)")
        }
        #expect(!text.contains { $0.contains("written") || $0.contains("version 0") })
    }

    @Test func `d on a failure asks for a plan that forgets it, and says so after`() {
        var model = model(120, 40, [Self.missing])
        let seen = [SeenEntry(id: Self.missing.id, version: 0)]
        #expect(press(&model, .char("d")) == .plan(.invalidate(seen)))
        var plan = Plan(
            id: "1", instance: "1f", change: .invalidate(seen), at: at(1000), entries: 1, bytes: 0,
            victims: [
                PlannedVictim(
                    id: Self.missing.id, version: 0, bytes: 0, cause: .invalidated)
            ], skipped: [])
        plan.failures = 1
        _ = update(&model, .planned(plan))
        let text = render(model).text
        #expect(text.contains { $0.contains("Forget what is known of 1 key") })
        #expect(
            text.contains {
                $0.contains("That 1 key failed, or is absent, is forgotten; the next look-up of")
            })
        #expect(text.contains { $0.contains("100000000404") && $0.contains("a failure") })
        var outcome = Outcome(removed: 1, bytes: 0, skipped: [])
        outcome.forgotten = 1
        _ = press(&model, .right, .enter)
        _ = update(&model, .applied("1", outcome))
        #expect(render(model).text.contains { $0.contains("done: 1 failure forgotten") })
    }

    @Test func `a paced plan says beforehand what does not come back`() {
        var model = model(120, 40)
        let seen = (0..<400).map { SeenEntry(id: rows[$0 % 2].id, version: 1) }
        var plan = Plan(
            id: "1", instance: "1f", change: .invalidate(seen), at: at(1000), entries: 400,
            bytes: 4000, victims: [], skipped: [])
        (plan.undoable, plan.fetches) = (400, Int(model.budget * 60))
        _ = update(&model, .planned(plan))
        func shows(_ text: String) -> Bool {
            guard case .plan(let dialog) = model.overlay else { return false }
            return PlanView.words(model, dialog).contains { $0.contains(text) }
        }
        #expect(shows("when the 1m are over about 200 of 400 entries"))
        _ = press(&model, .char("p"))
        #expect(!shows("of 400 entries"))
    }

    @Test func `changes that were lost are told`() {
        var model = model(120, 40)
        var change = ChangeRecord(
            at: at(999), plan: "7", what: .applied, by: Operator("ops"), bounds: [], entries: [],
            Outcome(removed: 1, bytes: 0, skipped: []), failure: nil)
        change.missed = 12
        _ = update(&model, .changed(change))
        #expect(model.log.lines.contains { $0.note.contains("12 changes went by too fast") })
    }
}
