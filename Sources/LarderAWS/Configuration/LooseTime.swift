import FoundationEssentials
import Glibc

/// A time in any of the forms that Python's `dateutil` takes, because botocore reads an
/// `Expiration` by it: ISO 8601 with a blank for the T, `str` of a Python date, what `date` prints,
/// the dates of mail and of the web, and many more.
///
/// The rules are its rules, token by token, so that whatever is read here is the same moment there.
/// Year, month, day, hour and a zone must all be there: `dateutil` would take what is missing from
/// today's date or the machine's zone, and a session ends neither today nor here by accident.
///
/// - Returns: `nil` where the text is not a time.
func looseTime(_ text: String, now: Date = Date()) -> Date? {
    guard let tokens = TimeTokens.split(text), tokens.count < 100 else { return nil }
    var reader = TimeReader(tokens: tokens, now: now)
    return try? reader.read()
}

/// Words, numbers and signs.
private enum TimeTokens {
    private enum State { case word, number, wordWithDot, numberWithDot }

    /// `nil` where there is a sign that is not ASCII.
    static func split(_ text: String) -> [String]? {
        guard text.utf8.allSatisfy({ $0 < 0x80 && $0 != 0 }) else { return nil }
        var rest = Substring(text)
        var tokens: [String] = []
        while let token = next(&rest) { tokens += token }
        return tokens
    }

    private static func isLetter(_ sign: Character) -> Bool { sign.isLetter }
    private static func isDigit(_ sign: Character) -> Bool { sign.isNumber }

    private static func next(_ rest: inout Substring) -> [String]? {
        guard let first = rest.popFirst() else { return nil }
        guard isLetter(first) || isDigit(first) else {
            return [first.isWhitespace ? " " : String(first)]
        }
        var state = isLetter(first) ? State.word : .number
        var token = String(first)
        var seenLetters = false
        while let sign = rest.first {
            if state == .word || state == .wordWithDot { seenLetters = true }
            let endsInDot = token.last == "."
            switch (state, sign) {
            case (.word, _) where isLetter(sign), (.number, _) where isDigit(sign),
                (.wordWithDot, _) where sign == "." || isLetter(sign),
                (.numberWithDot, _) where sign == "." || isDigit(sign):
                break
            case (.word, "."): state = .wordWithDot
            case (.number, "."): state = .numberWithDot
            case (.number, ",") where token.count >= 2: state = .numberWithDot
            case (.wordWithDot, _) where isDigit(sign) && endsInDot: state = .numberWithDot
            case (.numberWithDot, _) where isLetter(sign) && endsInDot: state = .wordWithDot
            default: return finished(token, state, seenLetters)
            }
            token.append(sign)
            rest.removeFirst()
        }
        return finished(token, state, seenLetters)
    }

    /// `21.11.2026` is three numbers, `12.5` one, and so is `12,5`.
    private static func finished(
        _ token: String, _ state: State, _ seenLetters: Bool
    ) -> [String] {
        guard state == .wordWithDot || state == .numberWithDot else { return [token] }
        let dots = token.count { $0 == "." }
        if seenLetters || dots > 1 || token.last == "." || token.last == "," {
            var parts = [""]
            for sign in token {
                if sign == "." || sign == "," {
                    parts += [String(sign), ""]
                } else {
                    parts[parts.count - 1].append(sign)
                }
            }
            return [parts[0]] + parts.dropFirst().filter { !$0.isEmpty }
        }
        return [dots == 0 ? token.replacing(",", with: ".") : token]
    }
}

private struct NoTime: Error {}

private struct TimeReader {
    private var tokens: [String]
    private let now: Date
    private var place = 0
    private var date = DateParts()
    private var hour: Int?
    private var minute = 0
    private var second = 0
    private var microsecond = 0
    private var zone: String?
    private var offset: Int?

    init(tokens: [String], now: Date) {
        self.tokens = tokens
        self.now = now
    }

