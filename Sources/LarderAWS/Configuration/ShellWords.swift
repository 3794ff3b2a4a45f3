/// A command as a shell would take it apart: quotes and backslashes, and nothing else.
///
/// - Returns: `nil` where a quote is not closed, or a backslash ends the text.
func shellWords(_ text: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
        switch (character, quote) {
        case ("'", "'"), ("\"", "\""): quote = nil
        case ("'", nil), ("\"", nil):
            quote = character
            word = word ?? ""
        case ("\\", nil):
            guard let next = rest.popFirst() else { return nil }
            word = (word ?? "") + String(next)
        case ("\\", "\""):
            guard let next = rest.popFirst() else { return nil }
            // Before anything else a backslash in quotes is one.
            word = (word ?? "") + (next == "\"" || next == "\\" ? "" : "\\") + String(next)
        case (" ", nil), ("\t", nil), ("\n", nil), ("\r", nil):
            if let done = word { words.append(done) }
            word = nil
        default: word = (word ?? "") + String(character)
        }
    }
    guard quote == nil else { return nil }
    if let word { words.append(word) }
    return words
}
