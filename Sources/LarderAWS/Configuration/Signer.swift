import FoundationEssentials
import Glibc
import Larder
import LarderInspector
import Synchronization

/// Whose keys sign, as the environment and the files say it at this moment.
///
/// Tools write new keys into `~/.aws/credentials` while programs run: the files are looked at
/// before every request and read again where they have changed, and once more when a service says
/// that a session has ended. A file that is half written, or is gone, changes nothing; and where
/// the files become empty, the container's or machine's keys never take their place.
public final class Signer: CredentialProvider {
    private struct State {
        var configuration: AWSConfiguration
        var provider: any CredentialProvider
        var seen: [FileStamp]
    }

    /// A provider as the key of what it gave: two are one where they are the same identity.
    private struct Asked: Hashable, Sendable {
        let provider: any CredentialProvider

        static func == (one: Asked, other: Asked) -> Bool {
            one.provider.identity == other.provider.identity
        }
        func hash(into hasher: inout Hasher) { hasher.combine(provider.identity) }
    }

    private final class Current: Sendable {
        let state: Mutex<State>
        init(_ state: State) { self.state = Mutex(state) }
        var provider: any CredentialProvider { state.withLock { $0.provider } }
    }

    private let current: Current
    private let kept: Cache<Asked, Credentials>
    /// Fetches what the providers fetch.
    private let client: AWSClient
    private let changed = Mutex<(@Sendable () -> Void)?>(nil)

    /// - Throws: ``AWSError`` where there are no keys, or what names them is wrong.
    init(_ configuration: AWSConfiguration, _ client: AWSClient) throws {
        let seen = FileStamp.of(configuration)
        let current = Current(
            State(
                configuration: configuration, provider: try configuration.provider(client),
                seen: seen))
        self.current = current
        self.client = client
        kept = Cache(
            "caller", maxsize: 1, ttl: nil, refresh: configuration.refresh, clock: client.clock
        ) {
            // The same identity may have another provider by now.
            let provider = current.provider
            return try await (Asked(provider: provider) == $0 ? provider : $0.provider)
                .credentials()
        }
    }

    /// The identity whose keys sign now.
    public var identity: String { current.provider.identity }
    /// Whether the keys that sign now are known to be those of a role's session.
    public var givesSessions: Bool { current.provider.givesSessions }

    /// What the next request is signed with. The files are looked at first; sessions are kept, and
    /// refreshed before they end.
    ///
    /// - Throws: ``AWSError``; `CancellationError` where the caller gave up.
    public func credentials() async throws -> Credentials {
        noticeChanges()
        let provider = current.provider
        if let fixed = provider as? StaticProvider { return try fixed.credentials() }
        return try await kept.value(for: Asked(provider: provider))
    }

    /// Reads the files again where they have changed. What cannot be read stays as it was.
    public func noticeChanges() { _ = try? look(isForced: false) }

    /// Lets go of the session that is kept: the next request is signed with another.
    package func forget() { kept.invalidateAll() }

    /// Has `body` called when the keys have become somebody else's.
    public func onChange(_ body: @escaping @Sendable () -> Void) { changed.withLock { $0 = body } }

    /// A service does not know the key, or says that its session has ended; returns whether it may
    /// be another one the next time.
    func reject(_ id: String) -> Bool {
        let before = current.provider
        _ = try? look(isForced: true)
        let now = current.provider
        guard let fixed = now as? StaticProvider else {
            return kept.reject(Asked(provider: now)) { $0.accessKeyID == id }
                || before.identity != now.identity
        }
        guard let old = before as? StaticProvider else { return true }
        return fixed.keys.accessKeyID != id || !fixed.keys.isSame(as: old.keys)
    }

    /// Reads the files again.
    ///
    /// - Returns: The places of settings that have changed and are heeded only at a start.
    /// - Throws: ``AWSError``; then nothing is changed.
    public func readAgain() throws -> [String] { try look(isForced: true) }

    private func look(isForced: Bool) throws -> [String] {
        let (old, provider, seen) = current.state.withLock {
            ($0.configuration, $0.provider, $0.seen)
        }
        let stamps = FileStamp.of(old)
        guard isForced || stamps != seen else { return [] }
        let configuration = try old.readAgain()
        let fresh = try configuration.provider(client)
        guard fresh.isWritten || !provider.isWritten else {
            throw AWSError(
                .noCredentials,
                "the keys that were in use are written nowhere any more; those before stay in use")
        }
        current.state.withLock {
            $0 = State(configuration: configuration, provider: fresh, seen: stamps)
        }
        if fresh.identity != provider.identity { changed.withLock { $0 }?() }
        return configuration.differences(from: old)
    }
}

extension CredentialProvider {
    /// Whether somebody configured these keys; those of a container or machine are only at hand.
    fileprivate var isWritten: Bool { !(self is ContainerProvider || self is MetadataProvider) }
}

extension Credentials {
    package func isSame(as other: Credentials) -> Bool {
        guard accessKeyID == other.accessKeyID, secretAccessKey.isSame(as: other.secretAccessKey)
        else { return false }
        guard let token = sessionToken, let otherToken = other.sessionToken else {
            return sessionToken == nil && other.sessionToken == nil
        }
        return token.isSame(as: otherToken)
    }
}

/// What a file looks like from outside: another one, or the same written anew, looks otherwise.
private struct FileStamp: Equatable {
    var file: UInt64
    var size: Int64
    var changes: [Int]

    static func of(_ configuration: AWSConfiguration) -> [FileStamp] {
        [configuration.profiles.configPath, configuration.profiles.credentialsPath].map { path in
            var status = stat()
            guard stat(path, &status) == 0 else { return FileStamp(file: 0, size: 0, changes: []) }
            return FileStamp(
                file: UInt64(status.st_ino), size: Int64(status.st_size),
                changes: [
                    status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec,
                    status.st_ctim.tv_nsec,
                ])
        }
    }
}

extension AWSConfiguration {
    fileprivate func provider(_ client: AWSClient) throws -> any CredentialProvider {
        var visited: [String] = []
        return try provider(profile, client, &visited)
    }

    /// The same, as the files are now.
    fileprivate func readAgain() throws(AWSError) -> AWSConfiguration {
        var fresh = try AWSConfiguration(
            environment, secrets: secrets, profile: isExplicit ? profile : nil)
        fresh.code = code
        fresh.terminal = terminal
        fresh.refresh = refresh
        fresh.deadlines = deadlines
        fresh.notice = notice
        fresh.logger = logger
        return fresh
    }

    fileprivate func differences(from old: AWSConfiguration) -> [String] {
        SettingMeanings.network.sorted().compactMap { name in
            guard settings[name]?.value != old.settings[name]?.value else { return nil }
            let place = settings[name]?.place ?? old.settings[name]?.place
            return place.map { "\($0): \(name)" }
        }
    }
}
