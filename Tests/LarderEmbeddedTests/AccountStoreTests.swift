import Foundation
import TestSupport
import Testing

@testable import LarderEmbedded

@Suite struct `The account store` {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/new/accounts.sqlite" }

    init() throws { folder = try TemporaryFolder() }

    @Test func `is made and filled at first use, and opened as it is later`() async throws {
        let first = try await AccountStore(path: path, accounts: 20).account("100000000007")
        #expect(first.number == "100000000007")
        #expect(!first.name.isEmpty && first.email.contains("@"))
        let again = try AccountStore(path: path, accounts: 20)
        #expect(try await again.account("100000000007") == first)
    }

    @Test func `grows without changing the accounts that are there`() async throws {
        let small = try AccountStore(path: path, accounts: 100)
        var before: [Account] = []
        for place in 0..<100 { before.append(try await small.account(Account.number(at: place))) }
        let large = try AccountStore(path: path, accounts: 1000)
        for account in before { #expect(try await large.account(account.number) == account) }
        #expect(try await large.account("100000000999").number == "100000000999")
    }

    @Test func `has the same accounts wherever it is made, and not all alike`() async throws {
        let (one, other) = (
            try AccountStore(path: nil, accounts: 50), try AccountStore(path: path, accounts: 50)
        )
        var names: Set<String> = []
        for place in 0..<50 {
            let account = try await one.account(Account.number(at: place))
            #expect(try await other.account(account.number) == account)
            names.insert(account.name)
        }
        #expect(names.count > 20)
    }

    @Test func `says that an account is missing`() async throws {
        let store = try AccountStore(path: nil, accounts: 1)
        await #expect(throws: EmbeddedError.missing) { try await store.account("999") }
    }

    @Test func `can be made by several at once`() async throws {
        try await withThrowingTaskGroup(of: Account.self) { group in
            for _ in 0..<4 {
                group.addTask { [path] in
                    try await AccountStore(path: path, accounts: 300).account("100000000299")
                }
            }
            var accounts: Set<Account> = []
            for try await account in group { accounts.insert(account) }
            #expect(accounts.count == 1)
        }
    }

    @Test func `refuses a file that is none and leaves it as it was`() throws {
        let folder = (path as NSString).deletingLastPathComponent
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        let text = String(repeating: "this is a letter, not a database\n", count: 50)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: EmbeddedError.self) {
            try AccountStore(path: path, accounts: 5)
        }
        #expect("\(error!)".contains(path) && "\(error!)".contains("LARDER_STORE"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }

    @Test func `refuses a folder that cannot be made`() {
        let error = #expect(throws: EmbeddedError.self) {
            try AccountStore(path: "/dev/null/larder/accounts.sqlite", accounts: 5)
        }
        #expect("\(error!)".hasPrefix("the account store /dev/null/larder/accounts.sqlite cannot"))
    }
}
