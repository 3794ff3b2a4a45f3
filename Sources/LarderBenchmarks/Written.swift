import Foundation

/// Writes a text as far as it can be written; false where that was not all of it.
///
/// The package's own writer is not seen from here: this program has its public face and no more.
@discardableResult func write(_ text: String, to descriptor: Int32) -> Bool {
    var left = Array(text.utf8)[...]
    while !left.isEmpty {
        let count = left.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if count > 0 { left = left.dropFirst(count) } else if errno != EINTR { return false }
    }
    return true
}

/// Puts a result on standard output.
///
/// - Throws: ``Unwritten`` where it cannot be written there.
func put(_ text: String) throws {
    guard write(text, to: 1) else { throw Unwritten() }
}

struct Unwritten: Error, CustomStringConvertible {
    var description: String { "the result could not be written to standard output" }
}
