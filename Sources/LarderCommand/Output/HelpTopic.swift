import Foundation

/// What `larder help TOPIC` prints: an article of the documentation, or one of its sections.
///
/// Every command needs the names, and none but `help` a text: to make all of them would take longer
/// than most commands do.
struct HelpTopic {
    /// As it is asked for.
    let name: String
    private let source: @Sendable () -> [Substring]

    /// As it is printed.
    var text: String { Self.plain(source()) }

    /// In the order in which they are listed.
    static let all: [HelpTopic] =
        sections(of: PackageResources.LookIntoAnEngine_md) + [
            HelpTopic(name: "keys") { lines(PackageResources.Keys_md) },
            HelpTopic(name: "aws") { lines(PackageResources.PointItAtAWS_md) },
            HelpTopic(name: "policies") { lines(PackageResources.ChooseAPolicy_md) },
            HelpTopic(name: "promises") { lines(PackageResources.WhatItPromises_md) },
        ]

    /// The one that was asked for, whatever the letters' case.
    init?(asked words: some Collection<String>) {
        guard words.count == 2, words.first == "help", let name = words.dropFirst().first,
            let found = Self.all.first(where: { $0.name == name.lowercased() })
        else { return nil }
        self = found
    }

    private init(name: String, source: @escaping @Sendable () -> [Substring]) {
        self.name = name
        self.source = source
    }

    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self).utf8
            .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .map { Substring($0) }
    }

    /// Each section by its heading.
    private static func sections(of article: [UInt8]) -> [HelpTopic] {
        lines(article).split { $0.hasPrefix("# ") }.flatMap { lines in
            lines.indices.filter { lines[$0].hasPrefix("## ") }.map { start in
                let end = lines[(start + 1)...].firstIndex { $0.hasPrefix("## ") }
                let section = Array(lines[start..<(end ?? lines.endIndex)])
                return HelpTopic(name: lines[start].dropFirst(3).lowercased()) { section }
            }
        }
    }

    /// Markdown as a terminal shows it: headings in capitals, what is to be typed further in, and of a
    /// link its words.
    private static func plain(_ lines: some Collection<Substring>) -> String {
        var isCode = false
        var table = PlainTable()
        let plain = lines.flatMap { line -> [String] in
            if !isCode, table.take(line) { return [] }
            return table.end() + words(line, &isCode)
        }
        return (plain + table.end()).joined(separator: "\n")
            .trimmingCharacters(in: CharacterSet.newlines)
    }

    private static func words(_ line: Substring, _ isCode: inout Bool) -> [String] {
        if line.hasPrefix("```") {
            isCode.toggle()
            return []
        }
        if isCode { return [line.isEmpty ? "" : "    " + line] }
        let heading = line.prefix { $0 == "#" }
        if !heading.isEmpty { return [line.dropFirst(heading.count + 1).uppercased()] }
        // A point of a list goes on under its first word.
        let indent = line.prefix { $0 == " " }.count + (line.hasPrefix("- ") ? 2 : 0)
        return folded(bare(line), indent: indent)
    }

    /// Columns of a page.
    fileprivate static let width = 100

    /// The text in lines that fit a page; those behind the first are indented.
    fileprivate static func folded(
        _ text: String, indent: Int, to width: Int = width
    ) -> [String] {
        guard text.count > width else { return [text] }
        let start = String(text.prefix { $0 == " " })
        let margin = String(repeating: " ", count: indent)
        var lines = [start]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            let isFirst = last.allSatisfy { $0 == " " }
            if isFirst || last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last + (isFirst ? "" : " ") + word
            } else {
                lines.append(margin + word)
            }
        }
        return lines
    }

    /// Words without marks for links, names and weight.
    fileprivate static func bare(_ text: some StringProtocol) -> String {
        String(text).replacing("``", with: "").replacing("**", with: "")
            .replacing(/\[([^\]]+)\]\([^)]+\)/) { String($0.output.1) }
    }
}

/// A table of Markdown, as columns, the last folded to the width of a page; where the others would
/// leave no room for it, each row as a list.
private struct PlainTable {
    private var rows: [[String]] = []

    /// False where the line is not a table's.
    mutating func take(_ line: Substring) -> Bool {
        guard line.hasPrefix("|") else { return false }
        // An escaped bar belongs to a cell.
        let cells = line.replacing("\\|", with: "\u{1}").split(separator: "|")
            .map { HelpTopic.bare($0.replacing("\u{1}", with: "|")) }
            .map { $0.trimmingCharacters(in: CharacterSet.whitespaces) }
        let isRule = cells.allSatisfy { !$0.isEmpty && $0.allSatisfy { "-:".contains($0) } }
        if !isRule, cells.contains(where: { !$0.isEmpty }) { rows.append(cells) }
        return true
    }

    /// The lines of the table that has ended; nothing where there was not a table.
    mutating func end() -> [String] {
        defer { rows = [] }
        let count = rows.map(\.count).max() ?? 0
        guard count > 0 else { return [] }
        let widths = (0..<count - 1).map { column in
            rows.map { $0.indices.contains(column) ? $0[column].count : 0 }.max() ?? 0
        }
        let indent = widths.reduce(0) { $0 + $1 + 2 }
        guard indent <= HelpTopic.width / 2 else { return list }
        return rows.flatMap { row -> [String] in
            let first = zip(widths, row).map { width, cell in
                cell + String(repeating: " ", count: width - cell.count + 2)
            }.joined()
            let last = row.count == count ? row[count - 1] : ""
            let folded = HelpTopic.folded(last, indent: 0, to: HelpTopic.width - indent)
            return folded.enumerated().map { place, line in
                let line = place == 0 ? first + line : String(repeating: " ", count: indent) + line
                return String(line.reversed().drop { $0 == " " }.reversed())
            }
        }
    }

    /// The first cell of a row, and behind it the others by what their column is called.
    private var list: [String] {
        let names = rows[0]
        return rows.dropFirst().flatMap { row in
            [row[0]]
                + zip(names, row).dropFirst().filter { !$1.isEmpty }.flatMap { name, cell in
                    HelpTopic.folded("  \(name): \(cell)", indent: 4)
                }
        }
    }
}
