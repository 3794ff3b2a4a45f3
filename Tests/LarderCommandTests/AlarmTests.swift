import Larder
import LarderInspector
import LarderTesting
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `The alarms of a check` {
    private func alarms(_ warning: [String], _ critical: [String]) throws -> Alarms {
        Alarms(
            warning: try warning.map { try Threshold($0) },
            critical: try critical.map { try Threshold($0) })
    }

    private func measured(_ values: [Measure: Double], cache: String = "accounts") -> Measured {
        let at = TestClock().now
        var measured = Measured(
            CacheReport(
                name: cache,
                snapshot: CacheSnapshot(
                    at: at, configuration: CacheConfiguration(maxsize: 64, ttl: nil), count: 0,
                    bytes: 0,
                    flights: 0, counters: CacheCounters())))
        measured.values = values
        measured.lookUps = 40
        measured.hasRecord = true
        return measured
    }

    private func states(_ alarms: Alarms, _ values: [Measure: Double]) -> [Alarms.State] {
        alarms.findings(measured(values), over: .seconds(5), engine: nil).map(\.state)
    }

    @Test func `are raised by what lies beyond, the critical ones first`() throws {
        let alarms = try alarms(["hit<90%"], ["hit<80%"])
        #expect(states(alarms, [.hit: 0.95]) == [.ok])
        #expect(states(alarms, [.hit: 0.85]) == [.warning])
        #expect(states(alarms, [.hit: 0.79]) == [.critical])
    }

    @Test func `are unknown where a rate was asked for and nobody counted`() throws {
        var measured = measured([.entries: 7])
        func state(_ threshold: String) throws -> Alarms.State? {
            try alarms([], [threshold]).findings(measured, over: .seconds(5), engine: nil)
                .first?.state
        }
        // A share of nothing is no share, and that is known.
        measured.lookUps = 0
        #expect(try state("hit<80%") == .ok)
        #expect(try state("fetches>5") == .unknown)
        measured.hasRecord = false
        for measure in Measure.allCases where measure.isOverTime {
            let text = measure == .hit ? "hit<80%" : "\(measure.rawValue)>1"
            #expect(try state(text) == .unknown, "\(measure)")
        }
        #expect(try state("entries>5") == .critical)
        #expect(try state("expiry<5m") == .ok)
        let findings = try alarms(["hit<80%"], []).findings(
            measured, over: .seconds(5), engine: nil)
        #expect(
            Alarms.line(.unknown, findings, []).hasPrefix(
                "LARDER UNKNOWN: accounts hit -, unknown: there is no record of these 5s"))
        // Who asks for nothing is told what there is.
        let all = Alarms(warning: [], critical: []).findings(
            measured, over: .seconds(5), engine: nil)
        #expect(all.allSatisfy { $0.state == .ok } && all.count == Measure.allCases.count)
    }

    @Test func `end with the statuses of Nagios`() {
        #expect(Alarms.State.allCases.map(\.status) == [0, 1, 2, 3])
        #expect(Alarms.State.worst([]) == .ok && Alarms.State.worst([.ok, .warning]) == .warning)
        #expect(Alarms.State.worst([.warning, .unknown]) == .unknown)
        #expect(Alarms.State.worst([.unknown, .critical]) == .critical)
    }

    @Test func `say a line with the values behind a bar`() throws {
        let alarms = try alarms(["entries>=100"], ["hit<80%", "bytes>64K", "fetches>0.5"])
        let findings = alarms.findings(
            measured([.hit: 0.61, .entries: 77, .bytes: 276]), over: .seconds(5), engine: nil)
        let line = Alarms.line(.critical, findings, [])
        #expect(
            line == "LARDER CRITICAL: accounts hit 61.0% of 40 look-ups in 5s (hit<80%); "
                + "accounts fetches -, unknown: there is no record of these 5s, the engine or the "
                + "cache has just started | "
                + "'accounts hit'=61%;;80:;0;100 'accounts fetches'=U;;0.5;0; "
                + "'accounts entries'=77;100;;0; 'accounts bytes'=276B;;65536;0;")
        let fine = try self.alarms(["entries>=100"], ["hit<80%"]).findings(
            measured([.hit: 1, .entries: 7]), over: .seconds(5), engine: "x")
        #expect(Alarms.line(.ok, fine, []).hasPrefix("LARDER OK: x accounts hit 100% of 40"))
        #expect(Alarms.line(.unknown, [], ["gone"]) == "LARDER UNKNOWN: gone")
    }

    @Test func `are one line, whatever a cache is called`() throws {
        let alarms = try alarms([], ["entries>1"])
        let findings = alarms.findings(
            measured([.entries: 2], cache: "a'|b=\n\u{1b}c"), over: .seconds(5), engine: nil)
        let line = Alarms.line(.critical, findings, ["p|q"])
        #expect(!line.contains("\n") && !line.contains("\u{1b}"))
        #expect(line.count { $0 == "|" } == 1 && line.count { $0 == "'" } == 3, "\(line)")
    }
}
