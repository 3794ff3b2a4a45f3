import Foundation

/// A line that is typed.
struct Prompt: Hashable {
    enum Purpose: Hashable {
        case filter
        case maxsize(cache: String)
        case ttl(cache: String)
        case fetch(cache: String)
        /// From the row that the cursor stood on.
        case search(from: Int)
        case overwrite(path: String, text: String)
    }

    var purpose: Purpose
    var text = ""
    /// Why the text was not taken, and at which of its characters it stops making sense.
    var refusal: String?
    var place: Int?
}

/// A command that is typed by its name.
struct Palette: Hashable {
    var text = ""
    var refusal: String?
    /// All names are shown that it can become.
    var isListing = false
    /// Which of the commands typed before stands there; `nil` for a new one.
    var place: Int?
}
