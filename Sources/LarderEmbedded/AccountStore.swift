import Foundation
import GRDB

/// Accounts in a SQLite file, made and filled at first use.
public final class AccountStore: Sendable {
    private let database: any DatabaseWriter

    /// Opens the store at `path` (in memory without one) and sees to it that it holds at least
    /// `accounts` accounts; those that are there stay as they are.
    ///
    /// - Throws: ``EmbeddedError`` where the file cannot be made or is no account store; it is left
    ///   as it was then.
    public init(path: String?, accounts: Int) throws {
        do {
            if let path {
                try FileManager.default.createDirectory(
                    atPath: (path as NSString).deletingLastPathComponent,
                    withIntermediateDirectories: true)
                var configuration = GRDB.Configuration()
                // Two processes may make the same file at once.
                configuration.busyMode = .timeout(10)
                database = try DatabaseQueue(path: path, configuration: configuration)
            } else {
                database = try DatabaseQueue()
            }
            try database.write { database in
                try database.execute(sql: Self.schema)
            }
            try fill(to: accounts)
        } catch {
            throw EmbeddedError.unusable(path: path ?? "memory", reason: Self.reason(error))
        }
    }

    private static let schema = """
        CREATE TABLE IF NOT EXISTS accounts (
            number TEXT PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, plan TEXT NOT NULL,
            status TEXT NOT NULL, region TEXT NOT NULL, created TEXT NOT NULL,
            credit INTEGER NOT NULL
        ) WITHOUT ROWID
        """

    private static func reason(_ error: any Error) -> String {
        (error as? DatabaseError)?.message ?? error.localizedDescription
    }

    /// Adds what is missing, some thousands a transaction, so that another process waits little.
    private func fill(to accounts: Int) throws {
        var place = try database.read { try Row.fetchCount($0) }
        while place < accounts {
            let batch = place..<min(place + 10_000, accounts)
            try database.write { database in
                let insert = try database.makeStatement(
                    sql: "INSERT OR IGNORE INTO accounts VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                for place in batch {
                    let account = Account.invented(at: place)
                    try insert.execute(arguments: [
                        account.number, account.name, account.email, account.plan,
                        account.status, account.region, account.created, account.credit,
                    ])
                }
            }
            place = batch.upperBound
        }
    }

    /// - Throws: ``EmbeddedError/missing`` where there is no such account.
    public func account(_ number: String) async throws -> Account {
        let account = try await database.read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM accounts WHERE number = ?", arguments: [number]
            ).map { try Account(row: $0) }
        }
        guard let account else { throw EmbeddedError.missing }
        return account
    }

    /// The accounts whose numbers come after one, in their order.
    func accounts(after number: String, limit: Int) async throws -> [Account] {
        try await database.read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM accounts WHERE number > ? ORDER BY number LIMIT ?",
                arguments: [number, limit]
            ).map { try Account(row: $0) }
        }
    }
}

extension Account {
    /// - Throws: Where the file holds something else than the schema says.
    fileprivate init(row: Row) throws {
        self.init(
            number: try row.decode(forColumn: "number"), name: try row.decode(forColumn: "name"),
            email: try row.decode(forColumn: "email"), plan: try row.decode(forColumn: "plan"),
            status: try row.decode(forColumn: "status"),
            region: try row.decode(forColumn: "region"),
            created: try row.decode(forColumn: "created"),
            credit: try row.decode(forColumn: "credit"))
    }
}

extension Row {
    fileprivate static func fetchCount(_ database: Database) throws -> Int {
        try Int.fetchOne(database, sql: "SELECT COUNT(*) FROM accounts") ?? 0
    }
}

/// What went wrong in the embedded origin, as a sentence for the one who asked.
public enum EmbeddedError: Error, Hashable, CustomStringConvertible {
    /// There is no account of this number.
    case missing
    /// Now and then, on purpose.
    case throttled
    /// For practice, where that was asked for.
    case broken
    /// The file cannot be made, or is no account store; `reason` is SQLite's or the system's.
    case unusable(path: String, reason: String)
    /// The text is no role's ARN.
    case noRole(String)

    public var description: String {
        switch self {
        case .missing: "no account has this number"
        case .throttled: "the rate of requests is exceeded; try again in a moment"
        case .broken: "out of order, for practice, as --failing has it"
        case .unusable(let path, let reason):
            "the account store \(path) cannot be used: \(reason); remove it or name another with "
                + "LARDER_STORE"
        case .noRole(let text):
            "\"\(text)\" is no role; write arn:aws:iam::ACCOUNT:role/NAME with twelve digits"
        }
    }

}
