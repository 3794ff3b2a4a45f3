import Foundation

/// All figures of a run, for people or for programs.
struct Report: Encodable {
    var figures: [Outcome]

    /// The figures with all their samples.
    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        return String(decoding: try! encoder.encode(self), as: UTF8.self)
    }

    /// A row a figure: medians, and ours over each peer's in brackets.
    var table: String {
        let known = ["dictionary", "caffeine", "cachetools", "undisturbed", "counted"]
        let peers = known.filter { peer in figures.contains { $0.peers[peer] != nil } }
        let rows =
            [["FIGURE", "UNIT", "OURS"] + peers.map { $0.uppercased() }]
            + figures.map { figure in
                [figure.id, figure.unit, Self.text(figure.ours.median)]
                    + peers.map { Self.text(figure.peers[$0]?.median, below: figure.ours.median) }
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column < 2 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    private static func text(_ number: Double?) -> String {
        guard let number else { return "-" }
        let size = abs(number)
        let digits = size == 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4
        return String(format: "%.\(digits)f", number)
    }

    private static func text(_ peer: Double?, below ours: Double?) -> String {
        guard let peer, let ours, peer != 0 else { return text(peer) }
        return text(peer) + String(format: " (%.2f)", ours / peer)
    }
}
