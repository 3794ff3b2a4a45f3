/// What a cache's keys and values say of themselves.
final class Traits<Key: Sendable, Value: Sendable>: Sendable {
    /// Whether values can end by themselves.
    let mayEnd: Bool
    /// Whether they say so themselves.
    let expires: Bool
    /// Whether a removed value may be kept for a while, for an undo.
    let mayComeBack: Bool
    let refresh: Refresh
    /// Whether entries are refreshed before their end.
    let refreshes: Bool
    /// When a value that is written now ends by itself.
    let expiry: @Sendable (Key, Value, AgeInstant) -> AgeInstant?
    /// All that an entry takes.
    let bytes: @Sendable (Key, Value) -> Int
    /// By which a value is compared with the one before; `nil` where its type is not `Hashable`, and
    /// where nothing of it may be kept.
    let fingerprint: (@Sendable (Value) -> UInt64)?
    /// A type whose values' size is not known; `nil` where there is no such type.
    private let unsized: String?

    init(
        lifetime: (@Sendable (Key, Value) -> Duration?)? = nil,
        weigher: (@Sendable (Key, Value) -> Int)? = nil, refresh: Refresh? = nil,
        foresight: Bool = true
    ) {
        self.refresh = refresh ?? Refresh()
        refreshes = refresh != nil
        let expires = Value.self is any Expiring.Type
        self.expires = expires
        let (keyIsSized, valueIsSized) = (
            Key.self is any ByteSized.Type, Value.self is any ByteSized.Type
        )
        let record = Slab<Key, Value>.stride + Self.overhead + (expires || lifetime != nil ? 32 : 0)
        mayEnd = expires || lifetime != nil
        mayComeBack = !(Value.self is any Sensitive.Type)
        let hash: @Sendable (Value) -> UInt64 = { value in
            UInt64(bitPattern: Int64((value as! any Hashable).hashValue))
        }
        fingerprint = foresight && Value.self is any Hashable.Type && mayComeBack ? hash : nil
        expiry = { key, value, now in
            let own = expires ? (value as! any Expiring).expiry : nil
            guard let life = lifetime?(key, value) else { return own }
            return min(own ?? .distantFuture, now + life)
        }
        unsized =
            weigher != nil || isSized(Key.self) && isSized(Value.self)
            ? nil : isSized(Key.self) ? "\(Value.self)" : "\(Key.self)"
        bytes = { key, value in
            // What a size function says is held to what can be true.
            if let weigher {
                let (bytes, overflow) = record.addingReportingOverflow(max(0, weigher(key, value)))
                return overflow ? .max : bytes
            }
            let key = keyIsSized ? max(0, (key as! any ByteSized).heapBytes) : 0
            let value = valueIsSized ? max(0, (value as! any ByteSized).heapBytes) : 0
            let (heap, overflow) = key.addingReportingOverflow(value)
            let (bytes, beyond) = record.addingReportingOverflow(heap)
            return overflow || beyond ? .max : bytes
        }
    }

    /// - Throws: ``CacheError`` where these bounds cannot be held.
    func validate(_ bounds: CacheConfiguration) throws(CacheError) {
        try bounds.validate()
        if bounds.maxbytes != nil, let unsized {
            throw CacheError(
                "maxbytes needs to know what is held, and \(unsized) does not tell its size; "
                    + "conform it to ByteSized or give the cache a weigher; maxsize needs neither")
        }
    }

    /// The engine's record of an entry beyond its slot: two links in the order of writes, two in
    /// the policy's, and a cell of the index, which is about two thirds full.
    private static var overhead: Int { 2 * 8 + 12 }
}
