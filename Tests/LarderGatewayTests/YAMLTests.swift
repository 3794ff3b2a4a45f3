import LarderGateway
import Testing

@Suite struct `Files in YAML` {
    private func trouble(_ bytes: [UInt8]) -> YAML.Trouble? {
        do throws(YAML.Trouble) { _ = try YAML(bytes) } catch { return error }
        return nil
    }

    @Test func `nothing said is nothing`() throws {
        for text in ["", "# a comment", "---", "~", "null", "\u{feff}"] {
            #expect(try YAML(Array(text.utf8)).root == nil, "\(text)")
        }
        #expect(try YAML(Array("''".utf8)).root?.text == "")
    }

    @Test func `names and values stand in their order, each with its place`() throws {
        let text = "\u{feff}a: 1\né: [x, 'y z']\nb: {c: \"\\0\"}\n"
        let fields = try #require(try YAML(Array(text.utf8)).root?.fields)
        #expect(fields.map(\.name.text) == ["a", "é", "b"])
        #expect(fields.map(\.value.place) == [":1:4", ":2:4", ":3:4"])
        #expect(fields[1].value.items?.map(\.text) == ["x", "y z"])
        #expect(fields[2].value.fields?.first?.value.text == "\0")
        #expect(fields[0].value.items == nil && fields[0].value.fields == nil)
    }

    @Test func `names are the same where their bytes are`() throws {
        #expect(trouble(Array("é: 1\ne\u{301}: 2".utf8)) == nil)
        #expect(trouble(Array("b: {é: 1, é: 2}".utf8))?.place == ":1:11")
    }

    @Test func `what aliases repeat is not copied`() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<40 {
            let alias = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(alias)]\n"
        }
        let fields = try #require(try YAML(Array(text.utf8)).root?.fields)
        #expect(fields.count == 40 && fields[39].value.items?.count == 9)
        let own = try YAML(Array("a: &a [*a]".utf8))
        #expect(own.root?.fields?.first?.value.items?.first?.items?.count == 1)
    }

    @Test(
        arguments: [
            ([0x61, 0x3a, 0x0a, 0xff], ":2:1"), (Array("a: \u{1}".utf8), ":1:4"),
            (Array("a: [".utf8), ":2:1"), (Array("\ta: b".utf8), ":1:1"),
            (Array("a: *b".utf8), ":1:4"),
            (Array("a\n---\nb".utf8), ":3:1"), (Array(repeating: 0x5b, count: 100_000), ":1:101"),
        ] as [([UInt8], String)])
    func `what is no YAML is told with its place`(bytes: [UInt8], place: String) {
        #expect(trouble(bytes)?.place == place, "\(trouble(bytes) as Any)")
    }
}
