import Larder

// What happened, in words: `EventKind.Word` is the one word for it, in JSON, in filters, in the
// console and in what commands print; what more there is to say of it stands here.

extension EventKind {
    /// What more there is to say of it than its word and its key.
    package func note(arrow: String = "->") -> String {
        switch self {
        case .written(let version, let took, let bytes):
            "version \(version), \(Units.words(bytes: bytes)), "
                + (took.map { "fetched in \(Format.took($0))" } ?? "inserted")
        case .failed(let took, _, let reason): "\(reason), after \(Format.took(took))"
        case .removed(_, let version, let age, let hits):
            "version \(version), \(Format.age(age)) old, "
                + Units.counted(Int(clamping: hits), "hit")
        case .oversized(let bytes): "\(Units.words(bytes: bytes)) is more than the cache may hold"
        case .forgotten(let failures, let refusals):
            Units.counted(failures, "failure") + " in a row, "
                + Units.counted(Int(clamping: refusals), "look-up") + " told"
        case .softened(let version), .restored(let version): "version \(version)"
        case .configured(let old, let new): new.differences(from: old, arrow: arrow)
        }
    }

    /// The part of the note that several events have in common, where one line tells them.
    package func commonNote(arrow: String = "->") -> String {
        switch self {
        case .failed(_, _, let reason): reason
        case .oversized, .configured: note(arrow: arrow)
        case .written, .removed, .forgotten, .softened, .restored: ""
        }
    }
}
