import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Compare a running engine with thresholds, for cron, Nagios and the like.",
        discussion: """
            Examples:
              larder check --hit '<80%' --fetches '>50/s'
              larder check --warn 'hit<90%' --critical 'hit<80%' --cache accounts
              larder check --quiet --failures '>0' --stale '>0'

            A threshold says what is wrong: a value below it (<, <=) or above it (>, >=), of each \
            cache by itself. One by an option of its own is critical.

            It prints a line with the values behind a bar, as Nagios reads it, and ends with 0 where \
            all is well, 1 for a warning, 2 for what is critical, and 3 where the engine cannot be \
            asked, or has just started and has no record of a rate; 64 says that the command cannot \
            be read. For cron --quiet prints nothing where all is well. Without a threshold nothing \
            is compared, and the line says so.

            What can be compared:
            \(Measure.allCases.map { "  \($0.rawValue): \($0.meaning); \($0.accepted)" }.joined(separator: "\n"))
            """)

    @Option(help: "The share of hits beyond which it is critical, as in '<80%'.")
    var hit: [String] = []
    @Option(help: "Look-ups a second, as in '<1/s'.")
    var lookups: [String] = []
    @Option(help: "Misses a second.")
    var misses: [String] = []
    @Option(help: "Fetches a second, as in '>50/s'.")
    var fetches: [String] = []
    @Option(help: "Fetches that failed, a second, absent things not among them, as in '>0'.")
    var failures: [String] = []
    @Option(help: "Look-ups answered by a failure that is remembered, a second.")
    var refused: [String] = []
    @Option(help: "Entries evicted, a second.")
    var evicted: [String] = []
    @Option(help: "Entries expired, a second.")
    var expired: [String] = []
    @Option(help: "Entries held, as in '>1000'.")
    var entries: [String] = []
    @Option(help: "Bytes of the entries held, as in '>64M'.")
    var bytes: [String] = []
    @Option(help: "Entries served though past their end or marked as stale, as in '>0'.")
    var stale: [String] = []
    @Option(
        help:
            "Time until the first credential ends, or other value with an end of its own, as in '<5m'."
    )
    var expiry: [String] = []

    @Option(
        parsing: .singleValue, help: "What is worth a warning, as in 'hit<90%'. Repeatable.",
        transform: parsed { try Threshold($0) })
    var warn: [Threshold] = []

    @Option(
        parsing: .singleValue, help: "What is critical, as in 'hit<80%'. Repeatable.",
        transform: parsed { try Threshold($0) })
    var critical: [Threshold] = []

    @Option(name: .customLong("cache"), help: "Only this cache. Repeatable.")
    var caches: [String] = []

    @Option(
        help: "Over how long shares and rates are counted.",
        transform: parsed { try Units.duration($0) })
    var over = Duration.seconds(5)

    @Flag(name: .shortAndLong, help: "Print nothing where all is well.")
    var quiet = false

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        _ = try alarms()
        guard (.milliseconds(100) ... .seconds(3600)).contains(over) else {
            throw ValidationError("--over: 100ms to 1h are accepted")
        }
    }

    /// All thresholds, those of options of their own as critical ones.
    private func alarms() throws -> Alarms {
        let own: [(Measure, [String])] = [
            (.hit, hit), (.lookups, lookups), (.misses, misses), (.fetches, fetches),
            (.failures, failures), (.refused, refused), (.evicted, evicted), (.expired, expired),
            (.entries, entries), (.bytes, bytes), (.stale, stale), (.expiry, expiry),
        ]
        var alarms = Alarms(warning: warn, critical: critical)
        for (measure, texts) in own {
            for text in texts {
                do { alarms.critical.append(try Threshold(measure.rawValue + text)) } catch {
                    throw ValidationError("--\(measure.rawValue): \(error)")
                }
            }
        }
        return alarms
    }

    func run() async throws {
        let alarms = try alarms()
        var findings: [Finding] = []
        var problems: [String] = []
        do {
            for place in try Target.found(target.target) {
                do {
                    findings += try await look(at: place, alarms)
                } catch { problems.append(place.telling(error)) }
            }
        } catch let error as Target.Missed {
            problems += error.lines
        } catch { problems.append("\(error)") }
        let state = Alarms.State.worst(
            findings.map(\.state) + (problems.isEmpty ? [] : [.unknown]))
        if !(quiet && state == .ok) {
            tell(state, findings, problems, compares: alarms.compares)
        }
        throw Ending(status: state.status)
    }

    private func look(at place: Rendezvous, _ alarms: Alarms) async throws -> [Finding] {
        let inspector = try RemoteInspector(place)
        let result: Result<[Measured], any Error>
        do { result = .success(try await measure(inspector, alarms)) } catch {
            result = .failure(error)
        }
        await inspector.close()
        let engine = target.isAll ? place.name : nil
        return try result.get().flatMap { alarms.findings($0, over: over, engine: engine) }
    }

    private func measure(
        _ inspector: RemoteInspector, _ alarms: Alarms
    ) async throws -> [Measured] {
        var before: EngineReport?
        if alarms.measures.contains(where: \.isOverTime) {
            before = try await inspector.report()
            try await Task.sleep(for: over)
        }
        let now = try await inspector.report()
        for name in caches where !now.caches.contains(where: { $0.name.isExactly(name) }) {
            throw InspectorError(
                "no cache is called \"\(name)\"; \(Words.there(are: now.caches.map(\.name)))")
        }
        var all: [Measured] = []
        for cache in now.caches where caches.isEmpty || caches.contains(where: cache.name.isExactly)
        {
            let earlier = before?.instance == now.instance ? before : nil
            var measured = Measured(
                cache, since: earlier?.caches.first { $0.name.isExactly(cache.name) })
            let stale = try await inspector.entries(
                EntryQuery(caches: [cache.name], filter: "state=stale", limit: 0))
            let ending = try await inspector.entries(
                EntryQuery(caches: [cache.name], sort: .expiry, limit: 1))
            measured.add(stale: stale.matched, ending: ending.rows.first, at: ending.at)
            all.append(measured)
        }
        return all
    }

    private func tell(
        _ state: Alarms.State, _ findings: [Finding], _ problems: [String], compares: Bool
    ) {
        switch output.format {
        case .text:
            Output.print(Alarms.line(state, findings, problems, compares: compares))
        case .csv:
            output.print(findings.map(\.fields), Finding.names)
            for problem in problems { say(problem) }
        case .json:
            let document = [
                Field("state", state.rawValue), Field("status", count: state.status),
                Field("findings", .list(findings.map(\.fields.object))),
                Field("problems", .list(problems.map { .text($0) })),
            ]
            output.print(json: FormatOption.json(document.object), Source())
        }
    }
}
