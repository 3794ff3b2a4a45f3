import Foundation
import Larder
import LarderInspector
import TestSupport
import Testing

@testable import LarderAWS

@Suite(.timeLimit(.minutes(Fuzz.minutes(1)))) struct `Keys that look alike` {
    @Test(arguments: Fuzz.lookalikes)
    func `are values, items and requests of their own`(texts: [String]) throws {
        func count(_ values: [some Hashable]) -> Int { Set(values).count }
        #expect(count(texts.map { AttributeValue.string($0) }) == texts.count)
        #expect(count(texts.map { AttributeValue.stringSet([$0]) }) == texts.count)
        #expect(count(texts.map { AttributeValue.map([Verbatim($0): .null]) }) == texts.count)
        #expect(count(texts.map { AttributeValue.list([.string($0)]) }) == texts.count)
        #expect(count(texts.map { DynamoDB.Key("id", .string($0)) }) == texts.count)
        #expect(count(texts.map { DynamoDB.Key($0, .null) }) == texts.count)
        #expect(
            count(texts.map { DynamoDB.Key("id", .null, sort: .init($0, .null)) }) == texts.count)
        let role = try IAMRole("arn:aws:iam::222222222222:role/reader")
        let fields: [(inout RoleRequest, String) -> Void] = [
            { $0.sessionName = $1 }, { $0.externalID = $1 }, { $0.policy = $1 },
            { $0.policyARNs = [$1] }, { $0.tags = [Verbatim($1): "v"] },
            { $0.tags = ["k": Verbatim($1)] }, { $0.transitiveTagKeys = [Verbatim($1)] },
            { $0.sourceIdentity = $1 }, { $0.serialNumber = $1 }, { $0.caller.identity = $1 },
            { $0.caller.region = $1 }, { $0.caller.endpoint = $1 },
        ]
        for set in fields {
            let requests = texts.map { text in
                var request = RoleRequest(role)
                set(&request, text)
                return request
            }
            #expect(count(requests) == texts.count)
        }
        var both = RoleRequest(role)
        for text in texts { both.tags[Verbatim(text)] = Verbatim(text) }
        #expect(both.form.count { $0.name.hasSuffix(".Key") } == texts.count)
    }

    @Test func `name no role, where the letters are not ASCII's own`() {
        #expect(throws: AWSError.self) { try IAMRole("arn:aws:iam::222222222222:role/\u{212a}") }
        #expect(throws: AWSError.self) { try IAMRole("arn:aws:iam::222222222222:role/a\u{37e}") }
    }

    @Test func `never share an entry with another request`() throws {
        var random = Fuzz.random("requests")
        let texts = Array(Fuzz.lookalikes.joined()) + ["", "a"]
        func text() -> String { texts.randomElement(using: &random)! }
        let role = try IAMRole("arn:aws:iam::222222222222:role/reader")
        let cache = Cache<RoleRequest, Int>("roles", maxsize: nil, ttl: nil) { _ in 0 }
        var forms: [[[UInt8]]: Int] = [:]
        for number in 0..<Fuzz.count {
            let request = RoleRequest(
                role, sessionName: text(), externalID: text(), policy: text(),
                tags: Dictionary(
                    (0..<2).map { _ in (Verbatim(text()), Verbatim(text())) },
                    uniquingKeysWith: { $1 }),
                transitiveTagKeys: [Verbatim(text())], caller: .init(identity: text()))
            let sent = request.form.map { Array("\($0.name)=\($0.value)".utf8) }
            let form = sent + [Array(request.caller.identity.utf8)]
            let known = forms[form]
            #expect(cache.cached(request) == known)
            cache.insert(known ?? number, for: request)
            forms[form] = known ?? number
        }
        #expect(cache.snapshot().count == forms.count)
    }

    @Test func `are attributes of one item, asked for and read byte by byte`() async throws {
        let names = ["café", "cafe\u{301}"]
        let json =
            #"{"Item":{"id":{"S":"a"},"\#(names[0])":{"N":"1.50"},"\#(names[1])":{"S":"two"}}}"#
        try await with(reply("200 OK", [], json)) { client, upstream in
            let item = try await client.dynamoDB.getItem(
                table: "accounts", key: .init("id", .string("a")), .init(attributes: names))
            #expect(item.attributes.count == 3)
            #expect(item.attributes[Verbatim(names[0])] == .number("1.50"))
            #expect(item.attributes[Verbatim(names[1])] == .string("two"))
            #expect(
                item.json.json.utf8.elementsEqual(
                    #"{"cafe\#("\u{301}")":{"S":"two"},"café":{"N":"1.50"},"id":{"S":"a"}}"#.utf8))
            let sent = try Shown(json: Array(try #require(upstream.requests.first).body))
            #expect(sent["ProjectionExpression"] == .text("#n0, #n1"))
            let holders = try #require(sent["ExpressionAttributeNames"])
            #expect(holders["#n1"].map { Array($0.leaves[0].text.utf8) } == Array(names[1].utf8))
        }
    }

    @Test func `a dot, a bracket and a comma in a name are written`() throws {
        let paths = [#"a\.b.c"#, #"x\[0][1]"#, "d,e", #"back\\slash"#, "tags[0].name"]
        let projection = try #require(DynamoDB.Reading(attributes: paths).projection)
        #expect(projection.expression == "#n0.#n1, #n2[1], #n3, #n4, #n5[0].#n6")
        #expect(
            projection.names == [
                "#n0": "a.b", "#n1": "c", "#n2": "x[0]", "#n3": "d,e", "#n4": #"back\slash"#,
                "#n5": "tags", "#n6": "name",
            ])
        #expect(DynamoDB.Reading.path(toName: "a.b[0]\\") == #"a\.b\[0]\\"#)
    }
}

@Suite(.timeLimit(.minutes(Fuzz.minutes(1)))) struct `Items from outside` {
    private func value(_ depth: Int, using random: inout Seeded) -> Shown {
        let types = ["S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL", "X", ""]
        func inner() -> Shown {
            switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &random) {
            case 0: .text(Fuzz.text(using: &random))
            case 1: .text(Fuzz.number(using: &random))
            case 2: .bool(Bool.random(using: &random))
            case 3: .number("\(Fuzz.integer(using: &random))")
            case 4: .list([value(depth - 1, using: &random)])
            case 5: .fields([.init(Fuzz.text(using: &random), value(depth - 1, using: &random))])
            default: .list([.text(Fuzz.number(using: &random))])
            }
        }
        return .fields([.init(types.randomElement(using: &random)!, inner())])
    }

    @Test func `are read or refused, whatever they hold`() throws {
        var random = Fuzz.random("items")
        for _ in 0..<Fuzz.count {
            let json = value(3, using: &random)
            guard let read = try? AttributeValue(json: json) else { continue }
            #expect(try AttributeValue(json: read.json) == read)
            _ = (read.shown.json, read.heapBytes, read.canonical, read.brief)
            _ = try JSONEncoder().encode(read.shown)
            let number = Fuzz.number(using: &random)
            if let canonical = AttributeValue.canonicalNumber(number) {
                #expect(AttributeValue.canonicalNumber(canonical) == canonical, "\(number)")
            }
        }
    }

    @Test func `say capacities that no table has, which are not counted`() async throws {
        for units in ["1e300", "-5", "1e308", "\"x\"", "null"] {
            let json =
                #"{"Item":{"id":{"S":"a"}},"ConsumedCapacity":{"CapacityUnits":\#(units)}}"#
            try await with(reply("200 OK", [], json)) { client, _ in
                _ = try await item(client)
                #expect(client.operations.first { $0.operation == "GetItem" }?.capacity == 0)
            }
        }
    }
}
