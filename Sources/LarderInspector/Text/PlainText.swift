package import FoundationEssentials

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
        var marks = Marks()
        for (place, scalar) in scalars.enumerated() {
            // What stands before it is what is shown there.
            let isShown = isFit(
                scalar, between: shown.last, and: scalars.dropFirst(place + 1).first)
            marks.take(isShown ? scalar : "?")
            if isShown, !marks.areTooMany {
                shown.append(scalar)
            } else if !isShown || marks.count == mostMarks + 1 {
                shown.append("?")
            }
        }
        return String(shown)
    }

    /// How many marks stand on the letter before.
    private struct Marks {
        private(set) var count = 0
        var areTooMany: Bool { count > mostMarks }

        mutating func take(_ scalar: Unicode.Scalar) { count = isMark(scalar) ? count + 1 : 0 }
    }

    /// As many as curses draws on one letter.
    static let mostMarks = 4

    /// A message of ours that may quote others, with lines of their own: those stand behind two
    /// blanks, so that none of them can be taken for one of ours.
    public static func message(_ text: String) -> String {
        lines(text).replacing("\n", with: "\n  ")
    }

    /// Lines of others, each made fit; tabs are blanks.
    public static func lines(_ text: String) -> String {
        text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
            .map { fit(String($0).replacing("\t", with: " ")) }.joined(separator: "\n")
    }

    /// JSON that says the same, each scalar that is not fit written as `\u202e`, and so are marks
    /// that would stand on a sign of JSON's own, or on a letter that has four; line ends between its
    /// parts stay.
    public static func json(_ json: String) -> String {
        if isVisibleASCII(json) { return json }
        let scalars = Array(json.unicodeScalars)
        var shown = ""
        var marks = Marks()
        var isAfterEscape = false
        for (place, scalar) in scalars.enumerated() {
            let before = shown.unicodeScalars.last
            let isPlain = isFit(
                scalar, between: before, and: scalars.dropFirst(place + 1).first)
            marks.take(scalar)
            let hasPlace = marks.count == 0 || !isAfterEscape && before != "\"" && before != "\\"
            isAfterEscape = !(isPlain && !marks.areTooMany && hasPlace)
            if scalar == "\n" || scalar == "\t" || !isAfterEscape {
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

    /// The same of a document's bytes: what is visible ASCII is passed over eight at a time, be it ever
    /// so long.
    package static func json(_ document: Data) -> Data {
        document.withUnsafeBytes { bytes in
            var (plain, kept, place) = (Data(), 0, 0)
            while let start = bytes.beyondASCII(from: place) {
                place = bytes[start...].firstIndex { $0 < 0x7f } ?? bytes.count
                // Its neighbours decide with it what is fit.
                let around = max(start - 1, kept)..<min(place + 1, bytes.count)
                let shown = json(String(decoding: bytes[around], as: UTF8.self)).utf8
                plain.append(contentsOf: bytes[kept..<around.lowerBound])
                plain.append(contentsOf: shown.dropLast(around.upperBound - place))
                kept = place
            }
            guard kept > 0 else { return document }
            plain.append(contentsOf: bytes[kept...])
            return plain
        }
    }

    package static func isVisibleASCII(_ text: String) -> Bool {
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
        // As text, or as a picture, where it is the other by itself: without that it is not seen.
        case 0xfe0e: return before?.properties.isEmojiPresentation == true
        case 0xfe0f:
            guard let before, before.properties.isEmoji, !before.properties.isEmojiPresentation
            else { return false }
            return !before.isASCII || after == keycap
        // Braille without a dot, a blank that is no blank.
        case 0x2800: return false
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

    /// The mark that makes a keycap of the digit before it.
    private static let keycap: Unicode.Scalar = "\u{20e3}"

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

extension UnsafeRawBufferPointer {
    /// The first byte that is no ASCII, or the one of ASCII beyond what is visible.
    fileprivate func beyondASCII(from start: Int) -> Int? {
        var place = start
        let (tops, ones, deletes): (UInt64, UInt64, UInt64) = (
            0x8080_8080_8080_8080, 0x0101_0101_0101_0101, 0x7f7f_7f7f_7f7f_7f7f
        )
        while place + 8 <= count {
            let eight = loadUnaligned(fromByteOffset: place, as: UInt64.self)
            let others = eight ^ deletes
            // A byte of the second is zero where the first has 0x7f.
            if (eight | (others &- ones) & ~others) & tops != 0 { break }
            place += 8
        }
        return self[place...].firstIndex { $0 >= 0x7f }
    }
}
