import Testing

@testable import LarderAWS

@Suite struct `A reply in XML` {
    private func values(_ text: String) -> XMLValues? { XMLValues(Array(text.utf8)) }

    @Test func `is read by the names of elements, whatever their prefix`() {
        let read = values("<a:R xmlns:a=\"x\"><a:Error><Code>Throttling</Code></a:Error></a:R>")
        #expect(read?["Error", "Code"] == "Throttling" && read?["Code"] == "Throttling")
    }

    @Test(arguments: [
        "", "<", "<R>", "<R></S>", "text", "<R>\u{0}</R>",
        "<!DOCTYPE R [<!ENTITY a \"b\">]><R>&a;</R>",
    ])
    func `that is not a whole document is not read`(text: String) {
        #expect(values(text) == nil)
    }

    /// Foundation's parser would end the program.
    @Test(arguments: [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func `whose names are not UTF-8 is not read`(bytes: [UInt8]) {
        #expect(XMLValues(Array("<R".utf8) + bytes + Array(" a=\"b\"/>".utf8)) == nil)
    }
}
