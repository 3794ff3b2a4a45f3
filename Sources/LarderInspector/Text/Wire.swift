import FoundationEssentials
public import Larder

// How values are written as JSON where no synthesized form would read well. Durations are seconds,
// instants times of day in UTC.

/// An object with one member, which names the change: `{"invalidateAll": "accounts"}`.
extension Change: Codable {
    private enum Name: String, CodingKey, CaseIterable {
        case invalidate, invalidateAll, configure, soften, all
    }

    private struct Configured: Codable {
        var cache: String
        var to: CacheConfiguration
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Name.self)
        let members = try decoder.container(keyedBy: AnyName.self).allKeys.count
        guard let name = values.allKeys.first, members == 1 else {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath,
                    debugDescription: "a change has one member: "
                        + Name.allCases.map(\.rawValue).joined(separator: ", ")))
        }
        switch name {
        case .invalidate: self = .invalidate(try values.decode([SeenEntry].self, forKey: name))
        case .soften: self = .soften(try values.decode([SeenEntry].self, forKey: name))
        case .invalidateAll:
            self = .invalidateAll(cache: try values.decode(String.self, forKey: name))
        case .configure:
            let configured = try values.decode(Configured.self, forKey: name)
            self = .configure(cache: configured.cache, to: configured.to)
        case .all: self = .all(try values.decode([Change].self, forKey: name))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Name.self)
        switch self {
        case .invalidate(let entries): try values.encode(entries, forKey: .invalidate)
        case .soften(let entries): try values.encode(entries, forKey: .soften)
        case .invalidateAll(let cache): try values.encode(cache, forKey: .invalidateAll)
        case .configure(let cache, let to):
            try values.encode(Configured(cache: cache, to: to), forKey: .configure)
        case .all(let changes): try values.encode(changes, forKey: .all)
        }
    }
}

/// The name of any member.
private struct AnyName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// `underWay`, `done`, `cancelled`, `undone`, or `failed: why`.
extension PlanProgress.State: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        switch text {
        case "underWay": self = .underWay
        case "done": self = .done
        case "cancelled": self = .cancelled
        case "undone": self = .undone
        default: self = .failed(text.replacing("failed: ", with: "", maxReplacements: 1))
        }
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .underWay: try container.encode("underWay")
        case .done: try container.encode("done")
        case .cancelled: try container.encode("cancelled")
        case .undone: try container.encode("undone")
        case .failed(let why): try container.encode("failed: \(why)")
        }
    }
}

extension LoggedEvent {
    private enum Name: String, CodingKey {
        case cache, number, at, key, by, kind, rival
        case version, took, bytes, failure, reason, age, hits, from, to, failures, refusals
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Name.self)
        func get<Value: Decodable>(_ name: Name) throws -> Value {
            try values.decode(Value.self, forKey: name)
        }
        func duration(_ name: Name) throws -> Duration {
            try values.decode(Duration.self, forKey: name)
        }
        let word: EventKind.Word = try get(.kind)
        let kind: EventKind =
            switch word {
            case .written:
                .written(
                    version: try get(.version),
                    took: try values.decodeIfPresent(Duration.self, forKey: .took),
                    bytes: try get(.bytes))
            case .failed, .absent:
                .failed(
                    took: try duration(.took),
                    kind: word == .absent
                        ? .absent
                        : try values.decodeIfPresent(FailureKind.self, forKey: .failure) ?? .broken,
                    reason: try get(.reason))
            case .oversized: .oversized(bytes: try get(.bytes))
            case .softened: .softened(version: try get(.version))
            case .restored: .restored(version: try get(.version))
            case .forgotten:
                .forgotten(failures: try get(.failures), refusals: try get(.refusals))
            case .configured: .configured(from: try get(.from), to: try get(.to))
            case .expired, .evicted, .invalidated, .replaced:
                .removed(
                    RemovalCause(rawValue: word.rawValue)!, version: try get(.version),
                    age: try duration(.age), hits: try get(.hits))
            }
        self.init(
            cache: try get(.cache), number: try get(.number), at: try get(.at),
            key: try values.decodeIfPresent(String.self, forKey: .key), kind: kind,
            by: try values.decodeIfPresent(Operator.self, forKey: .by),
            rival: try values.decodeIfPresent(String.self, forKey: .rival))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Name.self)
        try values.encode(cache, forKey: .cache)
        try values.encode(number, forKey: .number)
        try values.encode(at, forKey: .at)
        try values.encodeIfPresent(key, forKey: .key)
        try values.encodeIfPresent(by, forKey: .by)
        try values.encodeIfPresent(rival, forKey: .rival)
        try values.encode(kind.word, forKey: .kind)
        switch kind {
        case .written(let version, let took, let bytes):
            try values.encode(version, forKey: .version)
            try values.encodeIfPresent(took, forKey: .took)
            try values.encode(bytes, forKey: .bytes)
        case .failed(let took, let failure, let reason):
            try values.encode(took, forKey: .took)
            try values.encode(failure, forKey: .failure)
            try values.encode(reason, forKey: .reason)
        case .removed(_, let version, let age, let hits):
            try values.encode(version, forKey: .version)
            try values.encode(age, forKey: .age)
            try values.encode(hits, forKey: .hits)
        case .oversized(let bytes):
            try values.encode(bytes, forKey: .bytes)
        case .softened(let version):
            try values.encode(version, forKey: .version)
        case .restored(let version):
            try values.encode(version, forKey: .version)
        case .forgotten(let failures, let refusals):
            try values.encode(failures, forKey: .failures)
            try values.encode(refusals, forKey: .refusals)
        case .configured(let from, let to):
            try values.encode(from, forKey: .from)
            try values.encode(to, forKey: .to)
        }
    }
}

extension EventKind {
    /// What happened, in a word: as it stands in JSON, in filters and on screen.
    public enum Word: String, Hashable, Sendable, Codable, CaseIterable {
        /// Each is the kind of the same name.
        case written, failed, oversized, softened, restored, forgotten, configured
        /// A fetch found that there is no such thing: ``FailureKind/absent``.
        case absent
        /// An entry left, by this ``RemovalCause``.
        case expired, evicted, invalidated, replaced
    }

    /// Its word; of what was removed, the cause.
    public var word: Word {
        switch self {
        case .written: .written
        case .failed(_, let kind, _): kind == .absent ? .absent : .failed
        case .removed(let cause, _, _, _): Word(rawValue: cause.rawValue)!
        case .oversized: .oversized
        case .softened: .softened
        case .restored: .restored
        case .forgotten: .forgotten
        case .configured: .configured
        }
    }
}

/// Plain JSON, as it is encoded; the order of an object's members is not kept by JSON, so they come
/// out by name.
extension Shown: Decodable {
    public init(from decoder: any Decoder) throws {
        if let fields = try? decoder.singleValueContainer().decode([String: Shown].self) {
            self = .fields(fields.sorted { $0.key < $1.key }.map { Field($0.key, $0.value) })
            return
        }
        if let items = try? decoder.singleValueContainer().decode([Shown].self) {
            self = .list(items)
            return
        }
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let text = try? value.decode(String.self) {
            let mark = decoder.userInfo[PlainJSON.mark] as? String
            let digits = mark.flatMap { text.hasPrefix($0) ? text.dropFirst($0.count) : nil }
            self = digits.map { .number(String($0)) } ?? .text(text)
        } else {
            self = .number("\(try value.decode(Decimal.self))")
        }
    }
}
