public import Larder

/// An entry beside what its origin says now.
public struct Verification: Hashable, Sendable, Codable {
    /// Its cache, and its key as it is shown.
    public var id: EntryKey
    /// What the cache holds; `nil` where it holds nothing.
    public var held: Shown?
    /// What the origin gave; `nil` where it failed.
    public var origin: Shown?
    /// Why the origin gave nothing.
    public var failure: String?
    /// The origin answered: it has no such thing.
    public var isAbsent = false
    /// What is held is past its end, and served only as long as fetches fail.
    public var isPastEnd = false
    /// The failure that is remembered instead of an entry.
    public var remembered: Trouble?
    /// What the origin makes anew at each fetch, in a word such as `session`; `nil` where it has one
    /// value that can be compared. See ``MintedAnew``.
    public var minted: String?

    /// Whether the origin says what a look-up would be told; `nil` where it could not be asked, and
    /// where there is nothing that could be compared.
    public var agrees: Bool? {
        if isAbsent { return held != nil ? false : remembered == nil ? nil : true }
        guard minted == nil || held == nil else { return nil }
        guard failure == nil else { return nil }
        guard held != nil else { return remembered == nil ? nil : false }
        return differences.isEmpty
    }

    /// What is held and what the origin gave, or why it gave nothing.
    public init(
        id: EntryKey, held: Shown? = nil, origin: Shown? = nil, failure: String? = nil
    ) {
        self.id = id
        self.held = held
        self.origin = origin
        self.failure = failure
    }

    /// One part of a value that is not the same on both sides.
    public struct Difference: Hashable, Sendable, Codable {
        /// Names with dots between them: `owner.name`, `tags.0`; empty for the whole value.
        public var path: String
        /// What the cache holds there; `nil` where the value has no such part.
        public var held: String?
        /// What the origin has there; `nil` where the value has no such part.
        public var origin: String?
    }

    /// What is not the same, in order of the path.
    public var differences: [Difference] {
        let (held, origin) = (held?.parts ?? [:], origin?.parts ?? [:])
        return Set(held.keys).union(origin.keys).sorted().compactMap { path in
            held[path] == origin[path]
                ? nil
                : Difference(
                    path: path.text, held: held[path]?.text, origin: origin[path]?.text)
        }
    }

    /// In a sentence.
    public var summary: String {
        if isAbsent {
            guard held == nil else { return "held\(pastEnd), but the origin has no such thing" }
            return switch remembered?.kind {
            case .absent: "the origin agrees: it has no such thing"
            case .failed, .refused: "it failed until now, and the origin has no such thing"
            case nil: "not held, and the origin has no such thing"
            }
        }
        if held == nil, let remembered {
            let known =
                remembered.kind == .absent ? "absent" : "failed (\(remembered.failure.word))"
            return failure.map { "remembered as \(known); the origin could not be asked: \($0)" }
                ?? "remembered as \(known), but the origin has it now; to invalidate it forgets that"
        }
        if let failure { return "the origin could not be asked: \(failure)" }
        if held == nil {
            return minted.map { "not held; the origin makes a new \($0) each time" }
                ?? "not held; the origin has\(theirs)"
        }
        return isPastEnd ? "held\(pastEnd); \(comparison)" : comparison
    }

    /// What the origin gave, in a line.
    private var theirs: String {
        let leaves = origin?.leaves ?? []
        guard !leaves.isEmpty else { return " it" }
        let named = leaves.prefix(Self.named).map {
            $0.path.isEmpty ? $0.text : "\($0.path) \($0.text)"
        }
        return ": " + named.joined(separator: ", ") + (leaves.count > Self.named ? ", …" : "")
    }

    /// So many parts of a value are told in a line.
    private static let named = 8

    private var pastEnd: String { isPastEnd ? " past its end" : "" }

    private var comparison: String {
        if let minted { return "a new \(minted) each time; nothing to compare" }
        let differences = differences
        guard let first = differences.first else { return "the same as at the origin" }
        let change =
            "\(first.path.isEmpty ? "value" : first.path) is \(first.held ?? "absent") here and "
            + "\(first.origin ?? "absent") there"
        return differences.count == 1
            ? change : "\(differences.count) differences: \(change), …"
    }
}

extension Shown {
    /// The leaves with their paths, in the order of the value.
    public var leaves: [(path: String, text: String)] {
        func under(_ name: String, _ shown: Shown) -> [(path: String, text: String)] {
            shown.leaves.map { ($0.path.isEmpty ? name : "\(name).\($0.path)", $0.text) }
        }
        return switch self {
        case .text(let text): [("", text)]
        case .number(let digits): [("", digits)]
        case .bool(let bool): [("", "\(bool)")]
        case .null: [("", "null")]
        case .list(let items): items.enumerated().flatMap { under("\($0.offset)", $0.element) }
        case .fields(let fields): fields.flatMap { under($0.name, $0.value) }
        }
    }

    /// The leaves by their paths.
    var parts: [Verbatim: Verbatim] {
        Dictionary(leaves.map { (Verbatim($0.path), Verbatim($0.text)) }) { first, _ in first }
    }
}
