import Foundation

/// What `larder help TOPIC` prints: an article of the documentation, or one of its sections.
struct HelpTopic {
    /// As it is asked for.
    let name: String
    /// As it is printed.
    let text: String

    /// In the order in which they are listed.
    static let all: [HelpTopic] =
        sections(of: PackageResources.LookIntoAnEngine_md) + [
            HelpTopic(name: "keys", text: plain(lines(PackageResources.Keys_md))),
            HelpTopic(name: "aws", text: plain(lines(PackageResources.PointItAtAWS_md))),
            HelpTopic(name: "policies", text: plain(lines(PackageResources.ChooseAPolicy_md))),
            HelpTopic(name: "promises", text: plain(lines(PackageResources.WhatItPromises_md))),
        ]

    /// The one that was asked for, whatever the letters' case.
    init?(asked words: some Collection<String>) {
        guard words.count == 2, words.first == "help", let name = words.dropFirst().first,
            let found = Self.all.first(where: { $0.name == name.lowercased() })
        else { return nil }
        self = found
    }

    private init(name: String, text: String) {
        self.name = name
        self.text = text
    }

    private static func lines(_ bytes: [UInt8]) -> [Substring] {
        String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Each section by its heading.
    private static func sections(of article: [UInt8]) -> [HelpTopic] {
        lines(article).split { $0.hasPrefix("# ") }.flatMap { lines in
            lines.indices.filter { lines[$0].hasPrefix("## ") }.map { start in
                let end = lines[(start + 1)...].firstIndex { $0.hasPrefix("## ") }
                return HelpTopic(
                    name: lines[start].dropFirst(3).lowercased(),
                    text: plain(lines[start..<(end ?? lines.endIndex)]))
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
            return table.end() + (words(line, &isCode).map { [$0] } ?? [])
        }
        return (plain + table.end()).joined(separator: "\n")
            .trimmingCharacters(in: CharacterSet.newlines)
    }

    private static func words(_ line: Substring, _ isCode: inout Bool) -> String? {
        if line.hasPrefix("```") {
            isCode.toggle()
            return nil
        }
        if isCode { return line.isEmpty ? "" : "    " + line }
        let heading = line.prefix { $0 == "#" }
        if !heading.isEmpty { return line.dropFirst(heading.count + 1).uppercased() }
        return bare(line)
    }

    /// Words without marks for links, names and weight.
    fileprivate static func bare(_ text: some StringProtocol) -> String {
        String(text).replacing("``", with: "").replacing("**", with: "")
            .replacing(/\[([^\]]+)\]\([^)]+\)/) { String($0.output.1) }
    }
}

/// A table of Markdown, as columns: the last is folded to the width of a page.
private struct PlainTable {
    private var rows: [[String]] = []

    private static let width = 100

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
        return rows.flatMap { row -> [String] in
            let first = zip(widths, row).map { width, cell in
                cell + String(repeating: " ", count: width - cell.count + 2)
            }.joined()
            let last = row.count == count ? row[count - 1] : ""
            let folded = fold(last, to: max(30, Self.width - indent))
            return folded.enumerated().map { place, line in
                place == 0 ? first + line : String(repeating: " ", count: indent) + line
            }
        }
    }

    private func fold(_ text: String, to width: Int) -> [String] {
        text.split(separator: " ").reduce(into: [""]) { lines, word in
            let last = lines[lines.count - 1]
            if last.isEmpty || last.count + 1 + word.count <= width {
                lines[lines.count - 1] = last.isEmpty ? String(word) : "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
    }
}
