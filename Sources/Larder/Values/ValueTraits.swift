/// A value that knows when it ends: a cache never serves it from then on, whatever its ttl.
public protocol Expiring {
    /// The first instant at which the value is no longer good; `nil` where it has no end. Of a date
    /// ``AgeClock/instant(of:)`` is the instant.
    var expiry: AgeInstant? { get }
}

/// A value that must not be kept a moment longer than it is needed: once its entry is removed it
/// is dropped, and there is no undoing that.
public protocol Sensitive {}
