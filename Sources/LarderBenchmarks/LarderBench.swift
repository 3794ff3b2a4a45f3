import ArgumentParser
import Foundation

/// The main thread waits: an asynchronous main would end it to serve the main queue, and a program
/// without its first thread is one that callgrind cannot count.
@main
enum Program {
    static func main() {
        Task.detached {
            await LarderBench.main()
            exit(0)
        }
        while true { pause() }
    }
}

struct LarderBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "larder-bench",
        abstract: "Measure the engine beside its peers, in one run.",
        discussion: """
            The peers are a dictionary behind a Mutex, Python's cachetools and Java's Caffeine; \
            those that are not installed are left out. The console's are htop and varnishstat; the \
            gateway's are a bare route of hummingbird's, which answers the same bytes, and boto3. \
            Samples are taken in turn, ours, peer, ours, peer, and the table shows their medians \
            with ours over the peer's in brackets.

            A figure that ends in 2t is of two threads at once: wall time over the operations of \
            both, so that one below 1t says that the work scales.
            """,
        subcommands: [
            LoopCommand.self, MemoryCommand.self, EngineCommand.self, ReplayCommand.self,
            ForeseeCommand.self, RouteCommand.self,
        ])

    enum Format: String, ExpressibleByArgument, CaseIterable { case table, json }

    @Option(
        help: "Figures to take, by id or by its first parts (hit, list.1m), with commas or again.")
    var only: [String] = []
    @Option(help: "Samples of each side.") var rounds = 7
    @Option(help: "table or json, which has every sample.") var format = Format.table
    @Option(help: "Where the traces are (default: ../shared/data beside the package).")
    var data: String?
    @Flag(help: "Say which figures there are, and measure nothing.") var list = false

    func validate() throws {
        guard rounds > 0 else { throw ValidationError("--rounds \(rounds): 1 or more is accepted") }
        _ = try chosen
    }

    func run() async throws {
        // A peer that ended is an error to tell of, not a reason to end.
        signal(SIGPIPE, SIG_IGN)
        if list {
            let width = try chosen.map(\.id.count).max() ?? 0
            for figure in try chosen {
                let space = String(repeating: " ", count: width - figure.id.count)
                try put("\(figure.id)\(space)  \(figure.unit)  \(figure.about)\n")
            }
            return
        }
        let bench = Bench(rounds: rounds, data: data)
        var report = Report(figures: [])
        var leftOut: [String: [String]] = [:]
        for figure in try chosen {
            do {
                report.figures.append(try await figure.measure(bench))
                bench.progress(report.figures.last!)
            } catch let reason as LeftOut {
                leftOut[reason.description, default: []].append(figure.id)
            }
        }
        for (reason, ids) in leftOut.sorted(by: { $0.value[0] < $1.value[0] }) {
            let more = ids.count > 3 ? " and \(ids.count - 3) more" : ""
            bench.say("Left out: \(ids.prefix(3).joined(separator: ", "))\(more): \(reason)")
        }
        try put((format == .json ? report.json : report.table) + "\n")
    }

    private var chosen: [Figure] {
        get throws {
            guard !only.isEmpty else { return Figure.all }
            return try only.flatMap { $0.split(separator: ",") }.flatMap { wanted in
                let named = Figure.all.filter { $0.id == wanted || $0.id.hasPrefix(wanted + ".") }
                if !named.isEmpty { return named }
                guard let other = Figure.hitRatio(id: String(wanted)) else {
                    throw ValidationError("no figure is called \(wanted); --list says which are")
                }
                return [other]
            }
        }
    }
}

extension Figure {
    static let all: [Figure] = [
        lookUps, memory, hitRatios, foresight, looking, holds, consoles, gateways,
    ].flatMap(\.self)
}
