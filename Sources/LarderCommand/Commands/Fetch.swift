import ArgumentParser
import Foundation
import Larder
import LarderInspector
import LarderRemote
import LarderWire

struct Fetch: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Look one key up and print its value.",
        discussion: """
            Examples:
              larder fetch account 123456789012 --table accounts
              larder fetch credentials arn:aws:iam::222222222222:role/reader
              larder fetch sessions 4711

            A cache by another name is one of a running engine.
            """,
        subcommands: [FetchAccount.self, FetchCredentials.self, FetchEntry.self],
        defaultSubcommand: FetchEntry.self)
}

/// Looks up a key of any cache, whatever the cache is called.
struct FetchEntry: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "entry", abstract: "Look a key of a running engine's cache up.",
        discussion: "The engine fetches it where it is not held: `larder entry` only looks.")

    @Argument(help: "The cache, by its name.")
    var cache: String?

    @Argument(help: "The key, as the engine shows it.")
    var key: String?

    @OptionGroup
    var repetition: Repetition

    @OptionGroup
    var target: Target

    func validate() throws {
        guard cache == nil || key != nil else {
            throw ValidationError(
                "a cache and a key are expected, such as: larder fetch sessions 4711")
        }
    }

    func run() async throws {
        // Without a word it says what can be fetched.
        guard let cache, let key else { throw CleanExit.helpRequest(Fetch.self) }
        try await repetition.fetch(target, EntryKey(cache: cache, key: key))
    }
}

struct FetchAccount: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "account", abstract: "Look an account up and print its item as JSON.",
        discussion: """
            Numbers are numbers with every digit, sets are lists in the order in which DynamoDB \
            gave them, binary is base64 in a string. --dynamodb-json has them with their types.
            """)

    @Argument(help: "The account's number: the value of the table's partition key.")
    var number: String

    @Flag(
        name: .customLong("dynamodb-json"), help: "Print the item as DynamoDB has it, with types.")
    var dynamoDBJSON = false

    @OptionGroup(title: "Origin")
    var origin: OriginOptions

    @OptionGroup
    var repetition: Repetition

    func validate() throws {
        guard !dynamoDBJSON || origin.isAWS else {
            throw ValidationError("--dynamodb-json belongs to accounts of a DynamoDB --table")
        }
        guard !number.isEmpty else { throw ValidationError("the account's number is empty") }
        guard !origin.isAWS || origin.table != nil else {
            throw ValidationError("--table: name the DynamoDB table that holds the accounts")
        }
        try origin.checkCacheNames()
    }

    @OptionGroup
    var target: Target

    func run() async throws {
        if !dynamoDBJSON, target.isRunning(unless: OriginOptions.isNamed) {
            return try await repetition.fetch(target, EntryKey(cache: "accounts", key: number))
        }
        let engine = try await Engine.make(origin.unlessInvented())
        try await closing(engine) {
            let result = try await repetition.fetch(
                engine, EntryKey(cache: "accounts", key: number))
            if dynamoDBJSON, let json = engine.dynamoDBJSON {
                Output.print(json: try await json(number))
            } else {
                repetition.show(result.value)
            }
        }
    }
}

struct FetchCredentials: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "credentials",
        abstract: "Assume a role and print what may be seen of its credentials.",
        discussion: "Secrets are printed only with --show-secrets.")

    @Argument(help: "The role's ARN, such as arn:aws:iam::222222222222:role/reader.")
    var role: String

    @Flag(help: "Print the access key, the secret access key and the session token in full.")
    var showSecrets = false

    @OptionGroup(title: "Origin")
    var origin: OriginOptions

    @OptionGroup
    var repetition: Repetition

    @OptionGroup
    var target: Target

    func validate() throws { try origin.checkCacheNames() }

    func run() async throws {
        // What is secret never leaves another process.
        if !showSecrets, target.isRunning(unless: OriginOptions.isNamed) {
            return try await repetition.fetch(target, EntryKey(cache: "credentials", key: role))
        }
        var origin = origin
        // Where there is no word of AWS, a role is one of the embedded issuer's.
        origin.role = origin.isAWS ? nil : origin.role
        let engine = try await Engine.make(origin.unlessInvented())
        try await closing(engine) {
            let result = try await repetition.fetch(
                engine, EntryKey(cache: "credentials", key: role))
            repetition.show(showSecrets ? try await engine.reveal(role) : result.value)
        }
    }
}

