import Foundation

/// What a console takes and how fast it answers, beside htop and varnishstat in the same run.
extension Figure {
    static let consoles: [Figure] = [
        console(
            "console.first", "ms",
            "from the start to the first frame with its rows, attached, 100,000 entries"
        ) { try $0.firstFrame() },
        keys("console.key.100k", 100_000, isAttached: true),
        keys("console.key.1m", 1_000_000, isAttached: true),
        keys("console.key.own.100k", 100_000, isAttached: false),
        keys("console.key.own.1m", 1_000_000, isAttached: false),
        console("console.idle", "%", "of a core at rest, one look a second, 100,000 entries") {
            _ = try $0.firstFrame()
            $0.drain(5)
            let (before, began) = ($0.processorTime, nanoseconds())
            $0.drain(10)
            return ($0.processorTime - before) / Double(nanoseconds() - began) * 1e11
        },
        console("console.bytes", "B/s", "written to the terminal at rest, 100,000 entries") {
            _ = try $0.firstFrame()
            $0.drain(5)
            return Double($0.drain(10)) / 10
        },
        console("console.memory", "MiB", "of its own (anonymous and shared) after 10 s") {
            _ = try $0.firstFrame()
            $0.drain(10)
            return $0.ownMemory
        },
    ]

    private static func keys(_ id: String, _ entries: Int, isAttached: Bool) -> Figure {
        let place = isAttached ? "attached" : "in process"
        return console(
            id, "ms", "from a key press to its frame, the 95th of 100, \(place), 20,000 look-ups/s",
            entries: entries, isAttached: isAttached
        ) { terminal in
            _ = try terminal.firstFrame()
            terminal.drain(isAttached ? 3 : 6)
            // Each of them moves the cursor, whatever the list: a key that changes nothing is answered
            // by the next second's frame.
            let (down, up) = ("\u{1b}OB", "\u{1b}OA")
            let keys = [down, down, up, down, up, up]
            var times: [Double] = []
            for press in 0..<100 {
                terminal.drain(0.11)
                if let time = terminal.answerTime(to: keys[press % keys.count]) {
                    times.append(time)
                }
            }
            return times.isEmpty ? nil : times.sorted()[times.count * 95 / 100]
        }
    }

    private static func console(
        _ id: String, _ unit: String, _ about: String, entries: Int = 100_000,
        isAttached: Bool = true, _ measure: @escaping @Sendable (Pseudoterminal) throws -> Double?
    ) -> Figure {
        Figure(id: id, unit: unit, about: about, rounds: 3) { bench in
            let own = RunningEngine.program("larder-bench").path
            let state = ["XDG_STATE_HOME": "/nonexistent"]
            let ours: Contestant
            if isAttached {
                let larder = RunningEngine.program("larder").path
                guard FileManager.default.isExecutableFile(atPath: larder) else {
                    throw LeftOut("no larder beside larder-bench; swift build --product larder")
                }
                let engine = try RunningEngine(entries: entries)
                ours = .ours {
                    try measure(
                        Pseudoterminal(
                            [larder, "attach", engine.socket], environment: state,
                            firstShows: "100000000"))
                }
            } else {
                ours = .ours {
                    try measure(
                        Pseudoterminal(
                            [own, "engine", "--entries", "\(entries)"], environment: state,
                            firstShows: "100000000"))
                }
            }
            return [ours]
                + bench.consoles.map { peer in
                    Contestant(peer.name) { try measure(Pseudoterminal(peer.command)) }
                }
        }
    }
}

extension Bench {
    /// The consoles that are installed.
    var consoles: [(name: String, command: [String])] {
        var found: [(name: String, command: [String])] = []
        if let folder = varnish { found.append(("varnishstat", ["varnishstat", "-n", folder])) }
        if Self.isInstalled("htop") { found.append(("htop", ["htop", "-d", "10"])) }
        return found
    }

    static func isInstalled(_ program: String) -> Bool {
        ["/usr/bin", "/usr/sbin", "/bin"].contains {
            FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
        }
    }
}

/// A varnishd that caches nothing, for varnishstat to look at.
final class Varnish {
    let folder = FileManager.default.temporaryDirectory.appending(
        path: "varnish-\(UUID().uuidString.prefix(8))"
    ).path
    /// Not by `Process`, which takes a daemon that closes all its files for one that has ended.
    private let terminal: Pseudoterminal

    init?() {
        guard Bench.isInstalled("varnishd"), Bench.isInstalled("varnishstat") else { return nil }
        let command = ["varnishd", "-F", "-n", folder, "-a", "127.0.0.1:0", "-b", "none"]
        guard let terminal = try? Pseudoterminal(command) else { return nil }
        self.terminal = terminal
        for _ in 0..<100 where !answers { usleep(100_000) }
        guard answers else { return nil }
    }

    private var answers: Bool { (try? printed(by: ["varnishstat", "-n", folder, "-1"])) != nil }

    deinit { try? FileManager.default.removeItem(atPath: folder) }
}