    // MARK: Words

    private static let jumps: Set = [
        " ", ".", ",", ";", "-", "/", "'", "at", "on", "and", "ad", "m", "t", "of", "st", "nd",
        "rd",
        "th",
    ]
    private static let weekdays: Set = [
        "mon", "monday", "tue", "tuesday", "wed", "wednesday", "thu", "thursday", "fri", "friday",
        "sat", "saturday", "sun", "sunday",
    ]
    private static let months = [
        "jan": 1, "january": 1, "feb": 2, "february": 2, "mar": 3, "march": 3, "apr": 4, "april": 4,
        "may": 5, "jun": 6, "june": 6, "jul": 7, "july": 7, "aug": 8, "august": 8, "sep": 9,
        "sept": 9, "september": 9, "oct": 10, "october": 10, "nov": 11, "november": 11, "dec": 12,
        "december": 12,
    ]
    private static let units = [
        "h": 0, "hour": 0, "hours": 0, "m": 1, "minute": 1, "minutes": 1, "s": 2, "second": 2,
        "seconds": 2,
    ]
    private static let halves = ["am": 0, "a": 0, "pm": 1, "p": 1]
    private static let universal: Set = ["utc", "gmt", "z"]

    private func token(_ index: Int) -> String? {
        tokens.indices.contains(index) ? tokens[index] : nil
    }

    private func needed(_ index: Int) throws -> String {
        guard let token = token(index) else { throw NoTime() }
        return token
    }

    private func month(_ token: String?) -> Int? { token.flatMap { Self.months[$0.lowercased()] } }
    private func unit(_ token: String?) -> Int? { token.flatMap { Self.units[$0.lowercased()] } }
    private func half(_ token: String?) -> Int? { token.flatMap { Self.halves[$0.lowercased()] } }

    private func isJump(_ token: String?) -> Bool {
        token.map { Self.jumps.contains($0.lowercased()) } ?? false
    }

    /// A number as it stands: what is before the point and what is after it.
    private struct Number {
        var whole: Int
        var fraction: Substring

        /// `nil` where the text is no number that a time could hold.
        init?(_ text: String) {
            guard text.wholeMatch(of: /[0-9]+(\.[0-9]*)?/) != nil, text.count <= 30 else {
                return nil
            }
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            guard let whole = Int(parts[0]) else { return nil }
            self.whole = whole
            fraction = parts.count > 1 ? parts[1].prefix(15) : ""
        }

        /// The fraction, as so many of `units` as it holds in full.
        func part(of units: Int) -> Int {
            guard let digits = Int(fraction) else { return 0 }
            return fraction.reduce(digits * units) { rest, _ in rest / 10 }
        }

        var hasPart: Bool { fraction.contains { $0 != "0" } }
    }

    private func digits(_ text: some StringProtocol) throws -> Int {
        guard !text.isEmpty, text.allSatisfy(\.isNumber), let number = Int(text) else {
            throw NoTime()
        }
        return number
    }

    // MARK: Reading

    mutating func read() throws -> Date {
        while let token = token(place) {
            if token.first?.isNumber == true {
                try readNumber(token)
            } else if Self.weekdays.contains(token.lowercased()) {
                // The day of the month says more.
            } else if let month = month(token) {
                try readMonth(month)
            } else if let half = half(token) {
                guard let hour, (0...12).contains(hour) else { throw NoTime() }
                self.hour = Self.adjusted(hour, half)
            } else if isZone(token, offset: offset) {
                readZone(token)
            } else if hour != nil, token == "+" || token == "-" {
                try readOffset(token)
            } else if !isJump(token) {
                throw NoTime()
            }
            place += 1
        }
        return try finished()
    }

    private static func adjusted(_ hour: Int, _ half: Int) -> Int {
        if hour < 12, half == 1 { return hour + 12 }
        return hour == 12 && half == 0 ? 0 : hour
    }

