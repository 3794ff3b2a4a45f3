import FoundationEssentials
import LarderInspector

/// What STS takes for AssumeRole, checked before it is asked: it refuses the whole of a request in
/// words of its own, which name neither an option nor a line of a file.
extension RoleRequest {
    /// One input of AssumeRole, by its name among the options; settings of profiles have `_` for `-`.
    public enum Input: String, Sendable {
        /// `RoleSessionName`.
        case sessionName = "role-session-name"
        /// `DurationSeconds`.
        case duration = "duration-seconds"
        /// `ExternalId`.
        case externalID = "external-id"
        /// `Policy`.
        case policy
        /// One of `PolicyArns`.
        case policyARN = "policy-arn"
        /// One of `Tags`.
        case tag
        /// One of `TransitiveTagKeys`.
        case transitiveTagKey = "transitive-tag-key"
        /// `SourceIdentity`.
        case sourceIdentity = "source-identity"
        /// `SerialNumber`.
        case serialNumber = "mfa-serial"
    }

    /// What STS would not take, in the order of the inputs: what is wrong with it, and what is
    /// accepted. Nothing is repeated of what was written.
    public var problems: [(input: Input, problem: String)] {
        let texts: [(Input, Limits, [String])] = [
            (.sessionName, .sessionName, [sessionName]),
            (.externalID, .externalID, [externalID].compactMap(\.self)),
            (.policy, .policy, [policy].compactMap(\.self)),
            (.policyARN, .policyARN, policyARNs),
            (.tag, .tagKey, tags.map(\.key.text)),
            (.tag, .tagValue, tags.map(\.value.text)),
            (.transitiveTagKey, .tagKey, transitiveTagKeys.map(\.text)),
            (.sourceIdentity, .sourceIdentity, [sourceIdentity].compactMap(\.self)),
            (.serialNumber, .serialNumber, [serialNumber].compactMap(\.self)),
        ]
        var problems: [(input: Input, problem: String)] = []
        for (input, limits, values) in texts {
            for value in values {
                if let problem = limits.problem(value) { problems.append((input, problem)) }
            }
        }
        if let problem = durationProblem { problems.append((.duration, problem)) }
        for (input, problem) in numberProblems { problems.append((input, problem)) }
        return problems
    }

    /// - Throws: ``AWSError`` of kind ``AWSError/Kind/invalid`` about the first of them.
    public func check() throws(AWSError) {
        guard let (input, problem) = problems.first else { return }
        throw AWSError(
            .invalid, operation: "AssumeRole",
            "AssumeRole of \(role.arn): \(input.rawValue): \(problem)")
    }

    /// How many there may be, and which of them go together.
    private var numberProblems: [(Input, String)] {
        var problems: [(Input, String)] = []
        if policyARNs.count > 10 {
            problems.append((.policyARN, "there are \(policyARNs.count); up to 10 are accepted"))
        }
        if tags.count > 50 {
            problems.append((.tag, "there are \(tags.count); up to 50 are accepted"))
        }
        if Self.hasTwins(tags.map(\.key.text)) {
            problems.append(
                (.tag, "two keys differ in case alone, which is one key to STS; keep one of them"))
        }
        let keys = Set(tags.map { $0.key.text.lowercased() })
        if transitiveTagKeys.contains(where: { !keys.contains($0.text.lowercased()) }) {
            problems.append(
                (.transitiveTagKey, "each has to be the key of a tag that goes with the request"))
        }
        return problems
    }

    /// Whether two tags have one key: STS does not tell them apart by case.
    public static func hasTwins(_ keys: [String]) -> Bool {
        Set(keys.map { $0.lowercased() }).count < keys.count
    }

    private var durationProblem: String? {
        guard let duration else { return nil }
        let (seconds, rest) = duration.components
        return (900...43_200).contains(seconds) && rest == 0
            ? nil : "900 to 43200 whole seconds are accepted"
    }
}

/// How long a text may be, and what may be in it. The lengths are in UTF-16 units, as STS counts.
struct Limits: Sendable {
    var length: ClosedRange<Int>
    /// The characters, in words.
    var words: String
    var accepts: @Sendable (Unicode.Scalar) -> Bool
    /// What else is wrong with it; `nil` where nothing is.
    var isWrong: @Sendable (String) -> String? = { _ in nil }

    func problem(_ text: String) -> String? {
        let accepted =
            "\(length.lowerBound) to \(length.upperBound) characters, \(words), are accepted"
        let count = text.utf16.count
        guard length.contains(count) else { return "it has \(count) characters; \(accepted)" }
        if let place = text.unicodeScalars.enumerated().first(where: { !accepts($0.element) }) {
            return "character \(place.offset + 1) is none that it may have; \(accepted)"
        }
        return isWrong(text)
    }

    /// Letters, digits and `_` of ASCII, and some more.
    private static func word(_ length: ClosedRange<Int>, and others: String) -> Limits {
        let others = Set(others.unicodeScalars)
        let marks = "_" + String(String.UnicodeScalarView(others.sorted()))
        return Limits(length: length, words: "letters, digits and \(marks)") { scalar in
            scalar == "_" || others.contains(scalar) || ("0"..."9").contains(scalar)
                || ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar)
        }
    }

    static let sessionName = word(2...64, and: "+=,.@-")
    static let externalID = word(2...1224, and: "+=,.@:/-")
    static let sourceIdentity = word(2...256, and: "+=,.@-")
    static let serialNumber = word(9...256, and: "+=/:,.@-")

    static let policy = Limits(
        length: 1...2048, words: "of Latin-1 without control characters",
        accepts: {
            (0x20...0xff).contains($0.value) || ["\t", "\n", "\r"].contains($0)
        },
        isWrong: {
            isObject($0) ? nil : "it is no JSON object; write {\"Version\": \"2012-10-17\", …}"
        })

    static let policyARN = Limits(
        length: 20...2048, words: "printable",
        accepts: { $0.value > 0x20 && $0.value != 0x7f },
        isWrong: { text in
            let pattern = /arn:[a-z0-9-]+:iam::([0-9]{12}|aws):policy\/.+/
            return text.wholeMatch(of: pattern) == nil
                ? "it is no policy's ARN; write arn:aws:iam::ACCOUNT:policy/NAME" : nil
        })

    static let tagKey = Limits(
        length: 1...128, words: "letters, digits, blanks and _.:/=+-@",
        accepts: isOfTag,
        isWrong: {
            $0.lowercased().hasPrefix("aws:") ? "keys that begin with aws: are AWS's own" : nil
        })
    static let tagValue = Limits(
        length: 0...256, words: "letters, digits, blanks and _.:/=+-@", accepts: isOfTag)

    /// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`
    @Sendable private static func isOfTag(_ scalar: Unicode.Scalar) -> Bool {
        if "_.:/=+-@".unicodeScalars.contains(scalar) { return true }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
            .decimalNumber, .letterNumber, .otherNumber,
            .spaceSeparator, .lineSeparator, .paragraphSeparator:
            return true
        default: return false
        }
    }

    private static func isObject(_ text: String) -> Bool {
        guard case .fields? = try? Shown(json: Array(text.utf8)) else { return false }
        return true
    }
}
