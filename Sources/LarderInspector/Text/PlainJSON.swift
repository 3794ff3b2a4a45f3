public import FoundationEssentials

/// JSON in which numbers have all their digits.
///
/// Foundation's coders hold what `Decimal` does: 38 digits, and exponents down to -128. DynamoDB's
/// numbers go beyond that (`1.5e-130`), and a reader that is told 38 digits expects them. So a number
/// goes through the coders as a text behind a mark that nobody can guess, drawn for each document,
/// and the mark and the quotes are taken away, or put there, in the bytes.
///
/// What would steer a terminal, or hide on it, is written by its number (`\u202e`): whoever prints a
/// document as it comes sees what it says.
///
/// Times of day are texts as in RFC 3339, in UTC: `2026-03-29T12:00:00.000Z`.
public enum PlainJSON {
    static let mark = CodingUserInfoKey(rawValue: "larder.number")!

    private static let time = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    private static func newMark() -> String {
        "\(UInt64.random(in: .min ... .max))-\(UInt64.random(in: .min ... .max))="
    }

    /// - Throws: What the value's own encoding throws.
    public static func encode(
        _ value: some Encodable, _ formatting: JSONEncoder.OutputFormatting = []
    ) throws -> Data {
        let mark = newMark()
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        encoder.userInfo[Self.mark] = mark
        encoder.dateEncodingStrategy = .custom { date, encoder in
            var container = encoder.singleValueContainer()
            try container.encode(date.formatted(time))
        }
        return PlainText.json(
            unquoted(try encoder.encode(value), Array(("\"" + mark).utf8)))
    }

    /// The same in one line, members by their names. It is for what always can be written: texts and
    /// numbers that JSON has.
    package static func text(_ value: some Encodable) -> String {
        let data = try! encode(value, [.sortedKeys, .withoutEscapingSlashes])
        return String(decoding: data, as: UTF8.self)
    }

    /// `allDigits` says that the document may have numbers of which every digit counts. Without it,
    /// a number beyond what `Decimal` holds may be read as another.
    ///
    /// - Throws: `DecodingError`.
    public static func decode<Value: Decodable>(
        _: Value.Type, from data: Data, allDigits: Bool = true
    ) throws -> Value {
        let mark = newMark()
        let decoder = JSONDecoder()
        decoder.userInfo[Self.mark] = mark
        decoder.dateDecodingStrategy = .custom { decoder in
            let text = try decoder.singleValueContainer().decode(String.self)
            // A fraction may be left out.
            return try (try? Date(text, strategy: time)) ?? Date(text, strategy: .iso8601)
        }
        return try decoder.decode(
            Value.self, from: allDigits ? quoted(data, Array(("\"" + mark).utf8)) : data)
    }

    private static let quote = UInt8(ascii: "\"")

    /// Marked texts become numbers.
    private static func unquoted(_ data: Data, _ opening: [UInt8]) -> Data {
        var plain = Data()
        plain.reserveCapacity(data.count)
        data.withUnsafeBytes { bytes in
            var (place, kept) = (0, 0)
            while place + opening.count < bytes.count {
                guard bytes[place] == quote,
                    bytes[place..<place + opening.count].elementsEqual(opening)
                else {
                    place += 1
                    continue
                }
                plain.append(contentsOf: bytes[kept..<place])
                kept = place + opening.count
                place = bytes[kept...].firstIndex(of: quote) ?? bytes.count
                plain.append(contentsOf: bytes[kept..<place])
                place = min(place + 1, bytes.count)
                kept = place
            }
            plain.append(contentsOf: bytes[kept...])
        }
        return plain
    }

    /// Numbers that `Decimal` does not hold become marked texts; all others stay as they are.
    private static func quoted(_ data: Data, _ opening: [UInt8]) -> Data {
        var marked = Data()
        marked.reserveCapacity(data.count)
        data.withUnsafeBytes { bytes in
            var (place, kept, isText) = (0, 0, false)
            while place < bytes.count {
                let byte = bytes[place]
                if isText || !isOfNumber(byte) {
                    if byte == quote { isText.toggle() }
                    place += isText && byte == UInt8(ascii: "\\") ? 2 : 1
                    continue
                }
                let end = bytes[place...].firstIndex { !isOfNumber($0) } ?? bytes.count
                if !isHeld(bytes[place..<end]) {
                    marked.append(contentsOf: bytes[kept..<place])
                    marked.append(contentsOf: opening)
                    marked.append(contentsOf: bytes[place..<end])
                    marked.append(quote)
                    kept = end
                }
                place = end
            }
            marked.append(contentsOf: bytes[kept...])
        }
        return marked
    }

    /// Whether `Decimal` holds all digits of a number; true as well for what is not a number.
    private static func isHeld(_ number: Slice<UnsafeRawBufferPointer>) -> Bool {
        if number.count < 20, !number.contains(where: { [0x45, 0x65].contains($0) }) {
            return true
        }
        let digits = String(decoding: number, as: UTF8.self)
        return Shown.decimal(digits) != nil || Shown.number(in: digits) == nil
    }

    private static func isOfNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x2b, 0x2d, 0x2e, 0x45, 0x65: true
        default: false
        }
    }
}