    private mutating func readMonth(_ month: Int) throws {
        try date.append(month, as: .month)
        guard let sign = token(place + 1) else { return }
        if sign == "-" || sign == "/" {
            try date.append(text: needed(place + 2))
            if token(place + 3) == sign {
                try date.append(text: needed(place + 4))
                place += 2
            }
            place += 2
        } else if sign == " ", token(place + 3) == " ", token(place + 2)?.lowercased() == "of",
            let year = token(place + 4)
        {
            if year.allSatisfy(\.isNumber) {
                try date.append(text: "\(whole(digits(year), century: false))", as: .year)
            }
            place += 4
        }
    }

    private func isZone(_ token: String, offset: Int?) -> Bool {
        hour != nil && zone == nil && offset == nil && token.count <= 5
            && (token == "z" || token.allSatisfy { $0.isLetter && $0.isUppercase })
    }

    /// In `UTC+3` UTC is three hours ahead, so that the zone is three hours behind.
    private mutating func readZone(_ token: String) {
        zone = token
        guard let sign = self.token(place + 1), sign == "+" || sign == "-" else { return }
        tokens[place + 1] = sign == "+" ? "-" : "+"
        offset = nil
        if Self.universal.contains(token.lowercased()) { zone = nil }
    }

    private mutating func readOffset(_ sign: String) throws {
        let text = try needed(place + 1)
        let (hours, minutes): (Int, Int)
        if text.count == 4 {
            (hours, minutes) = (try digits(text.prefix(2)), try digits(text.dropFirst(2)))
        } else if token(place + 2) == ":" {
            (hours, minutes) = (try digits(text), try digits(needed(place + 3)))
            place += 2
        } else if text.count <= 2 {
            (hours, minutes) = (try digits(text), 0)
        } else {
            throw NoTime()
        }
        guard hours < 1000, minutes < 1000 else { throw NoTime() }
        offset = (sign == "+" ? 1 : -1) * (hours * 3600 + minutes * 60)
        // A name in brackets after it, as in mail.
        if isJump(token(place + 2)), token(place + 3) == "(", token(place + 5) == ")",
            let name = token(place + 4), name.count >= 3, isZone(name, offset: nil)
        {
            zone = name
            place += 4
        }
        place += 1
    }

    private mutating func readNumber(_ text: String) throws {
        guard let number = Number(text) else { throw NoTime() }
        let next = token(place + 1)
        if date.count == 3, [2, 4].contains(text.count), hour == nil,
            next == nil || next != ":" && unit(next) == nil
        {
            hour = try digits(text.prefix(2))
            if text.count == 4 { minute = try digits(text.dropFirst(2)) }
        } else if text.count == 6 || text.count > 6 && Array(text)[6] == "." {
            if date.count == 0, !text.contains(".") {
                try date.append(text: text.prefix(2))
                try date.append(text: text.dropFirst(2).prefix(2))
                try date.append(text: text.dropFirst(4))
            } else {
                hour = try digits(text.prefix(2))
                minute = try digits(text.dropFirst(2).prefix(2))
                try setSeconds(text.dropFirst(4))
            }
        } else if [8, 12, 14].contains(text.count) {
            try date.append(text: text.prefix(4), as: .year)
            try date.append(text: text.dropFirst(4).prefix(2))
            try date.append(text: text.dropFirst(6).prefix(2))
            if text.count > 8 {
                hour = try digits(text.dropFirst(8).prefix(2))
                minute = try digits(text.dropFirst(10).prefix(2))
            }
            if text.count > 12 { second = try digits(text.dropFirst(12)) }
        } else if let place = unitPlace() {
            try setByUnit(number, text, place)
        } else if next == ":", token(place + 2) != nil {
            try readClock(number)
        } else if let next, ["-", "/", "."].contains(next) {
            try readDate(text, next)
        } else if next == nil || isJump(next) {
            if let half = half(token(place + 2)) {
                hour = Self.adjusted(number.whole, half)
                place += 1
            } else {
                try date.append(number.whole)
            }
            place += 1
        } else if let half = half(next), number.whole < 24 {
            hour = Self.adjusted(number.whole, half)
            place += 1
        } else if date.couldBeDay(number.whole), !number.hasPart || number.whole < 31 {
            try date.append(number.whole)
        } else {
            throw NoTime()
        }
    }