/// The same look-up many times over.
struct Repetition: ParsableArguments {
    @Option(help: "How many times to look it up.")
    var times = 1

    @Option(help: "How many look-ups at once.")
    var parallel = 1

    @Option(help: "How the value is printed: text, json or csv.")
    var format = LookingOptions.Format.json

    /// Prints a value.
    func show(_ value: Shown, _ from: Source = Source()) {
        var output = FormatOption()
        output.format = format
        guard format != .json else {
            return output.print(json: FormatOption.json(value), from)
        }
        output.print(
            value.leaves.map { Field($0.path.isEmpty ? "value" : $0.path, $0.text) }, from)
    }

    func validate() throws {
        guard (1...1_000_000).contains(times) else {
            throw ValidationError("--times: 1 to 1000000 are accepted")
        }
        guard (1...10_000).contains(parallel) else {
            throw ValidationError("--parallel: 1 to 10000 are accepted")
        }
    }

    /// Makes the look-ups through running engines, prints the value, and says on standard error
    /// what they came to.
    func fetch(_ target: Target, _ key: EntryKey) async throws {
        try await target.each(format) { inspector, from in
            try await inspector.checkMayChange()
            let began = ContinuousClock.now
            let result = try await lookUp(inspector, key)
            let took = ContinuousClock.now - began
            // An engine that was told to end may have done so with this fetch.
            let at = try? await inspector.report().at
            let kept = result.row.map { row in
                let age = at.map { "age \(Format.age($0 - row.writtenAt)), " } ?? ""
                return age + "version \(row.version)"
            }
            let what = "\(result.wasHit ? "hit" : "miss"), \(kept ?? "not kept")"
            say("\(inspector.place.name): \(what), \(Format.took(took))")
            show(result.value, from)
        }
    }

    /// Makes the look-ups and says on standard error what they came to; returns the last result.
    func fetch(_ engine: Engine, _ key: EntryKey) async throws -> FetchResult {
        let began = ContinuousClock.now
        let result = try await lookUp(engine.inspector, key)
        let took = ContinuousClock.now - began
        let demo = engine.isDemo ? "DEMO, what is printed is invented: " : ""
        let why =
            Rendezvous.all(ProcessInfo.processInfo.environment).isEmpty
            ? "no engine is running"
            : "an origin, or LARDER_STORE, was named, so no engine was asked"
        say("\(demo)\(why): fetched by this command itself, nothing is kept after it")
        let counters = try await engine.inspector.report().caches
            .first { $0.name == key.cache }!.snapshot.counters
        let version = result.row.map { "version \($0.version)" } ?? "not kept"
        say(
            times == 1
                ? "miss, \(version), \(Format.took(took))"
                : Units.counted(Int(clamping: counters.hits), "hit") + ", "
                    + Units.counted(Int(clamping: counters.misses), "miss", "misses")
                    + ", \(counters.coalesced) coalesced, \(version), \(Format.took(took))")
        return result
    }

    private func lookUp(_ inspector: any Inspector, _ key: EntryKey) async throws -> FetchResult {
        try await withThrowingTaskGroup(of: FetchResult.self) { group in
            var last: FetchResult?
            for started in 0..<times {
                if started >= parallel { last = try await group.next() }
                group.addTask { try await inspector.fetch(key) }
            }
            while let result = try await group.next() { last = result }
            return last!
        }
    }
}

extension OriginOptions {
    /// The same, where somebody looks at a terminal or said that invented values are meant.
    ///
    /// - Throws: ``Ending`` with 69: a script would take them for a service's.
    fileprivate func unlessInvented() throws -> OriginOptions {
        let isSaid =
            Self.isNamed || ProcessInfo.processInfo.environment["LARDER_STORE"] != nil
        guard !isAWS, !isSaid, isatty(1) == 0 else { return self }
        for line in Target.nobody.lines {
            say("\(line), and --origin embedded fetches what is invented")
        }
        throw Ending(status: Target.nobody.status)
    }
}

/// Runs `work` and closes the engine, whatever came of it.
func closing(_ engine: Engine, _ work: () async throws -> Void) async throws {
    let result: Result<Void, any Error>
    do { result = .success(try await work()) } catch { result = .failure(error) }
    await engine.close()
    try result.get()
}
