import TestSupport

/// Profile files of lines that a parser may take in more than one way.
func randomFiles() -> [String] {
    var random = Seeded(1)
    return (0..<400).map { _ in randomFile(&random) }
}

private func randomFile(_ random: inout Seeded) -> String {
    // Most files hold only what can be read, or hardly one would be.
    let isWild = Int.random(in: 0..<4, using: &random) == 0
    var text = isWild ? "" : "[default]\n"
    for number in 0..<Int.random(in: 0...12, using: &random) {
        text += line(number, isWild, &random)
        text += ["\n", "\n", "\n", "\r\n", "\r", "\n\n"].randomElement(using: &random)!
    }
    return text
}

private func line(_ number: Int, _ isWild: Bool, _ random: inout Seeded) -> String {
    let indent = ["", "", "", " ", "  ", "\t", "\u{a0}"].randomElement(using: &random)!
    // Names are numbered, because one that stands there twice spoils the whole file.
    let name = ["key\(number)", "Key \(number)", "schlüssel\(number)"].randomElement(
        using: &random)!
    let value = ["", "v", "a = b", "x # y", "x;y", "[z]", "w\u{301}", "“ü”", "a:b", "'q"]
        .randomElement(using: &random)!
    let sign = ["=", " = ", ":", " : ", "=\t", " =\u{301}"].randomElement(using: &random)!
    let wild = [
        "[", "[]", "word", "= v", ":", "[default]", "[DEFAULT]", "[profile default]", "]x[",
        "\u{feff}",
        "key1 = again", "[default] # c",
    ]
    let section = [
        "[profile p\(number)]", "[profile \"q \(number)\"]", "[ profile r\(number) ]",
        "[services s\(number)]",
        "[sso-session t\(number)]", "[other\(number)]", "[profile'u\(number)]", "[profile a b]",
        "[profile v\(number)] rest", "[profile w]\(number)]", "[profiles x\(number)]",
    ]
    switch Int.random(in: 0..<(isWild ? 12 : 10), using: &random) {
    case 0: return indent + ["# c", ";c = d", "#"].randomElement(using: &random)!
    case 1: return indent
    case 2, 3: return indent + section.randomElement(using: &random)!
    case 4, 5: return "\(name) =" + "\n  sub\(number) = \(value)" + "\n  Other= x = y"
    case 10, 11: return indent + wild.randomElement(using: &random)!
    default: return indent + name + sign + value
    }
}

/// Command lines of quotes, blanks and backslashes.
func randomCommands() -> [String] {
    var random = Seeded(2)
    let parts = [
        "a", "b c", " ", "\t", "'", "\"", "\\", "\\\"", "''", "é\u{301}", "$x", "#", "\n", "~",
    ]
    return (0..<600).map { number in
        let line = (0..<Int.random(in: 0...8, using: &random))
            .map { _ in parts.randomElement(using: &random)! }.joined()
        // By chance alone few quotations would have an end.
        return [line, "\"\(line)\"", "'\(line)'"][number % 3]
    }
}
