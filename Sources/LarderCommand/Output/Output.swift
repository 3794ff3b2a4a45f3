import Foundation
import LarderConsole
import LarderInspector
import Synchronization

/// What goes to standard output: into a pipe or a file as it is, to a terminal without what would
/// steer it.
///
/// It is gathered and written in large parts, line by line to a terminal. What could not be written
/// is known from then on: the command ends with 1, or without a word where its reader has gone.
enum Output {
    static let isTerminal = isatty(1) == 1

    private static let state = Mutex(State())

    private struct State {
        var bytes: [UInt8] = []
        /// Why no more can be written: an `errno`; 0 where it can.
        var failure: Int32 = 0

        mutating func flush() {
            if failure == 0 { failure = Descriptor.write(bytes, to: 1) }
            bytes.removeAll(keepingCapacity: true)
        }
    }

    static func write(_ text: String) {
        state.withLock { state in
            state.bytes += text.utf8
            if isTerminal || state.bytes.count >= 1 << 16 { state.flush() }
        }
    }

    /// Writes what was gathered.
    ///
    /// - Returns: Whether all that was printed so far has been written.
    @discardableResult static func flush() -> Bool {
        state.withLock { state in
            state.flush()
            return state.failure == 0
        }
    }

    /// Writes what was gathered; to be called by what would else go on for ever.
    ///
    /// - Throws: ``Ending`` where it cannot be written, or where the reader has gone, though
    ///   nothing may have been printed since.
    static func check() throws {
        guard flush(), !Descriptor.isGone(1) else { throw Ending(status: 0) }
    }

    /// Why something that was printed could not be written, in words; `nil` where all was, and
    /// where the reader has gone because it had read enough, as `head` does.
    static var problem: String? {
        let failure = state.withLock { $0.failure }
        let isLeft = failure == EPIPE || failure == EIO && isTerminal
        return failure == 0 || isLeft ? nil : Descriptor.reason(failure)
    }

    static func print(_ line: String) { write(line + "\n") }

    static func print(csv fields: [String]) { Output.print(line(csv: fields)) }

    /// A line of CSV as it is to be written.
    static func line(csv fields: [String]) -> String {
        CSV.line(isTerminal ? fields.map(PlainText.fit) : fields)
    }

    static func print(json: String) { Output.print(text(json: json)) }

    /// JSON as it is to be written.
    static func text(json: String) -> String { isTerminal ? PlainText.json(json) : json }
}

enum Table {
    /// Columns as wide as what stands in them; where the terminal is narrower, the widest give way.
    static func print(_ header: [String], _ rows: [[String]]) {
        for line in lines(header, rows, columns: terminalWidth) { Output.print(line) }
    }

    /// - Parameter columns: How many there are; `nil` where nothing has to give way.
    static func lines(_ header: [String], _ rows: [[String]], columns: Int?) -> [String] {
        var all = [header.map(heading)] + rows.map { $0.map(PlainText.fit) }
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

    /// `SAVED TIME` of `savedTime`.
    private static func heading(_ name: String) -> String {
        name.reduce(into: "") { heading, letter in
            if letter.isUppercase, !heading.isEmpty { heading.append(" ") }
            heading.append(letter.uppercased())
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
