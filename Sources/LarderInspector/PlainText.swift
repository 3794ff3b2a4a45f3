/// What of a text is fit to be shown: the console, the commands, logs and errors all ask here.
///
/// Keys and values come from outside. Nothing in them may steer a terminal, turn the line around,
/// or stand there unseen; two that differ do not look alike where a sign for it can be shown.
public enum PlainText {
    /// The text in one line, a `?` for each scalar that is not fit.
    ///
    /// Of the marks on one letter the first four are shown, as many as a terminal's cell holds, and
    /// one `?` for all others.
    public static func fit(_ text: String) -> String {
        if isVisibleASCII(text) { return text }
        let scalars = Array(text.unicodeScalars)
        var shown = String.UnicodeScalarView()
        var marks = 0
        for (place, scalar) in scalars.enumerated() {
            // What stands before it is what is shown there.
            guard isFit(scalar, between: shown.last, and: scalars.dropFirst(place + 1).first) else {
                shown.append("?")
                marks = 0
                continue
            }
            marks = isMark(scalar) ? marks + 1 : 0
            if marks <= mostMarks {
                shown.append(scalar)
            } else if marks == mostMarks + 1 {
                shown.append("?")
            }
        }
        return String(shown)
    }

    /// As many as curses draws on one letter.
    static let mostMarks = 4

    /// Lines of others, each made fit; tabs are blanks.
    public static func lines(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { fit(String($0).replacing("\t", with: " ")) }.joined(separator: "\n")
    }

    /// JSON that says the same, each scalar that is not fit written as `\u202e`; line ends between
    /// its parts stay.
    public static func json(_ json: String) -> String {
        let scalars = Array(json.unicodeScalars)
        var shown = ""
        for (place, scalar) in scalars.enumerated() {
            let isPlain = isFit(
                scalar, between: shown.unicodeScalars.last,
                and: scalars.dropFirst(place + 1).first)
            if scalar == "\n" || scalar == "\t" || isPlain {
                shown.unicodeScalars.append(scalar)
            } else {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    shown += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            }
        }
        return shown
    }

    static func isVisibleASCII(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { $0.allSatisfy { (32..<127).contains($0) } }
    }

    private static func isFit(
        _ scalar: Unicode.Scalar, between before: Unicode.Scalar?, and after: Unicode.Scalar?
    ) -> Bool {
        if scalar.isASCII { return (32..<127).contains(scalar.value) }
        switch scalar.value {
        // Joiners belong to families of emoji, and behind the sign that takes a vowel away.
        case 0x200d where before.map(isPictureOrPart) == true:
            return after.map(isPicture) == true
        case 0x200c, 0x200d: return before?.properties.canonicalCombiningClass == .virama
        // As text, or as a picture.
        case 0xfe0e, 0xfe0f: return before?.properties.isEmoji == true
        default: break
        }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .unassigned, .lineSeparator, .paragraphSeparator:
            return false
        // A mark without a letter would stand on what is not its own.
        case .nonspacingMark, .enclosingMark:
            return before != nil && !scalar.properties.isDefaultIgnorableCodePoint
        default: return !scalar.properties.isDefaultIgnorableCodePoint
        }
    }

    private static func isPicture(_ scalar: Unicode.Scalar) -> Bool {
        !scalar.isASCII && scalar.properties.isEmoji
    }

    private static func isPictureOrPart(_ scalar: Unicode.Scalar) -> Bool {
        isPicture(scalar) || scalar.value == 0xfe0f
    }

    /// What takes no room of its own: marks, and the later parts of a Hangul syllable.
    private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark: true
        default:
            (0x1160...0x11ff).contains(scalar.value) || (0xd7b0...0xd7ff).contains(scalar.value)
                || scalar.value == 0x200c || scalar.value == 0x200d
        }
    }
}
