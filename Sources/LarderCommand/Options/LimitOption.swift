import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

/// How long a list is.
struct LimitOption: ParsableArguments {
    @Option(help: "How many are named, up to 1000.")
    var limit = 10

    func validate() throws {
        guard (0...1000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 1000 are accepted")
        }
    }
}
