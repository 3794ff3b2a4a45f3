package import FoundationEssentials
import Larder

/// Figures as people read them, the same in the console and in what the commands print: short, of
/// steady width, never misleading by rounding.
///
/// A time is written in its two largest units, `44s`, `11m04s`, `2h10m`, `4d03h`: what has passed is
/// rounded down, what is left up. Only how long a piece of work took has parts of a second.
package enum Format {
    /// Time passed: `0s`, `53s`, `3m53s`, `2h10m`, `4d03h`.
    package static func age(_ age: Duration) -> String {
        span(seconds: max(0, age.nanoseconds) / 1_000_000_000)
    }

    /// The larger of a time's two units: `11m` of `11m04s`.
    package static func largestUnit(_ time: String) -> String {
        time.firstIndex { $0.isLetter }.map { String(time[...$0]) } ?? time
    }

    /// Time left; `-` for no end. `0s` is shown if and only if the time is over.
    package static func left(_ left: Duration?) -> String {
        guard let left else { return "-" }
        let nanoseconds = max(0, left.nanoseconds)
        return span(
            seconds: nanoseconds / 1_000_000_000 + (nanoseconds % 1_000_000_000 > 0 ? 1 : 0))
    }

    private static func span(seconds: Int64) -> String {
        func pair(_ large: Int64, _ first: String, _ small: Int64, _ second: String) -> String {
            "\(large)\(first)\(Units.twoDigits(small))\(second)"
        }
        return switch seconds {
        case ..<60: "\(seconds)s"
        case ..<3600: pair(seconds / 60, "m", seconds % 60, "s")
        case ..<86400: pair(seconds / 3600, "h", seconds / 60 % 60, "m")
        default: pair(seconds / 86400, "d", seconds / 3600 % 24, "h")
        }
    }

    /// How long a piece of work took: `340us`, `31ms`, `1.2s`, `1m15s`.
    package static func took(_ time: Duration) -> String {
        let seconds = time.inSeconds
        if seconds < 0.0009995 { return Units.text(seconds * 1e6, digits: 0) + "us" }
        if seconds < 0.9995 {
            return Units.text(seconds * 1e3, digits: seconds < 0.00995 ? 1 : 0) + "ms"
        }
        return seconds < 59.95 ? Units.text(seconds, digits: 1) + "s" : age(time)
    }

    /// A number of bytes with its unit, in at most eight characters: `276 B`, `8.4 KiB`, `128 KiB`.
    package static func bytes(_ bytes: Int) -> String {
        var amount = Double(bytes)
        for unit in ["B", "KiB", "MiB", "GiB", "TiB"] {
            if abs(amount) < 999.5 {
                let digits = unit == "B" || abs(amount) >= 9.95 ? 0 : 1
                return Units.text(amount, digits: digits) + " " + unit
            }
            amount /= 1024
        }
        return Units.text(amount, digits: 0) + " PiB"
    }

    /// A count with its thousands apart, in at most seven characters; from a million on shortened.
    package static func count(_ number: UInt64) -> String {
        if number >= 999_950_000 { return Units.text(Double(number) / 1e9, digits: 1) + "G" }
        if number >= 1_000_000 { return Units.text(Double(number) / 1e6, digits: 1) + "M" }
        var digits = Array(String(number))
        var place = digits.count - 3
        while place > 0 {
            digits.insert(",", at: place)
            place -= 3
        }
        return String(digits)
    }

    package static func count(_ number: Int) -> String {
        (number < 0 ? "-" : "") + count(UInt64(number.magnitude))
    }

    /// A count in at most six characters.
    package static func brief(_ number: UInt64) -> String {
        (100_000..<1_000_000).contains(number) ? "\(number / 1000)K" : count(number)
    }

    /// Things a second: `812/s`, `2.1/s`, `0/s`.
    package static func rate(_ perSecond: Double) -> String {
        guard perSecond >= 0.05 else { return "0/s" }
        if perSecond < 9.95 { return Units.text(perSecond, digits: 1) + "/s" }
        return count(UInt64(clamping: perSecond)) + "/s"
    }

    /// Things a second where one a minute counts: `0.02`, `2.1`, `812`; `0` only where there is
    /// none, `-` where that is not known.
    package static func perSecond(_ rate: Double?) -> String {
        guard let rate else { return "-" }
        if rate <= 0 || rate.isNaN { return "0" }
        if rate < 0.995 { return Units.text(max(rate, 0.01), digits: 2) }
        if rate < 9.95 { return Units.text(rate, digits: 1) }
        return count(UInt64(clamping: rate))
    }

    /// A share of one: `97.3%`; 100 % only where it is all, and 0 only where it is nothing.
    package static func percent(_ share: Double?) -> String {
        guard let share, !share.isNaN else { return "-" }
        if share >= 1 { return "100%" }
        if share > 0, share < 0.0005 { return "<0.1%" }
        return Units.text(min(share * 100, 99.9), digits: 1) + "%"
    }

    /// A time of day, `14:07:02`.
    package static func time(_ date: Date, secondsFromUTC: Int) -> String {
        let day = 86_400
        let passed = date.timeIntervalSince1970.rounded(.down)
            .truncatingRemainder(dividingBy: Double(day))
        let seconds = (Int(clamping: passed) + secondsFromUTC % day + 2 * day) % day
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map(Units.twoDigits)
            .joined(separator: ":")
    }
}
