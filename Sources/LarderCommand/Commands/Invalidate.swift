import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Invalidate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invalidate", abstract: "Invalidate entries of a running engine.",
        discussion: """
            Examples:
              larder invalidate accounts 100000000001
              larder invalidate accounts --filter 0001 --dry-run
              larder invalidate credentials --all --yes --reason "keys were leaked"
              larder invalidate accounts --all --soft --budget 20/s --yes

            The last drops everything without a stampede: each entry is served until a fetch for \
            it has landed, and no more are marked a second than the origin may be asked for. In \
            the console a change of more than a twentieth of what a cache holds, and of more than \
            ten entries, is confirmed by typing; here --yes confirms it.
            """)

    @OptionGroup
    var named: NamedEntries

    @Flag(help: "Serve each until a fetch for it has landed.")
    var soft = false

    @OptionGroup
    var pace: PaceOptions

    @OptionGroup
    var changing: ChangingOptions

    @OptionGroup
    var target: Target

    func run() async throws {
        try await target.each(changing.output.format, reason: changing.reason) { inspector, from in
            let change: Change
            if named.all, !soft {
                change = .invalidateAll(cache: named.cache)
            } else {
                var seen = named.keys.map {
                    SeenEntry(id: EntryKey(cache: named.cache, key: $0), version: nil)
                }
                if let filter = named.wanted {
                    seen = try await inspector.matching(
                        EntryQuery(caches: [named.cache], filter: filter))
                }
                change = soft ? .soften(seen) : .invalidate(seen)
            }
            try await changing.make(change, on: inspector, from, pace: pace)
        }
    }
}
