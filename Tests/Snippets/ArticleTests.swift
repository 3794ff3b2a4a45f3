import Foundation
import TestSupport
import Testing

/// The articles, taken at their word: what they show is what is compiled here.
@Suite struct `The articles` {
    private static let snippets = packageRoot.appending(path: "Tests/Snippets")
    private static let sources = packageRoot.appending(path: "Sources")

    private func lines(of text: String) -> [String] {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            String(line.drop { $0 == " " })
        }
    }

    private func lines(of file: URL) throws -> [String] {
        lines(of: try String(contentsOf: file, encoding: .utf8))
    }

    /// The paths of all files below a folder that end so.
    private func files(in folder: URL, _ suffix: String) -> [URL] {
        let found = FileManager.default.enumerator(atPath: folder.path)
        return (found?.allObjects as? [String] ?? []).filter { $0.hasSuffix(suffix) }.sorted()
            .map { folder.appending(path: $0) }
    }

    /// The blocks of Swift in an article, as lines.
    private func blocks(of article: URL) throws -> [[String]] {
        var blocks: [[String]] = []
        var isOpen = false
        for line in try lines(of: article) {
            if line == "```swift" {
                blocks.append([])
                isOpen = true
            } else if line.hasPrefix("```") {
                isOpen = false
            } else if isOpen {
                blocks[blocks.count - 1].append(line)
            }
        }
        return blocks
    }

    @Test func `show nothing that is not compiled`() throws {
        let compiled = try files(in: Self.snippets, ".swift").map { try lines(of: $0) }
        let articles = files(in: Self.sources, ".md").filter { $0.path.contains(".docc/") }
        var shown = 0
        for article in articles {
            for block in try blocks(of: article) {
                shown += 1
                let first = block.first ?? "nothing"
                #expect(
                    !block.isEmpty && compiled.contains { $0.firstRange(of: block) != nil },
                    "\(article.lastPathComponent) shows what no snippet has: \(first)")
            }
        }
        #expect(articles.count >= 9 && shown >= 20)
    }
}
