import FoundationEssentials
public import Larder

/// How people write durations, sizes and bounds: the same in the console, in flags and on the wire.
public enum Units {
    /// `300s`, `5m`, `1h30m`, `1d`, `250ms`: whole numbers with a unit each, larger units first; a
    /// bare number is seconds, as in `ttl_cache(ttl=300)`.
    public static func duration(_ text: String) throws(UnitError) -> Duration {
        let accepted = "write it like 300s, 5m, 1h30m or 250ms"
        let units: [(name: String, milliseconds: Int64)] = [
            ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
        ]
        var rest = Substring(whole(text) == nil ? text : text + "s")
        var total: Int64 = 0
        var next = 0
        while let (amount, unit) = part(&rest) {
            guard let place = units.indices.first(where: { $0 >= next && units[$0].name == unit })
            else { throw UnitError("\"\(text)\" is not a duration; \(accepted)") }
            let (product, tooLarge) = amount.multipliedReportingOverflow(
                by: units[place].milliseconds)
            let (sum, beyond) = total.addingReportingOverflow(product)
            if tooLarge || beyond || sum > longest {
                throw UnitError("\"\(text)\" is longer than 100 years; \(accepted)")
            }
            total = sum
            next = place + 1
        }
        guard next > 0, rest.isEmpty else {
            throw UnitError("\"\(text)\" is not a duration; \(accepted)")
        }
        return .milliseconds(total)
    }

    /// A hundred years, in milliseconds: nothing sensible is longer.
    private static let longest: Int64 = 100 * 366 * 86_400_000

    /// A time to live: a duration, `none` for no end, `off` to keep nothing.
    public static func ttl(_ text: String) throws(UnitError) -> Duration? {
        switch text {
        case "none": return nil
        case "off": return .zero
        default: break
        }
        let ttl: Duration
        do { ttl = try duration(text) } catch {
            throw UnitError("\(error), none for no end, or off to keep nothing")
        }
        guard ttl > .zero else {
            throw UnitError("a ttl of 0 keeps nothing; write off if that is meant")
        }
        return ttl
    }

    /// A bound in entries: a whole number from 1, `none` for no bound, `off` to keep nothing.
    public static func maxsize(_ text: String) throws(UnitError) -> Int? {
        switch text {
        case "none": return nil
        case "off": return 0
        default: break
        }
        guard let number = whole(text), number <= CacheConfiguration.largestMaxsize else {
            throw UnitError(
                "\"\(text)\" is not a maxsize; write a whole number from 1 to "
                    + "\(CacheConfiguration.largestMaxsize), none for no bound, or off to keep nothing"
            )
        }
        guard number > 0 else {
            throw UnitError("a maxsize of 0 keeps nothing; write off if that is meant")
        }
        return number
    }

    /// A bound in bytes: `512K`, `64M`, `2G`, a bare number of bytes, or `64 MiB` as it is shown;
    /// `none` for no bound, `off` to keep nothing.
    public static func maxbytes(_ text: String) throws(UnitError) -> Int? {
        switch text {
        case "none": return nil
        case "off": return 0
        default: break
        }
        guard let bytes = bytes(text) else {
            throw UnitError(
                "\"\(text)\" is not a size; write it like 512K, 64M or 2G, a bare number of bytes, "
                    + "none for no bound, or off to keep nothing")
        }
        guard bytes > 0 else {
            throw UnitError("a maxbytes of 0 keeps nothing; write off if that is meant")
        }
        return bytes
    }

