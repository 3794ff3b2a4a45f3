import ArgumentParser
import Foundation
import Larder
import LarderConsole
import LarderInspector

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "top", abstract: "Open the console on an engine of its own in this process.",
        discussion: """
            A running engine is looked into by bare larder, or by larder attach NAME.

            Examples:
              larder top                      a demo, alive by itself
              larder top --table accounts --region eu-west-1
              larder top --table accounts --role arn:aws:iam::222222222222:role/reader
              larder top --once --format json
            """)

    @OptionGroup(title: "Origin")
    var origin: OriginOptions

    @Option(
        help: """
            Look-ups a second that larder makes by itself over the keys it knows. (default: 50 \
            in the demo, else 0)
            """)
    var traffic: Double?

    @Option(
        help: """
            Keys to look up once at the start; on aws they are read from the table by one Scan \
            of that many items. (default: 10 on aws, else 0)
            """)
    var warm: Int?

    @OptionGroup
    var auditing: AuditOption

    @OptionGroup(title: "Looking")
    var looking: LookingOptions

    @Option(
        help: "How often the console looks.",
        transform: parsed { try Units.duration($0) })
    var refresh = Duration.seconds(1)

    func validate() throws {
        if let traffic, !(0...100_000).contains(traffic) {
            throw ValidationError("--traffic: 0 to 100000 look-ups a second are accepted")
        }
        if let warm, !(0...1_000_000).contains(warm) {
            throw ValidationError("--warm: 0 to 1000000 keys are accepted")
        }
        guard (.milliseconds(100)...(.seconds(60))).contains(refresh) else {
            throw ValidationError("--refresh: 100ms to 60s are accepted")
        }
        try origin.checkCacheNames()
    }

    /// Whether anything was said that only makes sense for an engine of its own.
    var namesAnEngineOfItsOwn: Bool {
        Self.areNamed || ProcessInfo.processInfo.environment["LARDER_STORE"] != nil
    }

    /// Whether it was said on the command line.
    static var areNamed: Bool {
        OriginOptions.isNamed
            || LarderCommand.written.contains { word in
                ["--traffic", "--warm", "--audit"].contains { word.hasPrefix($0) }
            }
    }

    private var rate: Double { traffic ?? (origin.isAWS ? 0 : 50) }

    /// A command line with the name of this command put in where it has no command's.
    ///
    /// Were it the parser's own default, each command would have the options of this one put
    /// together as well: most of the time until a debug build begins to work.
    static func named(in words: [String]) -> [String] {
        let first = words.first ?? "-"
        let isAsked = ["-h", "--help", "--version", "--generate", "--experimental"]
            .contains(where: first.hasPrefix)
        return first.hasPrefix("-") && !isAsked ? [_commandName] + words : words
    }

    /// Bare `larder` looks into a running engine, the only one or the one chosen; where there is
    /// none, or an origin is named, an engine of its own is opened.
    func run() async throws {
        if LarderCommand.written.first == Self._commandName { return try await runOwn() }
        // Where the demo's store is named, somebody at a terminal means the demo; a script gets none.
        let isOwn = isatty(1) == 1 ? namesAnEngineOfItsOwn : Self.areNamed
        if !isOwn, let place = try await Target.choice() {
            return try await Attach.run(place, refresh: refresh, looking: looking)
        }
        // Nobody looks: what is invented would be taken for somebody's service.
        guard isatty(1) == 1 || origin.isAWS || Self.areNamed else {
            for line in Target.nobody.lines { say("\(line), and larder top is a demo") }
            throw Ending(status: Target.nobody.status)
        }
        try await runOwn()
    }

    private func runOwn() async throws {
        let once = looking.isOneLook
        let audit = try auditing.file()
        let engine = try await Engine.make(origin, makesTraffic: rate > 0)
        auditing.record(engine.inspector, in: audit) { say("\($0)") }
        let work = Task {
            let count = warm ?? (origin.isAWS ? 10 : 0)
            let traffic = Traffic(engine: engine, rate: rate)
            guard once else { return await traffic.run(warming: count) }
            // One look shows what came of the first try.
            _ = await engine.warm(count)
            await traffic.run()
        }
        let ended: Result<Int32?, any Error>
        do {
            if once {
                try await look(engine, work)
                ended = .success(nil)
            } else {
                var console = try looking.console(refresh: refresh)
                console.isDemo = engine.isDemo
                ended = .success(
                    try await console.run(
                        engine.inspector, name: engine.isDemo ? "demo" : "own"))
            }
        } catch {
            ended = .failure(error)
        }
        work.cancel()
        await engine.close()
        if let signal = try ended.get() { throw Ending(signal: signal) }
    }

    /// Lets the engine run for a while and prints what it holds then.
    private func look(_ engine: Engine, _ work: Task<Void, Never>) async throws {
        try await Task.sleep(for: looking.for)
        if rate == 0 { await work.value }
        let look = OneLook(
            report: try await engine.inspector.report(),
            page: try await engine.inspector.entries(looking.query))
        Output.write(look.text(looking.format))
    }
}

