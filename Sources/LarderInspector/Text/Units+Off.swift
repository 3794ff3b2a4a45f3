import Larder

// Bounds that may be off: nothing is served past its end, no absence is remembered, no life differs.

extension Units {
    /// A time that may be none at all, such as `stale` and `negative`: a duration, or `off`.
    public static func reserve(_ text: String) throws(UnitError) -> Duration {
        if text == "off" { return .zero }
        do { return try duration(text) } catch { throw UnitError("\(error), or off") }
    }

    /// A jitter: a share, or `off` for none.
    public static func jitter(_ text: String) throws(UnitError) -> Double {
        if text == "off" { return 0 }
        do { return try share(text) } catch { throw UnitError("\(error), or off") }
    }

    /// As ``reserve(_:)`` reads it.
    public static func text(reserve: Duration) -> String {
        reserve == .zero ? "off" : text(reserve)
    }

    /// As ``jitter(_:)`` reads it: `off`, `10%`, `0.5%`.
    public static func text(jitter: Double) -> String {
        guard jitter > 0 else { return "off" }
        let digits = text(jitter * 100, digits: 3)
        guard digits.contains(where: { ("1"..."9").contains($0) }) else { return "\(jitter)" }
        var short = Substring(digits)
        while short.last == "0" { short.removeLast() }
        if short.last == "." { short.removeLast() }
        return short + "%"
    }
}

/// Names as part of a sentence: one is never told that "there are" one.
package enum Words {
    /// `there is one: demo`, `there are accounts, credentials`, `there is none`.
    package static func there(are names: [String]) -> String {
        switch names.count {
        case 0: "there is none"
        case 1: "there is one: \(names[0])"
        default: "there are \(names.joined(separator: ", "))"
        }
    }
}