    /// `276`, `512K`, `64M`, also as it is shown: `64 MiB`.
    static func bytes(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let rest = text.dropFirst(digits.count)
        let unit = (rest.hasPrefix(" ") ? rest.dropFirst() : rest).uppercased()
        guard let number = whole(String(digits)) else { return nil }
        if rest.isEmpty || unit == "B" { return number }
        let factors = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40]
        guard let factor = factors[unit.hasSuffix("IB") ? String(unit.dropLast(2)) : unit],
            number <= Int.max / factor
        else { return nil }
        return number * factor
    }

    /// A part of a whole: `0.1`, `10%`.
    public static func share(_ text: String) throws(UnitError) -> Double {
        let isPercent = text.hasSuffix("%")
        let digits = isPercent ? String(text.dropLast()) : text
        let isPlain = digits.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard isPlain, let number = Double(digits), (0...(isPercent ? 100 : 1)).contains(number)
        else { throw UnitError("\"\(text)\" is not a share; write it like 0.1 or 10%") }
        return isPercent ? number / 100 : number
    }

    /// How often: `20/s`, `100/m`, `5000/h`; a bare number is a second's.
    public static func rate(_ text: String) throws(UnitError) -> Double {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let seconds = ["s": 1.0, "m": 60.0, "h": 3600.0][parts.count == 2 ? parts[1] : "s"]
        let isPlain = parts[0].allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        guard let seconds, parts.count <= 2, isPlain, let number = Double(parts[0]),
            number.isFinite
        else { throw UnitError("\"\(text)\" is not a rate; write it like 20/s, 100/m or 5000/h") }
        return number / seconds
    }

    /// A policy by its name, with what it takes: `lru`, `lfu,age=none`, `rr,seed=7`.
    public static func policy(_ text: String) throws(UnitError) -> Policy {
        guard let policy = Policy(text) else {
            throw UnitError("\"\(text)\" is no policy; \(Policy.accepted) are accepted")
        }
        return policy
    }

    /// A whole number written in digits alone.
    private static func whole(_ text: String) -> Int? {
        text.allSatisfy { $0.isASCII && $0.isNumber } ? Int(text) : nil
    }

    /// The next number and its unit; `nil` where the text does not go on so.
    private static func part(_ rest: inout Substring) -> (Int64, String)? {
        let digits = rest.prefix { $0.isASCII && $0.isNumber }
        let unit = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
        guard let amount = Int64(digits), !unit.isEmpty else { return nil }
        rest = rest.dropFirst(digits.count + unit.count)
        return (amount, String(unit))
    }

    // MARK: Writing

    /// As ``duration(_:)`` reads it: `5m`, `1h30m`, `1h05m`.
    public static func text(_ duration: Duration) -> String {
        let milliseconds = duration.nanoseconds / 1_000_000
        if milliseconds < 1000 { return milliseconds == 0 ? "0s" : "\(milliseconds)ms" }
        var rest = milliseconds / 1000
        let parts = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")].compactMap {
            (seconds, unit) -> String? in
            let isFirst = rest == milliseconds / 1000
            let amount = rest / Int64(seconds)
            rest -= amount * Int64(seconds)
            return amount > 0 ? (isFirst ? "\(amount)" : twoDigits(amount)) + unit : nil
        }
        return parts.joined()
    }

    /// As ``ttl(_:)`` reads it: `7s500ms`, to the millisecond.
    public static func text(ttl: Duration?) -> String {
        guard let ttl else { return "none" }
        guard ttl > .zero else { return "off" }
        let milliseconds = ttl.nanoseconds / 1_000_000
        let rest = milliseconds % 1000
        if milliseconds == 0 { return "<1ms" }
        return text(ttl) + (milliseconds < 1000 || rest == 0 ? "" : "\(rest)ms")
    }

    /// As ``maxbytes(_:)`` reads it.
    package static func text(maxbytes: Int?) -> String {
        maxbytes.map { $0 == 0 ? "off" : Format.bytes($0) } ?? "none"
    }

    /// As ``maxsize(_:)`` reads it.
    public static func text(maxsize: Int?) -> String {
        maxsize.map { $0 == 0 ? "off" : "\($0)" } ?? "none"
    }

    /// A part of a clock: `07`.
    public static func twoDigits(_ number: some BinaryInteger) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }

    /// A number with so many digits behind its point, 15 in all at most. (`String(format:)` takes
    /// far longer, and the console writes hundreds in a frame.)
    public static func text(_ number: Double, digits: Int) -> String {
        let factor = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = (number.magnitude * factor).rounded()
        guard scaled < 1e15 else { return "\(number)" }
        let (whole, rest) = Int(scaled).quotientAndRemainder(dividingBy: Int(factor))
        let sign = number < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(whole)" }
        let behind = String(rest)
        return "\(sign)\(whole)." + String(repeating: "0", count: digits - behind.count) + behind
    }

    /// So many of something: `1 fetch`, `2 fetches`, `1 entry`, `12,000 entries`.
    public static func counted(_ count: Int, _ one: String, _ many: String? = nil) -> String {
        "\(Format.count(count)) \(count == 1 ? one : many ?? one + "s")"
    }

    /// A number of bytes in a sentence, as it stands everywhere: `276 B`, `13 KiB`.
    public static func words(bytes: Int) -> String { Format.bytes(bytes) }
}

/// Why a text could not be read as a number or word, with what would be accepted.
public struct UnitError: Error, Hashable, CustomStringConvertible {
    /// Why it could not be read, and what would be accepted, in a sentence.
    public let description: String
    /// - Parameter description: A sentence that says what would be accepted.
    public init(_ description: String) { self.description = description }
}

extension FixedWidthInteger {
    /// The whole number next to `number`, or the last on that side; 0 where it is not a number.
    package init(clamping number: Double) {
        let rounded = number.rounded()
        self =
            Self(exactly: rounded)
            ?? (rounded.isNaN ? 0 : rounded < 0 ? .min : .max)
    }
}

extension Duration {
    /// So many seconds, a hundred years at most; zero where it is not a number.
    package static func seconds(clamping seconds: Double) -> Duration {
        guard !seconds.isNaN else { return .zero }
        let longest = 100 * 366 * 86_400.0
        return .seconds(min(max(seconds, -longest), longest))
    }
}
