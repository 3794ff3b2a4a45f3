public import FoundationEssentials

/// A value that says what an inspector may see of it.
public protocol Inspectable {
    /// What is seen of it. It is asked for in the engine's process, each time that somebody looks.
    var shown: Shown { get }
}

extension String: Inspectable {
    /// The text as it is.
    public var shown: Shown { .text(self) }
}

extension Bool: Inspectable {
    /// `true` or `false`, as JSON has them.
    public var shown: Shown { .bool(self) }
}

extension BinaryInteger where Self: Inspectable {
    /// A number with all its digits.
    public var shown: Shown { .number(description) }
}

extension Int: Inspectable {}
extension Int8: Inspectable {}
extension Int16: Inspectable {}
extension Int32: Inspectable {}
extension Int64: Inspectable {}
extension UInt: Inspectable {}
extension UInt8: Inspectable {}
extension UInt16: Inspectable {}
extension UInt32: Inspectable {}
extension UInt64: Inspectable {}

extension BinaryFloatingPoint where Self: Inspectable & LosslessStringConvertible {
    /// What is not finite is text.
    public var shown: Shown { isFinite ? .number(description) : .text(description) }
}

extension Float: Inspectable {}
extension Double: Inspectable {}

extension Decimal: Inspectable {
    /// A number with all its digits; what is not a number is text.
    public var shown: Shown { isNaN ? .text("nan") : .number(description) }
}

extension Date: Inspectable {
    /// RFC 3339, in UTC, to the millisecond.
    public var shown: Shown {
        .text(formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }
}

extension UUID: Inspectable {
    /// The usual 36 characters, in capitals.
    public var shown: Shown { .text(uuidString) }
}

extension URL: Inspectable {
    /// Without a user, a password and a query, which may hold secrets.
    public var shown: Shown {
        guard var parts = URLComponents(url: self, resolvingAgainstBaseURL: true) else {
            return .masked
        }
        (parts.user, parts.password, parts.fragment) = (nil, nil, nil)
        if parts.query != nil { parts.query = "…" }
        return .text(parts.string?.withoutPercents ?? parts.path)
    }
}

extension Optional: Inspectable where Wrapped: Inspectable {
    /// `null` where there is nothing.
    public var shown: Shown { map(\.shown) ?? .null }
}

extension Array: Inspectable where Element: Inspectable {
    /// The elements, in their order.
    public var shown: Shown { .list(map(\.shown)) }
}

extension Set: Inspectable where Element: Inspectable {
    /// In the order of what is shown: two looks at one set are alike.
    public var shown: Shown { .list(map(\.shown).sorted { "\($0)" < "\($1)" }) }
}

extension Dictionary: Inspectable where Key == String, Value: Inspectable {
    /// In the order of the names.
    public var shown: Shown {
        .fields(sorted { $0.key < $1.key }.map { Shown.Field($0.key, $0.value.shown) })
    }
}

// MARK: Writing what is shown

extension Shown {
    /// There is something, and nobody who looks gets to see it.
    public static let masked = Shown.text("(masked)")
}

extension Shown: ExpressibleByStringInterpolation {
    /// A text.
    public init(stringLiteral text: String) { self = .text(text) }
}

extension Shown: ExpressibleByIntegerLiteral {
    /// A number with all its digits.
    public init(integerLiteral number: Int) { self = number.shown }
}

extension Shown: ExpressibleByFloatLiteral {
    /// A number; text where it is not finite.
    public init(floatLiteral number: Double) { self = number.shown }
}

extension Shown: ExpressibleByBooleanLiteral {
    /// A truth value.
    public init(booleanLiteral bool: Bool) { self = .bool(bool) }
}

extension Shown: ExpressibleByArrayLiteral {
    /// Parts without names, in their order.
    public init(arrayLiteral items: Shown...) { self = .list(items) }
}

extension Shown: ExpressibleByDictionaryLiteral {
    /// Named parts, in the order in which they are written.
    public init(dictionaryLiteral parts: (String, Shown)...) {
        self = .fields(parts.map { Shown.Field($0.0, $0.1) })
    }
}
