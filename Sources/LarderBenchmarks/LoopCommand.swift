import ArgumentParser

/// One plain loop, for counting instructions: those of a turn are the difference of two counts over
/// the difference of two `--count`s.
struct LoopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "loop",
        abstract: "Run one plain loop of hits, or of misses and writes.",
        discussion: """
            valgrind --tool=callgrind larder-bench loop --id cached.64.1t --count 100000
            """, shouldDisplay: false)

    @Option(help: "hit.64.1t, hit.100k.1t, cached.64.1t, cached.100k.1t or churn.1k.100k.") var id:
        String
    @Option(help: "How many turns.") var count: Int
    @Flag(help: "Loop over the locked dictionary instead.") var dictionary = false
    @Flag(help: "Make the cache without foresight: the difference is its cost.")
    var blind = false

    func validate() throws {
        if id == "churn.1k.100k", !dictionary { return }
        guard ["hit", "cached"].contains(parts[0]), sizes[parts.dropFirst().first ?? ""] != nil,
            parts.dropFirst(2).first == "1t"
        else { throw ValidationError("--id \(id) is no plain loop of hits") }
    }

    private var parts: [String] { id.split(separator: ".").map(String.init) }
    private var sizes: [String: Int] { ["64": 64, "100k": 100_000] }

    func run() async throws {
        let isChurn = parts[0] == "churn"
        let visits = Visits(keys: isChurn ? 100_000 : sizes[parts[1]]!)
        let loop: Loop
        if isChurn {
            loop = Loops.churn(try makeCache(maxsize: 1000, foresight: !blind))
        } else if dictionary {
            loop = Loops.cached(LockedDictionary(visits.keys))
        } else {
            let cache = try filled(visits.keys, foresight: !blind)
            loop = parts[0] == "hit" ? Loops.hit(cache) : Loops.cached(cache)
        }
        let last = try await loop(visits, 0, count)
        precondition(last.isOpen)
    }
}
