import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `Keys on the command line` {
    @Test(arguments: [
        ("id", "id", KeyAttribute.Kind.string), ("id:number", "id", .number),
        ("tenant:id", "tenant:id", .string), ("tenant:id:binary", "tenant:id", .binary),
        (#"a\:list"#, "a:list", .string), (#"id\:number"#, "id:number", .string),
        ("a:b:string", "a:b", .string),
    ])
    func `a colon belongs to the name where no type stands behind it`(
        text: String, name: String, type: KeyAttribute.Kind
    ) throws {
        #expect(try KeyAttribute(parsing: text) == KeyAttribute(name: name, type: type))
    }

    @Test(arguments: ["", ":number", "id:list", "id:N", "id:"])
    func `what names no key is refused`(text: String) {
        #expect(throws: UnitError.self) { try KeyAttribute(parsing: text) }
    }

    private let orders = TableKey(
        partition: KeyAttribute(name: "pk", type: .string),
        sort: KeyAttribute(name: "sk", type: .string))
    private let binary = TableKey(
        partition: KeyAttribute(name: "pk", type: .number),
        sort: KeyAttribute(name: "sk", type: .binary))
    private let plain = TableKey(partition: KeyAttribute(name: "pk", type: .string))

    @Test func `a slash of a part's own is no separator`() throws {
        let key = DynamoDB.Key(
            "pk", .string("USER#1"), sort: .init("sk", .string("ORDER#2024/01")))
        #expect(try orders.key(#"USER#1/ORDER#2024\/01"#) == key)
        #expect(try orders.key(#"["USER#1","ORDER#2024/01"]"#) == key)
        #expect(TableKey.text(key) == #"USER#1/ORDER#2024\/01"#)
        #expect(throws: InspectorError.self) { try orders.key("USER#1/ORDER#2024/01") }
        // What the table's own keys look like reads back as them.
        #expect(try orders.key(TableKey.text([key.value, key.sort!.value]).text) == key)
        let bytes = DynamoDB.Key(
            "pk", .number("7"), sort: .init("sk", .binary([0xff, 0xff, 0xfe])))
        #expect(TableKey.text(bytes) == #"7/\/\/\/+"#)
        #expect(try binary.key(#"7.0/\/\/\/+"#) == bytes)
        #expect(try binary.key(#"[7,"///+"]"#) == bytes)
        // Without a sort key there is nothing to separate.
        #expect(try plain.key("a/b\\c[").value == .string("a/b\\c["))
        #expect(try plain.canonical("[\"a\"]") == "[\"a\"]")
    }

    @Test func `a list names keys with commas, escaped commas, or in JSON`() {
        #expect(plain.keys(KeyNotation.pieces("a, b")) == ["a", "b"])
        #expect(plain.keys(KeyNotation.pieces(#"a\,b,c"#)) == ["a,b", "c"])
        #expect(plain.keys(KeyNotation.pieces(#"["a,b", "c", 7]"#)) == ["a,b", "c", "7"])
        let one = #"["USER#1","ORDER,2"]"#
        #expect(orders.keys(KeyNotation.pieces(one)) == [one])
        #expect(orders.keys(KeyNotation.pieces(one + ", a/b")) == [one, "a/b"])
        #expect(orders.keys(KeyNotation.pieces("[\(one),\(one)]")) == [one, one])
    }

    @Test(arguments: [
        ("a,b.c", ["a", "b.c"]), ("a, b", ["a", "b"]), (#"a\,b,c\.d"#, ["a,b", #"c\.d"#]),
        (#"["a.b","c,d"]"#, [#"a\.b"#, "c,d"]),
        (#"[["owner","first.name"],["tags",0]]"#, [#"owner.first\.name"#, "tags[0]"]),
    ])
    func `attributes are paths, or in JSON names as they are`(text: String, paths: [String]) throws
    {
        #expect(try AttributeList.paths(text) == paths)
    }

    @Test(arguments: ["[1]", "[", "[\"a\"],b", "[[0]]", "[{}]"])
    func `attributes that make no sense are refused`(text: String) {
        #expect((try? AttributeList.paths(text)) == nil || text == "[")
    }

    @Test func `no two keys are written alike, and each is read back`() throws {
        var random = Fuzz.random("table keys")
        var seen: [Verbatim: DynamoDB.Key] = [:]
        for _ in 0..<Fuzz.count {
            let key = DynamoDB.Key(
                "pk", .string(Fuzz.text(3, using: &random)),
                sort: .init("sk", .string(Fuzz.text(3, using: &random))))
            let text = TableKey.text(key)
            #expect(try orders.key(text.text) == key)
            #expect(seen.updateValue(key, forKey: text) ?? key == key)
            _ = try? orders.canonical(Fuzz.text(using: &random))
            _ = try? binary.canonical(
                Fuzz.number(using: &random) + "/" + Fuzz.text(2, using: &random))
        }
    }

    @Test(arguments: [
        (["entry", "accounts", "-5"], "with -- before it"),
        (["invalidate", "accounts", "-9223372036854775808"], "with -- before it"),
        (["fetch", "account", "-5"], "with -- before it"),
        (["top", "--keys", "-5"], "--option=-value"), (["top", "--keys="], "write a value, or"),
    ])
    func `that begin with a dash are told how to be written`(words: [String], told: String) throws {
        let ran = try run([larder] + words)
        #expect(ran.status == 64)
        #expect(ran.errors.contains(told), "\(ran.errors)")
    }

    @Test func `that are numbers at the edge are missing, and end nothing`() throws {
        let folder = try TemporaryFolder()
        for number in ["-9223372036854775808", "9223372036854775807", "-1"] {
            let ran = try run(
                [larder, "fetch", "account", "--latency", "0s", "--accounts", "1", "--", number],
                environment: ["LARDER_STORE": folder.path + "/accounts.sqlite"])
            #expect(ran.status == 1, "\(ran.errors)")
            #expect(ran.errors.contains("no account has this number"), "\(ran.errors)")
        }
    }

    @Test func `errors echo nothing that steers a terminal`() throws {
        let nasty = "\u{1b}[31m\u{202e}\u{9b}x"
        for words in [
            ["--limit", nasty], ["--\(nasty)"], [nasty], ["top", "--key", nasty + ":"],
            ["--sort", nasty], ["entries", "--filter", "hits=\(nasty)"], ["attach", nasty],
        ] {
            let ran = try run([larder] + words)
            #expect(ran.status != 0)
            for sign in ["\u{1b}", "\u{202e}", "\u{9b}"] {
                #expect(!ran.errors.unicodeScalars.contains(sign.unicodeScalars.first!), "\(words)")
            }
        }
    }
}

@Suite struct `A table of a command` {
    @Test func `has its columns under each other, as the terminal counts them`() {
        let keys = ["帳戶", "กำ", "👨‍👩‍👧", "e\u{301}", "a\u{202e}", "plain"]
        let lines = Table.lines(["key", "hits"], keys.map { [$0, "7"] }, columns: nil)
        let widths = Set(lines.dropFirst().map { Table.width(String($0.dropLast(1))) })
        #expect(widths.count == 1, "\(lines)")
        #expect(Table.width("帳戶") == 4 && Table.width("👨‍👩‍👧") == 6 && Table.width("e\u{301}") == 1)
    }

    @Test func `is cut to the columns there are`() {
        let lines = Table.lines(["key"], [["帳戶帳戶帳戶帳戶"]], columns: 9)
        #expect(lines[1] == "帳戶帳戶…")
    }
}