    /// `10:30`, `10:30:15.25`; half a minute is thirty seconds.
    private mutating func readClock(_ number: Number) throws {
        hour = number.whole
        guard let minutes = Number(try needed(place + 2)) else { throw NoTime() }
        minute = minutes.whole
        if minutes.hasPart { second = minutes.part(of: 60) }
        if token(place + 3) == ":", token(place + 4) != nil {
            try setSeconds(needed(place + 4))
            place += 2
        }
        place += 2
    }

    /// `2026-11-23`, `23.11.2026`, `23-Nov-2026`.
    private mutating func readDate(_ text: String, _ sign: String) throws {
        try date.append(text: text)
        if let second = token(place + 2), !isJump(second) {
            if second.allSatisfy(\.isNumber) {
                try date.append(text: second)
            } else {
                guard let month = month(second) else { throw NoTime() }
                try date.append(month, as: .month)
            }
            if token(place + 3) == sign {
                let third = try needed(place + 4)
                if let month = month(third) {
                    try date.append(month, as: .month)
                } else {
                    try date.append(text: third)
                }
                place += 2
            }
            place += 1
        }
        place += 1
    }

    /// Where `hours`, `m` or the like stands that says what a number is.
    private func unitPlace() -> Int? {
        if unit(token(place + 1)) != nil { return place + 1 }
        if token(place + 1) == " ", unit(token(place + 2)) != nil { return place + 2 }
        if unit(token(place - 1)) != nil { return place - 1 }
        if place > 1, place == tokens.count - 1, token(place - 1) == " ",
            unit(token(place - 2)) != nil
        {
            return place - 2
        }
        return nil
    }

    private mutating func setByUnit(_ number: Number, _ text: String, _ index: Int) throws {
        // After `2h` a bare number is minutes.
        let meaning = unit(tokens[index])! + (index > place ? 0 : 1)
        if index > place { place = index }
        switch meaning {
        case 0:
            hour = number.whole
            if number.hasPart { minute = number.part(of: 60) }
        case 1:
            minute = number.whole
            if number.hasPart { second = number.part(of: 60) }
        case 2: try setSeconds(text)
        default: break
        }
    }

    private mutating func setSeconds(_ text: some StringProtocol) throws {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        second = try digits(parts[0])
        microsecond = 0
        guard parts.count > 1 else { return }
        let fraction = parts[1] + String(repeating: "0", count: max(0, 6 - parts[1].count))
        microsecond = try digits(fraction.prefix(6))
    }

    // MARK: The moment

    /// A year of two digits is the one that is nearest.
    private func whole(_ year: Int, century: Bool) -> Int {
        guard year < 100, !century else { return year }
        let today = LocalTime(at: now).year
        let near = today / 100 * 100 + year
        return near >= today + 50 ? near - 100 : near < today - 50 ? near + 100 : near
    }

    private func finished() throws -> Date {
        guard let (written, month, day) = try date.resolved(), let hour else { throw NoTime() }
        let year = whole(written, century: date.hasCentury)
        guard (1...9999).contains(year), (1...12).contains(month),
            (1...DateParts.days(month, year)).contains(day), (0..<24).contains(hour),
            minute < 60, second < 60
        else { throw NoTime() }
        let seconds = Self.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second
        let moment = Date(timeIntervalSince1970: Double(seconds) + Double(microsecond) / 1e6)
        return moment.addingTimeInterval(-Double(try secondsFromGMT(at: moment)))
    }

