import FoundationEssentials
import Larder
import Synchronization

/// Why a filter cannot be read, and where.
public struct FilterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In a sentence, without the place.
    public let sentence: String
    /// The filter as it was written.
    public let text: String
    /// How many of its characters stand before the one that makes no sense.
    public let place: Int

    /// The sentence, the filter, and a caret under the place.
    public var description: String {
        "\(sentence)\n  \(text)\n  \(String(repeating: " ", count: place))^"
    }
}
