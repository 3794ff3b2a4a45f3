import Larder

extension EntryFilter {
    struct Parser {
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

        /// A word right behind what was closed is refused: it could be meant as a part of that.
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
                guard field.isOfEvents || scope?.isOfEvents != true else {
                    throw fail("events have no \(word); \(fields) are accepted", at: start)
                }
                let value = try self.value(isPattern: sign.hasSuffix("~"))
                if field == .cache { try checkCache(sign, value, valuePlace) }
                return .text(field, try textTest(sign, signPlace, value, valuePlace, field))
            }
            if word == "state" {
                let value = try self.value()
                return try state(sign, signPlace, value, valuePlace)
            }
            guard let field = EntryColumn(rawValue: word), field.isNumber else {
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
            let numbers = EntryColumn.allCases.filter {
                $0.isNumber && ($0.isOfEvents || scope?.isOfEvents != true)
            }
            let texts = TextField.allCases.filter {
                $0.isOfEvents || scope?.isOfEvents != true
            }
            return (texts.map(\.rawValue) + numbers.map(\.rawValue) + ["state"])
                .sorted().joined(separator: ", ")
        }

        /// A word without a comparison: a part of a key, or a state.
        private func bare(_ word: String, _ start: Int) throws(FilterError) -> Node {
            if let colon = word.firstIndex(of: ":") {
                let name = String(word[..<colon])
                if TextField(rawValue: name) != nil || EntryColumn(rawValue: name) != nil {
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
        private mutating func unit(of field: EntryColumn, _ valuePlace: Int) -> String {
            let isSize = field.kind == .bytes
            guard isSize || field.isDuration,
                scalars[valuePlace..<place].allSatisfy({ ("0"..."9").contains($0) })
            else { return "" }
            let start = place
            skipBlanks()
            let end = scalars[place...].firstIndex { !$0.properties.isAlphabetic } ?? scalars.count
            let unit = Self.string(scalars[place..<end])
            let isOver = end == scalars.count || isBlank(end) || scalars[end] == ")"
            let known = isSize ? Self.sizeUnits : Self.timeUnits
            guard isOver, known.contains(isSize ? unit.lowercased() : unit) else {
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
            _ field: EntryColumn, _ value: String, _ valuePlace: Int
        ) throws(FilterError) -> Int64 {
            if field.isDuration {
                do { return try Units.duration(value).nanoseconds } catch {
                    throw fail("\(error)", at: valuePlace)
                }
            }
            if field.kind == .rate {
                do { return Int64(clamping: try Units.rate(value) * EntryColumn.rateParts) } catch {
                    throw fail("\(error)", at: valuePlace)
                }
            }
            if field.kind == .bytes {
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
