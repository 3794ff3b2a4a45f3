import Foundation
import HTTPTypes
import Larder
import LarderInspector

/// One thing that can be asked for: the server finds it here, and the OpenAPI document is written
/// from here.
struct Route: Sendable {
    var method: HTTPRequest.Method
    /// `/v1/caches/{cache}/events`.
    var path: String
    var summary: String
    var query: [Parameter] = []
    /// The name of the body's schema.
    var body: String?
    /// The name of the reply's schema; `nil` where the reply is no JSON.
    var reply: String?
    /// Whether it changes anything.
    var changes = false
    /// Whether answering takes so long that others would feel it.
    var isCostly: @Sendable (Asked) -> Bool = { _ in false }
    var answer: @Sendable (Asked) async throws -> Answer

    struct Parameter: Sendable {
        var name: String
        var type: String
        var about: String
        var values: [String] = []
    }
}

/// A request, taken apart.
struct Asked: Sendable {
    var parts: [String: String]
    var query: [String: String]
    var headers: HTTPFields
    var body: Data
    var actor: Operator
    /// The run of the engine that is asked.
    var instance: String
    /// Where what goes on and on is made, piece by piece.
    var lane: PeerLane

    /// The whole number of that name, within bounds.
    func number(_ name: String, _ range: ClosedRange<Int>, default usual: Int) throws -> Int {
        guard let text = query[name] else { return usual }
        guard let number = Int(text), range.contains(number) else {
            throw Refusal(
                .badRequest,
                "\(name) is \"\(text.prefix(40))\"; \(range.lowerBound) to \(range.upperBound) are "
                    + "accepted")
        }
        return number
    }

    /// The instant of that name; where it is left out, before all.
    func instant(_ name: String) throws -> AgeInstant {
        guard let text = query[name] else { return AgeInstant(nanoseconds: .min) }
        guard let instant = AgeInstant(timeOfDay: text) else {
            throw Refusal(
                .badRequest,
                "\(name) is \"\(text.prefix(40))\"; a time as 2026-03-29T12:00:00Z is accepted")
        }
        return instant
    }

    /// The number after which a page or a stream begins.
    func last() throws -> UInt64 {
        let after = UInt64(try number("after", 0...Int.max, default: 0))
        // An empty one is what a reader says that has seen no event.
        if let last = headers[.init("Last-Event-ID")!], !last.isEmpty {
            let parts = last.split(separator: "-", omittingEmptySubsequences: false)
            guard let number = parts.last.flatMap({ UInt64($0) }), parts.count <= 2 else {
                throw Refusal(
                    .badRequest,
                    "Last-Event-ID is \"\(last.prefix(40))\"; the id of an event is accepted")
            }
            // A number of another run means nothing here: all events are new.
            return parts.count == 1 || parts[0] == instance ? number : 0
        }
        return after
    }

    var accepted: AcceptHeader { AcceptHeader(headers[.accept]) }
    /// The page is sorted and filtered by what each entry is, or is a large one.
    var isOfManyEntries: Bool {
        func number(_ name: String) -> Int { query[name].flatMap { Int($0) } ?? 0 }
        let isFiltered = !(query["filter"] ?? "").allSatisfy(\.isWhitespace)
        let column = query["sort"].flatMap { EntryColumn(rawValue: $0) }
        let isAskedOfAll = column?.isBesideRecord ?? false
        return isFiltered || isAskedOfAll || number("limit") > 500 || number("offset") > 500
    }

    var wantsStream: Bool { accepted.quality(of: "text/event-stream") > 0 }

    /// The parameters behind a path: a plus is a blank, as in forms.
    ///
    /// - Throws: ``Refusal`` where one is not escaped as it should be.
    static func parameters(_ query: String) throws -> [(name: String, value: String)] {
        try query.utf8.split(separator: UInt8(ascii: "&")).map { pair in
            let parts = pair.split(
                separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let texts = try parts.map { part in
                let text = String(decoding: part, as: UTF8.self).replacing("+", with: " ")
                guard let plain = text.removingPercentEncoding else {
                    throw Refusal(.badRequest, "the parameters are no UTF-8")
                }
                return plain
            }
            return (texts[0], texts.count > 1 ? texts[1] : "")
        }
    }

    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        do { return try PlainJSON.decode(type, from: body, allDigits: false) } catch {
            throw Refusal(.badRequest, "the body is no \(type) in JSON: \(Self.reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .keyNotFound(let key, let context):
            "\(path(context))\(key.stringValue) is missing"
        case .typeMismatch(let type, let context): "\(path(context))\(type) is expected"
        case .valueNotFound(let type, let context): "\(path(context))\(type) is expected"
        case .dataCorrupted(let context): "\(path(context))\(context.debugDescription)"
        default: "\(error)"
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty
            ? "" : context.codingPath.map(\.stringValue).joined(separator: ".") + ": "
    }
}

/// What goes back.
enum Answer: Sendable {
    case json(Data)
    case text(String, type: String)
    case events(EventStream)
    case changes(ChangeStream)

    var type: String {
        switch self {
        case .json: "application/json; charset=utf-8"
        case .text(_, let type): type
        case .events, .changes: "text/event-stream"
        }
    }

    /// In bytes; `nil` where it goes on and on.
    var length: Int? {
        switch self {
        case .json(let data): data.count
        case .text(let text, _): text.utf8.count
        case .events, .changes: nil
        }
    }

    static func value(_ value: some Encodable) throws -> Answer {
        .json(try PlainJSON.encode(value, [.sortedKeys, .withoutEscapingSlashes]))
    }
}

/// A request that is not answered as it wished.
struct Refusal: Error {
    var status: HTTPResponse.Status
    var sentence: String
    /// What is left of the request is not read.
    var endsConnection: Bool

    init(_ status: HTTPResponse.Status, _ sentence: String, endsConnection: Bool = false) {
        self.status = status
        self.sentence = sentence
        self.endsConnection = endsConnection
    }
}