extension Operator {
    /// The one who runs this command.
    static var `operator`: Operator { Operator(NSUserName(), uid: getuid(), pid: getpid()) }
}

/// How a look is taken and printed.
struct LookingOptions: ParsableArguments {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, csv
    }

    @Flag(
        help: """
            Print one look and end; this is so by itself where standard output is no terminal.
            """)
    var once = false

    @Option(
        name: .customLong("for"),
        help: "How long the engine runs before one look is printed.",
        transform: parsed { try Units.duration($0) })
    var `for` = Duration.seconds(2)

    @Option(help: "How one look is printed.")
    var format = Format.text

    @Option(
        help: "Which entries: part of a key, or comparisons such as 'hits>=100 and ttl<5m'.",
        transform: parsed { try readable(filter: $0) })
    var filter = ""

    @Option(
        help: """
            The column to sort by, if not the one of last time or ttl: \(EntryColumn.allCases.map(\.rawValue).joined(separator: ", ")); \
            with :desc behind it, largest first.
            """,
        transform: parsed { try SortOption(parsing: $0) })
    var sort: SortOption?

    @Option(
        help: """
            The console's colors: \(Theme.allCases.map(\.rawValue).joined(separator: ", ")). \
            (default: as they were last)
            """)
    var theme: Theme?

    @Option(
        help: """
            What graphs are made of: \(GlyphTier.allCases.map(\.rawValue).joined(separator: ", ")). \
            (default: as they were last)
            """)
    var glyphs: GlyphTier?

    @Flag(help: "As --glyphs ascii.")
    var ascii = false

    @Flag(
        inversion: .prefixedNo,
        help: "Use the mouse, or leave it to select text with. (default: as it was last)")
    var mouse: Bool?

    @Flag(
        help: """
            Lines instead of a screen, for screen readers: what happens is said in sentences, and \
            commands are typed.
            """)
    var plain = false

    @Option(
        parsing: .singleValue,
        help: "Another key for an action, such as invalidate=X or page-down=PgDn,Ctrl-N.",
        transform: parsed { text in
            var keys = KeyBindings()
            try keys.bind(text)
            return text
        })
    var bind: [String] = []

    @Option(
        parsing: .singleValue,
        help: "Ring in the console when a cache comes beyond this, such as 'hit<80%'. Repeatable.")
    var bell: [String] = []

    @Option(help: "Most entries to print.")
    var limit = 1000

    /// Lines are asked for, or the terminal can do no more.
    var isPlain: Bool { plain || ProcessInfo.processInfo.environment["TERM"] == "dumb" }
    /// One look is to be printed: where nobody sees more than that.
    var isOneLook: Bool { once || isatty(1) == 0 && !plain }

    var query: EntryQuery {
        EntryQuery(
            filter: filter, sort: sort?.column ?? .ttl, descending: sort?.descending ?? false,
            limit: limit)
    }

    func validate() throws {
        guard limit >= 0 else { throw ValidationError("--limit \(limit): 0 or more is accepted") }
        guard self.for <= .seconds(86_400) else {
            throw ValidationError("--for: up to 24h is accepted")
        }
    }
}
