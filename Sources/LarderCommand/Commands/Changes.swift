import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Changes: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "changes",
        abstract: "List what was done to a running engine: who, why, before and after.")

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let known = try await inspector.changes(after: 0)
            if let lost = known.first?.missed, lost > 0 {
                say(
                    "\(Units.counted(Int(clamping: lost), "change")) before these are not kept any more"
                )
            }
            let changes = known.map(\.fields)
            output.print(
                changes,
                [
                    "time", "what", "by", "plan", "change", "reason", "removed", "forgotten",
                    "softened",
                    "restored", "bytes",
                    "leftAlone", "failure", "lasting",
                ], shown: ["time", "what", "by", "plan", "change", "reason"], from)
        }
    }
}

extension ChangeRecord {
    fileprivate var fields: [Field] {
        [
            Field("time", time.formatted(.iso8601)), Field("what", what.rawValue),
            Field("by", "\(by)"), Field("plan", plan), Field("change", summary),
            Field("reason", by.reason), Field("removed", count: removed - forgotten - softened),
            Field("forgotten", count: forgotten), Field("softened", count: softened),
            Field("restored", count: restored),
            Field("bytes", bytes: bytes),
            Field("leftAlone", count: skipped.count + unnamed), Field("failure", failure),
            Field("lasting", seconds: lasting, text: lasting.map { Units.text($0) } ?? "-"),
        ]
    }
}
