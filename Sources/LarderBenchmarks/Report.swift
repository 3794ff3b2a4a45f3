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
        let known = [
            "dictionary", "caffeine", "cachetools", "undisturbed", "atleast", "counted",
            "varnishstat", "htop", "route",
        ]
        let peers = known.filter { peer in figures.contains { $0.peers[peer] != nil } }
        let rows =
            [["FIGURE", "UNIT", "OURS"] + peers.map { $0.uppercased() }]
            + figures.map { figure in peers.reduce(into: figure.head) { $0.append(figure.cell($1)) }
            }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max()! }
        return rows.map { row in
            zip(row, widths).enumerated().map { column, cell in
                let space = String(repeating: " ", count: cell.1 - cell.0.count)
                return column < 2 ? cell.0 + space : space + cell.0
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }
}

extension Outcome {
    fileprivate var head: [String] { [id, unit, text(ours.median)] }

    /// A peer's median, and ours over it.
    fileprivate func cell(_ peer: String) -> String {
        guard let peer = peers[peer]?.median, let ours = ours.median, peer != 0 else {
            return text(peers[peer]?.median)
        }
        return text(peer) + String(format: " (%.2f)", ours / peer)
    }

    /// Three digits that count; of per cents, as many as published tables have.
    private func text(_ number: Double?) -> String {
        guard let number else { return "-" }
        let size = abs(number)
        let digits = size >= 100 || size == 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4
        return String(format: "%.\(unit == "%" ? 2 : digits)f", number)
    }
}