    /// Days since the first of January 1970.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let past = year - 1
        let leaps = past / 4 - past / 100 + past / 400
        let months = (1..<month).reduce(0) { $0 + DateParts.days($1, year) }
        return past * 365 + leaps + months + day - 719_163
    }

    private func secondsFromGMT(at moment: Date) throws -> Int {
        if let zone, Self.universal.contains(zone.lowercased()) { return 0 }
        if let offset {
            guard abs(offset) < 86_400 else { throw NoTime() }
            return offset
        }
        // The machine's own zone may be named, and no other.
        let seconds = LocalTime(at: moment).secondsFromGMT
        guard let zone,
            zone == LocalTime(at: moment.addingTimeInterval(-Double(seconds))).zone
        else { throw NoTime() }
        return seconds
    }
}

/// A moment as this machine's clock has it.
private struct LocalTime {
    private var parts = tm()

    init(at moment: Date) {
        var seconds = time_t(exactly: moment.timeIntervalSince1970.rounded(.down)) ?? 0
        tzset()
        localtime_r(&seconds, &parts)
    }

    var year: Int { Int(parts.tm_year) + 1900 }
    var secondsFromGMT: Int { parts.tm_gmtoff }
    /// Such as `CET`.
    var zone: String { parts.tm_zone.map { String(cString: $0) } ?? "" }
}

/// Up to three numbers that are a year, a month and a day in an order yet to be found.
private struct DateParts {
    enum Part { case year, month, day }

    private var numbers: [Int] = []
    private var places: [Part: Int] = [:]
    private(set) var hasCentury = false

    var count: Int { numbers.count }

    /// A text of more than two digits is a year.
    mutating func append(text: some StringProtocol, as part: Part? = nil) throws {
        guard let number = Int(text), text.allSatisfy(\.isNumber) else { throw NoTime() }
        guard text.count > 2 else { return try add(number, part) }
        try addYear(number, part)
    }

    mutating func append(_ number: Int, as part: Part? = nil) throws {
        guard number > 100 else { return try add(number, part) }
        try addYear(number, part)
    }

    private mutating func addYear(_ number: Int, _ part: Part?) throws {
        guard part == nil || part == .year else { throw NoTime() }
        hasCentury = true
        try add(number, .year)
    }

    private mutating func add(_ number: Int, _ part: Part?) throws {
        numbers.append(number)
        guard let part else { return }
        guard places[part] == nil else { throw NoTime() }
        places[part] = numbers.count - 1
    }

    func couldBeDay(_ number: Int) -> Bool {
        guard places[.day] == nil, number >= 1 else { return false }
        guard let month = places[.month].map({ numbers[$0] }) else { return number <= 31 }
        let year = places[.year].map { numbers[$0] } ?? 2000
        return number <= Self.days(month, year)
    }

    static func days(_ month: Int, _ year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// `nil` where one of them is missing.
    func resolved() throws -> (year: Int, month: Int, day: Int)? {
        guard numbers.count == 3 else {
            if numbers.count > 3 { throw NoTime() }
            return nil
        }
        var places = places
        if places.count == 2 {
            let part = [Part.year, .month, .day].first { places[$0] == nil }!
            places[part] = (0..<3).first { !places.values.contains($0) }
        }
        if places.count == 3 {
            return (numbers[places[.year]!], numbers[places[.month]!], numbers[places[.day]!])
        }
        let (a, b, c) = (numbers[0], numbers[1], numbers[2])
        switch places[.month] {
        case 0: return b > 31 ? (b, a, c) : (c, a, b)
        case 1: return a > 31 ? (a, b, c) : (c, b, a)
        case 2: return b > 31 ? (b, c, a) : (a, c, b)
        default:
            if a > 31 || places[.year] == 0 { return (a, b, c) }
            return a > 12 ? (c, b, a) : (c, a, b)
        }
    }
}
