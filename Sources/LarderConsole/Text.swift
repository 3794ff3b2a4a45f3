import CNcurses
import LarderInspector

/// Text as a terminal has it: columns instead of characters, and nothing that steers it.
package enum Text {
    /// Columns that a character takes: as curses draws it, scalar for scalar. A vowel of Thai may have
    /// one of its own, a family of emoji has two for each of its members.
    static func width(of character: Character) -> Int {
        if let ascii = character.asciiValue { return ascii < 32 || ascii == 127 ? 0 : 1 }
        return character.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    /// Columns of a scalar; 0 for a mark that stands on the one before.
    static func width(of scalar: Unicode.Scalar) -> Int {
        max(0, Int(larder_wcwidth(wchar_t(bitPattern: scalar.value))))
    }

    package static func width(of text: String) -> Int {
        if isPlain(text) { return text.utf8.count }
        return isSteady(text)
            ? text.unicodeScalars.count
            : text.unicodeScalars.reduce(0) { $0 + width(of: $1) }
    }

    /// Has widths told by the user's own locale, or by another where that one knows none: for those
    /// who write lines and have no ``Screen``.
    package static func useOwnLocale() {
        let locale = setlocale(LC_CTYPE, "").map { String(cString: $0) } ?? "C"
        if ["C", "POSIX"].contains(locale) { setlocale(LC_CTYPE, "C.UTF-8") }
    }

    /// A text cell by cell: a scalar that takes room, with what stands on it.
    static func cells(_ text: String) -> [(text: String, width: Int)] {
        var cells: [(text: String, width: Int)] = []
        for scalar in text.unicodeScalars {
            let width = width(of: scalar)
            if width > 0 {
                cells.append((String(scalar), width))
            } else if !cells.isEmpty {
                cells[cells.count - 1].text.unicodeScalars.append(scalar)
            }
        }
        return cells
    }

    /// Nothing but visible ASCII, as nearly all text is: to be handled without looking at characters.
    static func isPlain(_ text: String) -> Bool { PlainText.isVisibleASCII(text) }

    /// Nothing but visible ASCII and our own signs: a scalar is a character is a column.
    static func isSteady(_ text: String) -> Bool {
        text.unicodeScalars.allSatisfy { scalar in
            switch scalar.value {
            // Frames, blocks, braille, arrows, dots and ellipsis.
            case 32..<127, 0x2500..<0x25a0, 0x2800..<0x2900, 0x25b2, 0x25bc, 0x25cb, 0x25cf, 0x2026,
                0x2192:
                true
            default: false
            }
        }
    }

    /// Keys and values come from outside: what is not fit is shown as `?`, and all that is not ASCII
    /// too where the terminal knows no more.
    static func safe(_ text: String, ascii: Bool) -> String {
        if isPlain(text) { return text }
        let fit = PlainText.fit(text)
        // The arrow is our own sign.
        if ascii { return fit.map { $0 == "→" ? "->" : $0.isASCII ? String($0) : "?" }.joined() }
        var shown = String.UnicodeScalarView()
        // What has no width here curses does not draw.
        for scalar in fit.unicodeScalars {
            shown.append(larder_wcwidth(wchar_t(bitPattern: scalar.value)) < 0 ? "?" : scalar)
        }
        return String(shown)
    }

    /// Cut to `width` columns, the cut shown by a mark at the end.
    package static func cut(_ text: String, to width: Int, mark: String) -> String {
        if self.width(of: text) <= width { return text }
        let room = width - self.width(of: mark)
        guard room >= 0 else { return String(mark.prefix(max(0, width))) }
        var kept = ""
        var used = 0
        for character in text {
            used += self.width(of: character)
            if used > room { break }
            kept.append(character)
        }
        return kept + mark
    }

    /// Lines of at most `width` columns, broken between words, and within one that is longer than a
    /// line. No word stands alone on the last one, where the line before can spare it another.
    static func wrap(_ text: String, to width: Int) -> [String] {
        var lines: [[String]] = [[]]
        var used = 0
        for word in text.split(separator: " ").flatMap({ pieces(of: String($0), width) }) {
            let more = self.width(of: word) + (lines.last!.isEmpty ? 0 : 1)
            if !lines.last!.isEmpty, used + more > width {
                lines.append([word])
                used = self.width(of: word)
            } else {
                lines[lines.count - 1].append(word)
                used += more
            }
        }
        let spare = lines.count - 2
        if spare >= 0, lines[spare + 1].count == 1, lines[spare].count > 2,
            self.width(of: lines[spare].last!) + 1 + used <= width
        {
            lines[spare + 1].insert(lines[spare].removeLast(), at: 0)
        }
        return lines.map { $0.joined(separator: " ") }
    }

    /// Pieces in lines of at most `width` columns: what comes behind the first of them, which are
    /// labels, goes on under where it began.
    static func flow(_ pieces: Pieces, labels: Int, to width: Int) -> [Pieces] {
        guard pieces.reduce(0, { $0 + self.width(of: $1.text) }) > width else { return [pieces] }
        var lines: [Pieces] = [Array(pieces.prefix(labels))]
        // Where that would leave next to no room, further to the left.
        let most = max(width / 2, width - 14)
        let indent = max(0, min(lines[0].reduce(0) { $0 + self.width(of: $1.text) }, most))
        let room = max(1, width - indent)
        var used = 0
        for piece in pieces.dropFirst(labels) {
            var gap = piece.text.prefix { $0 == " " }.count
            for word in piece.text.split(separator: " ").flatMap({
                self.pieces(of: String($0), room)
            }) {
                if used > 0, used + gap + self.width(of: word) > room {
                    lines.append([(String(repeating: " ", count: indent), .plain)])
                    (used, gap) = (0, 0)
                }
                let text = String(repeating: " ", count: used > 0 ? gap : 0) + word
                lines[lines.count - 1].append((text, piece.style))
                used += self.width(of: text)
                gap = 1
            }
        }
        return lines
    }

    /// A word in parts that fit into a line each.
    static func pieces(of word: String, _ width: Int) -> [String] {
        guard self.width(of: word) > width, width > 0 else { return [word] }
        var pieces = [""]
        var used = 0
        for character in word {
            let more = self.width(of: character)
            if used + more > width, !pieces.last!.isEmpty {
                pieces.append("")
                used = 0
            }
            pieces[pieces.count - 1].append(character)
            used += more
        }
        return pieces
    }

    package static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - self.width(of: text)))
    }

    package static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - self.width(of: text))) + text
    }
}

