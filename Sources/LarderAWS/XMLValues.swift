import CExpat
import LarderInspector

/// The texts of an XML document by the names of their element and its parent, wherever they stand:
/// what AWS's replies need, in any order and with any prefix.
struct XMLValues {
    private let texts: [Path: String]

    private struct Path: Hashable {
        var parent: String
        var name: String
    }

    /// `nil` where the bytes are not a whole XML document in UTF-8, and where one declares types or
    /// entities of its own, which no service does.
    init?(_ bytes: [UInt8]) {
        guard let reader = Reader(), reader.read(bytes) else { return nil }
        texts = reader.texts
    }

    subscript(parent: String, name: String) -> String? { texts[Path(parent: parent, name: name)] }

    /// The first element of that name under any parent.
    subscript(name: String) -> String? { texts.first { $0.key.name == name }?.value }

    /// Expat's parser, and what it has told so far.
    private final class Reader {
        private(set) var texts: [Path: String] = [:]
        private var open: [String] = []
        private var text: [UInt8] = []
        private let parser: XML_Parser

        init?() {
            guard let parser = XML_ParserCreate("UTF-8") else { return nil }
            self.parser = parser
        }

        deinit { XML_ParserFree(parser) }

        /// Whether it is a whole document.
        func read(_ bytes: [UInt8]) -> Bool {
            guard let count = Int32(exactly: bytes.count) else { return false }
            XML_SetUserData(parser, Unmanaged.passUnretained(self).toOpaque())
            XML_SetElementHandler(
                parser, { reader, name, _ in Reader.of(reader)?.begin(name) },
                { reader, _ in Reader.of(reader)?.end() })
            XML_SetCharacterDataHandler(parser) { Reader.of($0)?.add($1, $2) }
            XML_SetStartDoctypeDeclHandler(parser) { reader, _, _, _, _ in
                Reader.of(reader).map { _ = XML_StopParser($0.parser, XML_Bool(XML_FALSE)) }
            }
            return bytes.withUnsafeBytes { bytes in
                let start = bytes.bindMemory(to: CChar.self).baseAddress
                return XML_Parse(parser, start, count, 1) == XML_STATUS_OK
            }
        }

        private static func of(_ reader: UnsafeMutableRawPointer?) -> Reader? {
            reader.map { Unmanaged<Reader>.fromOpaque($0).takeUnretainedValue() }
        }

        private func begin(_ name: UnsafePointer<CChar>?) {
            let name = name.map { String(cString: $0) } ?? ""
            // What stands before a colon is a prefix.
            open.append(name.split(separator: ":").last.map { String($0) } ?? name)
            text = []
        }

        private func add(_ characters: UnsafePointer<CChar>?, _ count: Int32) {
            text += UnsafeRawBufferPointer(start: characters, count: Int(count))
        }

        private func end() {
            let path = Path(parent: open.dropLast().last ?? "", name: open.removeLast())
            let value = String(decoding: text, as: UTF8.self)[...].trimmed(where: \.isWhitespace)
            if texts[path] == nil, !value.isEmpty { texts[path] = String(value) }
            text = []
        }
    }
}
