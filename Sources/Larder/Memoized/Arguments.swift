/// The arguments of one call, as a key: equal where each is.
///
/// It is shown as the call is written, `("123456789012", 2)`: text in quotes, so that no two look
/// alike.
public struct Arguments<each Argument: Hashable & Sendable>: Hashable, Sendable {
    /// In the order of the function's parameters.
    public let values: (repeat each Argument)

    /// In the order of the function's parameters.
    public init(_ values: repeat each Argument) { self.values = (repeat each values) }

    public static func == (a: Self, b: Self) -> Bool {
        for (a, b) in repeat (each a.values, each b.values) {
            if a != b { return false }
        }
        return true
    }

    public func hash(into hasher: inout Hasher) {
        repeat (each values).hash(into: &hasher)
    }
}

extension Arguments: CustomStringConvertible {
    public var description: String {
        var texts: [String] = []
        for value in repeat each values {
            texts.append(value is any StringProtocol ? String(reflecting: value) : "\(value)")
        }
        return "(\(texts.joined(separator: ", ")))"
    }
}

extension Arguments: ByteSized {
    /// What the arguments own that tell their size; the others count as 0.
    public var heapBytes: Int {
        var bytes = 0
        for value in repeat each values { bytes += (value as? any ByteSized)?.heapBytes ?? 0 }
        return bytes
    }
}
