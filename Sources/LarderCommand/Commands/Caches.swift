import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Caches: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "caches", abstract: "List the caches of a running engine.")

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let caches = try await inspector.report().caches.map(\.boundFields)
            output.print(
                caches, caches.first?.map(\.name) ?? ["cache"],
                shown: ["cache", "entries", "maxsize", "ttl", "policy", "bytes", "hit"],
                // For people the heading says what the ratio is of: all look-ups since the start.
                titles: ["hit": "hit all"], from)
        }
    }
}
