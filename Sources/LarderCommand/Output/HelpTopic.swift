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
        let plain = lines.compactMap { line -> String? in
            if line.hasPrefix("```") {
                isCode.toggle()
                return nil
            }
            if isCode { return line.isEmpty ? "" : "    " + line }
            let heading = line.prefix { $0 == "#" }
            if !heading.isEmpty { return line.dropFirst(heading.count + 1).uppercased() }
            return String(line).replacing("``", with: "")
                .replacing(/\[([^\]]+)\]\([^)]+\)/) { String($0.output.1) }
        }
        return plain.joined(separator: "\n").trimmingCharacters(in: CharacterSet.newlines)
    }
}
