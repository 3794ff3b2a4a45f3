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
            let report = try await inspector.report()
            var fields = (detail.row.fields(at: report.at) + [detail.since(report.at)])
                .filter { $0.value != .null }
            if output.format == .json {
                fields.append(Field("value", detail.value))
                let events = detail.history.map { $0.fields(of: report).object }
                fields.append(Field("history", .list(events)))
            } else {
                // A part of the value may be called as a field of the entry is.
                fields += detail.value.leaves.map {
                    Field($0.path.isEmpty ? "value" : "value.\($0.path)", $0.text)
                }
            }
            output.print(fields, from)
            guard output.format == .text, !detail.history.isEmpty else { return }
            Output.print("")
            for event in detail.history { Output.print(event.line(of: report)) }
        }
    }
}

extension EntryDetail {
    /// For how long the entry has been stale: since its end, or since it was marked. Empty where it
    /// is not stale, or where the mark is older than the record of events.
    fileprivate func since(_ now: AgeInstant) -> Field {
        var begin: AgeInstant?
        if row.state(at: now) == .stale {
            let marked = history.last { $0.kind == .softened(version: row.version) }
            begin = row.troubleBegan(at: now) ?? marked?.at
        }
        let time = begin.map { now - $0 }
        return Field("staleFor", seconds: time, text: time.map { Format.age($0) } ?? "-")
    }
}
