package import LarderInspector

/// Where the gateway listens: a port of this machine's own loopback, which nobody else reaches.
package struct GatewayAddress: Hashable, Sendable, CustomStringConvertible {
    package let host: String
    /// 0 for any that is free.
    package let port: Int

    /// The port that is taken where none is named.
    package static let usual = GatewayAddress(host: "127.0.0.1", port: 5599)

    init(host: String, port: Int) { (self.host, self.port) = (host, port) }

    /// `127.0.0.1:5599`, `:5599`, `5599`, `127.0.0.1`, or `on` for the usual one.
    package init(parsing text: String) throws(UnitError) {
        let accepted = "write 127.0.0.1:PORT, with port 0 for any that is free"
        if text == "on" {
            self = .usual
            return
        }
        let colon = text.utf8.lastIndex(of: UInt8(ascii: ":"))
        let isPort = colon == nil && !text.isEmpty && text.utf8.allSatisfy(Self.isDigit)
        let (name, number) =
            colon.map { (text[..<$0], text[text.utf8.index(after: $0)...]) }
            ?? (isPort ? ("", text[...]) : (text[...], ""))
        guard !text.isEmpty,
            number.isEmpty || number.utf8.allSatisfy(Self.isDigit) && number.utf8.count <= 5,
            let port = number.isEmpty ? Self.usual.port : Int(number), (0...65_535).contains(port)
        else { throw UnitError("\"\(text)\" is no address; \(accepted)") }
        let host = name.isEmpty ? Self.usual.host : String(name)
        guard Self.isLoopback(host) else {
            throw UnitError(
                "\"\(text)\" is not this machine's loopback, and whoever reaches it could use the "
                    + "caches; \(accepted)")
        }
        self.init(host: host, port: port)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// 127.0.0.0/8, in four numbers: names may be anybody's, and SDKs take no credentials from
    /// `localhost`.
    private static func isLoopback(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy {
                (1...3).contains($0.utf8.count) && $0.utf8.allSatisfy(isDigit)
                    && UInt8($0) != nil && ($0 == "0" || $0.utf8.first != 0x30)
            }
    }

    package var description: String { "\(host):\(port)" }
}
