/// The rule by which a full cache names the entry to evict.
///
/// Written as text: `lru`, `fifo`, `lfu`, `rr`, `sieve`, `s3fifo` or `tinylfu`; `lfu` takes
/// `age=none`, `rr` takes `seed=N`, as in `lfu,age=none`.
public enum Policy: Hashable, Sendable {
    /// The least recently used goes.
    case lru
    /// The oldest write goes.
    case fifo
    /// The least often used goes, among equals the least recently used. Where it `ages`, counts
    /// halve every 10 x maxsize look-ups, so that what was popular once does not stay for ever.
    case lfu(ages: Bool = true)
    /// Any goes; the same `seed` makes the same choices.
    case rr(seed: UInt64? = nil)
    /// SIEVE (Zhang et al., NSDI'24): the hand passes over what was hit since it last came by.
    case sieve
    /// S3-FIFO (Yang et al., SOSP'23): a small queue sifts out what is wanted only once.
    case s3fifo
    /// W-TinyLFU (Einziger et al., 2017): who is asked for more often stays; its window adapts.
    case tinylfu

    /// The same as `.lfu()`: counts age.
    public static var lfu: Policy { .lfu() }
    /// The same as `.rr()`: no two caches make the same choices.
    public static var rr: Policy { .rr() }
}

extension Policy: CustomStringConvertible, LosslessStringConvertible, Codable {
    /// The names by which policies are written, without their options.
    public static let names = ["lru", "fifo", "lfu", "rr", "sieve", "s3fifo", "tinylfu"]

    public var description: String {
        switch self {
        case .lru: "lru"
        case .fifo: "fifo"
        case .lfu(let ages): ages ? "lfu" : "lfu,age=none"
        case .rr(let seed): seed.map { "rr,seed=\($0)" } ?? "rr"
        case .sieve: "sieve"
        case .s3fifo: "s3fifo"
        case .tinylfu: "tinylfu"
        }
    }

    /// The policy that is written as `text`, such as `lru` or `rr,seed=7`; `nil` where it is
    /// unknown.
    public init?(_ text: String) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let option = parts.count == 2 ? parts[1] : ""
        guard parts.count <= 2, let name = parts.first else { return nil }
        switch (name, option) {
        case ("lru", "") where parts.count == 1: self = .lru
        case ("fifo", "") where parts.count == 1: self = .fifo
        case ("lfu", "") where parts.count == 1: self = .lfu()
        case ("lfu", "age=none"): self = .lfu(ages: false)
        case ("rr", "") where parts.count == 1: self = .rr()
        case ("rr", _) where option.hasPrefix("seed="):
            guard let seed = UInt64(option.dropFirst(5)) else { return nil }
            self = .rr(seed: seed)
        case ("sieve", "") where parts.count == 1: self = .sieve
        case ("s3fifo", "") where parts.count == 1: self = .s3fifo
        case ("tinylfu", "") where parts.count == 1: self = .tinylfu
        default: return nil
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let policy = Policy(text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "policy \"\(text)\" is unknown; \(Policy.accepted) are accepted")
        }
        self = policy
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// What may be written, as a sentence's part.
    public static let accepted = names.joined(separator: ", ") + ", lfu,age=none and rr,seed=N"
}
