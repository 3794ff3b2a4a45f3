import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

/// What is read of a real table beside what boto3 reads of it.
@Suite(.timeLimit(.minutes(2))) struct DifferentialTests {
    private struct Read: Encodable {
        var key: [Verbatim: AttributeValue]
        var consistent: Bool
        var attributes: [String]
    }

    private struct Job: Encodable {
        var endpoint: String
        var region: String
        var keys: [String]
        var table: String
        var items: [[Verbatim: AttributeValue]]
        var reads: [Read]
    }

    /// A value of any type, nested up to `depth`.
    private static func value(_ depth: Int, using random: inout Seeded) -> AttributeValue {
        func number() -> String {
            let digits = "\(Int.random(in: -9999...9999, using: &random))"
            return Bool.random(using: &random)
                ? digits : digits + ".\(Int.random(in: 1...9, using: &random))"
        }
        func text() -> String {
            let letters = Array("abc Ü☃\"\\/\n😀é\u{301}")
            return String(
                (0..<Int.random(in: 0...9, using: &random)).map { _ in
                    letters.randomElement(using: &random)!
                })
        }
        func bytes() -> [UInt8] {
            (0..<Int.random(in: 1...9, using: &random)).map { _ in
                .random(in: 0...255, using: &random)
            }
        }
        let count = Int.random(in: 0...3, using: &random)
        switch Int.random(in: 0..<(depth > 0 ? 10 : 8), using: &random) {
        case 0: return .string(text())
        case 1: return .number(number())
        case 2: return .binary(bytes())
        case 3: return .bool(Bool.random(using: &random))
        case 4: return .null
        case 5: return .stringSet(Array(Set((0...count).map { _ in text() + "." })).sorted())
        case 6: return .numberSet(Array(Set((0...count).map { _ in number() })).sorted())
        case 7:
            return .binarySet(
                Array(Set((0...count).map { _ in bytes() })).sorted { "\($0)" < "\($1)" })
        case 8: return .list((0..<count).map { _ in value(depth - 1, using: &random) })
        default:
            let members = (0..<count).map { (Verbatim("m\($0)"), value(depth - 1, using: &random)) }
            return .map(Dictionary(uniqueKeysWithValues: members))
        }
    }

    /// A number as DynamoDB may have it: up to 38 digits, from 1E-130 to 9.9E+125, written anyhow.
    private static func longNumber(_ random: inout Seeded) -> String {
        let digits = (0..<Int.random(in: 1...38, using: &random)).map { place in
            String(Int.random(in: place == 0 ? 1...9 : 0...9, using: &random))
        }
        let sign = ["", "-", "+"].randomElement(using: &random)!
        let zeros = ["", "", "0", "000"].randomElement(using: &random)!
        let point = Int.random(in: 0...digits.count, using: &random)
        let text =
            digits[..<point].joined() + (point < digits.count ? "." : "")
            + digits[point...].joined()
        // boto3's own context ends at 1E-128.
        let lowest = -128 + digits.count - point
        let exponent = Int.random(in: lowest...(125 - point), using: &random)
        let mark = ["e", "E", "e+", "E+"].randomElement(using: &random)!
        let power = exponent < 0 ? "E\(exponent)" : mark + "\(exponent)"
        return sign + zeros + text + (Bool.random(using: &random) || point == 0 ? power : "")
    }

    private struct PlainJob: Encodable {
        struct Pair: Encodable {
            var item: [Verbatim: AttributeValue]
            var text: String

            func encode(to encoder: any Encoder) throws {
                var pair = encoder.unkeyedContainer()
                try pair.encode(item)
                try pair.encode(text)
            }
        }
        var plain: [Pair]
    }

    @Test func `2,000 items are in plain JSON what boto3 makes of them, digit for digit`() throws {
        var random = Seeded(20)
        let items = (0..<2000).map { _ -> [Verbatim: AttributeValue] in
            [
                "n": .number(Self.longNumber(&random)), "v": Self.value(3, using: &random),
                "l": .list([.number(Self.longNumber(&random)), .number("0"), .number("-0.0")]),
                "m": .map(["NaN": .string("NaN"), "x": .number(Self.longNumber(&random))]),
            ]
        }
        let pairs = try items.map { item in
            let json = try PlainJSON.encode(DynamoDBItem(item, keyName: "n").shown)
            // There and back again, as over the socket, no digit is lost.
            let back = try PlainJSON.decode(Shown.self, from: json)
            #expect(numbers(back) == numbers(DynamoDBItem(item, keyName: "n").shown))
            return PlainJob.Pair(item: item, text: String(decoding: json, as: UTF8.self))
        }
        let input = String(
            decoding: try JSONEncoder().encode(PlainJob(plain: pairs)), as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/boto3_items.py").path
        let ran = try run([python(), script], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let wrong = try JSONDecoder().decode([Int].self, from: Data(ran.output.utf8))
        #expect(wrong.isEmpty, "\(wrong.prefix(3).map { (items[$0], pairs[$0].text) })")
    }

    @Test func `300 items are read as boto3 reads them, one by one and together`() async throws {
        let moto = try Moto()
        var random = Seeded(4)
        let items = (0..<300).map { number in
            var item: [Verbatim: AttributeValue] = [
                "id": .string("id \(number / 3)"), "at": .number("\(number % 3).50"),
            ]
            for name in ["plain", "with space", "name", "ünï"].shuffled(using: &random).prefix(3) {
                item[Verbatim(name)] = Self.value(3, using: &random)
            }
            return item
        }
        let reads = (0..<400).map { number in
            // Some of what is asked for is not there, and numbers are written in other ways.
            let at = ["\(number % 4).5", "\(number % 4).500", "\(number % 4)5e-1"][number % 3]
            return Read(
                key: ["id": .string("id \(number / 3)"), "at": .number(at)],
                consistent: number % 2 == 0,
                attributes: number % 5 == 0 ? ["name", "with space"] : [])
        }
        let job = Job(
            endpoint: moto.scene.endpoint, region: moto.scene.region,
            keys: [moto.scene.accessKeyID, moto.scene.secretAccessKey], table: "generated",
            items: items, reads: reads)
        let input = String(decoding: try JSONEncoder().encode(job), as: UTF8.self)
        let script = packageRoot.appending(path: "Tests/Peers/boto3_items.py").path
        let ran = try run([python(), script], environment: ["NO_PROXY": "*"], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode(
            [[Verbatim: AttributeValue]?].self, from: Data(ran.output.utf8))
        #expect(theirs.count { $0 != nil } > 150)

        let user = try Credentials.fromEnvironment(moto.environment)
        try await withClient(moto.scene.endpoint, credentials: user) { client in
            let keys = reads.map { read in
                DynamoDB.Key(
                    "id", read.key["id"]!, sort: .init("at", read.key["at"]!))
            }
            for (read, (key, their)) in zip(reads, zip(keys, theirs)) {
                let ours: [Verbatim: AttributeValue]?
                do {
                    ours = try await client.dynamoDB.getItem(
                        table: "generated", key: key,
                        .init(isConsistent: read.consistent, attributes: read.attributes)
                    ).attributes
                } catch let error as AWSError where error.kind == .missingItem {
                    ours = nil
                }
                #expect(ours.map(sorted) == their.map(sorted), "\(read)")
            }
            let whole = zip(reads, zip(keys, theirs)).filter { $0.0.attributes.isEmpty }.map(\.1)
            let found = try await client.dynamoDB.getItems(
                table: "generated", keys: whole.map(\.0))
            for (key, their) in whole {
                #expect(found[key].map { sorted($0.attributes) } == their.map(sorted))
            }
            #expect(client.operations.first { $0.operation == "GetItem" }!.capacity > 0)
        }
    }

    /// Every number in a value by the place where it stands, written in the one way.
    private func numbers(_ value: Shown) -> [String: String?] {
        Dictionary(
            value.leaves.map { ($0.path, AttributeValue.canonicalNumber($0.text)) },
            uniquingKeysWith: { first, _ in first })
    }

    /// Sets are in no order.
    private func sorted(_ item: [Verbatim: AttributeValue]) -> [Verbatim: AttributeValue] {
        item.mapValues(sorted)
    }

    private func sorted(_ value: AttributeValue) -> AttributeValue {
        switch value {
        case .stringSet(let texts): .stringSet(texts.sorted())
        case .numberSet(let numbers): .numberSet(numbers.sorted())
        case .binarySet(let values): .binarySet(values.sorted { "\($0)" < "\($1)" })
        case .list(let items): .list(items.map(sorted))
        case .map(let members): .map(members.mapValues(sorted))
        default: value
        }
    }
}
