import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Ask the origin whether what a running engine serves is still so.",
        discussion: """
            Examples:
              larder verify accounts 100000000001
              larder verify accounts --all --rate 20/s

            Nothing is kept or counted. Each entry that does not agree is told with when it was \
            written, and so since when it may be stale. What the origin makes anew each time, as \
            STS does sessions, is not compared: it is told that the origin still answers.

            It ends with 0 where nothing differs, 1 where something does, 2 where nothing does but \
            something could not be compared because the origin, or the engine, did not answer, and 3 \
            where nothing differs but a key that was named is not held.
            """)

    @OptionGroup
    var named: NamedEntries

    @Option(
        help: "How often the origin is asked at most, such as 20/s.",
        transform: parsed { try Units.rate($0) })
    var rate = 20.0

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (0.1...1_000_000).contains(rate) else {
            throw ValidationError("--rate: 0.1/s to 1000000/s are accepted")
        }
    }

    func run() async throws {
        var verdicts: Set<Verification.Verdict> = []
        do {
            try await target.each(output.format, failing: 2) { inspector, from in
                let compared = try await compare(inspector)
                verdicts.formUnion(compared.map(\.verdict))
                tell(compared, from)
            }
        } catch let error as InspectorError {
            // An error of the engine is not a difference.
            say("\(error)")
            throw Ending(status: 2)
        }
        if verdicts.contains(.differs) { throw Ending(status: 1) }
        if verdicts.contains(.unknown) { throw Ending(status: 2) }
        if verdicts.contains(.notHeld) { throw Ending(status: 3) }
    }

    /// An entry beside what the origin says.
    private struct Compared {
        var seen: Verification
        var row: EntryRow?
        /// How long ago it was written.
        var age: Duration?
        var verdict: Verification.Verdict { seen.verdict }

        static let names = ["cache", "key", "verdict", "age", "version", "summary"]

        var fields: [Field] {
            [
                Field("cache", seen.id.cache), Field("key", seen.id.key),
                Field("verdict", verdict.rawValue),
                Field("age", seconds: age, text: age.map { Format.age($0) } ?? "-"),
                Field("version", row.map { .number("\($0.version)") } ?? .null),
                Field("summary", seen.summary),
            ]
        }

        var sentence: String {
            let isKnown = seen.held != nil || row?.isRefusal == true
            let written =
                (isKnown ? age : nil).map {
                    let what = row?.isRefusal == true ? "remembered as absent" : "written"
                    return ", \(what) \(Format.age($0)) ago"
                } ?? ""
            // The summary itself begins with that it is not held.
            let verdict = verdict == .notHeld ? "" : "\(verdict.words)\(written): "
            return "\(name)\(verdict)\(seen.summary)"
        }

        var name: String { "\(seen.id.cache)  \(seen.id.key)  " }
    }

    private func compare(_ inspector: RemoteInspector) async throws -> [Compared] {
        var rows: [(EntryKey, EntryRow?)] = []
        for key in named.keys {
            let id = EntryKey(cache: named.cache, key: key)
            rows.append((id, try await inspector.entry(id)?.row))
        }
        if let filter = named.wanted {
            let page = try await inspector.entries(
                EntryQuery(
                    caches: [named.cache], filter: filter, sort: .age, descending: true,
                    limit: 10_000))
            rows = page.rows.map { ($0.id, $0) }
            if page.matched > page.rows.count {
                say("\(page.matched - page.rows.count) more are left out; --filter narrows them")
            }
        }
        var compared: [Compared] = []
        for (place, (id, row)) in rows.enumerated() {
            if place > 0 { try await Task.sleep(for: .seconds(1 / rate)) }
            let seen = try await inspector.verify(id)
            let at = try await inspector.report().at
            compared.append(Compared(seen: seen, row: row, age: row.map { at - $0.writtenAt }))
        }
        return compared
    }

    /// Why what the origin makes anew is not compared.
    private static func whyNot(_ compared: [Compared]) -> String {
        compared.lazy.filter { $0.verdict == .notCompared }.first?.seen.summary ?? ""
    }

    private func tell(_ compared: [Compared], _ from: Source) {
        guard output.format == .text else {
            return output.print(compared.map(\.fields), Compared.names, from)
        }
        // An entry that was asked about alone is told in any case.
        let isPlain: Set<Verification.Verdict> = [.agrees, .notCompared]
        for one in compared where !isPlain.contains(one.verdict) || compared.count == 1 {
            // One of many that is not held is told without what the origin has.
            let isBrief = one.verdict == .notHeld && compared.count > 1
            Output.print(PlainText.fit(isBrief ? one.name + "not held" : one.sentence))
        }
        guard compared.count != 1 else { return }
        func count(_ verdict: Verification.Verdict) -> Int {
            compared.count { $0.verdict == verdict }
        }
        let rare: [(Verification.Verdict, String)] = [
            (.notHeld, "not held"),
            (.notCompared, "not compared: " + Self.whyNot(compared)),
        ]
        Output.print(
            "\(count(.agrees)) agree, \(count(.differs)) differ, \(count(.unknown)) unknown"
                + rare.filter { count($0.0) > 0 }.map { ", \(count($0.0)) \($0.1)" }.joined())
    }
}
