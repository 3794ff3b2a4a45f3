import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Memory: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "Print what takes the memory of a running engine.",
        discussion: """
            \(MemoryPart.What.allCases.map { "  \(Table.left($0.rawValue, 8)) \($0.about)" }.joined(separator: "\n"))
            """)

    @OptionGroup
    var limit: LimitOption

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let report = try await inspector.report()
            let largest = try await inspector.entries(
                EntryQuery(sort: .size, descending: true, limit: limit.limit))
            if output.format == .text { Output.print(PlainText.fit(report.memorySentence)) }
            output.print(
                report.memoryRecords + largest.rows.map(\.memoryRecord), EngineReport.memoryNames,
                from)
        }
    }
}

extension EngineReport {
    fileprivate static let memoryNames = ["what", "cache", "key", "entries", "bytes", "share"]

    fileprivate var held: Int { caches.reduce(0) { $0 + $1.snapshot.bytes } }

    /// Who uses the memory.
    fileprivate var memorySentence: String {
        let most = caches.max { $0.snapshot.bytes < $1.snapshot.bytes }
        guard let most, held > 0 else { return "the caches hold nothing" }
        let share = Double(most.snapshot.bytes) / Double(held)
        let process = memory.resident.map { resident in
            let share = Format.percent(Double(held) / Double(max(1, resident)))
            return "; the caches are \(share) of the process's \(Units.words(bytes: resident))"
        }
        return "\(most.name) takes most: \(Units.words(bytes: most.snapshot.bytes)) in "
            + "\(Units.counted(most.snapshot.count, "entry", "entries")), "
            + "\(Format.percent(share)) of what is held" + (process ?? "")
    }

    fileprivate var memoryRecords: [[Field]] {
        let process = [("process", memory.resident), ("limit", memory.limit)]
            .compactMap { what, bytes in
                bytes.map { Self.record(what, bytes: $0) }
            }
        let each = caches.map { cache in
            Self.record(
                "cache", cache: cache.name, entries: cache.snapshot.count,
                bytes: cache.snapshot.bytes,
                share: held == 0 ? nil : Double(cache.snapshot.bytes) / Double(held))
        }
        let undoable = caches.filter { $0.snapshot.undoable > 0 }.map { cache in
            Self.record(
                "undo", cache: cache.name, entries: cache.snapshot.undoable,
                bytes: cache.snapshot.undoableBytes)
        }
        let others = memoryParts.filter { ![.entries, .undo].contains($0.what) }
            .compactMap { part in
                part.bytes.map { Self.record(part.what.rawValue, bytes: $0) }
            }
        return process + each + undoable + others
    }

    fileprivate static func record(
        _ what: String, cache: String? = nil, key: String? = nil, entries: Int? = nil, bytes: Int,
        share: Double? = nil
    ) -> [Field] {
        [
            Field("what", what), Field("cache", cache), Field("key", key),
            Field("entries", entries.map { .number("\($0)") } ?? .null),
            Field("bytes", bytes: bytes), Field("share", share: share),
        ]
    }
}

extension EntryRow {
    fileprivate var memoryRecord: [Field] {
        EngineReport.record("entry", cache: id.cache, key: id.key, bytes: bytes)
    }
}
