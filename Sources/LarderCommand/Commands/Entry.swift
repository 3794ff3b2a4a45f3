import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Entry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entry", abstract: "Print one entry of a running engine in full.")

    @Argument(help: "The cache.")
    var cache: String

    @Argument(help: "The key, as it is shown.")
    var key: String

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            guard let detail = try await inspector.entry(EntryKey(cache: cache, key: key)) else {
                throw InspectorError("\(cache) holds no live entry \"\(key)\"")
            }
            let at = try await inspector.report().at
            var fields = detail.row.fields(at: at).filter { $0.value != .null }
            if output.format == .json {
                fields.append(Field("value", detail.value))
                let events = detail.history.map { $0.fields.object }
                fields.append(Field("history", .list(events)))
            } else {
                fields += detail.value.leaves.map {
                    Field($0.path.isEmpty ? "value" : $0.path, $0.text)
                }
            }
            output.print(fields, from)
        }
    }
}
