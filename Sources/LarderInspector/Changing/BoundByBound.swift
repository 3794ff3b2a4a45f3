package import Larder

/// One of a cache's bounds.
private struct Bound: Sendable {
    let name: String
    let isSame: @Sendable (CacheConfiguration, CacheConfiguration) -> Bool
    let copy: @Sendable (_ from: CacheConfiguration, _ to: inout CacheConfiguration) -> Void

    init<Value: Equatable & SendableMetatype>(
        _ name: String, _ path: any WritableKeyPath<CacheConfiguration, Value> & Sendable
    ) {
        self.name = name
        isSame = { $0[keyPath: path] == $1[keyPath: path] }
        copy = { $1[keyPath: path] = $0[keyPath: path] }
    }

    static let all = [
        Bound("maxsize", \.maxsize), Bound("maxbytes", \.maxbytes), Bound("ttl", \.ttl),
        Bound("jitter", \.jitter), Bound("policy", \.policy), Bound("stale", \.staleIfError),
        Bound("negative", \.negativeTTL),
    ]
}

extension CacheConfiguration {
    /// These bounds, with each one that differs between `before` and `after` taken from `after`:
    /// what somebody else has changed beside them stays.
    package func taking(from before: CacheConfiguration, to after: CacheConfiguration) -> Self {
        var bounds = self
        for bound in Bound.all where !bound.isSame(before, after) { bound.copy(after, &bounds) }
        return bounds
    }

    /// These bounds, with each one that a change has set from `old` to `new` back at its old value;
    /// and the names of those that are neither any more, since somebody else has set them.
    func goingBack(
        from new: CacheConfiguration, to old: CacheConfiguration
    ) -> (bounds: CacheConfiguration, others: [String]) {
        var (bounds, others) = (self, [String]())
        for bound in Bound.all where !bound.isSame(old, new) {
            if bound.isSame(self, new) {
                bound.copy(old, &bounds)
            } else if !bound.isSame(self, old) {
                others.append(bound.name)
            }
        }
        // A jitter needs a ttl: where one of the two would stand alone, both stay.
        if bounds.jitter > 0, bounds.ttl == nil {
            others.append(ttl == nil ? "jitter" : "ttl")
            (bounds.ttl, bounds.jitter) = (ttl, jitter)
        }
        return (bounds, others)
    }
}
