import Foundation
public import Larder
import Synchronization

/// Which entries are wanted, as people write it: the same in the console, in commands and on the
/// wire.
///
/// `0001` finds keys that contain it, in any case of letters; of events a word is looked for in all
/// that is said of them. `hits>=100 and (ttl<5m or size>1k)`
/// compares; `not`, `!`, quotes and brackets work as one would think, and words side by side have to
/// be there both. `key~^4410` matches a regular expression, `state=failed` a word, `by=1001` who did
/// it: a user's name or uid. Of events `state` is what happened: `state=evicted`.
///
/// A word goes on to the next blank, so that `ORDER!7`, `O'Brien` and `f(x)` are words, and so does a
/// value: `key~^(1000|2000)`. `and`, `or` and `not` have a blank or a bracket on either side. What
/// could be read in two ways is refused; in quotes everything is text, a quote written twice
/// included. Texts are compared byte by byte, letters of ASCII in any case where a part is looked
/// for. A unit may stand behind a blank, as it is shown: `size>64 KiB`.
///
/// A state by itself means the state: `negative` is `state=negative`, and `stale` what is served
/// though it is marked as stale or past its end. What is named has to be there: a ``Scope`` says
/// which caches, states and fields are, and all else is refused with them.
public struct EntryFilter: Sendable {
    private let root: Node

