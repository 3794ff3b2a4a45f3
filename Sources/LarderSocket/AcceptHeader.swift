/// What a peer takes, by its `Accept` (RFC 9110): ranges of types, each with what it is worth.
struct AcceptHeader {
    private var ranges: [Range] = []

    private struct Range {
        var type: String
        var version: String?
        var quality: Double
    }

    /// - Parameter header: All lines of the header together; `nil` where there is none.
    init(_ header: String?) {
        for range in (header ?? "").lowercased().split(separator: ",") {
            let parts = range.split(separator: ";").map {
                String($0.filter { $0 != " " && $0 != "\t" })
            }
            guard let type = parts.first, !type.isEmpty else { continue }
            func parameter(_ name: String) -> String? {
                parts.dropFirst().first { $0.hasPrefix("\(name)=") }
                    .map { $0.dropFirst(name.count + 1).filter { $0 != "\"" } }
            }
            let quality = parameter("q").map { Double($0) ?? 0 } ?? 1
            ranges.append(Range(type: type, version: parameter("version"), quality: quality))
        }
    }

    /// What a type is worth that is named; 0 where it is not, or refused.
    func quality(of type: String, versions: [String] = []) -> Double {
        ranges.filter { $0.type == type && ($0.version.map { versions.contains($0) } ?? true) }
            .map(\.quality).max() ?? 0
    }
}
