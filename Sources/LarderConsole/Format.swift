import Foundation
import Larder
import LarderInspector

/// Numbers as the console writes them: short, of steady width, never misleading by rounding.
enum Format {
    /// Time passed, in two units: `0.2s`, `53s`, `3m53s`, `2h10m`, `4d03h`.
    static func age(_ age: Duration) -> String {
        let seconds = max(0, age.inSeconds)
        let whole = Int(clamping: seconds.rounded(.down))
        if seconds < 10 { return Units.text((seconds * 10).rounded(.down) / 10, digits: 1) + "s" }
        if whole < 60 { return "\(whole)s" }
        if whole < 3600 { return "\(whole / 60)m\(Units.twoDigits(whole % 60))s" }
        if whole < 86400 { return "\(whole / 3600)h\(Units.twoDigits(whole / 60 % 60))m" }
        return "\(whole / 86400)d\(Units.twoDigits(whole / 3600 % 24))h"
    }

    /// A duration of work: `340us`, `31ms`, `1.2s`.
    static func took(_ time: Duration) -> String {
        let seconds = time.inSeconds
        if seconds < 0.001 { return Units.text(seconds * 1e6, digits: 0) + "us" }
        if seconds < 1 {
            return Units.text(seconds * 1e3, digits: seconds < 0.01 ? 1 : 0) + "ms"
        }
        return Units.text(seconds, digits: 1) + "s"
    }

    /// A count with its thousands apart, in at most seven characters; from a million on shortened.
    static func count(_ number: UInt64) -> String {
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

    static func count(_ number: Int) -> String { count(UInt64(clamping: number)) }

    /// A count in at most six characters.
    static func brief(_ number: UInt64) -> String {
        (100_000..<1_000_000).contains(number) ? "\(number / 1000)K" : count(number)
    }

    /// Things a second: `812/s`, `2.1/s`, `0/s`.
    static func rate(_ perSecond: Double) -> String {
        guard perSecond >= 0.05 else { return "0/s" }
        if perSecond < 9.95 { return Units.text(perSecond, digits: 1) + "/s" }
        return count(UInt64(clamping: perSecond)) + "/s"
    }

    /// A share of one: `97.3%`; 100 % only where it is all.
    static func percent(_ share: Double?) -> String {
        guard let share else { return "-" }
        if share < 1 { return Units.text(min(share * 100, 99.9), digits: 1) + "%" }
        return "100%"
    }

    /// A time of day, `14:07:02`.
    static func time(_ date: Date, secondsFromUTC: Int) -> String {
        let day = 86_400
        let passed = date.timeIntervalSince1970.rounded(.down)
            .truncatingRemainder(dividingBy: Double(day))
        let seconds = (Int(clamping: passed) + secondsFromUTC % day + 2 * day) % day
        return [seconds / 3600, seconds / 60 % 60, seconds % 60].map(Units.twoDigits)
            .joined(separator: ":")
    }
}