    private indirect enum Node: Sendable {
        case everything
        case word(Needle)
        case text(TextField, TextTest)
        case number(NumberField, Comparison, Int64)
        case state(State, isWanted: Bool)
        /// The name of a state by itself: of events a word like any other.
        case bareState(State, Needle)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    private enum TextField: String, CaseIterable { case cache, key, by }

    /// An entry's state, or what happened; some words are both.
    private struct State: Sendable {
        let entry: EntryRow.State?
        /// Served though it is marked as stale or past its end, whatever else it is.
        let isStale: Bool
        let event: EventKind.Word?

        init?(_ text: String) {
            entry = EntryRow.State(rawValue: text)
            isStale = text == Self.stale
            event = EventKind.Word(rawValue: text)
            if !isOfEntries, event == nil { return nil }
        }

        var isOfEntries: Bool { entry != nil || isStale }

        func isThat(of subject: Subject) -> Bool {
            if let event = subject.event { return event == self.event }
            return isStale
                ? Self.isServedStale(subject)
                : EntryRow.State(subject.facts, subject.renewal, at: subject.now) == entry
        }

        /// As the engine has it: without a failure what is past its end is fetched anew.
        private static func isServedStale(_ subject: Subject) -> Bool {
            let facts = subject.facts
            guard facts.version > 0 else { return false }
            return facts.isStale
                || facts.deadline <= subject.now && subject.renewal?.trouble != nil
        }

        private static let stale = "stale"
        static let ofEntries = EntryRow.State.allCases.map(\.rawValue) + [stale]
        static let ofEvents = EventKind.Word.allCases.map(\.rawValue)
        static let words = ofEntries + ofEvents.filter { !ofEntries.contains($0) }
    }

    /// What a filter is asked of: what it names has to be there.
    public struct Scope: Sendable {
        /// The caches that there are; `nil` where that is not known.
        var caches: [String]?
        var isOfEvents = false

        /// Of the entries of an engine with these caches; `nil` where they are not known.
        public static func entries(of caches: [String]?) -> Scope { Scope(caches: caches) }

        /// Of what happened in these caches.
        public static func events(of caches: [String]?) -> Scope {
            Scope(caches: caches, isOfEvents: true)
        }
    }

    private enum TextTest: Sendable {
        case equals(Verbatim, isWanted: Bool)
        case matches(Pattern, isWanted: Bool)
    }

    /// A regular expression that is given up where its search goes on and on: some go back and
    /// forth over a dozen characters for hours.
    private final class Pattern: Sendable {
        private let expression: NSRegularExpression
        private let steps: Steps

        init?(_ text: String, _ steps: Steps) {
            guard let made = try? NSRegularExpression(pattern: text) else { return nil }
            expression = made
            self.steps = steps
        }

        func matches(_ value: String) -> Bool {
            guard !steps.areSpent else { return false }
            var isFound = false
            // One report for each place that is tried is usual, in the time that such take.
            var usual = value.utf16.count + 2
            var end: Duration?
            let all = NSRange(location: 0, length: value.utf16.count)
            expression.enumerateMatches(in: value, options: .reportProgress, range: all) {
                found, _, stop in
                if found != nil {
                    isFound = true
                    stop.pointee = true
                } else if usual > 0 {
                    usual -= 1
                    guard usual % 16 == 0 else { return }
                    let now = Patience.now
                    end = end ?? now + Self.longest
                    guard now > end! else { return }
                    self.steps.spendAll()
                    stop.pointee = true
                } else if !self.steps.spend() {
                    stop.pointee = true
                }
            }
            return isFound
        }

        private static let longest = Duration.milliseconds(250)
    }

    /// What all patterns of a filter may spend together, ten thousand steps each.
    private final class Steps: Sendable {
        private let left = Atomic(200)

        var areSpent: Bool { left.load(ordering: .relaxed) <= 0 }

        /// Returns whether there are any left.
        func spend() -> Bool { left.subtract(1, ordering: .relaxed).newValue > 0 }

        func spendAll() { left.store(0, ordering: .relaxed) }
    }

    private enum NumberField: String, CaseIterable {
        case ttl, expiry, age, hits, size, fetch, version, lasthit, fetches, refresh, togo

        var isDuration: Bool {
            [.ttl, .expiry, .age, .fetch, .lasthit, .refresh].contains(self)
        }

        /// What is known of an event as well.
        var isOfEvents: Bool { [.age, .hits, .size, .fetch, .version].contains(self) }
    }

    /// Rates are compared by the millionth.
    private static let rateParts = 1e6

    private enum Comparison: String, CaseIterable {
        case atLeast = ">=", atMost = "<=", notEqual = "!=", equal = "=", more = ">", less = "<"

        func holds(_ a: Int64, _ b: Int64) -> Bool {
            switch self {
            case .atLeast: a >= b
            case .atMost: a <= b
            case .notEqual: a != b
            case .equal: a == b
            case .more: a > b
            case .less: a < b
            }
        }
    }

    /// The language in short, for help.
    public static let help = """
        A filter is words and comparisons. A word is part of a key, and the name of a state means \
        that state: stale, negative; in quotes all is text. Words side by side have to be there \
        both; and, or, not and brackets go between. Compared are:
          cache, key, by                         = != ~ !~ (a regular expression)
          state                                  = != \(State.ofEntries.joined(separator: ", "))
          ttl, expiry, age, fetch, lasthit, refresh  < <= > >= = != 90, 5m, 1h30m
          size                                   64K, 64 KiB
          fetches                                2/s, 100/m
          hits, version, togo                    1000, 5k
        """

    private let text: String
    private let steps: Steps

    /// - Parameter scope: What it is asked of; `nil` where only the language counts.
    /// - Throws: ``FilterError``.
    public init(_ text: String, of scope: Scope? = nil) throws(FilterError) {
        var parser = Parser(text, scope)
        root = try parser.whole()
        steps = parser.steps
        self.text = text
    }

    /// - Throws: ``FilterError`` where what passed so far says nothing, because a pattern was given
    ///   up.
    func checkPatience() throws(FilterError) {
        guard steps.areSpent else { return }
        throw FilterError(
            sentence: "this pattern takes too long to search with; write it simpler", text: text,
            place: 0)
    }

    /// What is said where a search of it took too long.
    var tooSlow: FilterError {
        FilterError(
            sentence: "this takes too long to search with; write it simpler, or name a cache",
            text: text, place: 0)
    }

    /// Whether everything passes.
    var isEmpty: Bool { if case .everything = root { true } else { false } }

    /// Whether a text, still being typed, ends in what the name of a field begins with: it may be on
    /// its way to a comparison, and not a part of keys.
    public static func isBegun(_ text: String) -> Bool {
        let last = text.split { $0.isWhitespace || "()!".contains($0) }.last.map(String.init) ?? ""
        let names =
            TextField.allCases.map(\.rawValue) + NumberField.allCases.map(\.rawValue)
            + ["state", "not", "and", "or"]
        return !last.isEmpty && text.hasSuffix(last)
            && names.contains { $0.hasPrefix(last.lowercased()) }
    }

    // MARK: Asking

    /// What there is to know of an entry beside its key.
    struct Subject {
        let facts: EntryFacts
        let renewal: RenewalFacts?
        let cache: String
        let now: AgeInstant
        /// Who changed it last.
        var by: Operator?
        /// What happened, where it is an event, and all that words are looked for in.
        var event: EventKind.Word?
        var words: String?
        /// Fetches of its key a second, and its turn to go.
        var fetchRate: Double?
        var toGo: Int?
    }

    /// Whether it asks who did something.
    var asksForActors: Bool {
        Self.asks(root) { if case .text(.by, _) = $0 { true } else { false } }
    }

    /// Whether it asks which entry goes next.
    var asksForTurns: Bool {
        Self.asks(root) { if case .number(.togo, _, _) = $0 { true } else { false } }
    }

    /// Whether it asks what is known of an entry beside its record.
    var asksBeside: Bool {
        asksForTurns
            || Self.asks(root) { if case .number(.fetches, _, _) = $0 { true } else { false } }
    }

    private static func asks(_ node: Node, _ isIt: (Node) -> Bool) -> Bool {
        switch node {
        case .not(let inner): asks(inner, isIt)
        case .and(let a, let b), .or(let a, let b): asks(a, isIt) || asks(b, isIt)
        default: isIt(node)
        }
    }

    /// Whether an event passes; `now` is what its age is counted to.
    public func passes(_ event: LoggedEvent, at now: AgeInstant) -> Bool {
        var facts = EntryFacts(
            version: 0, writtenAt: event.at, expiry: nil, deadline: .distantFuture, hits: 0,
            lastHit: nil, bytes: 0, fetchTime: .zero)
        switch event.kind {
        case .written(let version, let took, let bytes):
            (facts.version, facts.bytes, facts.fetchTime) = (version, bytes, took ?? .zero)
        case .failed(let took, _): facts.fetchTime = took
        case .removed(_, let version, let age, let hits):
            (facts.version, facts.writtenAt, facts.hits) = (version, now + (.zero - age), hits)
        case .oversized(let bytes): facts.bytes = bytes
        case .softened(let version), .restored(let version): facts.version = version
        case .forgotten(_, let refusals): facts.hits = refusals
        case .configured: break
        }
        let subject = Subject(
            facts: facts, renewal: nil, cache: event.cache, now: now, by: event.by,
            event: event.kind.word,
            words: event.words)
        return passes(subject) { event.key ?? "" }
    }

    /// - Parameter key: Makes the shown key, where it is asked for.
    func passes(_ subject: Subject, _ key: () -> String) -> Bool {
        Self.passes(root, subject, key)
    }

    private static func passes(
        _ node: Node, _ subject: Subject, _ key: () -> String
    ) -> Bool {
        switch node {
        case .everything: true
        case .word(let needle): needle.occurs(in: subject.words ?? key())
        case .text(.cache, let test): passes(test, subject.cache)
        case .text(.key, let test): passes(test, key())
        case .text(.by, let test): passes(test, subject.by)
        case .number(let field, let comparison, let wanted):
            number(field, subject).map { comparison.holds($0, wanted) } ?? (comparison == .notEqual)
        case .state(let state, let isWanted): state.isThat(of: subject) == isWanted
        case .bareState(let state, let needle):
            subject.event == nil
                ? state.isThat(of: subject) : needle.occurs(in: subject.words ?? key())
        case .not(let inner): !passes(inner, subject, key)
        case .and(let a, let b): passes(a, subject, key) && passes(b, subject, key)
        case .or(let a, let b): passes(a, subject, key) || passes(b, subject, key)
        }
    }

    private static func passes(_ test: TextTest, _ value: String) -> Bool {
        switch test {
        case .equals(let text, let isWanted): (Verbatim(value) == text) == isWanted
        case .matches(let pattern, let isWanted): pattern.matches(value) == isWanted
        }
    }

    /// By name, by uid, or by both as they are shown.
    private static func passes(_ test: TextTest, _ actor: Operator?) -> Bool {
        switch test {
        case .equals(let text, let isWanted):
            (actor.map { actor in
                [actor.name, "\(actor)", actor.uid.map { "\($0)" }]
                    .contains { $0.map { Verbatim($0) } == text }
            } ?? false) == isWanted
        case .matches(let pattern, let isWanted):
            (actor.map { pattern.matches("\($0) \($0.reason ?? "")") } ?? false) == isWanted
        }
    }

    /// In nanoseconds, bytes or as such; `nil` where the entry has none: no end is more than any, and
    /// never longer ago.
    private static func number(_ field: NumberField, _ subject: Subject) -> Int64? {
        let facts = subject.facts
        func left(_ end: AgeInstant?) -> Int64 {
            guard let end, end != .distantFuture else { return .max }
            return (end - subject.now).nanoseconds
        }
        return switch field {
        case .ttl: left(facts.deadline)
        case .expiry: left(facts.expiry)
        case .age: (subject.now - facts.writtenAt).nanoseconds
        case .hits: Int64(clamping: facts.hits)
        case .size: Int64(facts.bytes)
        case .fetch: facts.fetchTime.nanoseconds
        case .version: Int64(clamping: facts.version)
        case .lasthit: facts.lastHit.map { (subject.now - $0).nanoseconds } ?? .max
        case .fetches: subject.fetchRate.map { Int64(clamping: $0 * rateParts) }
        case .refresh:
            left(EntryRow.nextRefresh(subject.renewal, deadline: facts.deadline, at: subject.now))
        case .togo: subject.toGo.map { Int64($0) }
        }
    }

    // MARK: Reading

    private struct Parser {
        let text: String
        let scope: Scope?
        /// Scalars, because a mark behind a quote makes another character of it.
        let scalars: [Unicode.Scalar]
        var place = 0
        let steps = Steps()
        private var depth = 0

        /// Longest filter, in scalars, and how deep brackets and `not` may stand in each other.
        private static let (longest, deepest) = (4096, 64)

        init(_ text: String, _ scope: Scope?) {
            self.text = text
            self.scope = scope
            scalars = Array(text.unicodeScalars)
        }

        private func fail(_ sentence: String, at place: Int? = nil) -> FilterError {
            FilterError(
                sentence: sentence, text: text,
                place: String(Self.string(scalars[..<(place ?? self.place)])).count)
        }

        private static func string(_ scalars: some Sequence<Unicode.Scalar>) -> String {
            var view = String.UnicodeScalarView()
            view.append(contentsOf: scalars)
            return String(view)
        }

        private func isBlank(_ place: Int) -> Bool { scalars[place].properties.isWhitespace }

        private mutating func skipBlanks() {
            while place < scalars.count, isBlank(place) { place += 1 }
        }

        mutating func whole() throws(FilterError) -> Node {
            skipBlanks()
            if place == scalars.count { return .everything }
            guard scalars.count <= Self.longest else {
                throw fail("a filter has \(Self.longest) characters at most", at: 0)
            }
            let node = try either()
            skipBlanks()
            guard place == scalars.count else { throw fail("nothing was opened here") }
            return node
        }

        private mutating func either() throws(FilterError) -> Node {
            var node = try both()
            while try take("or") { node = .or(node, try both()) }
            return node
        }

        private mutating func both() throws(FilterError) -> Node {
            var node = try one()
            while true {
                if try take("and") {
                    node = .and(node, try one())
                } else if try begins() {
                    node = .and(node, try one())
                } else {
                    return node
                }
            }
        }

        /// Whether another part stands here.
        private mutating func begins() throws(FilterError) -> Bool {
            skipBlanks()
            guard place < scalars.count, scalars[place] != ")" else { return false }
            return try keyword("or") == nil
        }

        private mutating func one() throws(FilterError) -> Node {
            skipBlanks()
            depth += 1
            defer { depth -= 1 }
            guard depth <= Self.deepest else {
                throw fail("nothing may stand in more than \(Self.deepest) others")
            }
            guard place < scalars.count else { throw fail("something is missing here") }
            if try take("not") { return .not(try one()) }
            if scalars[place] == "!" {
                place += 1
                return .not(try one())
            }
            if scalars[place] == "(" {
                let opened = place
                place += 1
                let node = try either()
                skipBlanks()
                guard place < scalars.count, scalars[place] == ")" else {
                    throw fail("this bracket is not closed", at: opened)
                }
                place += 1
                try checkRoom(behind: "a bracket")
                return node
            }
            return try predicate()
        }

        /// Where a keyword ends that stands here by itself, with a blank or a bracket behind it.
        private func keyword(_ word: String) throws(FilterError) -> Int? {
            let end = scalars[place...].prefix { $0.properties.isAlphabetic }.endIndex
            guard Self.string(scalars[place..<end]).lowercased() == word else { return nil }
            guard end < scalars.count, !isBlank(end), scalars[end] != "(", scalars[end] != ")"
            else { return end }
            guard !Self.quotes.contains(scalars[end]) else {
                throw fail("room is needed between \(word) and a quote", at: end)
            }
            return nil
        }

        /// Takes `and`, `or` or `not`, where it stands by itself.
        private mutating func take(_ word: String) throws(FilterError) -> Bool {
            skipBlanks()
            guard place < scalars.count, let end = try keyword(word) else { return false }
            place = end
            return true
        }

        private static let quotes: Set<Unicode.Scalar> = ["\"", "'"]

        /// What was closed is over: a word right behind it could be meant as its end.
        private func checkRoom(behind what: String) throws(FilterError) {
            guard place < scalars.count, !isBlank(place), scalars[place] != ")",
                scalars[place] != "("
            else { return }
            if try keyword("and") != nil { return }
            if try keyword("or") != nil { return }
            throw fail("room is needed behind \(what)")
        }

        /// A text in quotes; a quote of its own is written twice.
        private mutating func quoted() throws(FilterError) -> String? {
            guard place < scalars.count, Self.quotes.contains(scalars[place]) else { return nil }
            let (opened, quote) = (place, scalars[place])
            var kept: [Unicode.Scalar] = []
            place += 1
            while place < scalars.count {
                if scalars[place] != quote {
                    kept.append(scalars[place])
                } else if place + 1 < scalars.count, scalars[place + 1] == quote {
                    kept.append(quote)
                    place += 1
                } else {
                    place += 1
                    try checkRoom(behind: "a quote")
                    return Self.string(kept)
                }
                place += 1
            }
            throw fail("this quote is not closed", at: opened)
        }

        private mutating func predicate() throws(FilterError) -> Node {
            if let text = try quoted() { return .word(Needle(text)) }
            let start = place
            let word = try self.word()
            guard let (sign, signPlace) = sign() else { return try bare(word, start) }
            skipBlanks()
            let valuePlace = place
            if let field = TextField(rawValue: word) {
                let value = try self.value(isPattern: sign.hasSuffix("~"))
                if field == .cache { try checkCache(sign, value, valuePlace) }
                return .text(field, try textTest(sign, signPlace, value, valuePlace, field))
            }
            if word == "state" {
                let value = try self.value()
                return try state(sign, signPlace, value, valuePlace)
            }
            guard let field = NumberField(rawValue: word) else {
                throw fail(
                    "there is no field \"\(word)\"; \(fields) are accepted, and in quotes all is "
                        + "text", at: start)
            }
            guard field.isOfEvents || scope?.isOfEvents != true else {
                throw fail("events have no \(word); \(fields) are accepted", at: start)
            }
            guard let comparison = Comparison(rawValue: sign) else {
                throw fail("\(word) is a number: compare it with = != < <= > >=", at: signPlace)
            }
            let value = try self.value() + unit(of: field, valuePlace)
            return .number(field, comparison, try number(field, value, valuePlace))
        }

        /// Every field that can be compared.
        private var fields: String {
            let numbers = NumberField.allCases.filter {
                $0.isOfEvents || scope?.isOfEvents != true
            }
            return (TextField.allCases.map(\.rawValue) + numbers.map(\.rawValue) + ["state"])
                .sorted().joined(separator: ", ")
        }

        /// A word without a comparison: a part of a key, or a state.
        private func bare(_ word: String, _ start: Int) throws(FilterError) -> Node {
            if let colon = word.firstIndex(of: ":") {
                let name = String(word[..<colon])
                if TextField(rawValue: name) != nil || NumberField(rawValue: name) != nil
                    || name == "state"
                {
                    throw fail(
                        "write \(name)=\(word[colon...].dropFirst()); in quotes it is text",
                        at: start)
                }
            }
            if let state = State(word.lowercased()), state.isOfEntries {
                return .bareState(state, Needle(word))
            }
            return .word(Needle(word))
        }

        /// What other languages write for `and` and `or`.
        private static let operators = [
            ("&&", "and"), ("||", "or"), ("&", "and"), ("|", "or"),
        ]

        /// - Throws: Where one of them stands here: anywhere if it is doubled, else by itself.
        private func checkOperator() throws(FilterError) {
            for (sign, word) in Self.operators
            where scalars[place...].starts(with: sign.unicodeScalars) {
                let end = place + sign.unicodeScalars.count
                let isAlone =
                    (place == 0 || isBlank(place - 1)) && (end == scalars.count || isBlank(end))
                guard isAlone || sign.count == 2 else { continue }
                throw fail("write \"\(word)\" for \(sign); in quotes it is text")
            }
        }

        /// - Throws: Where the cache that is asked for is not there.
        private func checkCache(
            _ sign: String, _ value: String, _ place: Int
        ) throws(FilterError) {
            guard let known = scope?.caches else { return }
            let pattern = sign.hasSuffix("~") ? Pattern(value, steps) : nil
            let isThere = known.contains { name in
                sign.hasSuffix("~")
                    ? pattern?.matches(name) ?? true : Verbatim(name) == Verbatim(value)
            }
            guard !isThere else { return }
            let what = sign.hasSuffix("~") ? "no cache matches" : "no cache is called"
            throw fail(
                "\(what) \"\(value.prefix(200))\"; \(Words.there(are: known))", at: place)
        }

        /// A unit behind its number and blanks, as sizes are shown; empty where none stands there.
        private mutating func unit(of field: NumberField, _ valuePlace: Int) -> String {
            guard field == .size || field.isDuration,
                scalars[valuePlace..<place].allSatisfy({ ("0"..."9").contains($0) })
            else { return "" }
            let start = place
            skipBlanks()
            let end = scalars[place...].firstIndex { !$0.properties.isAlphabetic } ?? scalars.count
            let unit = Self.string(scalars[place..<end])
            let isOver = end == scalars.count || isBlank(end) || scalars[end] == ")"
            let known = field == .size ? Self.sizeUnits : Self.timeUnits
            guard isOver, known.contains(field == .size ? unit.lowercased() : unit) else {
                place = start
                return ""
            }
            place = end
            return unit
        }

        private static let sizeUnits: Set = [
            "b", "k", "m", "g", "t", "kib", "mib", "gib", "tib",
        ]
        private static let timeUnits: Set = ["ms", "s", "m", "h", "d"]

        /// On to a blank, a comparison, or a bracket that closes another than the word's own.
        private mutating func word() throws(FilterError) -> String {
            let start = place
            var opened: [Int] = []
            while place < scalars.count, !isBlank(place) {
                try checkOperator()
                if scalars[place] == "(" {
                    opened.append(place)
                } else if scalars[place] == ")" {
                    guard opened.popLast() != nil else { break }
                } else if opened.isEmpty, signHere != nil {
                    break
                }
                place += 1
            }
            if let bracket = opened.first {
                throw fail("this bracket is not closed; in quotes it is text", at: bracket)
            }
            guard place > start else { throw fail("a word is expected here") }
            return Self.string(scalars[start..<place])
        }

        private static let signs = ["!=", "!~", "<=", ">=", "==", "=", "<", ">", "~"]

        private var signHere: String? {
            Self.signs.first { scalars[place...].starts(with: $0.unicodeScalars) }
        }

        /// Behind blanks too: it can begin nothing else.
        private mutating func sign() -> (sign: String, place: Int)? {
            let start = place
            skipBlanks()
            guard let sign = signHere else {
                place = start
                return nil
            }
            defer { place += sign.unicodeScalars.count }
            return (sign == "==" ? "=" : sign, place)
        }

        /// On to a blank, or a bracket that closes another than the value's own.
        private mutating func value(isPattern: Bool = false) throws(FilterError) -> String {
            if let text = try quoted() { return text }
            let start = place
            var depth = 0
            while place < scalars.count, !isBlank(place) {
                if !isPattern { try checkOperator() }
                if isPattern, scalars[place] == "\\", place + 1 < scalars.count,
                    !isBlank(place + 1)
                {
                    place += 1
                } else if scalars[place] == "(" {
                    depth += 1
                } else if scalars[place] == ")" {
                    if depth == 0 { break }
                    depth -= 1
                }
                place += 1
            }
            guard place > start else { throw fail("a value is expected here") }
            return Self.string(scalars[start..<place])
        }

        private mutating func textTest(
            _ sign: String, _ signPlace: Int, _ value: String, _ valuePlace: Int,
            _ field: TextField
        ) throws(FilterError) -> TextTest {
            switch sign {
            case "=", "!=":
                // A key of several parts may be written as JSON.
                let parts = field == .key ? try? KeyNotation.json(value) : nil
                let key = parts.map { KeyNotation.text($0) } ?? value
                return .equals(Verbatim(key), isWanted: sign == "=")
            case "~", "!~":
                guard let pattern = Pattern(value, steps) else {
                    throw fail("\"\(value)\" is no regular expression", at: valuePlace)
                }
                return .matches(pattern, isWanted: sign == "~")
            default: throw fail("text is compared with = != ~ !~", at: signPlace)
            }
        }

        private func state(
            _ sign: String, _ signPlace: Int, _ value: String, _ valuePlace: Int
        ) throws(FilterError) -> Node {
            guard ["=", "!="].contains(sign) else {
                throw fail("a state is compared with = and !=", at: signPlace)
            }
            let state = State(value.lowercased())
            let isThere =
                scope.map { $0.isOfEvents ? state?.event != nil : state?.isOfEntries ?? false }
            guard let state, isThere != false else {
                let what =
                    switch scope?.isOfEvents {
                    case nil: (words: State.words, name: "no state")
                    case true?: (words: State.ofEvents, name: "nothing that happens")
                    case false?: (words: State.ofEntries, name: "no state of an entry")
                    }
                throw fail(
                    "\"\(value)\" is \(what.name); \(what.words.joined(separator: ", ")) are",
                    at: valuePlace)
            }
            return .state(state, isWanted: sign == "=")
        }

        private func number(
            _ field: NumberField, _ value: String, _ valuePlace: Int
        ) throws(FilterError) -> Int64 {
            if field.isDuration {
                do { return try Units.duration(value).nanoseconds } catch {
                    throw fail("\(error)", at: valuePlace)
                }
            }
            if field == .fetches {
                do { return Int64(clamping: try Units.rate(value) * EntryFilter.rateParts) } catch {
                    throw fail("\(error)", at: valuePlace)
                }
            }
            if field == .size {
                guard let bytes = Units.bytes(value) else {
                    throw fail(
                        "\"\(value)\" is no number of bytes; write it like 276, 512K or 64 MiB",
                        at: valuePlace)
                }
                return Int64(bytes)
            }
            let factors: [Character: Int64] = ["k": 1000, "m": 1_000_000, "g": 1_000_000_000]
            let factor = value.last.flatMap { factors[Character($0.lowercased())] }
            let digits = factor == nil ? value : String(value.dropLast())
            guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let number = Int64(digits),
                case let (product, overflow) = number.multipliedReportingOverflow(by: factor ?? 1),
                !overflow
            else {
                throw fail("\"\(value)\" is no number; write it like 100, 5k or 2M", at: valuePlace)
            }
            return product
        }
    }
}

extension LoggedEvent {
    /// What is said of it, to look for words in.
    fileprivate var words: String {
        var words = [cache, kind.word.rawValue, key ?? ""]
        if case .failed(_, let reason) = kind { words.append(reason) }
        if let by { words += ["\(by)", by.reason ?? ""] }
        return words.joined(separator: " ")
    }
}
