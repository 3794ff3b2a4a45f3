public import Larder

/// Which entries are wanted, as people write it: the same in the console, in commands and on the
/// wire.
///
/// `0001` finds keys that contain it, in any case of letters; of events a word is looked for in all
/// that is said of them. `hits>=100 and (ttl<5m or size>1k)`
/// compares; `not`, `!`, quotes and brackets work as one would think, and words side by side have to
/// be there both. `key~^4410` matches a regular expression, `state=failed` a word, `by=1001` who did
/// it: a user's name or uid. Of what a gateway holds, `by` is also whose permission it was read with,
/// and `table=orders` the table. Of events `state` is what happened: `state=evicted`.
///
/// A word goes on to the next blank, so that `ORDER!7`, `O'Brien` and `f(x)` are words, and so does a
/// value: `key~^(1000|2000)`. `and`, `or` and `not` have a blank or a bracket on either side. What
/// could be read in two ways is refused; in quotes everything is text, a quote written twice
/// included. Texts are compared byte by byte, letters of ASCII in any case where a part is looked
/// for. A unit may stand behind a blank, as it is shown: `size>64 KiB`.
///
/// A state by itself means the state: `negative` is `state=negative`, and `stale` what is served
/// though it is marked as stale or past its end. A name has to be there: a ``Scope`` says which
/// caches, states and fields there are, and any other is refused with a list of those.
public struct EntryFilter: Sendable {
    private let root: Node

    indirect enum Node: Sendable {
        case everything
        case word(Needle)
        case text(TextField, TextTest)
        case number(EntryColumn, Comparison, Int64)
        case state(State, isWanted: Bool)
        /// The name of a state by itself: of events a word like any other.
        case bareState(State, Needle)
        case not(Node)
        case and(Node, Node)
        case or(Node, Node)
    }

    enum TextField: String, CaseIterable {
        case cache, key, by, table

        /// Whether it is told of events too.
        var isOfEvents: Bool { self != .table }
    }

    enum TextTest: Sendable {
        case equals(Verbatim, isWanted: Bool)
        case matches(Pattern, isWanted: Bool)

        var isWanted: Bool {
            switch self {
            case .equals(_, let isWanted), .matches(_, let isWanted): isWanted
            }
        }
    }

    enum Comparison: String, CaseIterable {
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
          cache, key, by, table                  = != ~ !~ (a regular expression)
          state                                  = != \(State.ofEntries.joined(separator: ", "))
        and, with < <= > >= = !=,
          \(names { $0.isDuration })
                                                 90, 5m, 1h30m
          \(names { $0.kind == .bytes })                                   64K, 64 KiB
          \(names { $0.kind == .rate })                                2/s, 100/m
          \(names { [.count, .turn].contains($0.kind) })                    1000, 5k
        """

    private static func names(_ isMeant: (EntryColumn) -> Bool) -> String {
        EntryColumn.allCases.filter(isMeant).map(\.rawValue).joined(separator: ", ")
    }

    private let text: String
    private let steps: Steps

    /// - Parameters:
    ///   - text: As people write it; empty for every entry.
    ///   - scope: What it is asked of; `nil` where only the language counts.
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

    /// Whether a text that is still being typed ends in the beginning of a field's name: it may
    /// become a comparison, and is then not a part of keys.
    public static func isBegun(_ text: String) -> Bool {
        let last = text.split { $0.isWhitespace || "()!".contains($0) }.last.map(String.init) ?? ""
        let names =
            TextField.allCases.map(\.rawValue) + EntryColumn.allCases.map(\.rawValue)
            + ["not", "and", "or"]
        return !last.isEmpty && text.hasSuffix(last)
            && names.contains { $0.hasPrefix(last.lowercased()) }
    }

    // MARK: Asking

    /// What there is to know of an entry beside its key.
    struct Subject {
        let entry: EntrySubject
        let cache: String
        /// Who changed it last.
        var by: Operator?
        /// Of which table it is, and with whose permission it was read, where a key says so.
        var owner: Owner?
        /// What happened, where it is an event, and all that words are looked for in.
        var event: EventKind.Word?
        var words: String?
    }

    struct Owner {
        let table: String
        let reader: String
    }

    /// Whether it asks for tables, or for whose permission something was read with.
    var asksForOwners: Bool {
        Self.asks(root) {
            switch $0 {
            case .text(.by, _), .text(.table, _): true
            default: false
            }
        }
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

    /// The columns whose values it asks for, beside the key and the cache.
    package var columns: Set<EntryColumn> { Self.columns(root) }

    private static func columns(_ node: Node) -> Set<EntryColumn> {
        switch node {
        case .number(let column, _, _): [column]
        case .state, .bareState: [.state]
        case .not(let inner): columns(inner)
        case .and(let a, let b), .or(let a, let b): columns(a).union(columns(b))
        case .everything, .word, .text: []
        }
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
        case .failed(let took, _, _): facts.fetchTime = took
        case .removed(_, let version, let age, let hits):
            (facts.version, facts.writtenAt, facts.hits) = (version, now + (.zero - age), hits)
        case .oversized(let bytes): facts.bytes = bytes
        case .softened(let version), .restored(let version): facts.version = version
        case .forgotten(_, let refusals): facts.hits = refusals
        case .configured: break
        }
        let subject = Subject(
            entry: EntrySubject(facts, nil, .init(), at: now), cache: event.cache,
            by: event.by, event: event.kind.word, words: event.words)
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
        case .text(.by, let test): passes(test, subject.by, subject.owner?.reader)
        case .text(.table, let test): passes(test, subject.owner?.table)
        case .number(let field, let comparison, let wanted):
            field.number(of: subject.entry).map { comparison.holds($0, wanted) }
                ?? (comparison == .notEqual)
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

    /// What is not there is none that is asked for.
    private static func passes(_ test: TextTest, _ value: String?) -> Bool {
        guard let value else { return !test.isWanted }
        return passes(test, value)
    }

    /// By name, by uid, or by both as they are shown; or by whose permission it was read with.
    private static func passes(
        _ test: TextTest, _ actor: Operator?, _ reader: String?
    ) -> Bool {
        switch test {
        case .equals(let text, let isWanted):
            [reader, actor?.name, actor.map { "\($0)" }, actor?.uid.map { "\($0)" }]
                .contains { $0.map { Verbatim($0) } == text } == isWanted
        case .matches(let pattern, let isWanted):
            [reader, actor.map { "\($0) \($0.reason ?? "")" }]
                .contains { $0.map { pattern.matches($0) } ?? false } == isWanted
        }
    }
}

extension LoggedEvent {
    /// What is said of it, to look for words in.
    fileprivate var words: String {
        var words = [cache, kind.word.rawValue, key ?? ""]
        if case .failed(_, _, let reason) = kind { words.append(reason) }
        if let by { words += ["\(by)", by.reason ?? ""] }
        return words.joined(separator: " ")
    }
}
