package import Foundation

/// Server-sent events: pieces of text with an empty line behind each.
package enum ServerSentEvents {
    /// Longest silence: who hears nothing for much longer knows that nobody is there.
    package static let beat = Duration.seconds(10)
    package static let beatText = ": beat\n\n"
}

extension ServerSentEvents {
    /// Takes a stream apart, however its bytes come.
    package struct Reader {
        /// What an engine says of one change is shorter.
        package static let longestLine = 64 << 20

        private var rest: [UInt8] = []

        package init() {}

        /// The data of each line of data that is whole by now.
        ///
        /// - Throws: ``SocketError`` where a line does not end.
        package mutating func take(_ piece: some Sequence<UInt8>) throws -> [Data] {
            rest += piece
            var found: [Data] = []
            var start = 0
            while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[start..<end]
                if line.starts(with: Self.name) {
                    found.append(Data(line.dropFirst(Self.name.count)))
                }
                start = end + 1
            }
            rest.removeFirst(start)
            guard rest.count <= Self.longestLine else {
                throw SocketError("the engine's stream has a line without an end")
            }
            return found
        }

        private static let name = Array("data: ".utf8)
    }
}
