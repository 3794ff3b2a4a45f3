package import Larder
package import LarderInspector

/// The bounds of a what-if as parameters of a request.
package enum WhatIfBounds {
    /// The parameters there are.
    package static let names: [(name: String, about: String)] = [
        ("maxsize", "Most entries, or none; as they are now where it is left out."),
        ("maxbytes", "Most bytes, such as 64M, or none; as now where it is left out."),
        ("ttl", "A duration, such as 300 or 5m, or none; as now where it is left out."),
        ("policy", "A policy, such as lru; the present one where it is left out."),
    ]

    /// How they are written, as far as a regular expression says it.
    package static let patterns = [
        "maxsize": "^(none|off|[1-9][0-9]{0,7})$",
        "maxbytes": "^(none|off|[1-9][0-9]{0,8}[KMG]?)$",
        "ttl": "^(none|off|[1-9][0-9]{0,5}(ms|s|m|h)?)$",
        "policy": "^(\(Policy.names.joined(separator: "|")))$",
    ]

    /// Bounds as parameters.
    package static func parameters(_ bounds: CacheConfiguration) -> [(String, String)] {
        func text(_ number: Int?) -> String { number.map { $0 == 0 ? "off" : "\($0)" } ?? "none" }
        let ttl = bounds.ttl.map { $0 == .zero ? "off" : "\(max(1, $0.nanoseconds / 1_000_000))ms" }
        return [
            ("maxsize", text(bounds.maxsize)), ("maxbytes", text(bounds.maxbytes)),
            ("ttl", ttl ?? "none"), ("policy", "\(bounds.policy)"),
        ]
    }

    /// Bounds with what is named put in.
    ///
    /// - Throws: `UnitError` where a value is none of its kind.
    package static func applied(
        _ named: [(String, String)], to present: CacheConfiguration
    ) throws(UnitError) -> CacheConfiguration {
        var bounds = present
        for (name, text) in named {
            switch name {
            case "maxsize": bounds.maxsize = try Units.maxsize(text)
            case "maxbytes": bounds.maxbytes = try Units.maxbytes(text)
            case "ttl": bounds.ttl = try Units.ttl(text)
            default: bounds.policy = try Units.policy(text)
            }
        }
        // There is nothing then that it could shorten.
        if bounds.ttl == nil { bounds.jitter = 0 }
        return bounds
    }
}
