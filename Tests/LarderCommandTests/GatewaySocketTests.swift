import Foundation
import LarderInspector
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `The gateway's socket` {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        chmod(folder.path, 0o700)
    }

    private func socket(_ name: String = "docker.sock") throws -> GatewaySocket {
        try GatewaySocket(parsing: folder.path + "/" + name)
    }

    /// A socket of a program, at which it listens or listened.
    private func program(_ name: String, listens: Bool) throws -> Int32 {
        let path = folder.path + "/" + name
        let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafeBytes(of: &address) {
            bind(
                descriptor, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t($0.count)) == 0
        }
        try #require(isBound)
        if listens { try #require(listen(descriptor, 1) == 0) }
        return descriptor
    }

    private func exists(_ name: String) -> Bool {
        FileManager.default.fileExists(atPath: folder.path + "/" + name)
    }

    @Test func `of a program that listens is left alone`() throws {
        let descriptor = try program("docker.sock", listens: true)
        defer { close(descriptor) }
        #expect(throws: InspectorError.self) { try socket().take() }
        #expect(exists("docker.sock"))
    }

    @Test func `that an engine left behind is replaced, and goes only once it is this one's`()
        throws
    {
        close(try program("docker.sock", listens: true))
        let taken = try socket().take()
        #expect(throws: InspectorError.self) { try socket().take() }
        // The engine failed before it listened.
        taken.release()
        #expect(exists("docker.sock"))
        let again = try socket().take()
        again.isBound()
        again.release()
        #expect(!exists("docker.sock"))
    }

    @Test func `leaves files of others alone`() throws {
        let lock = folder.path + "/poetry.lock"
        try "dependencies".write(toFile: lock, atomically: true, encoding: .utf8)
        try socket("poetry.sock").take().release()
        #expect(try String(contentsOfFile: lock, encoding: .utf8) == "dependencies")
        try "text".write(toFile: folder.path + "/a.sock", atomically: true, encoding: .utf8)
        #expect(throws: InspectorError.self) { try socket("a.sock").take() }
        #expect(exists("a.sock"))
    }

    @Test(arguments: [
        "", "gateway", "/tmp/.sock", "/tmp/" + String(repeating: "x", count: 120) + ".sock",
    ])
    func `is a path that ends in sock and fits`(text: String) {
        #expect(throws: UnitError.self) { try GatewaySocket(parsing: text) }
    }

    @Test(arguments: [
        ("orders", "orders", true),
        ("arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "orders", true),
        ("orders2", "orders", false), (nil, "orders", false),
    ])
    func `of tables one is followed by its name or its ARN`(
        table: String?, followed: String, isNamed: Bool
    ) {
        #expect(FollowedTable.isNamed(table, followed) == isNamed)
        #expect(FollowedTable.each(["a", "b", "a"]) == ["a", "b"])
    }
}
