import ArgumentParser
import Foundation
import LarderInspector

/// What somebody may have meant by a word that is not a command.
enum Suggestion {
    /// Why the first words name no command; `nil` where they do, or name none at all.
    ///
    /// Where a command has a default, the parser would take the word for one of its values.
    static func problem(
        with words: some Collection<String>, in command: any ParsableCommand.Type,
        orOne topics: [String] = []
    ) -> String? {
        let commands = command.configuration.subcommands.filter { $0.configuration.shouldDisplay }
        guard !commands.isEmpty, let word = words.first, !word.hasPrefix("-") else { return nil }
        if word == "help", command == LarderCommand.self {
            return problem(with: words.dropFirst(), in: command, orOne: HelpTopic.all.map(\.name))
        }
        if let found = commands.first(where: { $0._commandName == word }) {
            return problem(with: words.dropFirst(), in: found)
        }
        // The values of a default that everybody may see: a cache and a key.
        let isDefault = command.configuration.defaultSubcommand?.configuration.shouldDisplay == true
        if isDefault, words.dropFirst().first?.hasPrefix("-") == false { return nil }
        let names = commands.map { $0._commandName } + topics
        let meant = nearest(to: word, of: names).map { "did you mean \"\($0)\"? " } ?? ""
        let there = Words.there(are: names)
        let shown = PlainText.fit(String(word.prefix(200)))
        let kinds = topics.isEmpty ? "command" : "command or topic"
        return "there is no \(kinds) \"\(shown)\"; "
            + (meant.isEmpty ? there : meant + there.prefix(1).uppercased() + there.dropFirst())
    }

    /// The name that begins with a word; else the one that takes the fewest changes of letters, if
    /// those are not most of it; else one that begins as the word does.
    static func nearest(to word: String, of names: [String]) -> String? {
        if word.count > 1, let whole = names.first(where: { $0.hasPrefix(word) }) { return whole }
        let near = names.map { (name: $0, distance: distance(Array(word), Array($0))) }
            .min { $0.distance < $1.distance }
        if let near, near.distance <= max(1, min(word.count, near.name.count) / 2) {
            return near.name
        }
        return names.first { $0.commonPrefix(with: word).count > 2 }
    }

    /// Letters that have to be changed, put in, left out or exchanged with the next.
    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        // Nobody means a command by a word that long.
        guard a.count <= 32 else { return .max }
        var rows = [Array(0...b.count)]
        for i in 0..<a.count {
            var row = [i + 1]
            for j in 0..<b.count {
                var least = min(
                    rows[i][j] + (a[i] == b[j] ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    least = min(least, rows[i - 1][j - 1] + 1)
                }
                row.append(least)
            }
            rows.append(row)
        }
        return rows[a.count][b.count]
    }
}
