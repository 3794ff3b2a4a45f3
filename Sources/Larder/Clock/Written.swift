/// How times are written down: instants as times of day in RFC 3339, in UTC, and durations in seconds.
/// Both keep every nanosecond, durations those of up to 97 days.
extension AgeInstant: Codable {
    /// When the age line began, in nanoseconds since 1970. Only who writes or reads an instant
    /// knows this, and by it the instant's time of day.
    @TaskLocal package static var epoch: Int64 = 0

    /// In the last year that can be written: no end.
    private static let never = "9999-12-31T23:59:59.999999999Z"

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let instant = AgeInstant(timeOfDay: text) else {
            throw DecodingError.dataCorruptedError(
                in: container,
                debugDescription: "\"\(text)\" is no time as in RFC 3339, in UTC; "
                    + "2026-03-29T12:00:00.000000000Z is one")
        }
        self = instant
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(timeOfDay)
    }

    /// `2026-03-29T12:00:00.123456789Z`.
    package var timeOfDay: String {
        if self == .distantFuture { return Self.never }
        // A sum of two may be beyond 64 bits.
        let (seconds, fraction) = (Int128(nanoseconds) + Int128(Self.epoch))
            .flooring(by: 1_000_000_000)
        let (days, second) = seconds.flooring(by: 86400)
        let (year, month, day) = Self.date(days)
        func text(_ number: Int64, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        return text(year, 4) + "-" + text(month, 2) + "-" + text(day, 2) + "T"
            + text(second / 3600, 2) + ":" + text(second / 60 % 60, 2) + ":"
            + text(second % 60, 2) + "." + text(fraction, 9) + "Z"
    }

    /// `nil` where the text is not such a time. A fraction may be left out or be shorter; what lies
    /// beyond the age line is held at its ends.
    package init?(timeOfDay text: String) {
        if text == Self.never {
            self = .distantFuture
            return
        }
        let bytes = Array(text.utf8)
        func number(_ place: Int, _ width: Int) -> Int64? {
            guard place + width <= bytes.count else { return nil }
            return bytes[place..<place + width].reduce(Int64?(0)) { sum, byte in
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    ? sum.map { $0 * 10 + Int64(byte - UInt8(ascii: "0")) } : nil
            }
        }
        let signs: [(place: Int, sign: UInt8)] = [
            (4, UInt8(ascii: "-")), (7, UInt8(ascii: "-")), (10, UInt8(ascii: "T")),
            (13, UInt8(ascii: ":")), (16, UInt8(ascii: ":")),
        ]
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"),
            signs.allSatisfy({ bytes[$0.place] == $0.sign }),
            let year = number(0, 4), let month = number(5, 2), let day = number(8, 2),
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        let digits = bytes.count - 21
        if digits != -1 {
            guard (1...9).contains(digits), bytes[19] == UInt8(ascii: "."),
                let part = number(20, digits)
            else { return nil }
            fraction = (digits..<9).reduce(part) { part, _ in part * 10 }
        }
        let seconds =
            Self.days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
        let since = Int128(seconds) * 1_000_000_000 + Int128(fraction) - Int128(Self.epoch)
        self.init(nanoseconds: Int64(clamping: since))
    }

    // Howard Hinnant's algorithms: years begin in March, and 400 of them have 146097 days.

    private static func date(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, ofEra) = (days + 719_468).flooring(by: 146_097)
        let year = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * month + 2) / 5 + 1
        return (year + era * 400 + (month < 10 ? 0 : 1), month < 10 ? month + 3 : month - 9, day)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let (era, ofEra) = (month > 2 ? year : year - 1).flooring(by: 400)
        let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }
}

extension SignedInteger {
    /// The quotient rounded down, and what is left: both of few digits here.
    fileprivate func flooring(by divisor: Self) -> (quotient: Int64, rest: Int64) {
        let (quotient, rest) = quotientAndRemainder(dividingBy: divisor)
        return rest < 0
            ? (Int64(quotient) - 1, Int64(rest + divisor)) : (Int64(quotient), Int64(rest))
    }
}

extension Duration {
    /// `nil` where it is no number, or beyond the 292 years of ``nanoseconds``.
    fileprivate init?(seconds: Double) {
        guard abs(seconds) <= 9_223_372_037 else { return nil }
        // The fraction by itself has more digits than behind a whole number.
        let (whole, fraction) = (seconds.rounded(.down), (seconds - seconds.rounded(.down)) * 1e9)
        guard abs(whole) < 9_223_372_036 else {
            self = .nanoseconds(seconds < 0 ? Int64.min : Int64.max)
            return
        }
        self = .seconds(Int64(whole)) + .nanoseconds(Int64(fraction.rounded()))
    }
}

// The standard library writes two halves of a 128-bit number of attoseconds.
extension KeyedEncodingContainer {
    package mutating func encode(_ duration: Duration, forKey key: Key) throws {
        try encode(duration.inSeconds, forKey: key)
    }

    package mutating func encodeIfPresent(_ duration: Duration?, forKey key: Key) throws {
        try encodeIfPresent(duration?.inSeconds, forKey: key)
    }
}

extension KeyedDecodingContainer {
    package func decode(_: Duration.Type, forKey key: Key) throws -> Duration {
        guard let duration = Duration(seconds: try decode(Double.self, forKey: key)) else {
            throw DecodingError.dataCorruptedError(
                forKey: key, in: self,
                debugDescription: "this is no number of seconds, up to 9223372036")
        }
        return duration
    }

    package func decodeIfPresent(_: Duration.Type, forKey key: Key) throws -> Duration? {
        guard contains(key), try !decodeNil(forKey: key) else { return nil }
        return try decode(Duration.self, forKey: key)
    }
}
