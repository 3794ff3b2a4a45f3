import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Entries: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entries", abstract: "List entries of a running engine.",
        discussion: """
            Examples:
              larder entries --sort hits:desc --limit 10
              larder entries accounts --filter 0001 --format csv
              larder entries accounts --sort togo --columns togo,key,hits,lasthit
            Columns:
            \(EntryColumn.allCases.map { "  \(Table.left($0.rawValue, 8)) \($0.about)" }.joined(separator: "\n"))
            The turn to go is the policy's own: what would be evicted were nothing used any more. \
            sieve, s3fifo and tinylfu put off what is used, and rr draws anew with each eviction. \
            Caches of more than 4096 entries tell it only where it is the order or in the filter.

            \(EntryFilter.help)
            """)

    @Argument(help: "Only this cache.")
    var cache: String?

    @Option(
        help: "Which entries: part of a key, or comparisons such as 'hits>=100 and ttl<5m'.",
        transform: parsed { try readable(filter: $0) })
    var filter = ""

    @Option(
        help: "The column to sort by; with :desc behind it, largest first.",
        transform: parsed { try SortOption(parsing: $0) })
    var sort = try! SortOption(parsing: "ttl")

    @Option(help: "Most entries to print, up to 10000.")
    var limit = 1000

    @Option(
        help: "Which columns, with commas between them: \(EntryColumn.accepted).",
        transform: parsed { try EntryColumn.list($0) })
    var columns: [EntryColumn] = [
        .cache, .key, .ttl, .expiry, .age, .hits, .size, .state, .version,
    ]

    @OptionGroup
    var target: Target

    @OptionGroup
    var output: FormatOption

    func validate() throws {
        guard (0...10_000).contains(limit) else {
            throw ValidationError("--limit \(limit): 0 to 10000 are accepted")
        }
    }

    func run() async throws {
        try await target.each(output.format) { inspector, from in
            let page = try await inspector.entries(
                EntryQuery(
                    caches: cache.map { [$0] } ?? [], filter: filter, sort: sort.column,
                    descending: sort.descending, limit: limit))
            if output.format == .json {
                let look = OneLook(report: try await inspector.report(), page: page)
                return output.print(json: look.text(.json), from)
            }
            output.print(
                page.rows.map { row in columns.map { row.field($0, at: page.at) } },
                columns.map(\.rawValue), from)
            if page.matched == 0, output.format == .text {
                say(filter.isEmpty ? "no entry is held" : "no entry passes the filter")
            }
            if page.matched > page.rows.count {
                say("\(page.matched - page.rows.count) more; --limit shows them")
            }
        }
    }
}