/// The signs that graphs and frames are made of.
public enum GlyphTier: String, Hashable, Sendable, Codable, CaseIterable {
    /// Dots, two samples a character.
    case braille
    /// Blocks of eight heights.
    case blocks
    /// For terminals that show nothing else.
    case ascii
}

/// The signs of a tier.
struct Glyphs: Hashable, Sendable {
    var ascii: Bool
    /// The heights for graphs, lowest first.
    var bars: [Character]
    var samplesPerColumn = 1
    var full: Character
    var empty: Character
    var up: String
    var down: String
    var more: String
    var dot: String
    /// A dot that is empty.
    var ring: String
    /// From what was to what is.
    var arrow: String
    /// A line that is done, the half of one more piece of it, and what is to come.
    var line: (done: Character, half: Character, toCome: Character) {
        ascii ? ("=", "-", ".") : ("━", "╸", "─")
    }
    /// An end of a line, and the line of what is not there yet.
    var end: Character { ascii ? "]" : "┤" }
    var dashed: Character { ascii ? "." : "┄" }
    var horizontal: Character
    var vertical: Character
    /// Top left, top right, bottom left, bottom right.
    var corners: [Character]

    static let unicode = Glyphs(
        ascii: false, bars: Array("▁▂▃▄▅▆▇█"), full: "█", empty: "░", up: "▲", down: "▼",
        more: "…", dot: "●", ring: "○", arrow: "→", horizontal: "─", vertical: "│",
        corners: Array("┌┐└┘"))

    static let braille: Glyphs = {
        var glyphs = unicode
        glyphs.bars = Array("⣀⣤⣶⣿")
        glyphs.samplesPerColumn = 2
        return glyphs
    }()

    static let ascii = Glyphs(
        ascii: true, bars: Array("_.,-~=*#"), full: "#", empty: ".", up: "^", down: "v",
        more: "~", dot: "*", ring: "o", arrow: "->", horizontal: "-", vertical: "|",
        corners: Array("++++"))
}

extension Glyphs {
    var tier: GlyphTier { ascii ? .ascii : samplesPerColumn == 2 ? .braille : .blocks }

    init(_ tier: GlyphTier) {
        switch tier {
        case .braille: self = .braille
        case .blocks: self = .unicode
        case .ascii: self = .ascii
        }
    }
}
