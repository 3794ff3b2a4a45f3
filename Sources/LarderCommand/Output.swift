import Foundation
import LarderConsole
import LarderInspector

/// What goes to standard output: into a pipe or a file as it is, to a terminal without what would
/// steer it.
enum Output {
    static let isTerminal = isatty(1) == 1

    static func print(csv fields: [String]) { Swift.print(line(csv: fields)) }

    /// A line of CSV as it is to be written.
    static func line(csv fields: [String]) -> String {
        CSV.line(isTerminal ? fields.map(PlainText.fit) : fields)
    }

    static func print(json: String) { Swift.print(text(json: json)) }

    /// JSON as it is to be written.
    static func text(json: String) -> String { isTerminal ? PlainText.json(json) : json }
}

enum Table {
    /// Columns as wide as what stands in them; where the terminal is narrower, the widest give way.
    static func print(_ header: [String], _ rows: [[String]]) {
        for line in lines(header, rows, columns: terminalWidth) { Swift.print(line) }
    }

    /// - Parameter columns: How many there are; `nil` where nothing has to give way.
    static func lines(_ header: [String], _ rows: [[String]], columns: Int?) -> [String] {
        var all = [header.map { $0.uppercased() }] + rows.map { $0.map(PlainText.fit) }
        var widths = header.indices.map { column in all.map { width($0[column]) }.max() ?? 0 }
        func isTooWide() -> Bool {
            columns.map { widths.reduce(0, +) + 2 * (widths.count - 1) > $0 } ?? false
        }
        // What matters least goes first, as on the console; a key is cut last of all.
        for name in ["version", "bytes", "policy", "age", "size", "hits", "expiry"]
        where isTooWide() {
            guard let column = all[0].firstIndex(of: name.uppercased()) else { continue }
            widths.remove(at: column)
            all = all.map { row in row.indices.filter { $0 != column }.map { row[$0] } }
        }
        while isTooWide(), let widest = widths.indices.max(by: { widths[$0] < widths[$1] }),
            widths[widest] > 8
        {
            widths[widest] -= 1
        }
        return all.map { row in
            var line = zip(row, widths).map { left(cut($0, $1), $1) }.joined(separator: "  ")
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    /// Columns of a text, as the terminal counts them.
    static func width(_ text: String) -> Int {
        _ = knowsWidths
        return Text.width(of: text)
    }

    static func cut(_ text: String, _ columns: Int) -> String {
        _ = knowsWidths
        return Text.cut(text, to: columns, mark: "…")
    }

    static func left(_ text: String, _ columns: Int) -> String {
        text + String(repeating: " ", count: max(0, columns - width(text)))
    }

    static func right(_ text: String, _ columns: Int) -> String {
        String(repeating: " ", count: max(0, columns - width(text))) + text
    }

    private static let knowsWidths: Void = Text.useOwnLocale()

    /// Columns of the terminal that is written to; `nil` where it is none.
    private static var terminalWidth: Int? {
        guard Output.isTerminal else { return nil }
        var window = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0 else { return nil }
        return Int(window.ws_col)
    }
}
