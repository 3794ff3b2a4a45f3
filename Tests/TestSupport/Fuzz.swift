import Foundation

/// What the fuzzers share: how many inputs each tries, and what has been the end of programs.
///
/// `LARDER_FUZZ=100000` is for a run by hand, which draws a seed of its own; `LARDER_SEED` repeats
/// one.
public enum Fuzz {
    private static let environment = ProcessInfo.processInfo.environment

    private static let wanted = environment["LARDER_FUZZ"].flatMap { Int($0) }

    public static let count = wanted ?? 2000

    /// Where it is usual to try another number of inputs than elsewhere.
    public static func count(usually: Int) -> Int { wanted ?? usually }

    /// Minutes that a suite may take; a run by hand may take as long as it likes.
    public static func minutes(_ usual: Int) -> Int { wanted == nil ? usual : 24 * 60 }

    /// Random numbers for one fuzzer, whose seed is printed.
    public static func random(_ name: String, usually: UInt64 = 20_261_126) -> Seeded {
        let drawn = wanted == nil ? usually : UInt64.random(in: .min ... .max)
        let seed = environment["LARDER_SEED"].flatMap { UInt64($0) } ?? drawn
        print("fuzzing \(name): LARDER_SEED=\(seed)")
        return Seeded(seed)
    }

    /// A number as somebody might write it who means no good.
    public static func number(using random: inout Seeded) -> String {
        let edges = [
            "0", "-0", "1", "-1", "9223372036854775807", "-9223372036854775808",
            "9223372036854775808", "-9223372036854775809", "18446744073709551615",
            "18446744073709551616", "2147483647", "-2147483648", "4294967295", "4294967296",
            "9007199254740993", "1e300", "-1e300", "1e-300", "1e308", "1e309", "nan", "inf",
            "-inf", "NaN", "Infinity", "0x10", "00", "1.5", ".5", "5.", "1e", "e1", "+1", "--1",
            "१२", "１", "1_000", "1,000", "", "99999999999999999999999999999999999999999",
            "100000000000", "-100000000000", "9223372036754775807", "9223371936854775807",
        ]
        let text = edges.randomElement(using: &random)!
        return Int.random(in: 0..<3, using: &random) > 0
            ? text
            : text + ["s", "m", "d", "ms", "K", "T", "%", "h1m", "Z", "\u{301}"]
                .randomElement(using: &random)!
    }

    /// A whole number at an edge or near it.
    public static func integer(using random: inout Seeded) -> Int64 {
        let edge: Int64 = [.min, .max, 0, 1 << 53, 1 << 31, -1 << 31, 1_000_000_000]
            .randomElement(using: &random)!
        return edge &+ Int64.random(in: -2...2, using: &random)
    }

    /// Texts that look alike or steer, separate or quote, in one.
    public static func text(_ longest: Int = 6, using random: inout Seeded) -> String {
        (0..<Int.random(in: 0...longest, using: &random)).map { _ in
            pieces.randomElement(using: &random)!
        }.joined()
    }

    private static let pieces = [
        "a", "b", "Z", "7", " ", "  ", "é", "e\u{301}", "\u{301}", "K", "\u{212a}", "Å", "\u{212b}",
        "A\u{30a}", "\u{37e}", ";", "`", "\u{1fef}", "\r", "\n", "\r\n", "\t", "\0", "\u{7f}",
        "\u{9b}", "\u{1b}[31m", "\u{202e}", "\u{2066}", "\u{200b}", "\u{200d}", "\u{feff}",
        "\u{2028}", "\u{2029}", "\u{e0041}", "\u{fe0f}", "👨‍👩‍👧", "🇩🇪", "กำ", "कि", "한", "\u{1160}",
        "\"", "'", "\\", "/", "\\/", ",", ".", "[", "]", "[\"", "\"]", "(", ")", "{", "}", "=", "+",
        "-", "--", "@", "!", "~", "<", ">", "!=", ":", "#", "%", "%2f", "&", "|", "*", "^", "$",
        "\u{2800}", "1\u{fe0f}", "\u{e0100}", "\u{180b}", "\u{70f}",
        String(repeating: "\u{301}", count: 9), "\u{20dd}", "\u{fff9}", "=1+1", "\u{1b}]0;t\u{7}",
        "and", "or", "not", "key", "hits", "state=", "ttl<5m", "帳", "\u{ac}", "\u{10ffff}", "ﬁ",
    ]

    /// Texts that are equal to Swift and are not the same bytes, each group by itself.
    public static let lookalikes: [[String]] = [
        ["café", "cafe\u{301}"], ["K", "\u{212a}"], ["Å", "A\u{30a}", "\u{212b}"],
        [";", "\u{37e}"], ["`", "\u{1fef}"], ["q\u{323}\u{307}", "q\u{307}\u{323}"],
        ["각", "\u{1100}\u{1161}\u{11a8}"], ["ǘ", "u\u{308}\u{301}", "ü\u{301}"],
    ]
}
