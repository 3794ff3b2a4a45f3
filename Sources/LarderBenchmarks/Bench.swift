import Foundation

/// What the figures of one run share.
final class Bench {
    /// Samples of each side.
    let rounds: Int
    /// Where traces are looked for.
    let data: URL
    /// The package, where this runs within it.
    let root: URL?
    private var looked: Inspected?
    private lazy var cache: Varnish? = Varnish()
    private lazy var installed = Peer.installed(in: root, leftOut: say)

    /// - Parameter data: Where traces are looked for; beside the package where it is `nil`.
    init(rounds: Int = 1, data: String? = nil) {
        self.rounds = rounds
        root = Self.root
        self.data =
            data.map { URL(filePath: $0) }
            ?? (root ?? URL(filePath: ".")).appending(path: "../shared/data").standardized
    }

    /// The peers in other languages, each sampled by a line that names the workload.
    func peers(_ workload: String) -> [Contestant] {
        installed.map { peer in Contestant(peer.name) { try peer.sample(workload) } }
    }

    /// A million entries, for all figures that only look at them.
    func million() throws -> Inspected {
        if let looked { return looked }
        let made = try Inspected(1_000_000)
        looked = made
        return made
    }

    /// The folder of a varnishd, where one is installed.
    var varnish: String? { cache?.folder }

    func say(_ sentence: String) { write(sentence + "\n", to: 2) }

    /// Shows a person who waits what there is so far.
    func progress(_ outcome: Outcome) {
        guard isatty(2) == 1 else { return }
        say("\(outcome.id): \(outcome.ours.median ?? .nan) \(outcome.unit)")
    }

    /// The package, from the working folder or from where the program was built.
    private static var root: URL? {
        let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        let starts = [URL(filePath: FileManager.default.currentDirectoryPath), program]
        return starts.lazy.compactMap(above).first
    }

    private static func above(_ start: URL) -> URL? {
        var folder = start.standardized
        while folder.path != "/" {
            let peers = folder.appending(path: "Tests/Peers").path
            if FileManager.default.fileExists(atPath: peers) { return folder }
            folder = folder.deletingLastPathComponent()
        }
        return nil
    }
}
