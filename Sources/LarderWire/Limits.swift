/// What one request may ask for, and carry: who asks keeps to it, and who answers refuses more.
package enum Limits {
    /// The header that says when the engine's age line began.
    package static let epochHeader = "Larder-Epoch"
    /// Entries of a page.
    package static let mostEntries = 10_000
    /// Bytes of the longest body, where an engine sets nothing else.
    package static let usualBody = 16 << 20
    /// Bytes of anything but a plan, and of a plan where nothing can be changed.
    package static let smallBody = 64 << 10
}
